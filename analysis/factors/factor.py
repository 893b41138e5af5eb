"""What the project knows of a generative factor, in one record."""

from typing import NamedTuple


class Factor(NamedTuple):
    """A quantity in which pictures differ: measured on them, or known with the data set."""

    name: str  # its column
    short: str  # the property, in a word
    unit: str
    label: str  # for people
    definition: str  # how it is measured

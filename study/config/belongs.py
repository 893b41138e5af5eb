"""Which keys of a run belong to which of its parts, and what they are there by default.

Code of the user's own may be given every key of its part, and fills in none.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple


class Own(NamedTuple):
    """A key that only some values of a part have."""

    part: str
    defaults: Mapping[str, Any]  # of the values that have it
    elsewhere: Any = None  # what the key is for the others
    in_every_id: bool = False  # it has no default that all know


KEYS = {
    "hidden": Own("network", {"mlp": 500}, 500),
    "prior_components": Own("prior", {"mixture": 100, "vamp": 500}),
    "beta": Own("objective", {"beta": 1.0, "tc": 1.0}, 1.0),
    "kl_warmup_epochs": Own("objective", {"beta": 0}, 0),
    "gamma": Own("objective", {"annealed": 1000.0, "factor": 10.0}, in_every_id=True),
    "capacity": Own("objective", {"annealed": 25.0}, in_every_id=True),
    "capacity_epochs": Own("objective", {"annealed": 50}),
    "lambda_od": Own("objective", {"dip1": 10.0, "dip2": 10.0}, in_every_id=True),
    "discriminator_hidden": Own("objective", {"factor": 1000}),
}
BUILT_IN = {
    "network": ("mlp", "conv"),
    "prior": ("normal", "mixture", "vamp", "flow"),
    "objective": ("beta", "annealed", "tc", "factor", "dip1", "dip2"),
}
"""By part; any other name is the user's own code, or a mistake that the part's room words."""

TRAIN_IMAGES = {
    "mnist": 60_000,
    "strokes": 61_440,
    "fashion-mnist": 60_000,
    "kmnist": 60_000,
    "emnist-letters": 124_800,
    "usps": 7_291,
    "dsprites": 663_552,  # nine tenths of 737,280
    "shapes3d": 432_000,  # nine tenths of 480,000
}
"""Training images of the data sets that have a name; `train_images` without a value is all."""

OVER_THE_BATCH = {"tc", "factor", "dip1", "dip2"}
"""Objectives whose cost compares the images of a batch."""


def fill(values: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a run, with those of the keys that belong to its parts and were not given.

    Args:
        values: by key of RunConfig, as they were given, not checked yet.
        defaults: of the keys, the parts among them.
    """
    whole = dict(values)
    for key, own in KEYS.items():
        if whole.get(key, defaults[key]) is None:
            whole[key] = own.defaults.get(str(values.get(own.part, defaults[own.part])))
    if "train_images" not in whole:
        whole["train_images"] = all_images(str(values.get("data", defaults["data"])))
    return whole


def all_images(data: str) -> int:
    """How many training images a data set has by its name; as many as MNIST where it has none."""
    return TRAIN_IMAGES.get(data, TRAIN_IMAGES["mnist"])


def belongs(key: str, values: Mapping[str, Any]) -> bool:
    """Whether a run with these parts has a key; with `conditioning: prior` it has no other prior.

    Args:
        values: by key, those of all parts and of `conditioning`.
    """
    if key == "prior":
        return bool(values["conditioning"] != "prior")
    if key not in KEYS:
        return True
    own = KEYS[key]
    return values[own.part] in own.defaults or values[own.part] not in BUILT_IN[own.part]


def misplaced(values: Mapping[str, Any]) -> str | None:
    """One line on a key that the parts of a run do not have; None where all are in place."""
    for key, own in KEYS.items():
        value = values[key]
        if value != own.elsewhere and not belongs(key, values):
            shown, part = f"{value:g}" if isinstance(value, float) else value, values[own.part]
            return (
                f"{key} {shown} belongs to {own.part} {' and '.join(own.defaults)}, not to {part}"
            )
    return None


def left_out(key: str, part: str) -> Any:
    """The value of a key that an id does not name, with this value of its part."""
    own = KEYS[key]
    return None if own.in_every_id else own.defaults.get(part, own.elsewhere)

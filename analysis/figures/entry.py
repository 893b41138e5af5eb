"""What one figure is to the gallery."""

from collections.abc import Callable
from typing import Any, NamedTuple

from matplotlib.figure import Figure

from analysis.figures.inputs import FigureInputs


class StudyFigure(NamedTuple):
    """A figure that a study may have; its content is a table, a sheet of pictures or curves."""

    name: str  # of its files
    group: str  # of the gallery: paper, scores, latents or pictures
    title: str | Callable[[Any], str]  # the latter of the content
    make: Callable[[FigureInputs], Any]  # the content; raises Missing
    draw: Callable[[Any], Figure]  # draws the content, computes nothing
    caption: Callable[[Any], str]  # what is seen and how to read it, with numbers of the content
    from_weights: bool = False  # drawn from what was saved where weights or images are gone

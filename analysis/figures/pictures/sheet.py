"""Sheets of pictures: labelled rows of images, kept and drawn.

A sheet is kept as one file of arrays, so that a figure can be drawn again without the weights.
"""

import io
import json
from collections.abc import Callable
from typing import NamedTuple

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures import style
from analysis.figures.inputs import FigureInputs, StudyFigure

Images = npt.NDArray[np.uint8]

GAP = 2  # pixels of white between pictures
LARGEST_IN = 0.36  # a picture's width; more shows no more of small pictures
LETTER_IN = 0.058  # mean width of one at the size of row labels
TITLE_LETTER_IN = 0.064  # mean width of one of a panel's title
LONG = 16  # letters; longer words stand to the right of their row and start at one line
ACROSS = 3  # panels side by side; more than these stand in two rows


class Panel(NamedTuple):
    """Rows of pictures."""

    title: str
    images: Images  # (n_rows, n_columns, height, width), grey, or with a last axis of colours
    rows: list[str]  # words beside each row; empty: none
    columns: list[str]  # words below each column; empty: none
    x_label: str


class Sheet(NamedTuple):
    """The panels of one figure."""

    title: str
    caption: str
    panels: list[Panel]


def sheet_figure(name: str, group: str, make: Callable[[FigureInputs], Sheet]) -> StudyFigure:
    """A sheet as an entry of the gallery; it brings its own title and caption."""
    return StudyFigure(
        name, group, lambda sheet: sheet.title, make, draw_sheet, lambda sheet: sheet.caption, True
    )


def pack(sheet: Sheet) -> bytes:
    """A sheet as the content of an .npz file; equal sheets give equal bytes."""
    words = [panel._replace(images=None)._asdict() for panel in sheet.panels]  # type: ignore[arg-type]
    arrays = {f"images_{index}": panel.images for index, panel in enumerate(sheet.panels)}
    text = json.dumps({"title": sheet.title, "caption": sheet.caption, "panels": words})
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, words=np.array(text), **arrays)
    return buffer.getvalue()


def unpack(content: bytes) -> Sheet:
    """The sheet that `pack` made."""
    with np.load(io.BytesIO(content)) as arrays:
        words = json.loads(str(arrays["words"]))
        panels = [
            Panel(**{**panel, "images": arrays[f"images_{index}"]})
            for index, panel in enumerate(words["panels"])
        ]
    return Sheet(words["title"], words["caption"], panels)


@mpl.rc_context(style.PLAIN)
def draw_sheet(sheet: Sheet) -> Figure:
    """Every panel a block of pictures, words beside the rows; 0 is black."""
    n = len(sheet.panels)
    across = n if n <= ACROSS else 2
    down = -(-n // across)
    words_in = sum(_words_in(panel) for panel in sheet.panels[:across])
    n_columns = sum(panel.images.shape[1] for panel in sheet.panels[:across])
    side = min(LARGEST_IN, (style.PAGE_IN - words_in - 0.1 * across) / n_columns)
    n_rows = max(panel.images.shape[0] for panel in sheet.panels)
    height, width = sheet.panels[0].images.shape[2:4]
    rows_in = n_rows * side * (height / width)
    size = (words_in + n_columns * side + 0.1 * across, down * (rows_in + 0.5) + 0.3)
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(down, across, squeeze=False).ravel()
    for place, panel in zip(axes, sheet.panels, strict=False):
        _draw_panel(place, panel, n_columns * side / across / panel.images.shape[1])
    for place in axes[n:]:
        place.set_axis_off()
    if n == 1:
        axes[0].set_title(sheet.title)
    elif sheet.title:
        figure.suptitle(sheet.title, fontsize=style.STYLE["axes.titlesize"])
    return figure


def mosaic(images: Images) -> Images:
    """Pictures of a `Panel` as one, with white between them; the axis of colours stays the last."""
    n_rows, n_columns, height, width, *colours = images.shape
    padded = np.full((n_rows, n_columns, height + GAP, width + GAP, *colours), 255, np.uint8)
    padded[:, :, :height, :width] = images
    down, across = n_rows * (height + GAP), n_columns * (width + GAP)
    return padded.swapaxes(1, 2).reshape(down, across, *colours)[:-GAP, :-GAP]


def _words_in(panel: Panel) -> float:
    """Inches that a panel's row labels take."""
    return LETTER_IN * max((len(words) for words in panel.rows), default=0) + 0.1


def _draw_panel(axes: Axes, panel: Panel, side_in: float) -> None:
    n_rows, n_columns, height, width = panel.images.shape[:4]
    axes.imshow(mosaic(panel.images), cmap="gray", vmin=0, vmax=255, interpolation="none")
    down, across = height + GAP, width + GAP
    axes.set_yticks(np.arange(n_rows) * down + height / 2 if panel.rows else [], panel.rows)
    axes.set_xticks(
        np.arange(n_columns) * across + width / 2 if panel.columns else [], panel.columns
    )
    axes.tick_params(length=0, labelsize=min(7.0, 31 * side_in + 1), pad=2)
    axes.tick_params(axis="y", labelsize=min(7.0, 60 * side_in))
    right = max((len(words) for words in panel.rows), default=0) > LONG
    if right:
        axes.yaxis.tick_right()
    axes.set_anchor("E" if right else "W")  # the side of the words, so that they keep their place
    letters = max(20, round(n_columns * side_in / TITLE_LETTER_IN))  # no wider than its pictures
    axes.set_title(style.wrapped(panel.title, letters), fontsize=8)
    axes.set_xlabel(panel.x_label)
    for spine in axes.spines.values():
        spine.set_visible(False)

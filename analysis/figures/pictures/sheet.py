"""Sheets of pictures: labelled rows of images, kept and drawn.

A sheet is kept as one file of arrays, so that a figure can be drawn again without the weights.
"""

import io
import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from matplotlib.textpath import TextPath

from analysis.figures import rows, style
from analysis.figures.inputs import FigureInputs, StudyFigure

Images = npt.NDArray[np.uint8]

GAP = 2  # pixels of white between pictures
LARGEST_IN = 0.42  # a picture's width; more shows no more of small pictures
LEAST_IN = 0.24  # in one column of print; where pictures would be smaller they get both
LETTER_IN = 0.061  # mean width of one of a title
LINE_IN = 0.15  # height of a line of words
LONG = 16  # letters; longer words stand to the right of their row and start at one line
ACROSS = 3  # panels side by side; more than these stand in two rows
MARGIN_IN = 0.05
WORD_POINTS, TITLE_POINTS = 7.0, 8.0


class Panel(NamedTuple):
    """Rows of pictures."""

    title: str
    images: Images  # (n_rows, n_columns, height, width), grey, or with a last axis of colours
    rows: list[str]  # words beside each row; empty: none
    columns: list[str]  # words below each column; empty: none
    x_label: str


class Margins(NamedTuple):
    """What stands around the pictures of a panel, inches."""

    left: float
    right: float
    above: float
    below: float


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
    """Every panel a block of pictures, words beside the rows; 0 is black.

    The figure is as wide as a column of print, or as two, and no higher than a page.
    """
    across = len(sheet.panels) if len(sheet.panels) <= ACROSS else 2
    lines = [sheet.panels[i : i + across] for i in range(0, len(sheet.panels), across)]
    for width in (style.COLUMN_IN, style.PAGE_IN):
        title = rows.wrapped(sheet.title, int((width - 2 * MARGIN_IN) / LETTER_IN))
        top = LINE_IN * (title.count("\n") + 1) + 0.07 if title else 0.0
        around, side = _fit(lines, width, style.PAGE_HEIGHT_IN - top)
        if side >= LEAST_IN:
            break
    blocks = [[_size_in(panel, side) for panel in line] for line in lines]
    heights = [
        max(size[1] + one.above + one.below for size, one in zip(*pair, strict=True))
        for pair in zip(blocks, around, strict=True)
    ]
    figure = Figure(figsize=(width, sum(heights) + top))
    whole = sum(_taken(blocks, around))
    place = figure.bbox_inches.height - top
    for line, sizes, margins, height in zip(lines, blocks, around, heights, strict=True):
        left = (width - whole) / 2
        for panel, (w, h), one, taken in zip(
            line, sizes, margins, _taken(blocks, around), strict=False
        ):
            box = (left + one.left, place - one.above - h, w, h)
            _draw_panel(figure, box, panel, side)
            left += taken
        place -= height
    if title:
        figure.suptitle(title, fontsize=TITLE_POINTS, y=1 - 0.03 / figure.get_figheight(),
                        va="top")  # fmt: skip
    return figure


def _fit(
    lines: list[list[Panel]], width: float, height: float
) -> tuple[list[list[Margins]], float]:
    """Margins of every panel, and the width of a picture that fits, inches."""
    side = LARGEST_IN
    for _ in range(3):  # words become smaller with the pictures, and titles take more lines
        around = _aligned([[_margins(panel, side) for panel in line] for line in lines])
        empty = [[(0.0, 0.0)] * len(line) for line in lines]
        n_columns = sum(
            max(panel.images.shape[1] for panel in column) for column in _columns(lines)
        )
        room = width - sum(_taken(empty, around))
        tall = sum(max(_size_in(panel, 1.0)[1] for panel in line) for line in lines)
        beside = sum(max(one.above + one.below for one in margins) for margins in around)
        side = min(LARGEST_IN, room / n_columns, (height - beside) / tall)
    return around, side


def _aligned(around: list[list[Margins]]) -> list[list[Margins]]:
    """Panels one below the other begin at one line."""
    lefts = [max(one.left for one in column) for column in _columns(around)]
    return [
        [one._replace(left=left) for one, left in zip(line, lefts, strict=False)] for line in around
    ]


def _columns(lines: list[list[Any]]) -> list[list[Any]]:
    """What stands one below the other."""
    return [[line[i] for line in lines if i < len(line)] for i in range(len(lines[0]))]


def _taken(blocks: list[list[tuple[float, float]]], around: list[list[Margins]]) -> list[float]:
    """Width of every column of panels with its words."""
    pairs = [list(zip(*line, strict=True)) for line in zip(blocks, around, strict=True)]
    return [
        max(size[0] + one.left + one.right for size, one in column) for column in _columns(pairs)
    ]


def _size_in(panel: Panel, side: float) -> tuple[float, float]:
    """Width and height of a panel's pictures, each `side` wide with its white, inches."""
    n_rows, n_columns, height, width = panel.images.shape[:4]
    pixel = side / (width + GAP)
    return pixel * (n_columns * (width + GAP) - GAP), pixel * (n_rows * (height + GAP) - GAP)


def _margins(panel: Panel, side: float) -> Margins:
    points = _row_points(panel, side)
    words = max((_width_in(word, points) for word in panel.rows), default=0.0) + 2 * MARGIN_IN
    right = _right(panel)
    n_title = _title(panel, side).count("\n") + 1 if panel.title else 0
    below = LINE_IN * (bool(panel.columns) + bool(panel.x_label))
    left = MARGIN_IN if right else max(words, MARGIN_IN)
    return Margins(
        left, words if right else MARGIN_IN, n_title * LINE_IN + MARGIN_IN, below + MARGIN_IN
    )


def _width_in(words: str, points: float) -> float:
    if not words:
        return 0.0
    return float(TextPath((0, 0), words, size=points).get_extents().width) / 72


def _row_points(panel: Panel, side: float) -> float:
    """Size of the words beside rows: no higher than a row."""
    height, width = panel.images.shape[2:4]
    return float(min(WORD_POINTS, 0.8 * 72 * side * height / width))


def _right(panel: Panel) -> bool:
    return max((len(words) for words in panel.rows), default=0) > LONG


def _title(panel: Panel, side: float) -> str:
    """In lines no wider than the pictures."""
    letters = max(20, round(_size_in(panel, side)[0] / LETTER_IN))
    return rows.wrapped(panel.title, letters)


def mosaic(images: Images) -> Images:
    """Pictures of a `Panel` as one, with white between them; the axis of colours stays the last."""
    n_rows, n_columns, height, width, *colours = images.shape
    padded = np.full((n_rows, n_columns, height + GAP, width + GAP, *colours), 255, np.uint8)
    padded[:, :, :height, :width] = images
    down, across = n_rows * (height + GAP), n_columns * (width + GAP)
    return padded.swapaxes(1, 2).reshape(down, across, *colours)[:-GAP, :-GAP]


def _draw_panel(
    figure: Figure, box: tuple[float, float, float, float], panel: Panel, side: float
) -> None:
    """Pictures in a box (left, bottom, width, height; inches), and the words around them."""
    whole = figure.get_size_inches()
    axes = figure.add_axes((box[0] / whole[0], box[1] / whole[1],
                            box[2] / whole[0], box[3] / whole[1]))  # fmt: skip
    n_rows, n_columns, height, width = panel.images.shape[:4]
    axes.imshow(
        mosaic(panel.images), cmap="gray", vmin=0, vmax=255, interpolation="none", aspect="auto"
    )
    down, across = height + GAP, width + GAP
    axes.set_yticks(np.arange(n_rows) * down + height / 2 if panel.rows else [], panel.rows)
    axes.set_xticks(
        np.arange(n_columns) * across + width / 2 if panel.columns else [], panel.columns
    )
    longest = max((_width_in(word, WORD_POINTS) for word in panel.columns), default=0.0)
    fits = WORD_POINTS * min(1.0, 0.9 * side * _every(panel) / longest) if longest else WORD_POINTS
    axes.tick_params(length=0, labelsize=fits, pad=2)
    axes.tick_params(axis="y", labelsize=_row_points(panel, side))
    if _right(panel):
        axes.yaxis.tick_right()
    if panel.title:
        axes.set_title(_title(panel, side), fontsize=WORD_POINTS)
    axes.set_xlabel(panel.x_label, labelpad=2)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _every(panel: Panel) -> int:
    """Columns from one word below to the next."""
    named = [place for place, word in enumerate(panel.columns) if word]
    return min((b - a for a, b in pairwise(named)), default=1)

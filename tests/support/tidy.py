"""What every figure must hold to: nothing cut off, nothing over anything else."""

from itertools import combinations

import numpy as np
from matplotlib.collections import LineCollection, PathCollection

SLACK = 1.5  # pixels: where two boxes touch


def apart(one, other):
    """Whether two boxes share no more than an edge."""
    return (
        min(one.x1, other.x1) - max(one.x0, other.x0) <= SLACK
        or min(one.y1, other.y1) - max(one.y0, other.y0) <= SLACK
    )


def assert_tidy(figure):
    """Everything lies inside the figure and in sight; axes, legends, ticks and words lie apart."""
    figure.draw_without_rendering()
    whole, inside = figure.bbox, figure.get_tightbbox().transformed(figure.dpi_scale_trans)
    for name in ("x0", "y0"):
        assert getattr(inside, name) >= getattr(whole, name) - SLACK, name
    for name in ("x1", "y1"):
        assert getattr(inside, name) <= getattr(whole, name) + SLACK, name
    boxes = {str(axes): axes.get_tightbbox() for axes in figure.axes if axes.axison}
    boxes |= {f"legend {n}": one.get_window_extent() for n, one in enumerate(figure.legends)}
    if figure.get_suptitle():
        boxes["title"] = figure._suptitle.get_window_extent()
    for (a, one), (b, other) in combinations(boxes.items(), 2):
        assert apart(one, other), (a, b)
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            shown = [text for text in axis.get_ticklabels() if text.get_text()]
            drawn = [text.get_window_extent() for text in shown if text.get_visible()]
            assert all(apart(*pair) for pair in combinations(drawn, 2)), str(axes)
        assert_all_in_sight(axes)
        texts = [text.get_window_extent() for text in axes.texts if text.get_text()]
        assert all(apart(*pair) for pair in combinations(texts, 2)), f"words of {axes}"


def assert_all_in_sight(axes):
    """The limits of an axes contain every point of its lines, error bars and scatters."""
    low, high = (np.sort(ends) for ends in (axes.get_xlim(), axes.get_ylim()))
    places = [line.get_xydata() for line in axes.lines if line.get_transform() == axes.transData]
    for one in axes.collections:
        if isinstance(one, LineCollection):
            places += one.get_segments()
        elif isinstance(one, PathCollection):
            places.append(one.get_offsets())
    for points in map(np.atleast_2d, places):
        points = points[np.isfinite(points).all(axis=1)]
        for values, (least, most) in zip(points.T, (low, high), strict=True):
            slack = 1e-6 * (most - least)
            assert ((values >= least - slack) & (values <= most + slack)).all(), str(axes)


def words(figure):
    """Every word of a figure's legends."""
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


def ticks(axes, side="y"):
    """The tick labels of one axis."""
    axis = axes.yaxis if side == "y" else axes.xaxis
    return [text.get_text() for text in axis.get_ticklabels()]

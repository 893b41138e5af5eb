"""What every figure must hold to: nothing cut off, nothing over anything else."""

from itertools import combinations

SLACK = 1.5  # pixels: where two boxes touch


def apart(one, other):
    """Whether two boxes share no more than an edge."""
    return (
        min(one.x1, other.x1) - max(one.x0, other.x0) <= SLACK
        or min(one.y1, other.y1) - max(one.y0, other.y0) <= SLACK
    )


def assert_tidy(figure):
    """Everything lies inside the figure, axes and legends lie apart, and so do tick labels."""
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


def words(figure):
    """Every word of a figure's legends."""
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


def ticks(axes, side="y"):
    """The tick labels of one axis."""
    axis = axes.yaxis if side == "y" else axes.xaxis
    return [text.get_text() for text in axis.get_ticklabels()]

"""Differences between two studies, drawn."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.lines import Line2D
from tidy import assert_tidy

from analysis.figures.charts.differences import LOOKS, caption, draw_differences


def table(n_configurations=2, n_panels=3):
    """Of each panel the first row is 2 above 0, the second includes 0, the others lack an end."""
    ends = [(2.0, 1.0, 3.0), (0.5, -1.0, 2.0), *[(1.0, np.nan, np.nan)] * n_configurations]
    rows = [
        (f"J{row + 1}-beta{row + 1}-label", f"score {panel}", 3 - min(row, 1), *ends[row])
        for panel in range(n_panels)
        for row in range(n_configurations)
    ]
    columns = ["configuration", "what", "n_seeds", "difference", "low", "high"]
    return pd.DataFrame(rows, columns=columns)


def test_a_mark_and_its_interval_lie_where_the_table_says():
    figure = draw_differences(table())
    assert [axes.get_title() for axes in figure.axes] == ["score 0", "score 1", "score 2"]
    lines = [line for line in figure.axes[0].get_lines() if isinstance(line, Line2D)]
    drawn = [(list(line.get_xdata()), list(line.get_ydata())) for line in lines[1:]]
    assert drawn == [([1, 3], [0, 0]), ([2], [0]), ([-1, 2], [1, 1]), ([0.5], [1])]
    assert [line.get_color() for line in lines[1:]] == [LOOKS[k]["color"] for k in (1, 1, 0, 0)]
    assert list(lines[0].get_xdata()) == [0, 0]


@pytest.mark.parametrize(("n_configurations", "n_panels"), [(1, 1), (2, 3), (13, 8), (60, 8)])
def test_it_is_tidy_and_fits_a_page(n_configurations, n_panels):
    shown = table(n_configurations, n_panels)
    figure = draw_differences(shown)
    assert_tidy(figure)
    assert figure.get_size_inches()[1] <= 9
    left_out = "of 60 configurations" in caption(shown, "one", "other")
    assert left_out == (n_configurations == 60)


def test_the_caption_says_which_way_and_of_how_many_seeds():
    assert caption(table(), "one", "other").startswith(
        "other minus one, paired by seed (2 to 3 in common), with 95% intervals."
    )

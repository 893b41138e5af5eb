"""The Higgins score by beta."""

import numpy as np
import pandas as pd
from figure_samples import SIZES, ranking_of
from tidy import assert_tidy, ticks

from analysis.figures.charts.higgins_by_beta import along_beta, caption, draw_higgins_by_beta


@SIZES
def test_a_panel_for_each_j_and_a_line_for_each_conditioning(grid):
    table = ranking_of(grid)
    figure = draw_higgins_by_beta(table)
    assert_tidy(figure)
    panels = [axes for axes in figure.axes if axes.axison]
    sizes = sorted(table["latent_dim"].unique())
    assert [axes.get_title() for axes in panels] == [f"J = {size}" for size in sizes]
    assert panels[0].get_ylabel() == "Higgins score"
    assert panels[-1].get_xlabel() == "β"
    assert ticks(panels[-1], "x") == [f"{beta:g}" for beta in sorted(table["beta"].unique())]
    lines = sum(len(axes.containers) for axes in panels)
    assert lines == len(table.groupby(["latent_dim", "conditioning"]))
    best = table.sort_values("higgins").iloc[-1]
    assert f"{best['higgins']:.3f} [" in caption(table)


def test_a_line_by_beta_rises_with_beta_whatever_the_order_of_the_table():
    table = ranking_of([("none", 10, 5.0), ("none", 10, 1.0), ("none", 10, 3.0)])
    (axes,) = draw_higgins_by_beta(table).axes
    line = axes.containers[0][0]
    assert line.get_ydata().tolist() == table.sort_values("beta")["higgins"].tolist()
    assert (np.diff(line.get_xdata()) == 1).all()


def test_a_j_with_one_beta_alone_has_no_place_along_beta():
    table = pd.DataFrame({"latent_dim": [3, 10, 10], "beta": [1.0, 1.0, 4.0]})
    assert along_beta(table)["latent_dim"].tolist() == [10, 10]
    assert along_beta(table.iloc[:2])["latent_dim"].tolist() == [3, 10]

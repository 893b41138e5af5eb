"""What ranks, by beta."""

import itertools
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from figure_samples import ONE, PAPER, SIZES, ranking_of
from tidy import assert_tidy, ticks, words

from analysis.figures.charts.along_beta import along_beta, caption, draw_along_beta, several_betas
from analysis.figures.inputs import Missing
from analysis.statistics.ranking import by_scope

LABEL = "Higgins (3 pairs) score"


@SIZES
def test_a_panel_for_each_j_and_a_line_for_each_conditioning(grid):
    table = ranking_of(grid)
    figure = draw_along_beta(table)
    assert_tidy(figure)
    panels = [axes for axes in figure.axes if axes.axison]
    sizes = sorted(table["latent_dim"].unique())
    assert [axes.get_title() for axes in panels] == [f"J = {size}" for size in sizes]
    assert panels[0].get_ylabel() == LABEL
    assert panels[-1].get_xlabel() == "β"
    assert ticks(panels[-1], "x") == [f"{beta:g}" for beta in sorted(table["beta"].unique())]
    lines = sum(len(axes.containers) for axes in panels)
    assert lines == len(table.groupby(["latent_dim", "conditioning"]))
    best = table.sort_values("score").iloc[-1]
    assert f"{best['score']:.3f} [" in caption(table)


def test_within_a_class_stands_beside_all_images():
    table = pd.concat([ranking_of(PAPER), ranking_of(PAPER, seed=1).assign(scope="within")])
    figure = draw_along_beta(table)
    assert_tidy(figure)
    kinds = itertools.product(("no labels", "labels"), ("all images", "within a class"))
    assert {", ".join(kind) for kind in kinds} <= set(words(figure))


def test_a_line_by_beta_rises_with_beta_whatever_the_order_of_the_table():
    table = ranking_of([("none", 10, 5.0), ("none", 10, 1.0), ("none", 10, 3.0)])
    (axes,) = draw_along_beta(table).axes
    line = axes.containers[0][0]
    assert line.get_ydata().tolist() == table.sort_values("beta")["score"].tolist()
    assert (np.diff(line.get_xdata()) == 1).all()


def test_a_j_with_one_beta_alone_has_no_place_along_beta():
    table = pd.DataFrame({"latent_dim": [3, 10, 10], "beta": [1.0, 1.0, 4.0]})
    assert several_betas(table)["latent_dim"].tolist() == [10, 10]
    assert several_betas(table.iloc[:2])["latent_dim"].tolist() == [3, 10]


def test_betas_are_followed_among_configurations_that_share_everything_else():
    """A prior with one beta has no line, and what another prior does stands in its own panel."""
    normal = ranking_of([("none", 10, 1.0), ("none", 10, 4.0)]).assign(prior="normal")
    flow = normal.assign(prior="flow", score=normal["score"] / 2)
    vamp = ranking_of([("none", 10, 8.0)]).assign(prior="vamp")
    table = several_betas(pd.concat([normal, flow, vamp], ignore_index=True))
    assert set(table["prior"]) == {"normal", "flow"}
    figure = draw_along_beta(table)
    assert_tidy(figure)
    panels = {axes.get_title(): axes for axes in figure.axes if axes.axison}
    assert list(panels) == ["J = 10", "J = 10, prior flow"]
    assert all(len(axes.containers) == 1 for axes in panels.values())
    assert "a panel for each J and prior that has several" in caption(table)


def scores_of(score, rows):
    """Two seeds of one configuration, 0.1 apart: rows of a score by factors and scope."""
    return pd.DataFrame(
        [
            {"run": f"J3-beta1-none-seed{seed}", "basis": "latent", "score": score,
             "factors": factors, "scope": scope, "value": value + seed / 10, "low": 0, "high": 1}
            for (factors, scope), value in rows.items()
            for seed in (0, 1)
        ]
    )  # fmt: skip


def test_scopes_are_those_of_the_factors_that_rank():
    """By intervention where there are such factors."""
    rows = {("measured", "all"): 0.1, ("intervention", "all"): 0.5, ("intervention", "within"): 0.7}
    few, published = scores_of("higgins_few", rows), scores_of("higgins", rows)
    table = by_scope(pd.concat([few, published.assign(value=0.9)])).set_index("scope")
    np.testing.assert_allclose(table.loc[["all", "within"], "score"], [0.55, 0.75])
    assert table["n_scored"].tolist() == [2, 2]
    older = by_scope(scores_of("higgins", {("measured", "all"): 0.1}))
    np.testing.assert_allclose(older["score"], [0.15])


def test_a_study_without_betas_has_nothing_along_beta():
    table = ranking_of(ONE).assign(objective_kind="factor", gamma=10.0)
    with pytest.raises(Missing, match="no objective of these runs has a β"):
        along_beta(SimpleNamespace(ranked=lambda columns: table))

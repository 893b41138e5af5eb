"""The bound against disentanglement."""

from types import SimpleNamespace

import pandas as pd
from figure_samples import ONE, PAPER, SIZES, ranking_of
from tidy import assert_tidy, words

from analysis.figures.charts.pareto import caption, draw_pareto, pareto


@SIZES
def test_the_front_is_numbered_from_the_tightest_bound(grid):
    table = ranking_of(grid)
    figure = draw_pareto(table)
    assert_tidy(figure)
    (axes,) = figure.axes
    joint = ", joint with labels" if "label" in set(table["conditioning"]) else ""
    assert axes.get_xlabel() == f"−ELBO{joint} (nats per image)"
    front = table[table["pareto"]].sort_values("neg_elbo_joint")
    assert [text.get_text() for text in axes.texts] == [str(n + 1) for n in range(len(front))]
    assert axes.lines[0].get_xdata().tolist() == front["neg_elbo_joint"].tolist()
    assert f"1  J = {front['latent_dim'].iloc[0]}, β" in " ".join(words(figure))
    assert len(axes.containers) == len(grid)
    assert f"The {len(front)} on the dashed Pareto front" in caption(table)


def inputs_of(table):
    """Figures' inputs with this ranking alone."""
    return SimpleNamespace(ranked=lambda columns: table)


def test_bounds_of_one_likelihood_alone_share_an_axis():
    table = ranking_of(PAPER[:4]).assign(likelihood=["gaussian", "bernoulli"] * 2)
    drawn = pareto(inputs_of(table))
    assert drawn["configuration"].tolist() == table["configuration"].tolist()[1::2]
    assert "likelihood bernoulli" in caption(drawn)


def test_more_settings_than_marks_are_not_told_apart_by_marks():
    priors = ["normal", "mixture", "vamp", "flow", *(f"own.prior_{n}" for n in range(8))]
    parts = [ranking_of(ONE).assign(prior=prior) for prior in priors]
    figure = draw_pareto(pd.concat(parts, ignore_index=True))
    assert_tidy(figure)
    assert not any("prior vamp" in word and "J" not in word for word in words(figure))

"""Bound against score."""

from figure_samples import SIZES, ranking_of
from tidy import assert_tidy, words

from analysis.figures.charts.pareto import caption, draw_pareto


@SIZES
def test_the_front_is_numbered_from_the_tightest_bound(grid):
    table = ranking_of(grid)
    figure = draw_pareto(table)
    assert_tidy(figure)
    (axes,) = figure.axes
    assert axes.get_xlabel() == "−ELBO, joint with labels (nats per image)"
    front = table[table["pareto"]].sort_values("neg_elbo_joint")
    assert [text.get_text() for text in axes.texts] == [str(n + 1) for n in range(len(front))]
    assert axes.lines[0].get_xdata().tolist() == front["neg_elbo_joint"].tolist()
    assert f"1  J = {front['latent_dim'].iloc[0]}, β" in " ".join(words(figure))
    assert len(axes.containers) == len(grid)
    assert f"the {len(front)} on the dashed front" in caption(table)

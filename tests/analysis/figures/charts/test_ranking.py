"""The chart of the ranking."""

import numpy as np
from figure_samples import ONE, PAPER, SIZES, ranking_of
from tidy import assert_tidy, ticks, words

from analysis.figures.charts.ranking import caption, draw_ranking


@SIZES
def test_ranking_has_a_line_a_configuration_best_on_top(grid):
    table = ranking_of(grid)
    figure = draw_ranking(table)
    assert_tidy(figure)
    higgins, mig = figure.axes
    assert len(ticks(higgins)) == len(grid)
    best = table.iloc[0]
    assert ticks(higgins)[0].startswith(f"J = {best['latent_dim']}, β = {best['beta']:g}")
    assert ticks(higgins)[0].endswith("1")
    assert higgins.yaxis_inverted()
    assert (higgins.get_xlabel(), mig.get_xlabel()) == ("Higgins score", "MIG score")
    assert {"chance", "untrained encoder", "PCA of pixels", "no labels"} <= set(words(figure))
    drawn = np.concatenate([bar[0].get_xdata() for bar in higgins.containers])
    assert sorted(drawn) == sorted(table["higgins"])


def test_the_caption_of_the_ranking_counts_who_is_among_the_best():
    assert "3 among the best, 10 behind and 0 not decided" in caption(ranking_of(PAPER))
    assert "1 among the best, 0 behind" in caption(ranking_of(ONE))

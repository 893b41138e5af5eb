"""The ranking with its floor and ceiling."""

import numpy as np
import pytest
from figure_samples import ONE, PAPER, SIZES, ranking_of
from tidy import assert_tidy, ticks, words

from analysis.figures.charts.ranking import caption, draw_ranking

LABEL = "Higgins (3 pairs) score"


@SIZES
def test_ranking_has_a_line_a_configuration_best_on_top(grid):
    table = ranking_of(grid)
    figure = draw_ranking(table)
    assert_tidy(figure)
    scores, differences = figure.axes
    assert len(ticks(scores)) == len(grid)
    best = table.iloc[0]
    assert ticks(scores)[0].startswith(f"J = {best['latent_dim']}, β = {best['beta']:g}")
    assert scores.yaxis_inverted()
    assert scores.get_xlabel() == LABEL
    for axes, column in ((scores, "score"), (differences, "difference")):
        drawn = np.concatenate([bar[0].get_xdata() for bar in axes.containers])
        assert sorted(drawn) == sorted(table[column])
    assert [text.get_text() for text in differences.texts] == table["verdict"].tolist()


def test_floor_and_ceiling_stand_beside_the_score_where_they_are_known():
    table = ranking_of(PAPER)
    shown = {"its own codes, rotated", "untrained encoder", "the factors themselves"}
    assert shown < set(words(draw_ranking(table)))
    lines = [np.unique(line.get_xdata()) for line in draw_ranking(table).axes[0].lines]
    at = [float(line[0]) for line in lines if len(line) == 1]
    assert all(pytest.approx(value) in at for value in (1 / 3, 0.5, 0.6, 0.94, 1.0))
    older = table.drop(columns="oracle").assign(rotated=np.nan)
    assert shown & set(words(draw_ranking(older))) == {"untrained encoder"}


def test_the_caption_of_the_ranking_counts_who_is_among_the_best():
    assert "3 among the best, 10 behind and 0 not decided" in caption(ranking_of(PAPER))
    assert "1 among the best, 0 behind" in caption(ranking_of(ONE))

"""Rows that fit a page, and words that lie apart."""

from itertools import combinations

import numpy as np
import pytest
from figure_samples import ranking_of
from matplotlib.figure import Figure
from tidy import apart, assert_tidy, ticks

from analysis.figures.charts.ranking import caption, draw_ranking
from analysis.figures.rows import n_that_fit, of_seeds, put_apart
from analysis.figures.style import PAGE_HEIGHT_IN, PAGE_IN


def grid(n):
    betas = [float(beta) for beta in range(1, 11)]
    whole = [(c, j, b) for c in ("none", "label") for j in range(2, 12) for b in betas]
    return whole[:n]


@pytest.mark.parametrize("n", [13, 60, 200])
def test_a_ranking_of_any_length_fits_a_page_and_says_what_it_leaves_out(n):
    table = ranking_of(grid(n))
    figure = draw_ranking(table)
    assert_tidy(figure)
    assert figure.get_figwidth() == PAGE_IN
    assert figure.get_figheight() <= PAGE_HEIGHT_IN
    drawn = len(ticks(figure.axes[0]))
    assert drawn == min(n, 62)
    assert ("Shown are the best 62 of 200 configurations" in caption(table)) == (n == 200)


def test_long_names_take_more_of_a_page():
    assert n_that_fit(["J = 10"] * 100) > n_that_fit(["J = 10, " * 12] * 100)
    assert n_that_fit(["J = 10"] * 5) == 5


def test_words_at_one_place_are_put_beside_each_other():
    figure = Figure(figsize=(3, 2))
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1])
    figure.draw_without_rendering()
    texts = put_apart(axes, np.full((10, 2), 0.5), [str(n) for n in range(10)], on_place=True)
    assert texts[0].get_position() == (0, 0)  # the first stays where it belongs
    boxes = [text.get_window_extent() for text in texts]
    assert all(apart(*pair) for pair in combinations(boxes, 2))
    inside = axes.get_window_extent()
    assert all(inside.contains(*box.min) and inside.contains(*box.max) for box in boxes)


def test_seeds_of_runs_in_words():
    assert of_seeds(["J3-beta1-none-seed0"]) == " Seed 0."
    assert of_seeds(["a-seed2-0123abcd", "b-seed0", "c-seed2"]) == " Seeds 0 and 2."
    assert of_seeds(["as it is"]) == ""

"""The figure of a search beside a grid, where all means are known."""

import pandas as pd
import pytest
from tidy import assert_tidy, words

from analysis.figures.beyond_search import draw


def scored(name, neg_elbos, scores):
    return pd.DataFrame({"configuration": name, "neg_elbo": neg_elbos, "score": scores})


GRID = pd.concat([scored("J10-beta1", 100.0, [0.5, 0.6]), scored("J10-beta4", 120.0, [0.6, 0.7])])
FOUND = pd.concat(
    [scored("J9-conv", [90.0, 92.0], [0.4, 0.8]), scored("J8-conv", 95.0, [0.5, 0.7])]
)
TRIALS = pd.concat(
    [
        scored("J9-conv", 93.0, [0.9]),
        scored("J8-conv", 94.0, [0.8]),
        scored("J7", 300.0, [0.2]),  # no room for it
    ]
)


def test_it_is_tidy_and_says_how_many_trials_it_has_no_room_for():
    figure = draw(GRID, TRIALS, FOUND)
    assert_tidy(figure)
    assert sorted(words(figure)) == [
        "configurations of the grid, mean of its seeds",
        "trials of the search, one seed (1 more further right)",
        "what was found, mean of several seeds",
    ]


def test_a_line_leads_from_a_trial_to_the_mean_of_its_seeds():
    _, near = draw(GRID, TRIALS, FOUND).axes
    lines = [line.get_xydata().tolist() for line in near.lines if line.get_linestyle() == ":"]
    assert sorted(lines) == [
        [[93.0, 0.9], [91.0, pytest.approx(0.6)]],
        [[94.0, 0.8], [95.0, pytest.approx(0.6)]],
    ]


def test_a_bar_reaches_from_the_lowest_seed_to_the_highest():
    _, near = draw(GRID, TRIALS, FOUND).axes
    (bars,) = near.collections[1:]
    assert sorted(segment[:, 1].tolist() for segment in bars.get_segments()) == [
        pytest.approx([0.4, 0.8]),
        pytest.approx([0.5, 0.7]),
    ]

"""Comparisons with the best: by hand, by simulation, and their words as evidence grows."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t as student_t

from analysis.statistics.comparisons import with_the_best

WORDS = ["not decided", "among the best", "behind"]


def table(**rows):
    return pd.DataFrame.from_dict(rows, orient="index")


def test_two_configurations_by_hand():
    """a - b is 0.2, 0.3, 0.4: mean 0.3, standard error 0.1 / sqrt(3), t(0.95; 2) = 2.920."""
    seen = with_the_best(table(a=[0.5, 0.6, 0.7], b=[0.3, 0.3, 0.3]))
    half = 2.919986 * 0.1 / 3**0.5
    assert seen.loc["a"].tolist() == pytest.approx([0.6, 0.3, 0, 0.3 + half, "among the best"])
    assert seen.loc["b"].tolist() == pytest.approx([0.3, -0.3, -0.3 - half, 0, "behind"])


def test_three_share_the_five_percent_among_two_tests_each():
    values = table(a=[0.9, 0.8, 0.85, 0.84], b=[0.7, 0.71, 0.69, 0.73], c=[0.1, 0.2, 0.15, 0.12])
    lead = values.loc["a"] - values.loc["b"]
    half = student_t.ppf(1 - 0.025, 3) * lead.std() / 2
    assert with_the_best(values).loc["a", "difference_high"] == pytest.approx(lead.mean() + half)


def test_what_seeds_share_does_not_widen_the_intervals():
    noise = np.random.default_rng(0).normal(size=5)
    values = table(a=[0.5, 0.6, 0.55, 0.5, 0.6], b=[0.5, 0.5, 0.5, 0.5, 0.4])
    columns = ["difference", "difference_low", "difference_high"]
    seen = [with_the_best(one)[columns] for one in (values, values + noise)]
    np.testing.assert_allclose(*seen)


def test_one_seed_decides_nothing_and_spoils_nothing():
    seen = with_the_best(table(a=[0.9], b=[0.1]))
    assert seen["verdict"].tolist() == ["not decided"] * 2
    assert seen[["difference", "difference_low", "difference_high"]].isna().all(axis=None)
    nan = np.nan
    seen = with_the_best(table(a=[0.9, 0.91, 0.9], b=[0.1, 0.1, 0.1], c=[0.95, nan, nan]))
    assert seen["verdict"].tolist() == ["among the best", "behind", "not decided"]
    assert seen.loc["c", "mean"] == 0.95


def test_a_missing_seed_leaves_the_pairs_that_have_it():
    nan = np.nan
    whole = table(a=[0.9, 0.8, 0.85], b=[0.5, 0.45, 0.4])
    more = table(a=[0.9, 0.8, 0.85, 0.1], b=[0.5, 0.45, 0.4, nan])
    columns = ["difference", "difference_low", "difference_high", "verdict"]
    pd.testing.assert_frame_equal(with_the_best(more)[columns], with_the_best(whole)[columns])


def test_exact_ties_are_both_among_the_best_and_who_is_below_is_behind():
    seen = with_the_best(table(a=[1.0] * 3, b=[1.0] * 3, c=[0.7] * 3))
    assert seen["verdict"].tolist() == ["among the best", "among the best", "behind"]
    assert seen.loc["c", "difference_low"] == pytest.approx(-0.3)


def truths():
    """True means of 13 configurations: one leader, ties at the top, all equal."""
    lead = np.linspace(0.9, 0.3, 13)
    ties = lead.copy()
    ties[:5] = 0.9
    return {"a leader": lead, "ties at the top": ties, "all equal": np.full(13, 0.5)}


@pytest.mark.parametrize("n_seeds", [3, 7, 10])
@pytest.mark.parametrize("truth", truths())
def test_all_intervals_hold_at_once_as_often_as_they_say(truth, n_seeds):
    """Unequal variances, and a part that is common to the configurations of a seed."""
    means, rng, n = truths()[truth], np.random.default_rng(n_seeds), 300
    others = np.array([np.delete(means, i).max() for i in range(13)])
    spread = np.linspace(0.01, 0.1, 13)[rng.permutation(13)]
    covered = 0
    for _ in range(n):
        common = rng.normal(0, 0.05, n_seeds)
        values = means[:, None] + common + spread[:, None] * rng.normal(size=(13, n_seeds))
        seen = with_the_best(pd.DataFrame(values)).fillna({"difference_low": -np.inf})
        low, high = seen["difference_low"] - 1e-12, seen["difference_high"] + 1e-12
        covered += bool(((low <= means - others) & (means - others <= high)).all())
    assert covered / n >= 0.95 - 3 * (0.95 * 0.05 / n) ** 0.5


def test_the_first_of_equals_is_rarely_said_to_be_ahead_of_them_all():
    """The leader is chosen on the seeds that judge it."""
    rng, n = np.random.default_rng(0), 300
    draws = (pd.DataFrame(rng.normal(0.5, 0.05, (13, 7))) for _ in range(n))
    alone = sum((with_the_best(draw)["verdict"] == "behind").sum() == 12 for draw in draws)
    assert alone / n <= 0.05 + 3 * (0.05 * 0.95 / n) ** 0.5


@pytest.mark.parametrize("n_seeds", [3, 10])
def test_less_noise_never_takes_a_word_back(n_seeds):
    rng = np.random.default_rng(n_seeds)
    for _ in range(20):
        means, noise = rng.uniform(0.3, 0.9, 6), rng.normal(size=(6, n_seeds))
        noise -= noise.mean(axis=1, keepdims=True)  # the means stay where they are
        before = None
        for scale in np.geomspace(0.3, 0.0003, 12):
            after = with_the_best(pd.DataFrame(means[:, None] + scale * noise))["verdict"]
            if before is not None:
                decided = before != "not decided"
                assert (after[decided] != "not decided").all()
                among = before == "among the best"
                assert (after[among] == "among the best").all()
            before = after
        assert "not decided" not in set(before)


def test_more_seeds_alike_never_take_a_word_back():
    values = np.array([[0.9, 0.8, 0.85], [0.85, 0.86, 0.87], [0.5, 0.6, 0.4]])
    ranks = [
        with_the_best(pd.DataFrame(np.tile(values, n)))["verdict"].map(WORDS.index).tolist()
        for n in (1, 3, 10, 100)
    ]
    for fewer, more in pairwise(ranks):
        assert all(b == a or a == 0 for a, b in zip(fewer, more, strict=True))
    assert 0 not in ranks[-1]

"""Kinds compared at equal weight, rate and reconstruction, on lines known by hand."""

import numpy as np
import pandas as pd
import pytest

from analysis.paper.beyond.matched import (
    BETTER,
    SAME,
    UNDECIDED,
    WORSE,
    against_a_curve,
    at_equal,
    at_equal_beta,
    judged,
)


def runs(kind, points, seeds=(0, 1, 2), shift=0.0):
    """Runs of a kind at (beta, kl, score), the same for every seed but for a shift of the score."""
    return pd.DataFrame(
        {"kind": kind, "beta": beta, "seed": seed, "kl": kl, "score": score + shift * seed}
        for seed in seeds
        for beta, kl, score in points
    )


PLAIN = runs("plain", [(1, 20, 0.4), (2, 14, 0.5), (4, 10, 0.6), (10, 5, 0.5)])


def test_at_equal_beta_is_the_mean_over_the_betas_in_common():
    other = runs("conv", [(1, 25, 0.5), (4, 12, 0.8), (7, 9, 1.0)])
    matched = at_equal_beta(pd.concat([PLAIN, other]), "conv", "plain")
    assert matched.differences.to_dict() == pytest.approx({0: 0.15, 1: 0.15, 2: 0.15})


def test_a_seed_that_lacks_a_beta_is_left_out():
    other = runs("conv", [(1, 25, 0.5), (4, 12, 0.8)])
    table = pd.concat([PLAIN, other[~((other["seed"] == 1) & (other["beta"] == 4))]])
    assert at_equal_beta(table, "conv", "plain").differences.index.tolist() == [0, 2]
    assert at_equal_beta(PLAIN, "conv", "plain").differences.empty


def test_at_equal_rate_reads_straight_lines_over_what_both_cover():
    """Both lines rise by 0.02 a nat less, conv's 0.1 above plain's, and share 14 to 20 nats."""
    plain = runs("plain", [(1, 20, 0.4), (4, 10, 0.6)])
    other = runs("conv", [(1, 24, 0.42), (4, 14, 0.62)])
    matched = at_equal(pd.concat([plain, other]), "conv", "plain", "kl")
    assert matched.differences.to_dict() == pytest.approx({0: 0.1, 1: 0.1, 2: 0.1})
    assert matched.farthest == pytest.approx(4.5)  # from 18.5 to conv's 14, of 14, 15.5, ... 20


def test_the_farthest_place_is_counted_to_the_nearest_run_of_either_kind():
    plain = runs("plain", [(1, 20, 0.4), (4, 10, 0.6)], seeds=(0,))
    other = runs("conv", [(1, 20, 0.4), (4, 10, 0.6)], seeds=(0,))
    assert at_equal(pd.concat([plain, other]), "conv", "plain", "kl").farthest == 5


def test_ranges_that_hardly_overlap_are_not_compared():
    other = runs("flow", [(1, 30, 0.5), (4, 19.5, 0.8)])
    assert at_equal(pd.concat([PLAIN, other]), "flow", "plain", "kl").differences.empty


def test_the_order_of_kinds_turns_the_sign_and_a_kind_equals_itself():
    other = runs("flow", [(1, 18, 0.5), (4, 8, 0.8)], shift=0.02)
    table = pd.concat([PLAIN, other])
    for compare in (at_equal_beta, lambda *a: at_equal(*a, "kl")):
        there, back = compare(table, "flow", "plain"), compare(table, "plain", "flow")
        assert (there.differences == -back.differences).all()
        assert (compare(table, "flow", "flow").differences == 0).all()


def test_a_run_beyond_the_line_is_left_out_and_counted():
    table = pd.concat([PLAIN, runs("tc", [(2, 12, 0.65), (6, 3, 0.9)])])
    matched, beyond = against_a_curve(table, "tc", "plain", "kl")
    assert beyond == 3  # one a seed
    assert matched.differences.to_dict() == pytest.approx({0: 0.1, 1: 0.1, 2: 0.1})
    assert matched.farthest == pytest.approx(2)


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ([0.10, 0.11, 0.10, 0.11, 0.10], BETTER),
        ([-0.10, -0.11, -0.10, -0.11, -0.10], WORSE),
        ([0.010, 0.011, 0.012, 0.011, 0.010], SAME),  # above 0, by less than matters
        ([0.3, -0.3, 0.2, -0.1, 0.1], UNDECIDED),
        ([0.06], UNDECIDED),  # one seed has no interval
        ([], UNDECIDED),
    ],
)
def test_the_answer_follows_from_mean_and_interval(values, word):
    assert judged(values, 2)[1] == word


def test_several_comparisons_have_wider_intervals():
    values = [0.1, 0.2, 0.15, 0.12, 0.18]
    one, six = judged(values, 1)[0], judged(values, 6)[0]
    assert six.low < one.low < one.high < six.high
    assert one.value == six.value == pytest.approx(np.mean(values))


def test_all_of_six_intervals_hold_at_once_in_95_of_100_studies():
    rng = np.random.default_rng(0)
    wrong = 0
    for _ in range(400):
        intervals = [judged(rng.normal(0, 0.05, 5), 6)[0] for _ in range(6)]
        wrong += any(one.low > 0 or one.high < 0 for one in intervals)
    assert wrong / 400 < 0.075

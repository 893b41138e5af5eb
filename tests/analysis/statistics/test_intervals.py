import numpy as np
import pandas as pd
import pytest

from analysis.statistics.intervals import (
    Estimate,
    interval_of_one,
    large_sample_interval,
    mean_interval,
    over_seeds,
)
from analysis.statistics.intervals import rank_correlation as rank


def test_the_interval_of_a_mean_by_hand():
    """Mean 2, standard deviation 1 of three: 2 -+ 4.303 / sqrt(3)."""
    assert mean_interval([1, 2, 3]) == pytest.approx((2, 2 - 2.4841, 2 + 2.4841), abs=1e-4)


def test_rank_correlation_sees_order_alone():
    x = pd.Series(np.arange(20.0))
    assert rank(x, np.exp(x), x)[0] == pytest.approx(1)
    rho, low, high = rank(x, pd.Series(np.random.default_rng(1).normal(size=20)), x)
    assert low < 0 < high
    assert low < rho < high


def test_a_partial_rank_correlation_with_two_held_is_that_of_what_regression_leaves():
    rng = np.random.default_rng(6)
    z, w = (pd.Series(rng.permutation(200).astype(float)) for _ in range(2))
    x, y = (z + w + pd.Series(rng.normal(0, 90, 200)) for _ in range(2))
    held = pd.DataFrame({"z": z, "w": w})
    design = np.column_stack([np.ones(200), held.rank()])
    rest = [
        ranks - design @ np.linalg.lstsq(design, ranks, rcond=None)[0]
        for ranks in (x.rank().to_numpy(), y.rank().to_numpy())
    ]
    assert rank(x, y, z, held).value == pytest.approx(np.corrcoef(*rest)[0, 1])
    assert np.isnan(rank(x, y, z, pd.DataFrame({"x": x, "z": z})).value)


def test_a_partial_rank_correlation_by_the_formula_of_residuals():
    """y follows z alone; x follows z too: held, nothing is left between them."""
    rng = np.random.default_rng(5)
    z = pd.Series(rng.permutation(200).astype(float))
    x, y = (z + pd.Series(rng.normal(0, 60, 200)) for _ in range(2))
    ranks = [one.rank().to_numpy() for one in (x, y, z)]
    rest = [r - np.polyval(np.polyfit(ranks[2], r, 1), ranks[2]) for r in ranks[:2]]
    seen = rank(x, y, z, given=z)
    assert seen.value == pytest.approx(np.corrcoef(*rest)[0, 1])
    assert seen.low < 0 < seen.high
    assert rank(x, y, z).low > 0.3


def test_copies_of_a_configuration_make_a_correlation_no_surer():
    rng = np.random.default_rng(2)
    x, y = pd.Series(rng.normal(size=12)), pd.Series(rng.normal(size=12))
    names = pd.Series(range(12))
    once = rank(x, y, names)
    copies = [pd.concat([each] * 5, ignore_index=True) for each in (x, y, names)]
    assert rank(*copies) == pytest.approx(once)


def test_the_interval_of_one_draw_is_that_of_a_mean_times_the_root_of_their_number():
    """Mean 0.5, standard deviation 0.1 of three: 0.5 -+ 4.303 x 0.1."""
    assert interval_of_one([0.4, 0.5, 0.6]) == pytest.approx((0.5, 0.0697, 0.9303), abs=1e-4)


def test_many_values_have_the_interval_of_a_normal_mean():
    assert large_sample_interval(np.array([1.0, 3.0] * 50)) == pytest.approx(
        (2, 2 - 1.96 * 0.100504, 2 + 1.96 * 0.100504), abs=1e-5
    )


def test_one_seed_keeps_its_own_interval():
    assert over_seeds([Estimate(0.5, 0.4, 0.7)]) == (0.5, 0.4, 0.7)


def test_seeds_have_the_interval_of_their_mean_cut_at_what_a_score_can_be():
    """Mean 0.5, standard deviation 0.1 of three: 0.5 -+ 4.303 x 0.1 / sqrt(3) = 0.252 to 0.748."""
    three = [Estimate(value, value - 0.01, value + 0.01) for value in (0.4, 0.5, 0.6)]
    assert over_seeds(three) == pytest.approx((0.5, 0.2516, 0.7484), abs=1e-4)
    assert over_seeds(three, (0.3, 0.7)) == pytest.approx((0.5, 0.3, 0.7))
    assert over_seeds([Estimate(0.5, 0.5, 0.5)] * 3) == (0.5, 0.5, 0.5)


@pytest.mark.parametrize("n_seeds", [3, 5, 10])
def test_the_interval_over_seeds_covers_as_often_as_it_says(n_seeds):
    rng, draws = np.random.default_rng(n_seeds), 2000
    hits = 0
    for value in rng.normal(0.5, 0.1, (draws, n_seeds)):
        _, low, high = over_seeds([Estimate(v, v - 0.02, v + 0.02) for v in value])
        hits += low <= 0.5 <= high
    assert abs(hits / draws - 0.95) <= 3 * (0.95 * 0.05 / draws) ** 0.5


def test_the_confidence_of_an_interval_is_as_asked():
    """90%: t(0.95; 2) = 2.920."""
    half = 2.919986 / 3**0.5
    assert mean_interval([1, 2, 3], 0.9) == pytest.approx((2, 2 - half, 2 + half))

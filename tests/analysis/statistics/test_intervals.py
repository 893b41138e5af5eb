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


def test_interval_over_seeds_has_the_width_of_theory():
    """Standard error^2 = (spread of seeds^2 + noise within^2) / n, here of 3 seeds."""
    values, half = np.array([0.4, 0.5, 0.6]), 0.05
    mean, low, high = over_seeds([Estimate(v, v - half, v + half) for v in values])
    assert mean == pytest.approx(0.5)
    error = np.sqrt((values.var(ddof=1) + (half / 1.96) ** 2) / 3)
    assert high - low == pytest.approx(2 * 1.96 * error, rel=0.1)
    exact = over_seeds([Estimate(0.5, 0.5, 0.5)] * 3)
    assert exact == (0.5, 0.5, 0.5)

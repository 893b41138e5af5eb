"""What seeds say: by hand, by error rates, and as evidence grows."""

import numpy as np
import pytest

from analysis.statistics.evidence import mean_within, of_most


def test_a_mean_within_bounds_by_hand():
    """1, 2, 3: mean 2, 90% interval 2 -+ 2.920 / sqrt(3) = 0.314 to 3.686."""
    assert mean_within([1, 2, 3], 0.3, 3.7).estimate == pytest.approx((2, 0.3142, 3.6858), abs=1e-4)
    assert mean_within([1, 2, 3], 0.3, 3.7).verdict == "holds"
    assert mean_within([1, 2, 3], 0.3, np.inf).verdict == "holds"
    assert mean_within([1, 2, 3], 0.32, 3.7).verdict == "open"
    assert mean_within([1, 2, 3], 3.68, 9).verdict == "open"
    assert mean_within([1, 2, 3], 3.7, 9).verdict == "does not hold"
    assert mean_within([1, 2, 3], -np.inf, 0.3).verdict == "does not hold"


def test_one_seed_leaves_a_mean_open():
    assert mean_within([0.5], 0, 1).verdict == "open"


def test_no_difference_at_all_is_no_rise():
    assert mean_within([0.0, 0.0, 0.0], 0, np.inf).verdict == "does not hold"


@pytest.mark.parametrize(
    ("k", "n", "posterior", "verdict"),
    [
        (1, 1, 1 - 0.5**2, "open"),
        (3, 3, 1 - 0.5**4, "open"),
        (4, 4, 1 - 0.5**5, "holds"),
        (0, 4, 0.5**5, "does not hold"),
        # of 11 fair coins: P(Beta(1 + k, 1 + n - k) > 1/2) = P(Binomial(n + 1, 1/2) <= k)
        (8, 10, (2**11 - 11 * 10 // 2 - 11 - 1) / 2**11, "holds"),
        (7, 10, (2**11 - 165 - 55 - 11 - 1) / 2**11, "open"),
        (2, 10, (55 + 11 + 1) / 2**11, "does not hold"),
    ],
)
def test_k_of_n_by_hand(k, n, posterior, verdict):
    seen = of_most([True] * k + [False] * (n - k))
    assert (seen.k, seen.n, seen.verdict) == (k, n, verdict)
    assert seen.posterior == pytest.approx(posterior)


@pytest.mark.parametrize("n", [3, 10])
def test_a_mean_on_a_bound_is_said_to_be_within_one_time_in_twenty(n):
    rng, draws = np.random.default_rng(n), 4000
    seen = [mean_within(rng.normal(0, 1, n), 0, np.inf).verdict for _ in range(draws)]
    for wrong in ("holds", "does not hold"):
        share = seen.count(wrong) / draws
        assert abs(share - 0.05) <= 3 * (0.05 * 0.95 / draws) ** 0.5


def test_verdicts_follow_the_evidence():
    """Less noise about one mean, or a seed more that passes, never takes a verdict back."""
    noise = np.array([-1, 0.2, 0.8])
    for mean, last in ((0.5, "holds"), (1.5, "does not hold")):
        seen = [mean_within(mean + s * noise, 0, 1).verdict for s in np.geomspace(3, 0.01, 30)]
        assert seen == sorted(seen, key=["open", last].index)
        assert set(seen) == {"open", last}
    seen = [of_most([True] * n).verdict for n in range(1, 12)]
    assert seen == ["open"] * 3 + ["holds"] * 8

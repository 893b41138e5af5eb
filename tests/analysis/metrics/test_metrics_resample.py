import numpy as np
import pytest
from planted_codes import noise

from analysis.metrics import mcc
from analysis.metrics.common.resample import (
    Resampling,
    accuracy_interval,
    centred_interval,
    correlation_replicates,
    resampling,
)

X = noise(1_003, 4)
Y = X[:, :3] + noise(1_003, 3, seed=1)


def test_blocks_hold_every_image_once():
    blocks = resampling(1_003, np.random.default_rng(0)).blocks
    np.testing.assert_array_equal(np.sort(np.concatenate(blocks)), np.arange(1_003))
    assert {len(block) for block in blocks} == {10, 11}
    assert len(resampling(30, np.random.default_rng(0)).blocks) == 30


def test_replicates_agree_with_correlations_of_the_images_drawn():
    plan = resampling(len(X), np.random.default_rng(0))
    for weights, got in list(zip(plan.weights, correlation_replicates(X, Y, plan), strict=True))[
        :5
    ]:
        drawn = np.concatenate(
            [np.tile(block, int(w)) for w, block in zip(weights, plan.blocks, strict=True)]
        )
        want = np.corrcoef(X[drawn].T, Y[drawn].T)[:4, 4:]
        np.testing.assert_allclose(got, want, atol=1e-10)


def test_every_block_once_is_the_plain_correlation():
    plan = resampling(len(X), np.random.default_rng(0))
    plan = Resampling(plan.blocks, np.ones((1, len(plan.blocks))))
    want = np.corrcoef(X.T, Y.T)[:4, 4:]
    np.testing.assert_allclose(next(correlation_replicates(X, Y, plan)), want)


def test_interval_of_a_correlation_has_the_width_of_theory():
    """The standard error of a correlation rho of n normal pairs is (1 - rho**2) / sqrt(n)."""
    quantity = noise(4_000, 1)
    factors = np.digitize(quantity, np.linspace(-2, 2, 60))
    codes = quantity + noise(4_000, 1, seed=1)
    result = mcc(codes, factors)
    want = 2 * 1.96 * (1 - result.score**2) / 2_000**0.5  # scored on half of the images
    assert result.interval[1] - result.interval[0] == pytest.approx(want, rel=0.3)


def test_interval_is_centred_on_the_score_and_kept_in_bounds():
    replicates = np.linspace(0.5, 0.7, 201)
    assert centred_interval(replicates, 0.4) == pytest.approx((0.305, 0.495))
    assert centred_interval(replicates, 0.95) == pytest.approx((0.855, 1))


def test_accuracy_interval_has_the_width_of_the_binomial():
    low, high = accuracy_interval(0.8, 5_000, np.random.default_rng(0))
    want = 2 * 1.96 * (0.8 * 0.2 / 5_000) ** 0.5
    assert high - low == pytest.approx(want, rel=0.1)
    assert accuracy_interval(1.0, 5_000, np.random.default_rng(0)) == (1, 1)

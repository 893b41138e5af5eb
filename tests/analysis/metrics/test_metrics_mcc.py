import numpy as np
import pytest
from planted_codes import grid, mixed_in_pairs, noise, perfect, with_dead
from scipy.stats import spearmanr

from analysis.metrics import mcc
from analysis.metrics.mcc import spearman

FACTORS = grid()
PERFECT = perfect(FACTORS)
NOISY = PERFECT + 0.5 * noise(len(FACTORS), 3)


def test_perfect_codes_score_one_through_order_sign_and_monotone_bends():
    codes = np.stack([-PERFECT[:, 2], np.exp(3 * PERFECT[:, 0]), PERFECT[:, 1] ** 3], axis=1)
    result = mcc(codes, FACTORS)
    assert result.score == pytest.approx(1)
    assert result.saturated
    np.testing.assert_array_equal(result.latent, [1, 2, 0])
    np.testing.assert_allclose(result.correlation, [1, 1, -1])


def test_each_latent_is_matched_once():
    """Both factors lean on latent 0; only one may have it."""
    both = PERFECT[:, 0] + 0.8 * PERFECT[:, 1]
    codes = np.stack([both, PERFECT[:, 1], noise(len(FACTORS), 1)[:, 0]], axis=1)
    result = mcc(codes, FACTORS)
    np.testing.assert_array_equal(result.latent, [0, 1, 2])


def test_mixing_two_factors_leaves_half_of_their_variance():
    """Pearson's correlation would be sqrt(1/2); ranks come near it."""
    result = mcc(mixed_in_pairs(PERFECT), FACTORS)
    np.testing.assert_allclose(abs(result.correlation), [0.5**0.5, 0.5**0.5, 1], atol=0.04)


def test_factor_without_a_latent_scores_nothing():
    result = mcc(PERFECT[:, :2], FACTORS)
    assert result.score == pytest.approx(2 / 3)
    np.testing.assert_array_equal(result.latent, [0, 1, -1])


def test_best_of_many_noise_latents_does_not_flatter():
    """Matched and scored on the same sixty images, the best of 200 latents would reach 0.35."""
    rng = np.random.default_rng(0)
    factors = rng.integers(6, size=(60, 3))
    scores = [mcc(rng.normal(size=(60, 200)), factors).score for _ in range(5)]
    assert np.mean(scores) < 0.22  # expected |rho| on 30 images: sqrt(2 / (29 pi)) = 0.15


def test_categories_are_left_out():
    result = mcc(PERFECT[:, 1:], FACTORS, discrete=[True, False, False])
    assert result.score == pytest.approx(1)
    np.testing.assert_array_equal(result.latent, [-1, 0, 1])
    assert np.isnan(result.correlation[0])
    assert result.protocol["left_out"] == [0]


def test_dead_latents_are_not_matched():
    result = mcc(with_dead(NOISY, 200), FACTORS)
    np.testing.assert_array_equal(result.latent, [197, 198, 199])
    assert mcc(1e-3 * NOISY, FACTORS).score == 0
    np.testing.assert_array_equal(mcc(1e-3 * NOISY, FACTORS).latent, [-1, -1, -1])


def test_latent_constant_on_one_half_divides_nothing_by_zero():
    """One image sticks out; among ten it falls into either half."""
    for image in range(10):
        codes = NOISY[:300].copy()
        codes[:, 0] = 0
        codes[image, 0] = 100
        assert mcc(codes, FACTORS[:300]).latent[0] == -1


def test_correlation_agrees_with_scipy():
    want = spearmanr(NOISY, FACTORS).statistic[:3, 3:]
    np.testing.assert_allclose(spearman(NOISY, FACTORS), want)

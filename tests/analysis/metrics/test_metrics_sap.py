import numpy as np
import pytest
from planted_codes import grid, mixed_in_pairs, noise, perfect, with_dead
from sklearn.svm import LinearSVC

from analysis.metrics import sap
from analysis.metrics.common.votes import split_images

FACTORS = grid()
PERFECT = perfect(FACTORS)
NOISY = PERFECT + 0.5 * noise(len(FACTORS), 3)


def test_perfect_codes_score_one():
    result = sap(PERFECT, FACTORS)
    assert result.score == pytest.approx(1)
    assert result.saturated
    np.testing.assert_allclose(result.predictability, np.eye(3), atol=1e-12)


def test_duplicated_latent_costs_its_factor():
    np.testing.assert_allclose(sap(PERFECT[:, [0, 0, 1, 2]], FACTORS).gap, [0, 1, 1], atol=1e-12)


def test_mixing_two_factors_costs_both():
    """Sum and difference each explain half of the variance of either."""
    result = sap(mixed_in_pairs(PERFECT), FACTORS)
    np.testing.assert_allclose(result.gap, [0, 0, 1], atol=1e-12)
    np.testing.assert_allclose(result.predictability[:2, :2], 0.5)


def test_noise_divides_the_variance_explained():
    """Noise of half the standard deviation leaves 1 / (1 + 1/4) of the variance explained."""
    assert sap(NOISY, FACTORS).score == pytest.approx(0.8, abs=0.02)


def test_pure_noise_scores_next_to_nothing():
    assert sap(noise(len(FACTORS), 10), FACTORS).score < 0.01


def test_one_latent_has_no_rival():
    np.testing.assert_allclose(sap(PERFECT[:, :1], FACTORS).gap, [1, 0, 0], atol=1e-12)


def test_dead_latents_predict_nothing_and_change_nothing():
    codes = with_dead(NOISY, 200)
    result = sap(codes, FACTORS)
    assert not result.predictability[:197].any()
    assert result.score == pytest.approx(sap(NOISY, FACTORS).score)
    assert sap(1e-3 * NOISY, FACTORS).score == 0


def test_bins_of_a_quantity_are_not_classified_unless_told():
    """A linear classifier of many ordered bins names the outer ones only. On the very same codes
    the discrete branch would call a latent that explains 99% of a factor a poor predictor."""
    factors = grid(20, 1)
    codes = perfect(factors) + 0.1 * noise(len(factors), 3)
    assert sap(codes, factors).score == pytest.approx(0.99, abs=0.005)
    rows = slice(None, None, 4)
    classified = sap(codes[rows], factors[rows], discrete=[True, False, False])
    assert classified.predictability[0, 0] < 0.4
    assert classified.predictability[1, 1] > 0.98


def test_classes_are_classified_on_held_out_images():
    classes = np.stack([FACTORS[:, 0] % 2, FACTORS[:, 1]], axis=1)
    codes = np.stack([classes[:, 0] - 0.5, noise(len(FACTORS), 1)[:, 0]], axis=1)
    result = sap(codes, classes, discrete=[True, False], seed=4)
    train, held_out = split_images(len(codes), np.random.default_rng(4))
    model = LinearSVC(C=0.01, class_weight="balanced", random_state=0)
    for j in (0, 1):
        model.fit(codes[train, j : j + 1], classes[train, 0])
        want = model.score(codes[held_out, j : j + 1], classes[held_out, 0])
        assert result.predictability[j, 0] == pytest.approx(want, abs=0.01)
    assert result.predictability[0, 0] == 1
    assert result.protocol["discrete"] == [True, False]


def test_classifiers_and_splits_are_seeded():
    flags = [True, True, True]
    first, again, other = (sap(NOISY, FACTORS, discrete=flags, seed=s) for s in (1, 1, 2))
    np.testing.assert_array_equal(first.predictability, again.predictability)
    assert (first.predictability != other.predictability).any()


def test_order_scale_and_sign_of_latents_do_not_matter():
    want = sap(NOISY, FACTORS).score
    for same in (NOISY[:, [2, 0, 1]], NOISY * [-3, 0.5, 100], NOISY + 7):
        assert sap(same, FACTORS).score == pytest.approx(want)


def test_predictability_agrees_with_numpy():
    result = sap(NOISY, FACTORS)
    want = np.corrcoef(NOISY.T, FACTORS.T)[:3, 3:] ** 2
    np.testing.assert_allclose(result.predictability, want)

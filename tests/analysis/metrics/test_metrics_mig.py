import numpy as np
import pytest
from planted_codes import grid, mixed_in_pairs, noise, perfect, with_dead
from sklearn.metrics import mutual_info_score

from analysis.metrics import mig
from analysis.metrics.mig import binned

FACTORS = grid()
PERFECT = perfect(FACTORS)
NOISY = PERFECT + 0.5 * noise(len(FACTORS), 3)


@pytest.mark.parametrize("binning", ["width", "quantile"])
def test_perfect_codes_score_one(binning):
    result = mig(PERFECT[:, [2, 0, 1]], FACTORS, binning=binning)
    assert result.score == pytest.approx(1)
    assert result.saturated
    np.testing.assert_array_equal(result.best, [1, 2, 0])
    np.testing.assert_allclose(result.entropy, np.log(6))


def test_duplicated_latent_costs_its_factor():
    result = mig(PERFECT[:, [0, 0, 1, 2]], FACTORS)
    np.testing.assert_allclose(result.gap, [0, 1, 1], atol=1e-12)
    assert result.score == pytest.approx(2 / 3)


def test_mixing_two_factors_costs_both():
    """Sum and difference of two equal factors tell equally much of each."""
    result = mig(mixed_in_pairs(PERFECT), FACTORS)
    np.testing.assert_allclose(result.gap, [0, 0, 1], atol=1e-9)


def test_missing_factor_has_no_gap():
    result = mig(PERFECT[:, :2], FACTORS)
    np.testing.assert_allclose(result.gap, [1, 1, 0], atol=1e-12)


def test_one_latent_has_no_rival():
    np.testing.assert_allclose(mig(PERFECT[:, :1], FACTORS).gap, [1, 0, 0], atol=1e-12)


def test_pure_noise_scores_next_to_nothing():
    assert mig(noise(len(FACTORS), 10), FACTORS).score < 0.02


def test_dead_latents_never_win_and_change_nothing():
    codes = with_dead(NOISY, 200)
    result = mig(codes, FACTORS)
    assert result.score == mig(NOISY, FACTORS).score
    assert (result.best >= 197).all()
    assert not result.mutual_info[:197].any()


def test_constant_latent_tells_nothing_even_without_pruning():
    codes = np.column_stack([np.full(len(FACTORS), 0.1), PERFECT])
    result = mig(codes, FACTORS, min_variance=0)
    assert result.score == pytest.approx(1)
    assert not result.mutual_info[0].any()


def test_one_outlier_ruins_equal_widths_and_not_quantiles():
    codes = NOISY.copy()
    codes[0] = 1_000
    assert mig(NOISY, FACTORS).score > 0.4
    assert mig(codes, FACTORS).score < 0.01
    before, after = (mig(c, FACTORS, binning="quantile").score for c in (NOISY, codes))
    assert after == pytest.approx(before, abs=0.01)


def test_bins_are_twenty_equal_widths_over_the_range():
    codes = np.array([[0.0], [0.04], [0.06], [0.94], [0.96], [1.0]]).repeat(2, axis=0)
    assert binned(codes, 20, "width")[::2, 0].tolist() == [0, 0, 1, 18, 19, 19]
    assert mig(NOISY, FACTORS).protocol["n_bins"] == 20


def test_order_and_scale_and_sign_of_latents_do_not_matter():
    want = mig(NOISY, FACTORS).score
    for same in (NOISY[:, [2, 0, 1]], NOISY * [-3, 0.5, 100], NOISY + 7):
        assert mig(same, FACTORS).score == pytest.approx(want, abs=1e-9)


def test_information_agrees_with_scikit_learn():
    result = mig(NOISY, FACTORS)
    for j in range(3):
        edges = np.histogram(NOISY[:, j], 20)[1][1:-1]
        for k in range(3):
            want = mutual_info_score(np.digitize(NOISY[:, j], edges), FACTORS[:, k])
            assert result.mutual_info[j, k] == pytest.approx(want)


def test_interval_has_the_width_of_a_plain_bootstrap():
    rng = np.random.default_rng(0)
    rows = rng.integers(len(FACTORS), size=(40, len(FACTORS)))
    plain = np.std([mig(NOISY[i], FACTORS[i]).score for i in rows])
    low, high = mig(NOISY, FACTORS).interval
    assert high - low == pytest.approx(2 * 1.96 * plain, rel=0.4)

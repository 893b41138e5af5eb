import numpy as np
import pytest
from planted_codes import grid, mixed_in_pairs, noise, perfect, rotated, with_dead

from analysis.metrics import dci
from analysis.metrics.dci import completeness, disentanglement

FACTORS = grid()
PERFECT = perfect(FACTORS)
NOISY = PERFECT + 0.3 * noise(len(FACTORS), 3)


@pytest.mark.parametrize(
    ("importance", "d", "c"),
    [
        (np.eye(3), 1, 1),
        (np.eye(3)[:, [1, 2, 0]], 1, 1),
        (np.full((2, 2), 0.5), 0, 0),
        # two latents serve the second factor alone: completeness (1 + 1 - ln 2 / ln 3) / 2
        ([[1, 0], [0, 0.5], [0, 0.5]], 1, (2 - np.log(2) / np.log(3)) / 2),
        # the first latent serves both factors: half of the importance, wasted on an even split
        ([[0.5, 0.5], [0.5, 0], [0, 0.5]], 0.5, 1 - np.log(2) / np.log(3)),
        (np.zeros((3, 2)), 0, 0),
        ([[1], [0]], 1, 1),
        ([[1, 1]], 0, 1),
    ],
)
def test_known_importances(importance, d, c):
    importance = np.asarray(importance, dtype=float)
    assert disentanglement(importance) == pytest.approx(d)
    assert completeness(importance) == pytest.approx(c)


def test_perfect_codes_score_one():
    result = dci(PERFECT[:, [2, 0, 1]], FACTORS)
    assert result.score == result.disentanglement == pytest.approx(1, abs=0.02)
    assert result.completeness == pytest.approx(1, abs=0.02)
    assert result.informativeness == pytest.approx(1)
    np.testing.assert_array_equal(result.importance.argmax(axis=0), [1, 2, 0])
    np.testing.assert_allclose(result.importance.sum(axis=0), 1)


def test_duplicated_latent_costs_completeness_and_not_disentanglement():
    """Factor 0 is split between two of four latents: its completeness is near 1 - ln 2 / ln 4."""
    result = dci(PERFECT[:, [0, 0, 1, 2]], FACTORS)
    assert result.disentanglement == pytest.approx(1, abs=0.02)
    assert result.completeness == pytest.approx((0.5 + 1 + 1) / 3, abs=0.06)


def test_mixing_and_rotating_cost_points_and_no_information_on_a_pair():
    aligned, mixed, turned = (
        dci(codes, FACTORS) for codes in (PERFECT, mixed_in_pairs(PERFECT), rotated(PERFECT))
    )
    # the mixed latents serve two of three factors: (1 + 2 * (1 - ln 2 / ln 3)) / 3
    assert mixed.disentanglement == pytest.approx(0.58, abs=0.06)
    assert turned.disentanglement < mixed.disentanglement < aligned.disentanglement


def test_pure_noise_scores_nothing_and_predicts_by_chance():
    """Trees tested on images that they were fitted to would be right far more often."""
    result = dci(noise(len(FACTORS), 10), FACTORS)
    assert result.disentanglement < 0.03
    assert result.completeness < 0.03
    assert result.informativeness == pytest.approx(1 / 6, abs=0.04)
    assert result.informativeness_chance == pytest.approx(1 / 6, abs=0.02)


def test_dead_latents_get_no_importance():
    result = dci(with_dead(NOISY, 200), FACTORS)
    assert not result.importance[:197].any()
    assert result.disentanglement == pytest.approx(dci(NOISY, FACTORS).disentanglement)


def test_all_dead_codes_name_the_commonest_value():
    result = dci(1e-3 * PERFECT, FACTORS)
    assert (result.disentanglement, result.completeness) == (0, 0)
    assert result.informativeness == result.informativeness_chance


def test_trees_are_seeded():
    first, again, other = (dci(NOISY, FACTORS, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.importance, again.importance)
    assert (first.importance != other.importance).any()


def test_order_scale_and_sign_of_latents_hardly_matter():
    want = dci(NOISY, FACTORS, n_trees=40)
    for same in (NOISY[:, [2, 0, 1]], NOISY * [-3, 0.5, 100]):
        got = dci(same, FACTORS, n_trees=40)
        assert got.disentanglement == pytest.approx(want.disentanglement, abs=0.04)
        assert got.completeness == pytest.approx(want.completeness, abs=0.04)


def test_sizes_shrink_alike_when_images_are_few():
    sizes = dci(NOISY[:300], FACTORS[:300]).protocol
    assert (sizes["n_train"], sizes["n_eval"]) == (200, 100)
    sizes = dci(NOISY, FACTORS, n_train=500, n_eval=400).protocol
    assert (sizes["n_train"], sizes["n_eval"]) == (500, 400)


def test_boosted_trees_agree_with_the_forest_on_planted_codes():
    factors = grid(3, 8)
    codes = mixed_in_pairs(perfect(factors)) + 0.2 * noise(len(factors), 3)
    boosted = dci(codes, factors, estimator="gradient_boosting")
    forest = dci(codes, factors)
    assert boosted.disentanglement == pytest.approx(forest.disentanglement, abs=0.1)
    assert boosted.completeness == pytest.approx(forest.completeness, abs=0.1)
    assert np.isnan(boosted.interval).all()
    assert boosted.protocol["estimator"] == "GradientBoostingClassifier()"
    assert boosted.protocol["n_trees"] is None

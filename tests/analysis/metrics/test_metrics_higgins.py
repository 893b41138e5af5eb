import numpy as np
import pytest
from planted_codes import grid, mixed_in_pairs, noise, perfect, rotated, with_dead

from analysis.metrics import higgins
from analysis.metrics.common.votes import Pairs, disjoint, draw_pairs, draw_sets, draw_votes
from analysis.metrics.higgins import HIGGINS_FEW, pair_features

FACTORS = grid()
PERFECT = perfect(FACTORS)
NOISY = PERFECT + noise(len(FACTORS), 3)
VOTES = {"n_train": 1_000, "n_eval": 500}


def test_perfect_codes_score_one_and_are_called_saturated():
    result = higgins(PERFECT, FACTORS, **VOTES)
    assert result.score == 1
    assert result.saturated
    assert result.interval == (1, 1)
    np.testing.assert_array_equal(result.recall, [1, 1, 1])
    assert result.converged


def test_pure_noise_scores_chance_and_chance_is_one_over_the_factors():
    result = higgins(noise(len(FACTORS), 10), FACTORS, **VOTES)
    assert result.chance == pytest.approx(1 / 3)
    assert result.score == pytest.approx(1 / 3, abs=0.08)  # four standard deviations of 500 votes
    assert not result.saturated
    assert higgins(PERFECT[:, :2], FACTORS[:, :2], **VOTES).chance == 0.5


def test_two_of_three_captured_factors_saturate_the_score():
    """A known weakness: the third factor is told by neither of the others being shared."""
    assert higgins(PERFECT[:, :2], FACTORS, **VOTES).saturated


def test_one_of_three_captured_factors_scores_two_thirds():
    """That factor is told from the two others, and these not from each other: 1/3 + 2/3 * 1/2."""
    codes = np.column_stack([PERFECT[:, 0], noise(len(FACTORS), 2)])
    result = higgins(codes, FACTORS, **VOTES)
    assert result.score == pytest.approx(2 / 3, abs=0.06)
    assert result.recall[0] > 0.99
    assert result.recall[1:].mean() == pytest.approx(1 / 2, abs=0.08)


def test_mixing_two_factors_costs_points_when_votes_are_short():
    """With one pair a vote nothing averages out, and only an aligned latent shows a zero."""
    aligned, mixed = (
        higgins(codes, FACTORS, n_pairs=1, **VOTES).score
        for codes in (PERFECT, mixed_in_pairs(PERFECT))
    )
    assert aligned > mixed + 0.05


def test_order_and_sign_of_latents_do_not_matter():
    want = higgins(NOISY, FACTORS, n_pairs=8, **VOTES)
    for same in (NOISY[:, [2, 0, 1]], NOISY * [-1, 1, -1], NOISY + 7):
        assert higgins(same, FACTORS, n_pairs=8, **VOTES).score == pytest.approx(
            want.score, abs=0.005
        )


def test_discriminant_does_not_hang_on_scale_and_the_penalty_of_the_published_classifier_does():
    """Two captured factors are enough for a score of 1, one captured factor scores 2/3."""

    def scored(scales, classifier):
        codes = NOISY[:, :2] * scales
        return higgins(codes, FACTORS, classifier=classifier, min_variance=0, **VOTES).score

    assert scored([1, 1], "logistic") > 0.9
    assert scored([1e-3, 1], "logistic") == pytest.approx(2 / 3, abs=0.08)
    assert scored([1e-3, 20], "discriminant") == pytest.approx(scored([1, 1], "discriminant"))


def test_few_pairs_see_a_rotation_that_many_pairs_hide():
    """The reason for the score that ranks: see `higgins_few`."""
    few = HIGGINS_FEW.settings | VOTES
    codes = np.hstack([PERFECT, noise(len(FACTORS), 7)])
    turned = rotated(codes)
    assert higgins(codes, FACTORS, **few).score > 0.98
    assert higgins(turned, FACTORS, **few).score < 0.75
    assert higgins(codes, FACTORS, **VOTES).score - higgins(turned, FACTORS, **VOTES).score < 0.15


def test_dead_latents_take_no_part():
    codes = with_dead(noise(len(FACTORS), 3), 200)
    codes[:, 1:197:3] = 1e-3 * np.resize(PERFECT.T, (66, len(FACTORS))).T
    for classifier in ("logistic", "discriminant"):
        result = higgins(codes, FACTORS, classifier=classifier, **VOTES)
        assert result.n_latents_used == 3
        assert result.score == pytest.approx(result.chance, abs=0.08)


def test_an_unknown_classifier_is_refused():
    with pytest.raises(ValueError, match=r"one of \['discriminant', 'logistic'\], got 'svm'"):
        higgins(NOISY, FACTORS, classifier="svm", **VOTES)


def test_shuffled_factors_score_chance_however_few_the_images():
    """Were votes trained and tested on the same images, the chance likeness of forty images that
    share a value would be learnt, and shuffled factors would score far above chance."""
    rng = np.random.default_rng(0)
    codes = rng.normal(size=(60, 20))
    factors = rng.integers(2, size=(60, 4))
    scores = [higgins(codes, factors, seed=seed, **VOTES).score for seed in range(5)]
    assert np.mean(scores) == pytest.approx(1 / 4, abs=0.08)


def test_training_and_held_out_images_share_none():
    for n_train, n_eval in ((20, 10), (200, 100)):
        train, held_out = disjoint(100, n_train, n_eval, np.random.default_rng(0))
        assert not set(train) & set(held_out)
        assert len(set(train)) == len(train)
    assert (len(train), len(held_out)) == (67, 33)


def test_pairs_share_their_factor_and_differ_freely_elsewhere():
    pairs = draw_pairs(FACTORS, np.arange(len(FACTORS)), 600, 64, np.random.default_rng(0))
    alike = FACTORS[pairs.first] == FACTORS[pairs.second]
    for k in range(3):
        votes = alike[pairs.factor == k]
        assert votes[:, :, k].all()
        others = np.delete(votes, k, axis=2).mean(axis=(0, 1))
        np.testing.assert_allclose(others, 1 / 6, atol=0.02)  # six values, drawn independently
    assert (pairs.first != pairs.second).all()


def test_pairs_of_one_vote_have_various_values():
    pairs = draw_pairs(FACTORS, np.arange(len(FACTORS)), 30, 64, np.random.default_rng(0))
    for factor, first in zip(pairs.factor, pairs.first, strict=True):
        assert len(set(FACTORS[first, factor])) == 6


def test_pairs_stay_within_the_images_given():
    images = np.arange(5, 2_000, 7)
    pairs = draw_pairs(FACTORS, images, 50, 64, np.random.default_rng(0))
    assert set(pairs.first.ravel()) | set(pairs.second.ravel()) <= set(images)


def test_values_held_by_one_image_are_never_drawn():
    factors = np.array([[0, 0], [1, 0], [1, 1], [2, 1], [3, 1], [3, 0]])
    pairs = draw_pairs(factors, np.arange(6), 200, 8, np.random.default_rng(0))
    lone = pairs.first[pairs.factor == 0]
    assert set(lone.ravel()) == {1, 2, 4, 5}


@pytest.mark.parametrize("n_latents", [1, 3, 700])
def test_features_agree_with_a_plain_loop(n_latents):
    """700 latents: several chunks."""
    codes = noise(50, n_latents)
    rng = np.random.default_rng(1)
    pairs = Pairs(np.zeros(90), rng.integers(50, size=(90, 64)), rng.integers(50, size=(90, 64)))
    want = [
        np.mean([abs(codes[a] - codes[b]) for a, b in zip(first, second, strict=True)], axis=0)
        for first, second in zip(pairs.first, pairs.second, strict=True)
    ]
    np.testing.assert_allclose(pair_features(codes, pairs), want, rtol=1e-5)


def shared(draw, factors, fixed, n_votes=4_000):
    """Images of the votes that fix one factor, one row a vote."""
    drawn = draw_votes(draw, factors, n_votes, 100, 8, seed=0).train
    images = drawn.second if draw is draw_pairs else drawn.members
    return images[drawn.factor == fixed]


@pytest.mark.parametrize("draw", [draw_pairs, draw_sets])
def test_other_factors_vary_freely_where_some_combinations_of_a_grid_are_commoner(draw):
    """The published protocol draws every value alike, and the others independently of it."""
    whole = grid(3, 12)  # 12 of each of 27 combinations
    common = whole[(whole[:, 0] == whole[:, 1]) & (whole[:, 0] > 0)]
    uneven = np.concatenate([whole, np.tile(common, (5, 1))])
    assert np.corrcoef(uneven[:, :2].T)[0, 1] > 0.3
    drawn = uneven[shared(draw, uneven, fixed=0)]
    pairs = np.histogram2d(*drawn[..., :2].reshape(-1, 2).T, bins=3)[0] / drawn[..., 0].size
    np.testing.assert_allclose(pairs, 1 / 9, atol=0.02)


def test_measured_factors_vary_as_they_do_among_the_images():
    lacking = grid(3, 20)
    lacking = lacking[lacking[:, 0] >= lacking[:, 1]]
    drawn = lacking[shared(draw_pairs, lacking, fixed=0)]
    assert (drawn[..., 0] >= drawn[..., 1]).all()
    codes = perfect(lacking)
    assert higgins(codes, lacking, **VOTES).protocol["other_factors"] == "as among the images"
    assert higgins(PERFECT, FACTORS, **VOTES).protocol["other_factors"].startswith("freely")

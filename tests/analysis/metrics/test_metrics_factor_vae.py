import numpy as np
import pytest
from planted_codes import grid, mixed_in_pairs, noise, perfect, rotated, with_dead

from analysis.metrics import factor_vae
from analysis.metrics.common.votes import Sets, draw_sets
from analysis.metrics.factor_vae import steadiest

FACTORS = grid()
PERFECT = perfect(FACTORS)
NOISY = PERFECT + noise(len(FACTORS), 3)
VOTES = {"n_train": 1_000, "n_eval": 500}


def test_perfect_codes_score_one_with_one_latent_a_factor():
    result = factor_vae(PERFECT[:, [2, 0, 1]], FACTORS, **VOTES)
    assert result.score == 1
    assert result.saturated
    np.testing.assert_array_equal(result.votes.argmax(axis=1), [2, 0, 1])
    assert (result.votes > 0).sum() == 3
    assert result.votes.sum() == 1_000


def test_pure_noise_scores_chance():
    result = factor_vae(noise(len(FACTORS), 10), FACTORS, **VOTES)
    assert result.score == pytest.approx(1 / 3, abs=0.08)  # four standard deviations of 500 votes


def test_missing_factor_is_guessed_like_another_and_costs_a_third_at_most():
    """Its votes fall on the two other latents, each of which stands for its own factor."""
    result = factor_vae(PERFECT[:, :2], FACTORS, **VOTES)
    assert result.score == pytest.approx(2 / 3, abs=0.08)


def test_mixing_and_rotating_cost_points():
    scores = [
        factor_vae(codes + 0.5 * noise(len(FACTORS), 3), FACTORS, n_members=8, **VOTES).score
        for codes in (PERFECT, mixed_in_pairs(PERFECT), rotated(PERFECT))
    ]
    assert scores[0] > scores[1] + 0.05
    assert scores[0] > scores[2] + 0.05


def test_vote_table_names_latents_by_their_original_index():
    result = factor_vae(with_dead(PERFECT, 200), FACTORS, **VOTES)
    assert result.votes.shape == (200, 3)
    np.testing.assert_array_equal(np.flatnonzero(result.votes.any(axis=1)), [197, 198, 199])
    np.testing.assert_array_equal(result.votes[197:].argmax(axis=1), [0, 1, 2])


def test_dead_latents_that_tell_factors_do_not_vote():
    codes = with_dead(noise(len(FACTORS), 3), 200)
    codes[:, 1:197:3] = 1e-3 * np.resize(PERFECT.T, (66, len(FACTORS))).T
    result = factor_vae(codes, FACTORS, **VOTES)
    assert result.n_latents_used == 3
    assert not result.votes[:197].any()
    assert result.score == pytest.approx(1 / 3, abs=0.08)
    alone = factor_vae(codes[:, 197:], FACTORS, **VOTES)
    assert alone.score == pytest.approx(result.score, abs=0.004)  # rounding may turn a vote or two


def test_constant_latents_do_not_vote_even_without_pruning():
    codes = np.column_stack([np.full(len(FACTORS), 0.1), PERFECT])
    result = factor_vae(codes, FACTORS, min_variance=0, **VOTES)
    assert result.score == 1
    assert not result.votes[0].any()


def test_all_dead_codes_score_chance_without_a_vote():
    result = factor_vae(1e-3 * NOISY, FACTORS, **VOTES)
    assert result.score == result.chance == pytest.approx(1 / 3)
    assert result.interval == (result.chance, result.chance)
    assert not result.votes.any()
    assert result.n_latents_used == 0


def test_order_sign_and_scale_of_living_latents_do_not_matter():
    want = factor_vae(NOISY, FACTORS, n_members=8, **VOTES).score
    for same in (NOISY[:, [2, 0, 1]], NOISY * [-3, 0.1, 100], NOISY + 7):
        # float32 may decide a near tie the other way
        got = factor_vae(same, FACTORS, n_members=8, **VOTES).score
        assert got == pytest.approx(want, abs=0.005)


def test_shuffled_factors_score_chance_however_few_the_images():
    """On the same images for training and test, chance likeness would be learnt."""
    rng = np.random.default_rng(0)
    codes, factors = rng.normal(size=(60, 20)), rng.integers(2, size=(60, 4))
    scores = [factor_vae(codes, factors, seed=seed, **VOTES).score for seed in range(5)]
    assert np.mean(scores) == pytest.approx(1 / 4, abs=0.08)


def test_sets_share_one_value_of_their_factor_only():
    sets = draw_sets(FACTORS, np.arange(len(FACTORS)), 300, 64, np.random.default_rng(0))
    for factor, members in zip(sets.factor, sets.members, strict=True):
        assert np.ptp(FACTORS[members, factor]) == 0
        assert (np.ptp(np.delete(FACTORS[members], factor, axis=1), axis=0) > 0).all()


def test_votes_agree_with_a_plain_loop():
    codes = noise(200, 700)
    codes *= np.linspace(0.1, 3, 700)
    members = np.random.default_rng(1).integers(200, size=(60, 64))
    variance = codes.var(axis=0)
    want = [np.argmin(codes[rows].var(axis=0) / variance) for rows in members]
    np.testing.assert_array_equal(steadiest(codes, Sets(np.zeros(60), members)), want)

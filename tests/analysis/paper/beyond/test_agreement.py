"""How far seeds agree, on codes whose relation is known."""

import numpy as np
import pytest
from planted_codes import noise

from analysis.paper.beyond.agreement import matched_correlation, pseudo_values
from analysis.statistics.intervals import mean_interval

CODES = noise(2_000, 4)


def test_codes_agree_up_to_order_sign_and_scale():
    other = CODES[:, [2, 0, 3, 1]] * [-1, 5, 0.5, -2]
    assert matched_correlation(CODES, other) == pytest.approx(1)


def test_unrelated_codes_do_not_agree():
    assert matched_correlation(CODES, noise(2_000, 4, seed=9)) < 0.06


def test_a_monotone_change_of_each_latent_costs_nothing():
    assert matched_correlation(CODES, np.exp(CODES)) == pytest.approx(1)


def test_a_latent_without_a_partner_counts_as_nothing():
    dead = CODES * [1, 1, 1, 0.001]
    assert matched_correlation(CODES, dead) == pytest.approx(0.75)
    assert matched_correlation(CODES, 0 * CODES) == 0


def test_a_rotation_by_45_degrees_of_two_latents_halves_the_squares():
    turned = CODES[:, :2] @ np.array([[1, -1], [1, 1]]) / 2**0.5
    assert matched_correlation(CODES[:, :2], turned) == pytest.approx(0.69, abs=0.04)


def test_it_does_not_matter_which_run_comes_first():
    other = CODES + 0.5 * noise(2_000, 4, seed=3)
    assert matched_correlation(CODES, other) == pytest.approx(matched_correlation(other, CODES))


def test_pseudo_values_have_the_mean_of_all_pairs():
    codes = {seed: CODES + 0.3 * seed * noise(2_000, 4, seed=seed + 20) for seed in range(4)}
    pairs = [matched_correlation(codes[a], codes[b]) for a in range(4) for b in range(a)]
    values = pseudo_values(codes)
    assert values.mean() == pytest.approx(np.mean(pairs))
    assert values.index.tolist() == [0, 1, 2, 3]
    assert values.idxmin() == 3  # the noisiest


def test_the_jackknife_of_a_mean_over_pairs_covers_the_truth():
    """Codes of a seed are the truth and noise: any two agree by the same in expectation."""
    rng, held, n = np.random.default_rng(1), 0, 60
    truth = matched_correlation(
        *(rng.normal(size=(1, 20_000, 1)) + rng.normal(size=(2, 20_000, 1)))
    )
    for _ in range(n):
        signal = rng.normal(size=(150, 1))
        seen = mean_interval(
            pseudo_values({s: signal + rng.normal(size=(150, 1)) for s in range(5)})
        )
        held += seen.low < truth < seen.high
    assert held / n > 0.8

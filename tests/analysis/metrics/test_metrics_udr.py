import numpy as np
import pytest
from planted_codes import grid, mixed_in_pairs, noise, perfect, rotated, with_dead

from analysis.metrics import udr
from analysis.metrics.udr import agreement

CODES = perfect(grid())  # uncorrelated latents
NOISY = CODES + 0.5 * noise(len(CODES), 3)


@pytest.mark.parametrize(
    ("correlation", "want"),
    [
        (np.eye(3), 1),
        (np.eye(3)[[1, 2, 0]], 1),
        ([[1, 0], [0, 0.5]], 0.75),  # shares 1 and 0.25 / 0.5 in both directions
        ([[1, 1]], 2.5 / 3),  # two latents find theirs, 1 and 1; the one is torn, 1 / 2
        (np.full((2, 2), 0.5), 0.25),  # every latent: 0.25 / (0.5 + 0.5)
        (np.zeros((2, 3)), 0),
    ],
)
def test_known_correlations(correlation, want):
    assert agreement(np.asarray(correlation, dtype=float)) == pytest.approx(want)


def test_same_latents_in_another_order_and_sign_and_bent_score_one():
    other = np.stack([-CODES[:, 2], np.exp(CODES[:, 0]), 5 * CODES[:, 1]], axis=1)
    result = udr(CODES, other)
    assert result.score == pytest.approx(1)
    assert result.saturated
    assert result.n_informative == (3, 3)
    np.testing.assert_allclose(result.correlation, np.eye(3)[:, [2, 0, 1]], atol=0.01)


def test_mixed_and_rotated_runs_agree_less():
    """Either of two mixed latents leans alike on two others: rho**2 / (2 rho), rho near 0.7."""
    mixed = udr(CODES, mixed_in_pairs(CODES))
    assert mixed.score == pytest.approx((4 * 0.35 + 2) / 6, abs=0.02)
    assert udr(CODES, rotated(CODES)).score < 0.8
    assert udr(noise(500, 5, 1), noise(500, 5, 2)).score < 0.05


def test_score_does_not_hang_on_which_run_comes_first():
    assert udr(NOISY, CODES[:, :2]).score == pytest.approx(udr(CODES[:, :2], NOISY).score)


def test_dead_latents_take_no_part():
    want = udr(NOISY, CODES)
    got = udr(with_dead(NOISY, 200), with_dead(CODES, 200, seed=2))
    assert got.score == pytest.approx(want.score)
    assert got.n_informative == (3, 3)
    assert not got.correlation[:197].any()


def test_constant_code_is_never_informative():
    result = udr(np.column_stack([np.full(len(CODES), 0.1), CODES]), CODES)
    assert result.n_informative == (3, 3)
    assert result.score == pytest.approx(1)


@pytest.mark.parametrize(("first", "second"), [(0, 1), (1, 0), (0, 0)])
def test_runs_without_informative_latents_score_nothing(first, second):
    result = udr(first * CODES, second * CODES)
    assert result.score == 0
    assert result.interval == (0, 0)
    assert result.n_informative == (3 * first, 3 * second)

"""What a hundred labels tell of the factors."""

import numpy as np
import pytest
from planted_codes import grid, noise, perfect, rotated
from sklearn.linear_model import Ridge

from analysis.metrics.few_labels import FEW_LABELS, FEW_LABELS_LINEAR, few_labels

FACTORS = grid(5, 8)


def test_factors_as_codes_are_read_by_lines_exactly_and_by_trees_nearly():
    assert few_labels(perfect(FACTORS), FACTORS, regressor="linear").score > 0.99
    assert few_labels(perfect(FACTORS), FACTORS).score > 0.9


def test_codes_that_know_nothing_read_nothing():
    for regressor in ("trees", "linear"):
        found = few_labels(noise(len(FACTORS), 5), FACTORS, regressor=regressor)
        assert found.score < 0.05
        assert (found.r2 < 0.05).all()


def test_dead_codes_read_the_mean():
    found = few_labels(np.full((len(FACTORS), 3), 0.5), FACTORS)
    assert found.score == 0
    assert found.r2 == pytest.approx(np.zeros(FACTORS.shape[1]), abs=0.05)


def test_half_of_the_factors_known_is_half_the_score():
    known = np.column_stack([FACTORS[:, 0].astype(float), noise(len(FACTORS), 1)])
    found = few_labels(known, FACTORS[:, :2], regressor="linear")
    assert found.score == pytest.approx(0.5, abs=0.02)


def test_a_rotation_costs_trees_much_and_lines_nothing():
    codes = perfect(FACTORS) / perfect(FACTORS).std(axis=0)
    codes = np.column_stack([codes, noise(len(codes), 7)])
    turned = rotated(codes)
    lines = [few_labels(c, FACTORS, regressor="linear").score for c in (codes, turned)]
    assert lines[0] == pytest.approx(lines[1], abs=0.01)
    assert few_labels(codes, FACTORS).score > few_labels(turned, FACTORS).score + 0.15


def test_the_order_and_the_scale_of_latents_do_not_matter_to_lines():
    codes = perfect(FACTORS) + 0.5 * noise(len(FACTORS), FACTORS.shape[1])
    other = few_labels(3 * codes[:, ::-1], FACTORS, regressor="linear")
    assert other.score == pytest.approx(few_labels(codes, FACTORS, regressor="linear").score)


def test_r2_is_that_of_scikit_learn():
    rng = np.random.default_rng(3)
    codes = perfect(FACTORS) + noise(len(FACTORS), FACTORS.shape[1])
    order = rng.permutation(len(codes))
    seen, rest = order[:100], order[100:5100]
    scaled = codes / codes.std(axis=0)
    expected = [
        Ridge().fit(scaled[seen], y[seen] / y.std()).score(scaled[rest], y[rest] / y.std())
        for y in FACTORS.T
    ]
    found = few_labels(codes, FACTORS, regressor="linear", seed=3)
    assert found.r2 == pytest.approx(expected)
    assert found.interval[0] < found.score < found.interval[1]


def test_more_labels_read_more():
    codes = perfect(FACTORS) + 0.3 * noise(len(FACTORS), FACTORS.shape[1])
    scores = [few_labels(codes, FACTORS, n_labels=n).score for n in (10, 100, 500)]
    assert scores == sorted(scores)


def test_an_unknown_regressor_is_refused():
    with pytest.raises(ValueError, match=r"one of .*linear.*trees"):
        few_labels(perfect(FACTORS), FACTORS, regressor="forest")


def test_the_records_call_the_function_by_their_settings():
    for metric, regressor in ((FEW_LABELS, "trees"), (FEW_LABELS_LINEAR, "linear")):
        found = metric.function(perfect(FACTORS), FACTORS, **metric.settings, seed=1)
        assert found.protocol["regressor"] == regressor

import numpy as np
import pytest
from planted_codes import noise

from analysis.metrics import probe


def test_a_class_written_into_the_codes_is_read_and_one_that_is_not_is_not():
    classes = np.random.default_rng(0).integers(4, size=3_000)
    told = probe(np.eye(4)[classes] + 0.1 * noise(3_000, 4), classes)
    assert told.score == 1
    assert told.saturated
    untold = probe(noise(3_000, 4), classes)
    assert untold.score == pytest.approx(0.25, abs=0.05)
    assert untold.chance == pytest.approx(0.25, abs=0.05)
    assert untold.interval[0] < untold.score < untold.interval[1]


def test_half_of_the_classes_told_is_half_right():
    """Two pairs of classes: the codes tell the pair, not who of it."""
    classes = np.random.default_rng(0).integers(4, size=6_000)
    found = probe(np.eye(2)[classes // 2] + 0.01 * noise(6_000, 2), classes)
    assert found.score == pytest.approx(0.5, abs=0.04)


def test_dead_latents_tell_nothing():
    classes = np.random.default_rng(0).integers(4, size=3_000)
    found = probe(1e-3 * np.eye(4)[classes], classes)
    assert found.score == found.chance


def test_a_constant_class_is_refused():
    with pytest.raises(ValueError, match="are constant"):
        probe(noise(30, 2), np.zeros(30, int))

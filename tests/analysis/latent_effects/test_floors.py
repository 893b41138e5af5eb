"""Pure operations on digits, and what they move besides their property."""

import numpy as np
import pytest

from analysis.factors.morphometry import measure
from analysis.factors.redraw import dilate, shear, stretch
from analysis.latent_effects.alignment import PROPERTIES
from analysis.latent_effects.floors import floor_table, floors

SPREAD = np.array([0.70, 0.245, 3.86])


@pytest.fixture(scope="module")
def bars():
    """An upright bar, 4 px thick and wide."""
    image = np.zeros((1, 28, 28), np.uint8)
    image[0, 4:24, 12:16] = 255
    return image


def test_operations_by_hand(bars):
    before = measure(bars).iloc[0]
    thick, lean, wide = (
        measure(made).iloc[0]
        for made in (dilate(bars, 0.5), shear(bars, np.tan(0.2)), stretch(bars, 1.5))
    )
    assert thick["thickness_px"] - before["thickness_px"] == pytest.approx(1, abs=0.1)
    assert thick["height_px"] - before["height_px"] == pytest.approx(1, abs=0.3)
    assert lean["slant_rad"] - before["slant_rad"] == pytest.approx(0.2, abs=0.01)
    assert lean["height_px"] == pytest.approx(before["height_px"], abs=0.1)
    assert wide["thickness_px"] / before["thickness_px"] == pytest.approx(1.5, abs=0.05)
    assert wide["width_px"] / before["width_px"] == pytest.approx(1.5, abs=0.05)
    assert wide["height_px"] == pytest.approx(before["height_px"], abs=0.1)


def test_an_operation_of_nothing_changes_little(bars):
    np.testing.assert_array_equal(stretch(bars, 1.0), bars)
    np.testing.assert_array_equal(shear(bars, 0.0), bars)
    assert abs(dilate(bars, 0.0).astype(int) - bars).mean() < 1


def test_a_stretch_of_real_digits_thickens_and_a_shear_does_not(mnist):
    """What the referee measured: 25 to 30%, 1%, and 2 to 3% for a dilation."""
    floor = floors(mnist.test_images[:100], SPREAD)
    np.testing.assert_allclose(np.diag(floor), 1)
    table = floor_table(floor).set_index("property")
    assert 0.15 < table.loc["width", "leakage"] < 0.35
    assert table.loc["slant", "leakage"] < 0.03
    assert table.loc["thickness", "leakage"] < 0.05
    assert table.loc["width", PROPERTIES[0]] > 0.3  # wider is thicker
    effects = table.loc["width", list(PROPERTIES)].to_numpy(float)
    assert table.loc["width", "leakage"] == pytest.approx(1 - 1 / (effects**2).sum())


def test_floors_are_measured_once(mnist, tmp_path, monkeypatch):
    few = mnist.test_images[:5]
    first = floors(few, SPREAD, tmp_path)
    monkeypatch.setattr("analysis.factors.morphometry.measure", None)
    np.testing.assert_array_equal(floors(few, SPREAD, tmp_path), first)

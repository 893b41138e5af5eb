"""Knobs, on a decoder that draws what is asked of it."""

import numpy as np
import pytest
from bars import LATENTS, SLANTED, SPREAD, THICKER, Bars, RingOrBar, some_starts

from analysis.latent_effects.alignment import Moves, align, moves
from analysis.latent_effects.knobs import ASKED, Knobs, edit_directions, fit_knobs, obtained
from analysis.representations.traversal import Directions


@pytest.fixture(scope="module")
def moved():
    return moves(Bars(), some_starts(), LATENTS, RingOrBar())


@pytest.fixture(scope="module")
def knobs(moved):
    return fit_knobs(Bars(), some_starts(), moved, LATENTS)


@pytest.fixture(scope="module")
def table(knobs):
    """On other codes than those that fitted."""
    return obtained(Bars(), some_starts(seed=1), knobs, RingOrBar())


def test_edit_directions_undo_a_mixture_that_is_known():
    """Two latents move thickness and slant together; their sum and difference move one each."""
    effects = np.zeros((2, 10, 3))
    effects[:, :, 0] = 1
    effects[:, :, 1] = [[1], [-1]]
    unit = np.eye(2)
    mixed = edit_directions(
        Moves(np.ones(2), np.zeros(2), effects * SPREAD),
        Directions(unit, unit, np.zeros(2)),
        SPREAD,
    )
    half = np.sqrt(0.5)
    np.testing.assert_allclose(mixed.steps, [[half, half], [half, -half], [0, 0]], atol=1e-12)


def test_edit_directions_of_a_decoder_move_their_own_property(moved):
    """Nothing here moves width alone: the knob says so by its leakage."""
    mixed = edit_directions(moved, LATENTS, SPREAD)
    table = align(moves(Bars(), some_starts(), mixed, RingOrBar()), SPREAD, own=range(3))
    assert list(table["property"]) == ["thickness", "slant", "mixed"]
    assert table["leakage"][:2].max() < 0.06
    assert table["leakage"][2] > 0.9


def test_a_knob_obtains_what_is_asked_on_other_images(table):
    slant = table[table["property"] == "slant"]
    places = np.array([-0.5, 0.5, 1.0]) * SPREAD[1]
    assert np.isclose(slant["asked"].to_numpy(), places[:, None]).any(axis=1).all()
    within = slant[slant["holds"]]
    assert len(within) >= 4
    assert (abs(within["obtained"] / within["asked"] - 1) <= 0.2).all()
    assert (within["thickness_px"].abs() <= 0.2 * SPREAD[0]).all()
    np.testing.assert_array_equal(slant["obtained"], slant["slant_rad"])


def test_nothing_moves_width_alone_and_no_knob_says_so(table):
    assert not table.loc[table["property"] == "width", "holds"].any()


def test_a_range_ends_where_the_knob_first_fails():
    shifts = np.full((3, len(ASKED), 5), np.nan)
    right = np.array(ASKED) * SPREAD[1] / 0.1  # latents that slant as asked
    shifts[1] = 0
    shifts[1, :, SLANTED] = right
    shifts[1, ASKED.index(0.5), SLANTED] *= 1.5
    table = obtained(Bars(), some_starts(), Knobs(shifts), RingOrBar())
    assert list(table["property"].unique()) == ["slant"]
    holds = dict(zip(ASKED, table["holds"], strict=True))
    assert holds[-0.5]
    assert holds[-1.0]
    assert not holds[0.5]
    assert not holds[1.0]  # as asked there, but not on the way
    after = table["obtained"] / table["asked"]
    assert after[ASKED.index(1.0)] == pytest.approx(1, abs=0.05)


def test_a_knob_that_moves_another_property_does_not_hold():
    shifts = np.full((3, len(ASKED), 5), np.nan)
    place = ASKED.index(0.5)
    shifts[1, place] = 0
    shifts[1, place, SLANTED] = 0.5 * SPREAD[1] / 0.1
    alone = obtained(Bars(), some_starts(), Knobs(shifts), RingOrBar())
    assert alone["holds"].tolist() == [True]
    shifts[1, place, THICKER] = 1
    both = obtained(Bars(), some_starts(), Knobs(shifts), RingOrBar())
    assert both["holds"].tolist() == [False]
    assert both["thickness_px"].item() > 0.2 * SPREAD[0]


def test_what_does_not_react_has_no_knob():
    still = Moves(np.zeros(5), np.zeros(5), np.zeros((5, 10, 3)))
    knobs = fit_knobs(Bars(), some_starts(), still, LATENTS)
    assert np.isnan(knobs.shifts).all()
    assert obtained(Bars(), some_starts(), knobs, RingOrBar()).empty

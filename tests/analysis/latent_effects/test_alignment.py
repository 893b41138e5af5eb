"""Alignment, on decoders that draw what is asked of them."""

import numpy as np
import pytest
import torch
from bars import (
    BOTH,
    LATENTS,
    N_LATENTS,
    NOTHING,
    OTHER_DIGIT,
    RAD_A_STEP,
    SLANTED,
    SPREAD,
    THICKER,
    Bars,
    RingOrBar,
    some_starts,
)

from analysis.factors.morphometry import measure
from analysis.latent_effects import alignment
from analysis.latent_effects.alignment import (
    PROPERTIES,
    Moves,
    Reader,
    align,
    axes,
    excess,
    moves,
    renamed,
)
from analysis.representations.traversal import (
    Directions,
    sweep,
)


@pytest.fixture(scope="module")
def starts():
    return some_starts()


@pytest.fixture(scope="module")
def latents():
    return LATENTS


@pytest.fixture(scope="module")
def moved(starts, latents):
    return moves(Bars(), starts, latents, RingOrBar())


def thickness_of_a_step(starts):
    """From the two ends of the range, without a sweep or a fitted line."""
    means = []
    for end in (-2.0, 2.0):
        codes = torch.tensor(starts.codes, dtype=torch.float32)
        codes[:, THICKER] = end
        pictures = (255 * torch.sigmoid(Bars().decode(codes))).round().to(torch.uint8)
        measured = measure(pictures.detach().reshape(-1, 28, 28).numpy())
        means.append(measured["thickness_px"].mean())
    return (means[1] - means[0]) / 4


def test_latents_are_named_by_what_they_move(starts, moved):
    table = align(moved, SPREAD)
    assert list(table["property"]) == ["thickness", "slant", "none", "mixed", "digit"]
    # a bar's medial axis forks into its corners, where the ink is thin: less than PX_A_STEP
    assert table["slope"][THICKER] == pytest.approx(thickness_of_a_step(starts), rel=0.1)
    assert table["slope"][SLANTED] == pytest.approx(RAD_A_STEP, rel=0.1)
    assert table.loc[[THICKER, SLANTED], "leakage"].max() < 0.05
    assert (table.loc[[THICKER, SLANTED], "n_digits"] == 10).all()
    assert np.isnan(table["slope"][NOTHING])


def test_a_latent_that_moves_two_properties_leaks(moved):
    """It does what two others do, so its effects are theirs."""
    effects = moved.slopes.mean(axis=1) / SPREAD
    both = effects[THICKER] + effects[SLANTED]
    want = 1 - (both**2).max() / (both**2).sum()
    assert align(moved, SPREAD)["leakage"][BOTH] == pytest.approx(want, abs=0.06)
    assert want > 0.2


def test_a_latent_that_does_not_react_moves_nothing(moved):
    assert moved.picture_change[NOTHING] == 0
    assert (moved.slopes[NOTHING] == 0).all()


def test_another_digit_is_seen_by_the_reader_alone(moved):
    assert moved.class_change[OTHER_DIGIT] == 1
    assert moved.class_change[THICKER] == 0


def test_a_direction_turned_round_moves_the_other_way(starts, latents, moved):
    back = Directions(-latents.steps, -latents.readers, latents.centre)
    np.testing.assert_allclose(
        moves(Bars(), starts, back, RingOrBar()).slopes, -moved.slopes, atol=1e-9
    )


def test_a_property_that_holds_for_few_digits_is_no_alignment():
    slopes = np.zeros((1, 10, 3))
    slopes[0, :, 1] = 0.2
    slopes[0, :3, 1] = -0.1
    table = align(Moves(np.ones(1), np.zeros(1), slopes), SPREAD)
    assert table.loc[0, ["property", "n_digits"]].tolist() == ["mixed", 7]
    slopes[0, 0, 1] = 0.1
    assert align(Moves(np.ones(1), np.zeros(1), slopes), SPREAD)["property"][0] == "slant"


WIDE = np.array([[1, 0, 0], [0, 1, 0], [0.5, 0, 1]])  # who stretches, thickens half as far


@pytest.mark.parametrize(
    ("effects", "beyond"),
    [
        ([0.5, 0, 1], 0),  # the pure operation
        ([-0.5, 0, -1], 0),  # the other way
        ([0, 0, 1], 0),  # no more than that: less is as good
        ([1.5, 0, 2], 0.25 / 4.25),  # 0.5 more than the stretch gives
        ([-0.5, 0, 1], 0.2),  # the wrong way: all of it
        ([0.5, 0.5, 1], 0.2),  # what it does not take with it
        ([0, 0, 0], np.nan),
    ],
)
def test_leakage_beyond_the_floor_by_hand(effects, beyond):
    effects = np.array(effects, dtype=float)
    assert excess(effects, 2, WIDE) == pytest.approx(beyond, nan_ok=True)


def test_without_a_floor_all_leakage_counts():
    slopes = np.random.default_rng(0).normal(size=(6, 10, 3))
    table = align(Moves(np.ones(6), np.zeros(6), slopes), SPREAD)
    np.testing.assert_allclose(table["excess"], table["leakage"])
    less = align(Moves(np.ones(6), np.zeros(6), slopes), SPREAD, floor=WIDE)
    assert (less["excess"] <= table["leakage"] + 1e-12).all()
    np.testing.assert_allclose(less["leakage"], table["leakage"])


@pytest.mark.parametrize(
    ("figures", "name"),
    [
        ({}, "slant"),
        ({"picture_change": 0.0399}, "none"),
        ({"class_change": 0.51}, "digit"),
        ({"effect": 0.09}, "mixed"),
        ({"leakage": 0.21}, "mixed"),
        ({"leakage": 0.4, "excess": 0.2}, "slant"),
        ({"leakage": 0.4, "excess": 0.21}, "mixed"),
        ({"leakage": 0.21, "excess": np.nan}, "mixed"),
        ({"n_digits": 7}, "mixed"),
    ],
)
def test_the_rules_of_naming(figures, name):
    clear = {"picture_change": 0.1, "class_change": 0, "effect": 1, "leakage": 0, "n_digits": 10}
    assert alignment.named(clear | figures, "slant_rad", 10) == name


def test_a_kept_row_has_another_name_under_other_thresholds():
    """Slant by 0.2 in seven of ten digits, by -0.1 in three: agreement of 70%."""
    slopes = np.zeros((1, 10, 3))
    slopes[0, :, 1] = 0.2
    slopes[0, :3, 1] = -0.1
    row = align(Moves(np.ones(1), np.full(1, 0.3), slopes), SPREAD)
    kept = row.assign(digit_effects=[(slopes / SPREAD).reshape(-1)])
    own = alignment.THRESHOLDS
    assert renamed(kept, own).tolist() == row["property"].tolist() == ["mixed"]
    assert renamed(kept, own._replace(disagreeing=0.4)).tolist() == ["slant"]
    assert renamed(kept, own._replace(changes_digit=0.25)).tolist() == ["digit"]
    assert renamed(kept, own._replace(reacts=2)).tolist() == ["none"]


def test_a_step_is_a_standard_deviation_and_a_place_is_read_back():
    samples = np.random.default_rng(1).normal(loc=3, scale=[1, 2], size=(500, 2))
    lines = axes(samples, np.eye(2), np.eye(2))
    np.testing.assert_allclose(np.diag(lines.steps), samples.std(axis=0))
    places = (samples - lines.centre) @ lines.readers.T
    np.testing.assert_allclose(places.std(axis=0), 1)
    np.testing.assert_allclose(lines.readers @ lines.steps.T, np.eye(2), atol=1e-12)


def test_a_sweep_replaces_where_the_start_was(latents):
    starts = np.zeros((2, N_LATENTS))
    starts[1, SLANTED] = 1.3
    pictures = sweep(Bars(), starts, [0, 0], latents, [-1, 0, 1])
    assert pictures.shape == (N_LATENTS, 2, 3, 28, 28)
    np.testing.assert_array_equal(pictures[SLANTED, 0], pictures[SLANTED, 1])
    assert (pictures[THICKER, 0] != pictures[THICKER, 1]).any()


def test_the_reader_reads_real_digits(mnist):
    reader = Reader.fit(mnist.train_images[:10_000], mnist.train_labels[:10_000])
    assert (reader.read(mnist.test_images[:1000]) == mnist.test_labels[:1000]).mean() > 0.93


def test_the_properties_are_the_default_factors():
    assert tuple(alignment.NAMES) == PROPERTIES

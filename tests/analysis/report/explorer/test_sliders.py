"""Rows of tables as sliders."""

import base64

import numpy as np
import pandas as pd
from explored import PLAIN

from analysis.latent_effects.alignment import PROPERTIES, Pictures
from analysis.latent_effects.tables import directions
from analysis.latent_effects.wording import described
from analysis.report.explorer.sliders import (
    component_sliders,
    knob_sliders,
    latent_sliders,
    readers,
    unaligned_sliders,
)
from analysis.representations.traversal import Scale

SPREAD = np.array([0.7, 0.25, 4.0])
AS_THEY_ARE = Scale(np.zeros(3), np.ones(3), False)


def direction(number, name, effects, vector, slope=np.nan, **more):
    """A row of the table `alignment`; effects are the same for all digits."""
    row = {"direction": number, "property": name, "slope": slope, "leakage": 0.06, "n_digits": 10}
    row |= {"class_change": 0.1, "effect": max(map(abs, effects)), "vector": vector}
    row["digit_effects"] = np.tile(effects, 10)
    slopes = np.array(effects) * [0.7, 0.25, 4.0]
    return {**row, **dict(zip(PROPERTIES, slopes, strict=True)), **more}


SLANT = direction(1, "slant", [0, -0.8, 0.2], [1.0, 0, 0], slope=-0.2)
QUIET = direction(2, "none", [0, 0, 0], [0, 1.0, 0])
THICK = direction(3, "thickness", [0.5, 0, 0.1], [0, 0, 0.5], slope=0.35)
STRONGER = direction(4, "slant", [0, 0.9, 0], [0, 0, 1.0], slope=0.22)


def numbers(text, kind):
    return np.frombuffer(base64.b64decode(text), kind)


def test_directions_in_words():
    assert described(SLANT) == "\N{MINUS SIGN}0.20 rad per step, leakage 6%, 10 of 10 digits"
    assert described(THICK) == "+0.35 px per step, leakage 6%, 10 of 10 digits"
    wide = direction(1, "width", [0.2, 0, 0.4], [1.0], slope=1.6, leakage=0.35, excess=0.03)
    assert "leakage 35% (3% beyond the floor), " in described(wide)
    assert described(QUIET) == "does not react"
    mixed = direction(1, "mixed", [0.3, 0.1, -0.4], [1.0], leakage=0.385, n_digits=5)
    assert described(mixed) == "mostly width, leakage 38%, 5 of 10 digits"
    digit = direction(1, "digit", [0.3, 0.1, -0.4], [1.0], class_change=0.64)
    assert described(digit) == "64% read as another digit"


def test_latents_stand_by_property_the_strongest_first_and_the_quiet_last():
    rows = latent_sliders(pd.DataFrame([SLANT, QUIET, THICK, STRONGER]), AS_THEY_ARE)["rows"]
    assert [row["name"] for row in rows] == ["z3 thickness", "z4 slant", "z1 slant", "z2"]
    assert [row["latent"] for row in rows] == [2, 3, 0, 1]
    assert [row["reacts"] for row in rows] == [True, True, True, False]
    assert [row["sign"] for row in rows] == [1, 1, -1, 0]
    assert {(row["low"], row["high"]) for row in rows} == {(-5, 5)}


def test_latents_that_were_not_measured_stand_by_their_kl():
    variance = [0.2, 0.005, 0.9]
    latents = pd.DataFrame(
        {"latent": [1, 2, 3], "kl": [0.5, 0.001, 2.0], "mean_variance": variance}
    )
    rows = unaligned_sliders(latents, AS_THEY_ARE)["rows"]
    assert [row["name"] for row in rows] == ["z3", "z1", "z2"]
    assert [row["text"] for row in rows] == ["KL 2.00 nats", "KL 0.50 nats", "KL 0.00 nats"]
    assert [row["reacts"] for row in rows] == [True, True, False]
    without = unaligned_sliders(latents.assign(kl=np.nan), AS_THEY_ARE)["rows"]
    assert [row["text"] for row in without] == ["variance 0.90", "variance 0.20", "variance 0.01"]


def test_latents_of_other_priors_are_read_in_standard_deviations():
    """By hand: a latent of 4 with mean 3 and SD 0.5 is 2 SD up; one SD more moves it by 0.5."""
    scale = Scale(np.array([1.0, 2, 3]), np.array([2.0, 1, 0.5]), True)
    sliders = latent_sliders(pd.DataFrame([SLANT, QUIET, THICK]), scale)
    assert [row["latent"] for row in sliders["rows"]] == [2, 0, 1]
    assert {row["unit"] for row in sliders["rows"]} == {"SD"}
    steps, readers = (numbers(sliders[name], "<f4").reshape(3, 3) for name in ("steps", "readers"))
    np.testing.assert_array_equal(steps[0], [0, 0, 0.5])
    centre = numbers(sliders["centre"], "<f4")
    np.testing.assert_array_equal(readers @ ([3, 2, 4] - centre), [2, 1, 0])
    assert "steps" not in latent_sliders(pd.DataFrame([SLANT]), AS_THEY_ARE)


def place(name, asked, holds=True, shift=(0.0, 0.0, 0.0)):
    """A row of the table `knobs`."""
    row = {"property": name, "asked": asked, "obtained": 0.9 * asked, "obtained_sd": 0.25}
    return {**row, "holds": holds, "shift": np.array(shift)}


def test_a_knob_goes_as_far_as_it_holds():
    rows = [
        place("thickness", 1.4, holds=False),
        place("thickness", 0.7, shift=[2.0, 0, 0]),
        place("thickness", -0.35, shift=[-0.5, 0.5, 0]),
        place("slant", 0.12, shift=[0, 0, 1.0]),
        place("width", 1.9, holds=False),
    ]
    thickness, slant, width = knob_sliders(pd.DataFrame(rows), 3)["rows"]
    assert thickness["asked"] == [-0.35, 0, 0.7]
    shifts = numbers(thickness["shifts"], "<f4").reshape(3, 3)
    np.testing.assert_array_equal(shifts, [[-0.5, 0.5, 0], [0, 0, 0], [2, 0, 0]])
    assert (thickness["low"], thickness["high"]) == (-0.35, 0.7)
    assert thickness["text"] == "on other images +0.70 gives +0.63 \N{PLUS-MINUS SIGN} 0.25 px"
    assert (slant["low"], slant["high"]) == (0, 0.12)
    assert (width["low"], width["high"]) == (0, 0)
    assert width["text"] == "no mixture of latents moves only this"


def test_readers_undo_steps():
    steps = np.random.default_rng(0).normal(size=(3, 5))
    steps[:, 2] = 0  # a latent in no direction
    np.testing.assert_allclose(readers(steps) @ steps.T, np.eye(3), atol=1e-12)
    assert np.abs(readers(steps)[:, 2]).max() < 1e-12


def test_components_are_read_as_they_were_measured(explored_study, mnist):
    model, _ = explored_study.model(PLAIN.run_id)
    pictures = Pictures(mnist.test_images, mnist.test_labels.astype(np.int64), SPREAD, None)
    want = directions(model, pictures)["ica"]
    rows = [
        direction(i + 1, "mixed", [0.1, 0, 0], step, effect=-float(i))
        for i, step in enumerate(want.steps)
    ]
    sliders = component_sliders(pd.DataFrame(rows[::-1]), want.centre)
    assert sliders["rows"][0]["name"] == "ICA 1 mixed"
    np.testing.assert_allclose(
        numbers(sliders["readers"], "<f4").reshape(want.readers.shape), want.readers, atol=1e-5
    )

"""Sheets of pictures, on a decoder that shows what it is given."""

import numpy as np
import pandas as pd
import pytest
import torch
from tidy import assert_tidy, ticks
from torch import nn

from analysis.figures.grids import (
    Panel,
    Sheet,
    most_used,
    moved,
    number,
    over_digits,
    pack,
    prior_samples,
    reconstructions,
    row_labels,
    traversal_panel,
    unpack,
)
from analysis.figures.pictures import draw_sheet, mosaic
from analysis.representations.traversal import PAPER_VALUES, Traversal
from study.models.vae import Posterior

ALIGNED = {"property": "slant", "slope": -0.214, "leakage": 0.06, "n_digits": 10, "effect": 0.9}


class Show(nn.Module):
    """Pixel j is latent j, pixel 10 the digit; encodes an image as its first three pixels."""

    latent_dim = 3

    def __init__(self, n_classes=0):
        super().__init__()
        self.n_classes = n_classes
        self.nothing = nn.Parameter(torch.zeros(1))

    def encode(self, pixels, label=None):
        mean = torch.logit(pixels[:, :3].clamp(0.01, 0.99))
        return Posterior(mean, torch.full_like(mean, -20.0))

    def decode(self, latent, label=None):
        logits = torch.full((len(latent), 784), -20.0)
        logits[:, :3] = latent
        if label is not None:
            logits[:, 10] = torch.logit(label.argmax(dim=1) / 20 + 0.1)
        return logits


def levels(latents):
    """Grey levels of the pixels that show latents."""
    return np.round(255 / (1 + np.exp(-np.asarray(latents, float))))


def digit_of(pictures):
    return np.round((pictures[..., 0, 10] / 255 - 0.1) * 20).astype(int)


@pytest.fixture
def images():
    made = np.zeros((10, 28, 28), np.uint8)
    made[:, 0, :3] = np.arange(10)[:, None] * 20 + [30, 40, 50]
    return made


def panel(n_rows, n_columns, words="z1"):
    pictures = np.random.default_rng(0).integers(0, 256, (n_rows, n_columns, 28, 28))
    rows = [f"{words} {row}" for row in range(n_rows)]
    columns = [str(column) for column in range(n_columns)]
    return Panel("Standard VAE", pictures.astype(np.uint8), rows, columns, "value")


def test_a_sheet_survives_its_file():
    sheet = Sheet("β", "What is seen.", [panel(2, 3), panel(1, 4)])
    again = unpack(pack(sheet))
    assert again[:2] == sheet[:2]
    for one, other in zip(sheet.panels, again.panels, strict=True):
        np.testing.assert_array_equal(one.images, other.images)
        assert one._replace(images=None) == other._replace(images=None)
    assert pack(again) == pack(sheet)


def test_what_a_latent_moves_in_words():
    assert moved(ALIGNED) == "slant \N{MINUS SIGN}0.21 rad, leakage 6%, 10 of 10 digits"
    thick = {**ALIGNED, "property": "thickness", "slope": 0.4, "n_digits": 8}
    assert moved(thick) == "thickness +0.40 px, leakage 6%, 8 of 10 digits"
    assert moved({**ALIGNED, "property": "none"}) == "no reaction"
    assert moved({**ALIGNED, "property": "digit", "class_change": 0.62}) == "another digit in 62%"
    mixed = {**ALIGNED, "property": "mixed", "slope": np.nan, "n_digits": 4}
    assert moved(mixed) == "mixed, leakage 6%, 4 of 10 digits"
    assert moved({**mixed, "effect": 0.02}) == "mixed, effects below 0.1 SD"
    assert number(-0.04, 1) == "\N{MINUS SIGN}0.0"


def test_rows_are_named_as_the_model_has_them():
    rows = [
        {**ALIGNED, "basis": "latent", "direction": 2},
        {**ALIGNED, "basis": "latent", "direction": 1, "property": "none"},
        {**ALIGNED, "basis": "latent", "direction": 3, "property": "mixed", "effect": 0.02},
        {**ALIGNED, "basis": "ica", "direction": 1},
    ]
    table = pd.DataFrame(rows)
    assert row_labels(2, None) == ["z1", "z2"]
    assert row_labels(4, table, brief=True) == ["z1", "z2 slant", "z3", "z4"]
    assert row_labels(2, table)[:2] == ["z1 no reaction", f"z2 {moved(ALIGNED)}"]


def test_the_most_used_latents_keep_their_order():
    assert most_used([0.1, 5, 0.2, 3], most=2).tolist() == [1, 3]
    assert most_used([0.1, 5]).tolist() == [0, 1]


def test_columns_are_named_by_value_or_by_quantile():
    pictures = np.zeros((3, 10, 28, 28), np.uint8)
    pictures[2] = 9
    paper = Traversal(pictures, np.tile(PAPER_VALUES, (3, 1)), np.zeros(3))
    kept = np.array([0, 2])
    one = traversal_panel(paper, "t", ["z1", "z2", "z3"], kept)
    assert one.rows == ["z1", "z3"]
    assert (one.images[1] == 9).all()
    assert one.columns[:2] == ["\N{MINUS SIGN}5.0", "\N{MINUS SIGN}3.9"]
    other = traversal_panel(paper._replace(values=np.ones((3, 10))), "t", ["z1"] * 3, kept)
    assert (other.columns[0], other.columns[-1]) == ("2.5%", "97.5%")


def test_reconstructions_stand_below_their_originals(images):
    found = reconstructions({"β = 1": Show(), "β = 5": Show()}, images, np.arange(10))
    assert found.rows == ["original", "β = 1", "β = 5"]
    np.testing.assert_array_equal(found.images[0], images)
    np.testing.assert_allclose(found.images[1, :, 0, :3].astype(float), images[:, 0, :3], atol=1)
    assert (found.images[1, :, 1:] == 0).all()


def test_one_latent_moves_over_every_digit_and_the_others_stay(images):
    first, second = over_digits(Show(10), images, np.arange(10), {3: "width", 1: "slant"})
    assert (first.title, second.title) == ("width", "slant")
    assert first.images.shape == (10, 10, 28, 28)
    np.testing.assert_array_equal(first.images[4, :, 0, 2], levels(PAPER_VALUES))
    np.testing.assert_allclose(
        first.images[:, :, 0, 0].T, np.tile(images[:, 0, 0], (10, 1)), atol=1
    )
    np.testing.assert_array_equal(second.images[7, :, 0, 0], levels(PAPER_VALUES))
    np.testing.assert_array_equal(digit_of(second.images)[:, 0], np.arange(10))


def test_a_conditional_model_draws_digit_by_digit_with_the_same_latents():
    found = prior_samples(Show(10), "C", n=4)
    np.testing.assert_array_equal(digit_of(found.images), np.tile(np.arange(10)[:, None], 4))
    assert (found.images[..., 0, :3] == found.images[:1, ..., 0, :3]).all()
    assert found.rows == [str(digit) for digit in range(10)]
    plain = prior_samples(Show(), "S", n=4)
    assert plain.rows == []
    drawn = np.random.default_rng(0).normal(size=(40, 3))
    np.testing.assert_array_equal(plain.images[..., 0, :3].reshape(40, 3), levels(drawn))


def test_a_mosaic_by_hand():
    pictures = np.arange(4, dtype=np.uint8).reshape(1, 4, 1, 1)
    assert mosaic(pictures).tolist() == [[0, 255, 255, 1, 255, 255, 2, 255, 255, 3]]
    assert mosaic(np.zeros((2, 1, 3, 3), np.uint8)).shape == (8, 3)


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_a_sheet_is_drawn_with_a_word_a_row(n):
    figure = draw_sheet(Sheet("Title", "", [panel(10, 10)] * n))
    assert_tidy(figure)
    shown = [axes for axes in figure.axes if axes.axison]
    assert len(shown) == n
    for axes in shown:
        assert ticks(axes) == [f"z1 {row}" for row in range(10)]
        assert axes.get_xlabel() == "value"
    titles = {figure.get_suptitle(), shown[0].get_title()}
    assert "Title" in titles


def test_long_words_stand_to_the_right_and_twenty_rows_fit():
    figure = draw_sheet(Sheet("Title", "", [panel(20, 10, "z1 thickness +0.54 px, leakage 17%,")]))
    assert_tidy(figure)
    assert figure.axes[0].yaxis.get_ticks_position() == "right"

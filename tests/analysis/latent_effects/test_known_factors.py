"""Latents named by known factors that a regression reads."""

import numpy as np
import pytest
import torch
from squares import ACROSS, DIAGONAL, N_LATENTS, NOTHING, SIZE, STEP, Squares, squares
from torch import nn

from analysis.latent_effects.alignment import Starts, align, moves, properties_of
from analysis.latent_effects.pictures import read_pictures
from analysis.latent_effects.tables import halves_of_every_digit
from analysis.latent_effects.wording import alignments, moved
from analysis.representations.traversal import Directions

LATENTS = Directions(np.eye(N_LATENTS), np.eye(N_LATENTS), np.zeros(N_LATENTS))


@pytest.fixture(scope="module")
def pictures():
    news = []
    given, table = read_pictures(squares(), news.append)
    assert list(table["used"]) == [True, True, True, False]
    assert "unseen" in news[-1]
    return given


def aligned(model, pictures):
    codes = np.random.default_rng(0).normal(scale=0.3, size=(20, N_LATENTS))
    starts = Starts(codes, np.zeros(20, np.int64), pictures.spread, pictures.measurer)
    found = moves(model, starts, LATENTS, pictures.reader)
    table = align(found, pictures.spread, floor=pictures.floor, factors=pictures.measurer.factors)
    return table.assign(
        direction=np.arange(1, N_LATENTS + 1),
        digit_effects=list((found.slopes / pictures.spread).reshape(N_LATENTS, -1)),
    )


def test_a_latent_that_moves_one_factor_is_named_by_it(pictures):
    table = aligned(Squares(), pictures)
    assert list(table["property"]) == ["x", "size", "mixed", "none"]
    assert table["slope"][ACROSS] == pytest.approx(STEP[0], rel=0.15)
    assert table["slope"][SIZE] == pytest.approx(2 * STEP[2], rel=0.15)  # both sides
    assert table.loc[[ACROSS, SIZE], "leakage"].max() < 0.1
    assert table["leakage"][DIAGONAL] == pytest.approx(0.5, abs=0.1)


def test_pages_say_which_factor_and_by_how_much(pictures):
    table = aligned(Squares(), pictures)
    rows = table.to_dict("records")
    assert properties_of(table) == ["factor_x", "factor_y", "factor_size"]
    assert moved(rows[ACROSS]).startswith(f"x, +{rows[ACROSS]['slope']:.2f} per step, leakage ")
    assert "class" not in moved(rows[ACROSS])  # without labels there are none to count
    assert moved(rows[DIAGONAL]).startswith("mixed; mostly ")
    assert moved(rows[NOTHING]) == "does not react"
    (words,) = alignments(table.assign(run="a", basis="latent"))
    assert (words.named["x"], words.named["y"], words.n_still) == (["z1"], [], 1)


class Untrained(Squares):
    """A decoder with random weights: its latents mean nothing."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        n_pixels = self.data_shape.n_pixels
        self.layers = nn.Sequential(nn.Linear(N_LATENTS, 64), nn.Tanh(), nn.Linear(64, n_pixels))

    def decode(self, latent, label=None):
        return self.layers(latent)


def test_latents_of_an_untrained_decoder_bear_no_name(pictures):
    assert set(aligned(Untrained(), pictures)["property"]) <= {"mixed", "none"}


def test_without_labels_as_many_images_are_measured_on():
    fitted, held_out = halves_of_every_digit(np.zeros(500, np.int64))
    assert (len(fitted), len(held_out)) == (100, 100)
    many = halves_of_every_digit(np.repeat(np.arange(300), 30))
    assert [len(half) for half in many] == [100, 100]

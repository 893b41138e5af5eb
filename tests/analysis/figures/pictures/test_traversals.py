"""Traversals, on pictures that are given."""

import numpy as np
import pandas as pd

from analysis.figures.pictures.traversals import most_used, moved, row_labels, traversal_panel
from analysis.representations.traversal import Scale, Traversal
from analysis.statistics.wording import number

ALIGNED = {"property": "slant", "slope": -0.214, "leakage": 0.06, "n_digits": 10, "effect": 0.9,
           "digit_effects": np.zeros(30)}  # fmt: skip


def test_what_a_latent_moves_in_words():
    assert moved(ALIGNED) == "slant \N{MINUS SIGN}0.21 rad, leakage 6%, 10 of 10 digits"
    thick = {**ALIGNED, "property": "thickness", "slope": 0.4, "n_digits": 8}
    assert moved(thick) == "thickness +0.40 px, leakage 6%, 8 of 10 digits"
    assert moved({**ALIGNED, "property": "none"}) == "no reaction"
    assert moved({**ALIGNED, "property": "digit", "class_change": 0.62}) == "another digit in 62%"
    mixed = {**ALIGNED, "property": "mixed", "slope": np.nan, "n_digits": 4}
    assert moved(mixed) == "mixed, leakage 6%, 4 of 10 digits"
    one_class = ALIGNED | {"digit_effects": ALIGNED["digit_effects"][:3], "n_digits": 1}
    assert moved(one_class) == "slant \N{MINUS SIGN}0.21 rad, leakage 6%"
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
    """By KL, or by what stands in for it."""
    assert most_used([0.1, 5, 0.2, 3], most=2).tolist() == [1, 3]
    assert most_used([0.1, 5]).tolist() == [0, 1]


def test_columns_are_named_by_value_by_deviation_or_by_quantile():
    pictures = np.zeros((3, 10, 28, 28), np.uint8)
    pictures[2] = 9
    scale = Scale(np.zeros(3), np.ones(3), False)
    paper = Traversal(pictures, scale.values, np.zeros(3), scale)
    kept = np.array([0, 2])
    one = traversal_panel(paper, "t", ["z1", "z2", "z3"], kept)
    assert one.rows == ["z1", "z3"]
    assert (one.images[1] == 9).all()
    assert one.columns[:2] == ["\N{MINUS SIGN}5.0", "\N{MINUS SIGN}3.9"]
    assert "deviations" not in one.x_label
    in_sd = paper._replace(scale=scale._replace(in_sd=True))
    other = traversal_panel(in_sd, "t", ["z1"] * 3, kept)
    assert other.columns == one.columns
    assert "standard deviations" in other.x_label
    other = traversal_panel(paper._replace(scale=None), "t", ["z1"] * 3, kept)
    assert (other.columns[0], other.columns[-1]) == ("2.5%", "97.5%")

"""The figure of docs/beyond.md: every kind, between floor and ceiling."""

import pytest
from planted_kinds import WHOLE, planted
from tidy import assert_tidy, words

from analysis.figures.beyond import LOOKS, draw
from analysis.paper.beyond.kinds import KINDS


def test_every_kind_has_a_look_of_its_own():
    assert set(LOOKS) == set(KINDS)
    assert len(set(LOOKS.values())) == len(LOOKS)


def test_two_data_sets_are_tidy_and_name_every_kind_once():
    figure = draw({"MNIST, redrawn": WHOLE, "drawn digits": WHOLE})
    assert_tidy(figure)
    assert sorted(words(figure)) == sorted(
        [*KINDS.values(), "floor: the same codes, rotated", "ceiling: the factors as codes"]
    )


def test_a_mark_is_the_mean_over_seeds():
    runs = planted("plain", (4.0,)).assign(score=[0.1, 0.2, 0.3, 0.4, 0.5], recon=90.0)
    (axes,) = draw({"one": runs}).axes
    mark = next(line for line in axes.lines if line.get_marker() == "o")
    assert mark.get_xydata().tolist() == [[90.0, pytest.approx(0.3)]]

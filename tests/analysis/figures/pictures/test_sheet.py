"""Sheets of pictures: kept and drawn."""

import numpy as np
import pytest
from tidy import assert_tidy, ticks

from analysis.figures.pictures.sheet import Panel, Sheet, draw_sheet, mosaic, pack, unpack


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


def test_one_flipped_bit_anywhere_in_the_file_of_a_sheet_is_an_error_or_changes_nothing():
    sheet = Sheet("β", "What is seen.", [panel(1, 1)])
    content = pack(sheet)
    for place in range(len(content)):
        damaged = bytearray(content)
        damaged[place] ^= 1 << place % 8
        try:
            again = unpack(bytes(damaged))
        except Exception:  # of damage NumPy's parts have an error each; who reads it names the file
            continue
        assert again[:2] == sheet[:2]
        np.testing.assert_array_equal(again.panels[0].images, sheet.panels[0].images)


def test_a_mosaic_by_hand():
    pictures = np.arange(4, dtype=np.uint8).reshape(1, 4, 1, 1)
    assert mosaic(pictures).tolist() == [[0, 255, 255, 1, 255, 255, 2, 255, 255, 3]]
    assert mosaic(np.zeros((2, 1, 3, 3), np.uint8)).shape == (8, 3)


def test_colours_are_kept_and_drawn():
    red, green = np.zeros((2, 2, 2, 3), np.uint8)
    red[..., 0], green[..., 1] = 200, 150
    one = Panel("", np.stack([red, green])[None], [], [], "")
    assert mosaic(one.images)[0].tolist() == [
        *[[200, 0, 0]] * 2, *[[255] * 3] * 2, *[[0, 150, 0]] * 2
    ]  # fmt: skip
    sheet = unpack(pack(Sheet("Title", "", [one])))
    (shown,) = draw_sheet(sheet).axes[0].get_images()
    np.testing.assert_array_equal(shown.get_array(), mosaic(one.images))


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

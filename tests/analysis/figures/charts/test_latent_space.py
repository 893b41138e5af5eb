"""Codes on a plane."""

import numpy as np
import pandas as pd
import pytest
from planted_codes import noise
from tidy import assert_tidy

from analysis.figures.charts.latent_space import caption, draw_latent_space, plane


def test_the_plane_holds_the_strongest_directions():
    codes = noise(4_000, 3) * [1.0, 3.0, 2.0]
    known = pd.DataFrame({"digit": np.arange(4_000)})
    table = plane(codes, known)
    assert len(table) == 1_000
    assert table["first_share"][0] == pytest.approx(9 / 14, abs=0.02)
    assert table["second_share"][0] == pytest.approx(4 / 14, abs=0.02)
    shown = codes[table["digit"]]
    assert abs(np.corrcoef(table["first"], shown[:, 1])[0, 1]) > 0.99
    assert abs(np.corrcoef(table["second"], shown[:, 2])[0, 1]) > 0.99


def test_one_latent_makes_no_plane():
    codes = noise(50, 2) * [1.0, 0.0]
    assert plane(codes, pd.DataFrame({"digit": np.arange(50)})).empty


@pytest.mark.parametrize("n_runs", [1, 4])
def test_a_plane_is_coloured_by_digit_and_by_factors(n_runs):
    rng = np.random.default_rng(0)
    parts = [
        pd.DataFrame(
            {"run": f"r{run}", "latent_dim": 10, "beta": 4.0, "conditioning": "none",
             "digit": np.arange(100) % 10, "slant_rad": rng.normal(size=100),
             "thickness_px": rng.normal(size=100), "first": rng.normal(size=100),
             "second": rng.normal(size=100), "first_share": 0.4, "second_share": 0.25}
        )
        for run in range(n_runs)
    ]  # fmt: skip
    figure = draw_latent_space(pd.concat(parts))
    assert_tidy(figure)
    first = figure.axes[0]
    assert first.get_xlabel() == "1st component (40%)"
    assert first.get_ylabel() == "J = 10, β = 4\n2nd component (25%)"
    assert {text.get_text() for text in first.texts} == {str(digit) for digit in range(10)}
    bars = [axes.get_xlabel() for axes in figure.axes[3 * n_runs :]]
    assert bars == ["slant (rad)", "thickness (px)"]
    assert "65% (J = 10, β = 4)" in caption(pd.concat(parts))


def plane_of(**known):
    rng = np.random.default_rng(0)
    axes = {"run": "r", "latent_dim": 10, "beta": 4.0, "conditioning": "none"}
    place = {"first": rng.normal(size=300), "second": rng.normal(size=300)}
    return pd.DataFrame({**axes, **known, **place, "first_share": 0.4, "second_share": 0.25})


def test_of_many_classes_the_largest_have_a_colour():
    labels = np.concatenate([np.repeat(np.arange(10, 20), 20), np.arange(100, 200)])
    table = plane_of(digit=labels)
    figure = draw_latent_space(table)
    assert_tidy(figure)
    (axes,) = figure.axes
    assert {text.get_text() for text in axes.texts} == {str(one) for one in range(10, 20)}
    assert "the 10 with most images" in caption(table)


def test_codes_of_which_nothing_is_known_are_all_alike():
    figure = draw_latent_space(plane_of())
    assert_tidy(figure)
    (axes,) = figure.axes
    assert len(axes.collections[0].get_offsets()) == 300
    assert axes.get_ylabel().startswith("J = 10, β = 4\n")
    assert "coloured" not in caption(plane_of())

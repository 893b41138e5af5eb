"""Heat maps of latents: what they tell of factors, what aligned ones move."""

import numpy as np
import pandas as pd
import pytest
from planted_codes import N_VALUES, grid, perfect
from tidy import assert_tidy, ticks

from analysis.figures.charts.heat_maps import (
    draw_information,
    draw_slopes,
    effects_by_digit,
    information,
    information_caption,
    slopes_caption,
)


def test_a_latent_that_is_a_factor_tells_all_of_it_and_nothing_else():
    factors = grid()
    table = information(perfect(factors), factors, ["a", "b", "c"])
    wide = table.pivot(index="latent", columns="factor", values="information")
    np.testing.assert_allclose(wide, np.log(N_VALUES) * np.eye(3), atol=1e-12)
    assert table["entropy"].to_numpy() == pytest.approx(np.log(N_VALUES))
    assert wide.index.tolist() == [1, 2, 3]


@pytest.mark.parametrize(("n_runs", "j"), [(1, 3), (4, 10), (4, 200)])
def test_information_shows_at_most_twenty_latents_with_the_factors(n_runs, j):
    rows = [
        {"run": f"r{run}", "latent_dim": j, "beta": 4.0, "conditioning": "none", "latent": latent,
         "factor": factor, "information": 0.01 * latent, "entropy": 3.0}
        for run in range(n_runs)
        for latent in range(1, j + 1)
        for factor in ("thickness_px", "slant_rad", "width_px")
    ]  # fmt: skip
    table = pd.DataFrame(rows)
    figure = draw_information(table)
    assert_tidy(figure)
    assert len(figure.axes) == n_runs + 1
    assert ticks(figure.axes[0]) == [f"z{latent}" for latent in range(max(1, j - 19), j + 1)]
    assert ticks(figure.axes[0], "x") == ["thickness", "slant", "width"]
    assert figure.axes[-1].get_ylabel() == "mutual information (nats)"
    assert f"{0.01 * j:.2f} nats: z{j} of" in information_caption(table)


def test_slopes_are_those_of_the_property_that_names_the_latent():
    effects = np.arange(30.0)  # digit by digit: thickness, slant, width
    rows = [
        ("a-seed0", "latent", 4, "slant"),
        ("a-seed0", "ica", 1, "slant"),
        ("a-seed0", "latent", 5, "mixed"),
        ("b-seed0", "latent", 2, "width"),
        ("c-seed0", "latent", 1, "width"),
    ]
    table = pd.DataFrame(rows, columns=["run", "basis", "direction", "property"])
    table = table.assign(latent_dim=5, beta=1.0, conditioning="none", digit_effects=[effects] * 5)
    effects_table = effects_by_digit(table, ["b-seed0", "a-seed0"])
    assert effects_table["run"].tolist() == ["b-seed0"] * 10 + ["a-seed0"] * 10
    assert effects_table["configuration"].unique().tolist() == ["b", "a"]
    assert effects_table["direction"].unique().tolist() == [2, 4]
    assert effects_table["effect"].tolist() == [*range(2, 30, 3), *range(1, 30, 3)]
    assert effects_table["digit"].tolist() == [*range(10)] * 2
    assert effects_by_digit(table, ["d-seed0"]).empty


@pytest.mark.parametrize("n_latents", [1, 30])
def test_slopes_have_a_row_a_latent_and_a_column_a_digit(n_latents):
    rows = [
        {"run": "r", "latent_dim": 30, "beta": 4.0, "conditioning": "label",
         "direction": latent, "property": "slant", "digit": digit,
         "effect": -1.5 if (latent, digit) == (1, 3) else 0.3}
        for latent in range(1, n_latents + 1)
        for digit in range(10)
    ]  # fmt: skip
    table = pd.DataFrame(rows)
    figure = draw_slopes(table)
    assert_tidy(figure)
    heat, _ = figure.axes
    assert ticks(heat)[0] == "J = 30, β = 4, labels: z1 slant"
    assert len(ticks(heat)) == n_latents
    assert ticks(heat, "x") == [str(digit) for digit in range(10)]
    assert heat.texts[3].get_text() == "\N{MINUS SIGN}1.50"
    text = slopes_caption(table)
    assert f"{n_latents - 1} of {n_latents} move it the same way" in text
    assert "\N{MINUS SIGN}1.50, on the slant of the 3" in text

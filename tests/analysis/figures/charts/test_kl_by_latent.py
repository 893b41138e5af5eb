"""The KL of every latent."""

import numpy as np
import pandas as pd
import pytest
from figure_samples import PAPER, SIZES, latents_of
from tidy import assert_tidy, ticks

from analysis.figures.charts.kl_by_latent import caption, draw_kl, over_seeds


def latents_of_run(run, j, beta, condition, kls):
    return pd.DataFrame(
        {"run": run, "latent_dim": j, "beta": beta, "conditioning": condition,
         "latent": np.arange(1, len(kls) + 1), "kl": kls, "mean_variance": np.array(kls) / 5}
    )  # fmt: skip


def test_kl_is_sorted_in_each_run_and_then_averaged():
    latents = pd.concat(
        [
            latents_of_run("J2-beta4-none-seed0", 2, 4.0, "none", [0.1, 3.0]),
            latents_of_run("J2-beta4-none-seed1", 2, 4.0, "none", [1.0, 0.3]),
            latents_of_run("J1-beta1-label-seed0", 1, 1.0, "label", [7.0]),
        ]
    )
    table = over_seeds(latents)
    assert table["configuration"].tolist() == ["J2-beta4-none"] * 2 + ["J1-beta1-label"]
    assert table["place"].tolist() == [1, 2, 1]
    assert table["kl"].tolist() == pytest.approx([2.0, 0.2, 7.0])
    assert table["n_seeds"].tolist() == [2, 2, 1]
    assert table["active"].tolist() == [1.0, 1.0, 1.0]
    assert "above 0.01: 1 (J = 1, β = 1, labels) to 2 (J = 2, β = 4)" in caption(table)
    quiet = over_seeds(latents.assign(mean_variance=[0.5, 0.001, 0.5, 0.5, 0.005]))
    assert quiet["active"].tolist() == [0.5, 1.0, 0.0]  # the largest KL is not the most variance


def test_a_prior_without_a_kl_by_latent_is_left_out_with_a_word():
    known = latents_of_run("J2-beta4-none-seed0", 2, 4.0, "none", [0.1, 3.0])
    vamp = latents_of_run("J2-beta4-none-vamp-seed0", 2, 4.0, "none", [1.0, 2.0])
    latents = pd.concat([known.assign(prior="normal"), vamp.assign(prior="vamp", kl=np.nan)])
    table = over_seeds(latents)
    assert table["configuration"].unique().tolist() == ["J2-beta4-none"]
    assert table["kl"].tolist() == [3.0, 0.1]
    assert "1 configuration is left out: a prior that does not factorise" in caption(table)
    assert "left out" not in caption(over_seeds(known))
    assert over_seeds(vamp.assign(prior="vamp", kl=np.nan)).empty


def test_configurations_without_a_beta_have_their_rows():
    first = latents_of_run("J2-none-dip1-seed0", 2, np.nan, "none", [0.1, 3.0])
    table = over_seeds(first.assign(objective_kind="dip1"))
    assert table["kl"].tolist() == [3.0, 0.1]


@SIZES
def test_kl_has_a_row_a_configuration_and_no_more_columns_than_have_a_colour(grid):
    table = over_seeds(latents_of(grid))
    figure = draw_kl(table)
    assert_tidy(figure)
    heat, bar = figure.axes
    assert len(ticks(heat)) == len(grid)
    assert bar.get_ylabel() == "KL (nats per image)"
    shown = 22  # 5 / k^2 > 0.01 up to k = 22
    largest = max(row[1] for row in grid)
    assert heat.get_xlim()[1] == min(largest, shown + 1)
    five = f" to {min(largest, 5)} (" if len(grid) > 1 else "5 in each"  # of five the means vary
    assert five in caption(table)


def test_kl_of_two_hundred_active_latents_shows_the_first_and_counts_all():
    table = over_seeds(latents_of(PAPER)).assign(kl=1.0, active=1.0)
    heat = draw_kl(table).axes[0]
    assert heat.get_xlim()[1] == 30
    assert heat.get_xlabel() == "latents, by falling KL (the first 30)"
    assert "to 200 (J = 200, β = 1)" in caption(table)

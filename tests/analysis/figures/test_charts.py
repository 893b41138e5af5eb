"""Charts and heat maps: what is drawn is what the table says, however much of it there is."""

import io

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from PIL import Image
from tidy import assert_tidy, ticks, words

from analysis.figures import captions
from analysis.figures.charts import (
    draw_before_and_after,
    draw_pareto,
    draw_plane,
    draw_ranking,
    draw_score_by_beta,
)
from analysis.figures.heatmaps import draw_information, draw_kl, draw_slopes
from analysis.figures.style import STYLE, save_figure
from analysis.figures.summaries import kl_by_latent
from analysis.metrics import RANKABLE
from analysis.statistics.dominance import non_dominated
from study.storage.folder import Folder

ONE = [("none", 10, 4.0)]
PAPER = [
    *(("none", j, 1.0) for j in (3, 5, 10, 20, 200)),
    *(("none", 10, beta) for beta in (3.0, 5.0, 10.0, 20.0)),
    *(("label", 10, beta) for beta in (1.0, 3.0, 5.0, 10.0)),
]
FULL = [
    (condition, j, beta)
    for condition in ("none", "label")
    for j in (3, 5, 10, 20, 200)
    for beta in (1.0, 3.0, 5.0, 10.0, 20.0)
]
SIZES = pytest.mark.parametrize("grid", [ONE, PAPER, FULL], ids=["one", "paper", "full"])


def axes_of(grid):
    table = pd.DataFrame(grid, columns=["conditioning", "latent_dim", "beta"])
    said = table["latent_dim"].astype(str) + "-beta" + table["beta"].map("{:g}".format)
    return table.assign(configuration="J" + said + "-" + table["conditioning"])


def ranking_of(grid, seed=0):
    rng = np.random.default_rng(seed)
    table = axes_of(grid)
    table["higgins"] = np.sort(rng.uniform(0.6, 0.999, len(table)))[::-1]
    table["mig"] = rng.uniform(0.02, 0.3, len(table))
    for score in ("higgins", "mig"):
        table[f"{score}_low"] = table[score] - 0.02
        table[f"{score}_high"] = np.minimum(table[score] + 0.02, 1)
    table["neg_elbo"] = 100 + 3 * table["beta"] + rng.normal(size=len(table))
    table["pareto"] = non_dominated(np.column_stack([table["neg_elbo"], -table["higgins"]]))
    table["rank"] = table.index // 3 * 3 + 1
    beside = {"higgins_chance": 1 / 3, "higgins_untrained": 0.6, "higgins_pixel_pca": 0.94}
    return table.assign(n_scored=3, **beside)


def latents_of(grid):
    rows = [
        {"run": f"{row['configuration']}-seed0", **row, "latent": k + 1, "kl": 5 / (k + 1) ** 2}
        for row in axes_of(grid).to_dict("records")
        for k in range(row["latent_dim"])
    ]
    return pd.DataFrame(rows).drop(columns="configuration")


@SIZES
def test_ranking_has_a_line_a_configuration_best_on_top(grid):
    table = ranking_of(grid)
    figure = draw_ranking(table)
    assert_tidy(figure)
    higgins, mig = figure.axes
    assert len(ticks(higgins)) == len(grid)
    best = table.iloc[0]
    assert ticks(higgins)[0].startswith(f"J = {best['latent_dim']}, β = {best['beta']:g}")
    assert ticks(higgins)[0].endswith("1")
    assert higgins.yaxis_inverted()
    assert (higgins.get_xlabel(), mig.get_xlabel()) == ("Higgins score", "MIG score")
    assert {"chance", "untrained encoder", "PCA of pixels", "no labels"} <= set(words(figure))
    drawn = np.concatenate([bar[0].get_xdata() for bar in higgins.containers])
    assert sorted(drawn) == sorted(table["higgins"])


def test_the_caption_of_the_ranking_counts_who_shares_the_first_rank():
    said = captions.ranking(ranking_of(PAPER))
    assert "3 configurations of 13 share rank 1" in said
    assert "1 configuration of 1 has rank 1" in captions.ranking(ranking_of(ONE))


@SIZES
def test_the_front_is_numbered_from_the_tightest_bound(grid):
    table = ranking_of(grid)
    figure = draw_pareto(table)
    assert_tidy(figure)
    (axes,) = figure.axes
    assert axes.get_xlabel() == "negative ELBO (nats per image)"
    front = table[table["pareto"]].sort_values("neg_elbo")
    assert [text.get_text() for text in axes.texts] == [str(n + 1) for n in range(len(front))]
    assert axes.lines[0].get_xdata().tolist() == front["neg_elbo"].tolist()
    assert f"1  J = {front['latent_dim'].iloc[0]}, β" in " ".join(words(figure))
    assert len(axes.containers) == len(grid)
    assert f"the {len(front)} on the dashed front" in captions.pareto(table)


@SIZES
def test_a_panel_for_each_j_and_a_line_for_each_conditioning(grid):
    table = ranking_of(grid)
    figure = draw_score_by_beta(table)
    assert_tidy(figure)
    panels = [axes for axes in figure.axes if axes.axison]
    sizes = sorted(table["latent_dim"].unique())
    assert [axes.get_title() for axes in panels] == [f"J = {size}" for size in sizes]
    assert panels[0].get_ylabel() == "Higgins score"
    assert panels[-1].get_xlabel() == "β"
    assert ticks(panels[-1], "x") == [f"{beta:g}" for beta in sorted(table["beta"].unique())]
    lines = sum(len(axes.containers) for axes in panels)
    assert lines == len(table.groupby(["latent_dim", "conditioning"]))
    best = table.sort_values("higgins").iloc[-1]
    assert f"{best['higgins']:.3f} [" in captions.score_by_beta(table)


def test_a_line_by_beta_rises_with_beta_whatever_the_order_of_the_table():
    table = ranking_of([("none", 10, 5.0), ("none", 10, 1.0), ("none", 10, 3.0)])
    (axes,) = draw_score_by_beta(table).axes
    line = axes.containers[0][0]
    assert line.get_ydata().tolist() == table.sort_values("beta")["higgins"].tolist()
    assert (np.diff(line.get_xdata()) == 1).all()


@SIZES
def test_ica_has_a_panel_a_score_and_a_line_a_configuration(grid):
    rng = np.random.default_rng(0)
    table = pd.concat(
        [
            axes_of(grid).assign(
                score=score, latent=rng.random(len(grid)), ica=rng.random(len(grid)), separated=True
            )
            for score in RANKABLE
        ]
    )
    figure = draw_before_and_after(table)
    assert_tidy(figure)
    assert [axes.get_title() for axes in figure.axes] == [
        *("Higgins", "FactorVAE", "MIG", "DCI", "SAP", "MCC")
    ]
    assert len(ticks(figure.axes[0])) == len(grid)
    assert words(figure)[:2] == ["latents", "independent components"]
    mig = table[table["score"] == "mig"]
    up = (mig["ica"] > mig["latent"]).sum()
    assert f"MIG {up} up, {len(grid) - up} down" in captions.before_and_after(table)
    nowhere = captions.before_and_after(table.assign(separated=False))
    assert "MIG 0 up, 0 down" in nowhere


@SIZES
def test_kl_has_a_row_a_configuration_and_no_more_columns_than_are_active(grid):
    table = kl_by_latent(latents_of(grid))
    figure = draw_kl(table)
    assert_tidy(figure)
    heat, bar = figure.axes
    assert len(ticks(heat)) == len(grid)
    assert bar.get_ylabel() == "KL (nats per image)"
    active = 22  # 5 / k^2 > 0.01 up to k = 22
    largest = max(row[1] for row in grid)
    assert heat.get_xlim()[1] == min(largest, active + 1)
    assert f" to {min(largest, active)} (" in captions.kl(table)


def test_kl_of_two_hundred_active_latents_shows_the_first_and_counts_all():
    table = kl_by_latent(latents_of(PAPER)).assign(kl=1.0)
    heat = draw_kl(table).axes[0]
    assert heat.get_xlim()[1] == 30
    assert heat.get_xlabel() == "latents, by falling KL (the first 30)"
    assert "to 200 (J = 200, β = 1)" in captions.kl(table)


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
    assert f"{0.01 * j:.2f} nats: z{j} of" in captions.information(table)


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
    assert heat.texts[3].get_text() == "-1.50"
    said = captions.slopes(table)
    assert f"{n_latents - 1} of {n_latents} move it the same way" in said
    assert "\N{MINUS SIGN}1.50, on the slant of the 3" in said


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
    figure = draw_plane(pd.concat(parts))
    assert_tidy(figure)
    first = figure.axes[0]
    assert first.get_xlabel() == "1st component (40%)"
    assert first.get_ylabel() == "2nd component (25%)"
    assert {text.get_text() for text in first.texts} == {str(digit) for digit in range(10)}
    bars = [axes.get_ylabel() for axes in figure.axes[3 * n_runs :]]
    assert bars == ["slant (rad)", "thickness (px)"] * n_runs
    assert "65% (J = 10, β = 4)" in captions.plane(pd.concat(parts))


def test_a_saved_figure_has_the_colours_that_were_drawn(tmp_path):
    """A colour bar is a few pixels of many colours beside many of few; it still has no steps."""
    figure = Figure(figsize=(6, 3))
    axes = figure.subplots()
    image = axes.imshow(np.random.default_rng(0).normal(size=(4, 4)), cmap="viridis")
    figure.colorbar(image)
    save_figure(figure, Folder(tmp_path), "bar")
    drawn = io.BytesIO()
    with mpl.rc_context(STYLE):
        figure.savefig(drawn, format="png")
    found, wanted = (
        np.asarray(Image.open(file).convert("RGB"), np.int64)
        for file in (tmp_path / "figures" / "bar.png", drawn)
    )
    assert np.abs(found - wanted).max() <= 12

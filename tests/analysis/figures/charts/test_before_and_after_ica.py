"""Scores of latents and of their independent components."""

import numpy as np
import pandas as pd
from figure_samples import SIZES, axes_of
from tidy import assert_tidy, ticks, words

from analysis.figures.charts.before_and_after_ica import caption, draw_before_and_after, with_both
from analysis.metrics import RANKABLE


@SIZES
def test_ica_has_a_panel_a_score_and_scope_and_a_line_a_configuration(grid):
    rng = np.random.default_rng(0)
    table = pd.concat(
        [
            axes_of(grid).assign(
                scope=scope,
                score=score,
                latent=rng.random(len(grid)),
                ica=rng.random(len(grid)),
                separated=True,
            )
            for scope in ("all", "within")
            for score in RANKABLE
        ]
    )
    figure = draw_before_and_after(table)
    assert_tidy(figure)
    titles = [axes.get_title() for axes in figure.axes]
    assert titles[:2] == ["Higgins\n(3 pairs)", "Higgins"]
    assert titles[2:] == ["FactorVAE", "MIG", "DCI", "SAP", "MCC"] + [""] * len(RANKABLE)
    rows = [axes.get_ylabel() for axes in figure.axes if axes.get_ylabel()]
    assert rows == ["over all images", "within the class"]
    assert len(ticks(figure.axes[0])) == min(len(grid), 30)  # twice 30 fill a page
    assert ("the first 30 of 50" in caption(table)) == (len(grid) == 50)
    assert words(figure)[:2] == ["latents", "independent components"]
    whole, within = caption(table).split("within the class")
    for scope, text in (("all", whole), ("within", within)):
        mig = table[(table["score"] == "mig") & (table["scope"] == scope)]
        up = (mig["ica"] > mig["latent"]).sum()
        assert f"MIG {up} up, {len(grid) - up} down" in text


def test_changes_whose_intervals_overlap_are_not_counted():
    table = axes_of([("none", 10, 1.0)]).assign(
        scope="all", score="mig", latent=0.1, ica=0.2, separated=False
    )
    assert "MIG 0 up, 0 down" in caption(table)
    assert "within" not in caption(table)


def test_scores_of_the_studys_own_factors_with_both_sides_stand_before_and_after():
    axes = {"configuration": "a", "latent_dim": 5, "beta": 1.0, "conditioning": "none"}
    rows = [
        {**axes, "score": "mig", "factors": "measured", "scope": "all", "latent": 0.1, "ica": 0.2},
        {
            **axes,
            "score": "sap",
            "factors": "measured",
            "scope": "all",
            "latent": 0.1,
            "ica": np.nan,
        },
        {
            **axes,
            "score": "higgins",
            "factors": "intervention",
            "scope": "within",
            "latent": 0.1,
            "ica": 0.2,
        },
        {
            **axes,
            "score": "mig",
            "factors": "measured",
            "scope": "within",
            "latent": 0.1,
            "ica": 0.2,
        },
        {
            **axes,
            "score": "dci_completeness",
            "factors": "measured",
            "scope": "all",
            "latent": 0.1,
            "ica": 0.2,
        },
    ]
    rest = {"latent_low": 0.0, "latent_high": 1.0, "ica_low": 0.0, "ica_high": 1.0}
    table = pd.DataFrame(rows).assign(**rest, separated=False, converged=1.0)
    kept = with_both(table)
    assert kept[["score", "scope"]].values.tolist() == [["mig", "all"], ["mig", "within"]]

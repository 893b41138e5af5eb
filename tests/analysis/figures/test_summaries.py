"""The tables behind the charts."""

import numpy as np
import pandas as pd
import pytest
from planted_codes import N_VALUES, grid, noise, perfect

from analysis.figures.summaries import (
    along_beta,
    before_and_after,
    kl_by_latent,
    mutual_information,
    plane,
    scored,
    slopes_by_digit,
)


def latents_of(run, j, beta, condition, kls):
    return pd.DataFrame(
        {"run": run, "latent_dim": j, "beta": beta, "conditioning": condition,
         "latent": np.arange(1, len(kls) + 1), "kl": kls}
    )  # fmt: skip


def test_kl_is_sorted_in_each_run_and_then_averaged():
    latents = pd.concat(
        [
            latents_of("J2-beta4-none-seed0", 2, 4.0, "none", [0.1, 3.0]),
            latents_of("J2-beta4-none-seed1", 2, 4.0, "none", [1.0, 0.3]),
            latents_of("J1-beta1-label-seed0", 1, 1.0, "label", [7.0]),
        ]
    )
    table = kl_by_latent(latents)
    assert table["configuration"].tolist() == ["J2-beta4-none"] * 2 + ["J1-beta1-label"]
    assert table["place"].tolist() == [1, 2, 1]
    assert table["kl"].tolist() == pytest.approx([2.0, 0.2, 7.0])
    assert table["n_seeds"].tolist() == [2, 2, 1]


def test_a_latent_that_is_a_factor_tells_all_of_it_and_nothing_else():
    factors = grid()
    table = mutual_information(perfect(factors), factors, ["a", "b", "c"])
    wide = table.pivot(index="latent", columns="factor", values="information")
    np.testing.assert_allclose(wide, np.log(N_VALUES) * np.eye(3), atol=1e-12)
    assert table["entropy"].to_numpy() == pytest.approx(np.log(N_VALUES))
    assert wide.index.tolist() == [1, 2, 3]


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
    found = slopes_by_digit(table, ["b-seed0", "a-seed0"])
    assert found["run"].tolist() == ["b-seed0"] * 10 + ["a-seed0"] * 10
    assert found["configuration"].unique().tolist() == ["b", "a"]
    assert found["direction"].unique().tolist() == [2, 4]
    assert found["effect"].tolist() == [*range(2, 30, 3), *range(1, 30, 3)]
    assert found["digit"].tolist() == [*range(10)] * 2
    assert slopes_by_digit(table, ["d-seed0"]).empty


def test_only_raw_scores_with_both_sides_stand_before_and_after():
    axes = {"configuration": "a", "latent_dim": 5, "beta": 1.0, "conditioning": "none"}
    rows = [
        {**axes, "score": "mig", "scaling": "raw", "latent": 0.1, "ica": 0.2},
        {**axes, "score": "sap", "scaling": "raw", "latent": 0.1, "ica": np.nan},
        {**axes, "score": "higgins", "scaling": "standardised", "latent": 0.1, "ica": 0.2},
        {**axes, "score": "dci_completeness", "scaling": "raw", "latent": 0.1, "ica": 0.2},
    ]
    rest = {"latent_low": 0.0, "latent_high": 1.0, "ica_low": 0.0, "ica_high": 1.0}
    table = pd.DataFrame(rows).assign(**rest, separated=False, converged=1.0)
    assert before_and_after(table)["score"].tolist() == ["mig"]


def test_a_j_with_one_beta_alone_has_no_place_along_beta():
    table = pd.DataFrame({"latent_dim": [3, 10, 10], "beta": [1.0, 1.0, 4.0]})
    assert along_beta(table)["latent_dim"].tolist() == [10, 10]
    assert along_beta(table.iloc[:2])["latent_dim"].tolist() == [3, 10]


def test_the_unscored_are_left_out_of_the_charts():
    axes = {"latent_dim": 5, "beta": 1.0, "conditioning": "none"}
    ranking = pd.DataFrame(
        [{"configuration": name, **axes, "higgins": score, "mig": 0.1}
         for name, score in (("a", 0.9), ("b", np.nan))]
    )  # fmt: skip
    table = scored(ranking, ["higgins", "mig"])
    assert table["configuration"].tolist() == ["a"]
    assert list(table) == [
        *("configuration", "latent_dim", "beta", "conditioning", "higgins", "mig")
    ]

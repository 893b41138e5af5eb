"""Tables of bounds and costs: by configuration, and by run."""

import pandas as pd

from analysis.metrics import ACTIVE_VARIANCE
from analysis.report.tables.cells import (
    NOTHING,
    Cell,
    CellOf,
    Table,
    numbers,
    table,
    words,
    words_of_axes,
)


def one_objective(table: pd.DataFrame) -> bool:
    """Whether costs of runs, or of configurations, are of one objective, and can be compared."""
    return "objective_kind" not in table or table["objective_kind"].nunique() < 2


def elbo(configurations: pd.DataFrame) -> Table:
    """ELBO and KL of every configuration, as `analysis.statistics.elbo` gives them.

    Costs of several objectives cannot be compared, and have no column.
    """
    kinds = set(configurations.get("objective_kind", ["beta"]))
    if kinds == {"beta"}:
        cost = "Objective = recon + β·KL is what training minimises and what the paper plots"
        share = (
            "KL fraction: β·KL divided by the objective, as in the paper; raw: KL divided by −ELBO."
        )
    elif len(kinds) == 1:
        cost = f"Objective is what training minimises, {kinds.pop()}"
        share = "KL fraction: all terms except recon, by the objective; raw: KL divided by −ELBO."
    else:
        cost = "What training minimised is left out: costs of several objectives are not compared"
        share = "Raw: KL divided by −ELBO."
    caption = "Test set, nats per image, means over finished seeds."
    notes = (
        f"{cost}; −ELBO = recon + KL is the bound on −log p(x), with labels on −log p(x|label)."
        " Joint: with labels, the bound for image and label together, −ELBO + ln(number of"
        f" classes). So both kinds bound −log p(x) and can be compared. {share} A latent is active"
        " when the variance of its posterior mean"
        f" exceeds {ACTIVE_VARIANCE:g}. IW bound: the importance-weighted bound; its gain is"
        " relative to the ELBO."
    )
    if configurations["kl_largest"].isna().any():
        notes += (
            f" {NOTHING} for the largest KL: that prior has no KL per latent, and its KL is"
            " estimated from one posterior sample per image."
        )
    if "likelihood" in configurations and configurations["likelihood"].nunique() > 1:
        notes += " Bounds of different likelihoods are on different scales."
    columns: dict[str, CellOf] = {
        "configuration": words_of_axes,
        "seeds": numbers("n_seeds", ".0f"),
        "recon": numbers("recon", ".2f"),
        "KL": numbers("kl", ".2f"),
        "objective": numbers("objective", ".2f"),
        "−ELBO": numbers("neg_elbo", ".2f"),
        "joint": numbers("neg_elbo_joint", ".2f"),
        "KL fraction": numbers("kl_fraction", ".1%"),
        "raw": numbers("kl_fraction_raw", ".1%"),
        "active": numbers("active", ".1f"),
        "largest KL": numbers("kl_largest", ".2f"),
        "IW bound": numbers("iwae", ".2f"),
        "its gain": numbers("iwae_gain", ".2f"),
    }
    if not one_objective(configurations):
        del columns["objective"], columns["KL fraction"]
    return table("elbo-table", caption, configurations, columns, notes)


def runs(trials: pd.DataFrame) -> Table:
    """Every run, as `study.trials` has them."""
    columns: dict[str, CellOf] = {
        "run": words("run"),
        "seed": numbers("seed", ".0f"),
        "state": lambda row: Cell(row["state"], strong=row["state"] == "failed"),
        "epochs": numbers("epochs", ".0f"),
        "objective": numbers("objective", ".2f"),
        "−ELBO": numbers("neg_elbo", ".2f"),
        "KL": numbers("kl", ".2f"),
        "active": numbers("active", ".0f"),
        "seconds": numbers("seconds", ".0f"),
        "device": words("device"),
        "engine": words("engine"),
    }
    if not one_objective(trials):
        del columns["objective"]
    caption = "Every run: its last epoch on the test set, in nats per image."
    return table("runs-table", caption, trials, columns)

"""ELBO and KL tables: the curves behind the paper's figures 3, 4, 6 and 7, and a row a
configuration."""

from typing import NamedTuple

import pandas as pd

from analysis.metrics import ACTIVE_VARIANCE
from analysis.study import configuration
from study.data.mnist import N_PIXELS
from study.training.trainer import ACTIVE_NATS

PAPER_J = 10
COMPARED_BETAS = (1.0, 10.0)
SPLITS = ("train", "test")
_MEANS = (
    *("beta_normalised", "recon", "kl", "objective", "neg_elbo", "kl_fraction", "kl_fraction_raw"),
    *("active_kl", "active_variance", "kl_largest", "elbo", "iwae", "iwae_gain"),
)


class Curves(NamedTuple):
    """One panel of a figure: a line a configuration and split."""

    name: str  # "figure-3a"
    title: str
    metric: str  # objective or kl_fraction
    table: pd.DataFrame  # series, split, epoch, mean, low, high, n_seeds


class Reference(NamedTuple):
    """Where figures compare runs: the paper's place, or the nearest that a study has."""

    latent_dim: int
    betas: tuple[float, float]  # low and high; equal where there is one beta alone


def reference(rows: pd.DataFrame) -> Reference:
    """The J nearest to the paper's 10 and, there, the betas 1 and 10 or the smallest and largest.

    Args:
        rows: of a study's trials or epochs, at least one.
    """
    latent_dim = min(rows["latent_dim"].unique(), key=lambda j: (abs(j - PAPER_J), j))
    betas = rows.loc[rows["latent_dim"] == latent_dim, "beta"]
    whole = set(COMPARED_BETAS) <= set(betas)
    return Reference(int(latent_dim), COMPARED_BETAS if whole else (betas.min(), betas.max()))


def curves(epochs: pd.DataFrame, metric: str, series: pd.Series) -> pd.DataFrame:
    """Mean and range over seeds of a metric, by series, split and epoch.

    Args:
        epochs: a study's epochs table, or rows of it.
        metric: "objective", "kl_fraction" or another column that has a train and a test part.
        series: the name of each row's line, in the index of `epochs`.

    Returns:
        series, split, epoch, mean, low, high (the extremes over seeds), n_seeds; series in the
        order of their first row.
    """
    lines = [
        epochs.assign(value=epochs[f"{split}_{metric}"], split=split, series=series)
        for split in SPLITS
    ]
    grouped = pd.concat(lines).groupby(["series", "split", "epoch"], sort=False)["value"]
    table = grouped.agg(mean="mean", low="min", high="max", n_seeds="count").reset_index()
    order = {name: rank for rank, name in enumerate(series.unique())}
    return table.sort_values(
        ["series", "split", "epoch"],
        key=lambda column: column.map(order) if column.name == "series" else column,
        ignore_index=True,
    )


def paper_curves(epochs: pd.DataFrame) -> list[Curves]:
    """The panels of figures 3, 4, 6 and 7 that a study has runs for.

    Where the study lacks the paper's J = 10 (or its betas 1 and 10, in figure 7), the nearest J
    (the smallest and the largest beta) stand in; the titles say which.
    """
    if epochs.empty:
        return []
    fixed_j, ends = reference(epochs)
    at_j, plain = epochs["latent_dim"] == fixed_j, epochs["conditioning"] == "none"
    compared = epochs[at_j & epochs["beta"].isin(ends)]
    figures = [
        ("3", "Standard VAE (β = 1)", epochs[plain & (epochs["beta"] == 1)], _by_j),
        ("4", f"β-VAE, J = {fixed_j}", epochs[at_j & plain], _by_beta),
        ("6", f"Conditional β-VAE, J = {fixed_j}", epochs[at_j & ~plain], _by_beta),
        ("7", f"With and without labels, J = {fixed_j}", compared, _by_beta_and_label),
    ]
    return [
        Curves(f"figure-{number}{letter}", title, metric, curves(rows, metric, name(rows)))
        for number, title, rows, name in figures
        if len(rows)
        for letter, metric in (("a", "objective"), ("b", "kl_fraction"))
    ]


def active(latents: pd.DataFrame) -> pd.DataFrame:
    """Latents with two columns more: active by KL over 0.01 nat, active by Var(mean) over 0.01."""
    return latents.assign(
        active_kl=latents["kl"] > ACTIVE_NATS,
        active_variance=latents["mean_variance"] > ACTIVE_VARIANCE,
    )


def configurations(
    trials: pd.DataFrame, latents: pd.DataFrame, scores: pd.DataFrame
) -> pd.DataFrame:
    """ELBO and KL of every configuration on the test set: means over its finished seeds.

    Args:
        trials: a study's runs.
        latents: their latents.
        scores: their scores, of which "elbo" and "iwae" are used; may be empty.

    Returns:
        The axes, n_seeds, beta_normalised (beta * J / 784), recon, kl, objective, neg_elbo,
        kl_fraction, kl_fraction_raw; active_kl and active_variance, numbers of latents;
        kl_largest, nats of the latent with the largest KL; elbo and iwae, lower bounds on
        log p(x), on log p(x|label) where conditioned, in nats from the same samples; iwae_gain.
    """
    done = trials[trials["state"] == "done"].set_index("run")
    done["configuration"] = configuration(done.index.to_series())
    done["beta_normalised"] = done["beta"] * done["latent_dim"] / N_PIXELS
    by_run = active(latents).groupby("run")
    done["active_kl"], done["active_variance"] = (
        by_run[name].sum() for name in ("active_kl", "active_variance")
    )
    done["kl_largest"] = by_run["kl"].max()
    bounds = scores[scores["score"].isin(["elbo", "iwae"])]
    bounds = bounds.pivot(index="run", columns="score", values="value")
    bounds = bounds.reindex(columns=["elbo", "iwae"])
    done = done.join(bounds)
    done["iwae_gain"] = done["iwae"] - done["elbo"]
    groups = done.groupby("configuration", sort=False)
    table = groups[["latent_dim", "beta", "conditioning"]].first()
    table["n_seeds"] = groups.size()
    return table.join(groups[list(_MEANS)].mean().astype(float)).reset_index()


def _by_j(rows: pd.DataFrame) -> pd.Series:
    return "J = " + rows["latent_dim"].astype(str)


def _by_beta(rows: pd.DataFrame) -> pd.Series:
    return rows["beta"].map("β = {:g}".format)


def _by_beta_and_label(rows: pd.DataFrame) -> pd.Series:
    return _by_beta(rows) + rows["conditioning"].map({"none": "", "label": ", labels"})

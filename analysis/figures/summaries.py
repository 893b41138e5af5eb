"""Tables behind the charts of scores and latents; charts.py and heatmaps.py draw them."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.latent_effects.alignment import NAMES, PROPERTIES
from analysis.metrics import RANKABLE, mig
from analysis.representations.bases import pca
from analysis.study import configuration
from study.data.mnist import N_CLASSES

AXES = ["configuration", "latent_dim", "beta", "conditioning"]
N_POINTS = 1_000  # of a scatter: more than that hide each other


def scored(ranking: pd.DataFrame, columns: Iterable[str]) -> pd.DataFrame:
    """Configurations that have a Higgins score, best first: the axes and some columns."""
    return ranking.loc[ranking["higgins"].notna(), [*AXES, *columns]].reset_index(drop=True)


def along_beta(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of every J that has several betas; all of them where none has."""
    several = table.groupby("latent_dim")["beta"].transform("nunique") > 1
    return table[several].reset_index(drop=True) if several.any() else table


def kl_by_latent(latents: pd.DataFrame) -> pd.DataFrame:
    """KL of the latents of every configuration, sorted in each run: means over seeds.

    Args:
        latents: a study's latents.

    Returns:
        The axes, place (1: the latent with the largest KL), kl (nats per image), n_seeds.
    """
    ordered = latents.sort_values(["run", "kl"], ascending=[True, False])
    ordered["place"] = ordered.groupby("run").cumcount() + 1
    ordered["configuration"] = configuration(ordered["run"])
    found = ordered.groupby([*AXES, "place"])["kl"].agg(kl="mean", n_seeds="count").reset_index()
    order = {name: rank for rank, name in enumerate(configuration(latents["run"]).unique())}
    return found.sort_values(
        ["configuration", "place"],
        key=lambda column: column.map(order) if column.name == "configuration" else column,
        ignore_index=True,
    )


def before_and_after(ica: pd.DataFrame) -> pd.DataFrame:
    """Rows of tables/ica.csv that have both a score of the latents and one of their components."""
    both = ica[ica["score"].isin(RANKABLE) & (ica["scaling"] == "raw")]
    both = both.dropna(subset=["latent", "ica"])
    columns = ["latent", "latent_low", "latent_high", "ica", "ica_low", "ica_high"]
    return both[[*AXES, "score", *columns, "separated", "converged"]].reset_index(drop=True)


def mutual_information(
    codes: npt.ArrayLike, factors: npt.NDArray[np.int64], names: Iterable[str]
) -> pd.DataFrame:
    """What each latent tells of each factor, as MIG estimates it.

    Args:
        codes: posterior means, (n, n_latents).
        factors: binned, (n, n_factors).
        names: of the factors.

    Returns:
        latent (from 1), factor, information and the factor's entropy, both in nats.
    """
    found = mig(codes, factors)
    return pd.DataFrame(
        [
            {"latent": latent, "factor": name, "information": nats, "entropy": entropy}
            for latent, row in enumerate(found.mutual_info, start=1)
            for name, nats, entropy in zip(names, row, found.entropy, strict=True)
        ]
    )


def plane(codes: npt.ArrayLike, known: pd.DataFrame, *, seed: int = 0) -> pd.DataFrame:
    """Some images on the first two principal components of the active latents.

    Args:
        codes: posterior means, (n, n_latents).
        known: what is known of the images, a row each.
        seed: of the choice of images.

    Returns:
        first, second (units of the latents), first_share and second_share (of the variance of the
        active latents), and the columns of `known`; no rows where fewer than two latents are used.
    """
    components = pca(codes).codes
    if components.shape[1] < 2:
        return known.iloc[:0]
    share = components.var(axis=0) / components.var(axis=0).sum()
    chosen = np.random.default_rng(seed).permutation(len(components))[:N_POINTS]
    first, second = components[chosen, :2].T
    table = known.iloc[chosen].reset_index(drop=True)
    return table.assign(
        first=first, second=second, first_share=share[0], second_share=share[1]
    ).round(4)


def slopes_by_digit(alignment: pd.DataFrame, runs: Iterable[str]) -> pd.DataFrame:
    """How far each aligned latent of some runs moves its property, digit by digit.

    Args:
        alignment: a study's table of that name.
        runs: whose latents; in this order.

    Returns:
        run, the axes, direction (the latent, from 1), property, digit, effect: standard deviations
        of the property among real digits, for one of the latent; NaN where not measured.
    """
    named = {name: place for place, name in enumerate(NAMES[column] for column in PROPERTIES)}
    aligned = alignment[(alignment["basis"] == "latent") & alignment["property"].isin(named)]
    aligned = aligned.assign(configuration=configuration(aligned["run"]))
    rows = []
    for run in runs:
        for row in aligned[aligned["run"] == run].to_dict("records"):
            effects = np.asarray(row["digit_effects"], float).reshape(N_CLASSES, len(PROPERTIES))
            kept = {name: row[name] for name in ("run", *AXES, "direction", "property")}
            rows += [
                {**kept, "digit": digit, "effect": effect}
                for digit, effect in enumerate(effects[:, named[row["property"]]])
            ]
    return pd.DataFrame(rows, columns=["run", *AXES, "direction", "property", "digit", "effect"])

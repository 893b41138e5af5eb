"""ELBO and KL of every configuration, and where figures compare runs."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.metrics import ACTIVE_VARIANCE
from analysis.study import Study, configuration
from study.config.belongs import BUILT_IN, KEYS
from study.config.errors import StudyError, UsageError
from study.storage.axes import STANDARD, varied

PAPER_J = 10
COMPARED_BETAS = (1.0, 10.0)
_MEANS = (
    *("beta_normalised", "recon", "kl", "objective", "neg_elbo", "neg_elbo_joint"),
    *("kl_fraction", "kl_fraction_raw"),
    *("active", "kl_largest", "elbo", "iwae", "iwae_gain"),
)


class Reference(NamedTuple):
    """Where figures compare runs: the paper's place, or the nearest that a study has."""

    latent_dim: int
    betas: tuple[float, float]  # low and high; equal where there is one beta alone


def reference(rows: pd.DataFrame) -> Reference:
    """The J nearest to the paper's 10 and, there, the betas 1 and 10 or the smallest and largest.

    Args:
        rows: of a study's trials or epochs, at least one, with a beta.
    """
    latent_dim = min(rows["latent_dim"].unique(), key=lambda j: (abs(j - PAPER_J), j))
    betas = rows.loc[rows["latent_dim"] == latent_dim, "beta"]
    whole = set(COMPARED_BETAS) <= set(betas)
    return Reference(int(latent_dim), COMPARED_BETAS if whole else (betas.min(), betas.max()))


def with_beta(table: pd.DataFrame) -> "pd.Series[bool]":
    """Rows of runs, or of configurations, whose objective weighs a term by beta."""
    if "objective_kind" not in table:
        return pd.Series(True, table.index)
    without = set(BUILT_IN["objective"]) - set(KEYS["beta"].defaults)
    return ~table["objective_kind"].isin(without)


def nats_of_labels(conditioning: "str | pd.Series", n_classes: int) -> npt.NDArray[np.float64]:
    """What a bound with labels lacks to stand beside one without, in nats per image.

    A model without labels bounds log p(x) from below, one with labels log p(x|u), whether decoder
    or prior gets them: the digit comes for nothing. Since p(x) >= p(x|u) p(u), the latter's bound
    plus log p(u) is a bound on log p(x) as well, that of image and label together; all that
    compares both kinds takes this one. It needs no second front and no second tile, and the
    comparison it makes is of equal things.

    p(u) = 1 / n_classes, labels equally likely: so it is a bound whatever their frequencies, and
    needs no images. The entropy of the labels of MNIST's test set is 0.0017 nats smaller.
    """
    return np.where(np.asarray(conditioning) == "none", 0.0, np.log(max(n_classes, 1)))


def with_joint_bound(study: Study) -> pd.DataFrame:
    """A study's trials with what depends on the shape of its data.

    That is `neg_elbo_joint`, neg_elbo plus `nats_of_labels` where conditioned, and
    `beta_normalised`, beta * J / n_pixels (Higgins et al. 2017); NaN where neither a finished run
    nor the data itself says what shape it has.
    """
    trials = study.trials.assign(neg_elbo_joint=np.nan, beta_normalised=np.nan)
    done = trials[trials["state"] == "done"]
    for name, run in done.groupby("data")["run"].first().items():
        try:
            shape = study.data_shape(run)
        except (StudyError, UsageError):  # tables alone, of data that are elsewhere
            continue
        rows = trials["data"] == name
        nats = nats_of_labels(trials.loc[rows, "conditioning"], shape.n_classes)
        trials.loc[rows, "neg_elbo_joint"] = trials.loc[rows, "neg_elbo"] + nats
        weight = trials.loc[rows, "beta"] * trials.loc[rows, "latent_dim"]
        trials.loc[rows, "beta_normalised"] = weight / shape.n_pixels
    return trials


def n_active(latents: pd.DataFrame) -> pd.Series:
    """How many latents of each run are active: the variance of their means exceeds 0.01."""
    return (latents["mean_variance"] > ACTIVE_VARIANCE).groupby(latents["run"]).sum()


def configurations(
    trials: pd.DataFrame, latents: pd.DataFrame, scores: pd.DataFrame
) -> pd.DataFrame:
    """ELBO and KL of every configuration on the test set: means over its finished seeds.

    Args:
        trials: a study's runs, see `with_joint_bound`.
        latents: their latents.
        scores: their scores, of which "elbo" and "iwae" are used; may be empty.

    Returns:
        The axes, n_seeds, beta_normalised, recon, kl, objective, neg_elbo, neg_elbo_joint,
        kl_fraction, kl_fraction_raw; active, the number of active latents; kl_largest, nats of the
        latent with the largest KL, NaN where the prior has none by latent; elbo and iwae, lower
        bounds on log p(x), on log p(x|label) where conditioned, in nats from the same samples;
        iwae_gain.
    """
    done = trials[trials["state"] == "done"].set_index("run")
    done["configuration"] = configuration(done.index.to_series())
    done["active"] = n_active(latents)
    done["kl_largest"] = latents.groupby("run")["kl"].max()
    bounds = scores[scores["score"].isin(["elbo", "iwae"])]
    bounds = bounds.pivot(index="run", columns="score", values="value")
    bounds = bounds.reindex(columns=["elbo", "iwae"])
    done = done.join(bounds)
    done["iwae_gain"] = done["iwae"] - done["elbo"]
    groups = done.groupby("configuration", sort=False)
    table = groups[[*STANDARD, *varied(trials)]].first()
    table["n_seeds"] = groups.size()
    return table.join(groups[list(_MEANS)].mean().astype(float)).reset_index()

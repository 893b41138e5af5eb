"""What a run of the beyond studies is: its kind, its weight, and its figures in one row."""

import pandas as pd

from analysis.metrics import HIGGINS_FEW, LABELS
from analysis.study import Study, configuration
from study.config.errors import StudyError
from study.storage.axes import DEFAULTS

KINDS = {
    "plain": "plain β-VAE",
    "label": "labels",
    "prior": "prior by class",
    "mixture": "mixture prior",
    "vamp": "VampPrior",
    "flow": "flow prior",
    "conv": "convolutions",
    "tc": "β-TCVAE",
    "factor": "FactorVAE",
    "annealed": "annealed capacity",
    "dip1": "DIP-VAE I",
    "dip2": "DIP-VAE II",
}
"""For people, by the part that is not the plain beta-VAE's; in the order of the page."""
OF_BETA = ("plain", "label", "prior", "mixture", "vamp", "flow", "conv")
"""Kinds that are trained over the same betas."""
N_LATENTS = 10  # of the runs that are compared
_PARTS = ("conditioning", "prior", "network", "objective_kind")
_WEIGHTS = {"factor": "gamma", "annealed": "capacity", "dip1": "lambda_od", "dip2": "lambda_od"}


def kinds(trials: pd.DataFrame) -> "pd.Series[str]":
    """The kind of every run, by its one part that is not the plain beta-VAE's.

    Raises:
        StudyError: a run differs in several parts, or in one that the page does not have.
    """
    names = pd.Series("plain", trials.index)
    for column in _PARTS:
        other = trials[column] != {"conditioning": "none", **DEFAULTS}[column]
        if (again := other & (names != "plain")).any():
            run = trials.loc[again, "run"].iloc[0]
            raise StudyError(f"{run} differs from the plain β-VAE in more than one part")
        names[other] = trials.loc[other, column].astype(str)
    if unknown := set(names) - set(KINDS):
        raise StudyError(
            f"not a kind of model that docs/beyond.md compares: {', '.join(sorted(unknown))}"
        )
    return names


def runs_of(study: Study) -> pd.DataFrame:
    """A row a scored run with J = 10: run, configuration, kind, weight, seed and its figures.

    Returns:
        weight: beta, or what the objective has instead; beta: NaN where there is none; kl, recon
        and neg_elbo, nats per image of the test set; share: KL of the negative ELBO; score: what
        ranks, on the latents, `score_pca` and `score_ica` along their components, `rotated` of
        the latents turned at random, `oracle` of the factors themselves.

    Raises:
        StudyError: the study is not scored, or two runs differ in something else than kind, weight
            and seed, so that they cannot be told apart.
    """
    trials = study.trials[study.trials["latent_dim"] == N_LATENTS].reset_index(drop=True)
    names = kinds(trials)
    table = pd.DataFrame(
        {
            "run": trials["run"],
            "configuration": configuration(trials["run"]),
            "kind": names,
            "weight": [
                row[_WEIGHTS.get(kind, "beta")]
                for kind, (_, row) in zip(names, trials.iterrows(), strict=True)
            ],
            "beta": trials["beta"].where(~names.isin(_WEIGHTS)),
            "seed": trials["seed"],
            **{name: trials[name] for name in ("kl", "recon", "neg_elbo")},
            "share": trials["kl_fraction_raw"],
        }
    )
    if (again := table.duplicated(["kind", "weight", "seed"], keep=False)).any():
        runs = " and ".join(table.loc[again, "run"].head(2))
        raise StudyError(f"{runs} differ in more than kind, weight and seed: compare one of them")
    rows = leading_rows(study)
    by_basis = rows.pivot(index="run", columns="basis", values="value")
    latent = rows[rows["basis"] == "latent"].set_index("run")
    table = table.set_index("run").assign(
        score=latent["value"],
        score_pca=by_basis["pca"],
        score_ica=by_basis["ica"],
        rotated=latent["rotated"],
        oracle=latent["oracle"],
    )
    return table.dropna(subset="score").reset_index()


def leading_rows(study: Study) -> pd.DataFrame:
    """Rows of the score that ranks, as `rows_of` gives them.

    Raises:
        StudyError: there are none.
    """
    rows = rows_of(study.scores, HIGGINS_FEW.name)
    if rows.empty:
        raise StudyError(
            f"{study.folder} has no score {LABELS[HIGGINS_FEW.name]} within the class: study score"
            f" {study.folder}"
        )
    return rows


def rows_of(scores: pd.DataFrame, name: str, factors: str = "") -> pd.DataFrame:
    """Rows of one score within the digit, by one kind of factors.

    Args:
        scores: a study's.
        name: of the score.
        factors: measured, known or intervention; "": intervention, where there is none known.
    """
    rows = scores[(scores["score"] == name) & (scores["scope"] == "within")]
    present = list(rows["factors"].unique())
    wanted = factors or ("known" if "known" in present else "intervention")
    return rows[rows["factors"] == wanted]

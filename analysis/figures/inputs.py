"""What the figures are made of: the runs that they show, and their models, codes and images."""

from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.factors.image_set import measured
from analysis.figures.style import in_words, kind_of_vae
from analysis.representations.encode import encode
from analysis.statistics.elbo import reference
from analysis.study import Study, configuration
from study.config.errors import StudyError
from study.data import Dataset
from study.data.mnist import data_dir
from study.models.vae import Vae
from study.storage.tables import has_table

ROLES = {
    "standard": (0, "none"),
    "beta": (1, "none"),
    "conditional standard": (0, "label"),
    "conditional": (1, "label"),
}
"""Whom the paper compares: the low (0) or the high (1) of two betas, and the conditioning."""


class Missing(StudyError):
    """A study lacks what a figure is made of; says what."""


class MissingWeights(Missing):
    """The weights alone are lacking: what was made of them before still holds."""


class Chosen(NamedTuple):
    """A run that a figure shows."""

    run: str
    latent_dim: int
    beta: float
    conditioning: str

    @property
    def words(self) -> str:
        return in_words(*self[1:])

    @property
    def title(self) -> str:
        kind = kind_of_vae(self.beta, self.conditioning)
        return f"{kind} (β = {self.beta:g}, J = {self.latent_dim})"


class FigureInputs:
    """A study as figures see it; whatever is slow is made on first use and kept.

    Every method raises Missing where the study lacks what is asked for. Of several seeds the lowest
    is shown.
    """

    def __init__(self, study: Study, data_folder: Path | None) -> None:
        self.study, self._data_folder = study, data_folder
        self._means: dict[str, npt.NDArray[np.float32]] = {}

    @cached_property
    def done(self) -> pd.DataFrame:
        """Finished runs, those of lower seeds first."""
        done = self.study.trials[self.study.trials["state"] == "done"]
        if done.empty:
            raise Missing("no run has finished")
        return done.sort_values("seed", kind="stable")

    @cached_property
    def images(self) -> npt.NDArray[np.uint8]:
        """All test images."""
        return self._mnist.test_images

    @cached_property
    def digits(self) -> npt.NDArray[np.int64]:
        """The digits that they show."""
        return self._mnist.test_labels.astype(np.int64)

    @cached_property
    def factors(self) -> pd.DataFrame:
        """Thickness, slant and width of the test images."""
        return measured(self.images, cache=data_dir(self._data_folder))

    def role(self, name: str) -> Chosen:
        """The run in one of the ROLES: at J = 10 and beta 1 or 10, or what comes nearest.

        With one beta alone, 1 makes the unconditioned run the standard VAE and no beta-VAE; any
        other the reverse.
        """
        latent_dim, betas = reference(self.done)
        high, conditioning = ROLES[name]
        beta = betas[high]
        words = in_words(latent_dim, beta, conditioning)
        one = betas[0] == betas[1]
        if one and name in {"standard", "beta"} and (beta == 1) != (name == "standard"):
            raise Missing(f"no other β than {beta:g} at J = {latent_dim}")
        if one and name == "conditional standard":
            raise Missing(f"no other β than {beta:g} at J = {latent_dim}")
        return self._chosen(
            (self.done["latent_dim"] == latent_dim)
            & (self.done["beta"] == beta)
            & (self.done["conditioning"] == conditioning),
            f"no finished run with {words}",
        )

    def compared(self) -> list[Chosen]:
        """The runs in all roles that the study has."""
        found = []
        for name in ROLES:
            try:
                found.append(self.role(name))
            except Missing:
                continue
        if not found:
            raise Missing("none of the compared runs has finished")
        return found

    def by_beta(self) -> list[Chosen]:
        """A run for each beta, unconditioned, at the J of the roles; rising."""
        latent_dim = reference(self.done).latent_dim
        rows = (self.done["latent_dim"] == latent_dim) & (self.done["conditioning"] == "none")
        if not rows.any():
            raise Missing(f"no finished run without labels at J = {latent_dim}")
        betas = sorted(self.done.loc[rows, "beta"].unique())
        return [self._chosen(rows & (self.done["beta"] == beta), "") for beta in betas]

    def best(self) -> Chosen:
        """The configuration that ranks first."""
        if not has_table(self.study.folder, "ranking"):
            raise Missing("not ranked yet: python -m analysis.score")
        ranking = self.study.ranking
        if ranking["higgins"].isna().all():
            raise Missing("no configuration has a score")
        name = ranking.loc[ranking["higgins"].notna(), "configuration"].iloc[0]
        rows = configuration(self.done["run"]) == name
        return self._chosen(rows, f"no finished run of {name}")

    def model(self, run: str) -> Vae:
        """A run's model."""
        if not self.study.has_weights(run):
            raise MissingWeights(f"the weights of {run} are not here")
        return self.study.model(run)[0]

    def means(self, run: str) -> npt.NDArray[np.float32]:
        """The codes of all test images, (n, n_latents)."""
        if run not in self._means:
            self._means[run] = encode(self.model(run), self.images, self.digits).mean
        return self._means[run]

    def kl(self, run: str) -> npt.NDArray[np.float64]:
        """KL of a run's latents, nats."""
        rows = self.study.latents[self.study.latents["run"] == run]
        return rows.sort_values("latent")["kl"].to_numpy()

    def aligned(self, run: str) -> pd.DataFrame | None:
        """What a run's latents move; None where that was not measured."""
        if not has_table(self.study.folder, "alignment"):
            return None
        table = self.study.alignment
        rows = table[(table["run"] == run) & (table["basis"] == "latent")]
        return rows if len(rows) else None

    @cached_property
    def _mnist(self) -> Dataset:
        return self.study.images(self._data_folder)

    def _chosen(self, rows: pd.Series, otherwise: str) -> Chosen:
        if not rows.any():
            raise Missing(otherwise)
        first = self.done[rows].iloc[0]
        return Chosen(*first[["run", "latent_dim", "beta", "conditioning"]])

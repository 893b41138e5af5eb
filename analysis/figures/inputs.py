"""What a figure is, and what it is made of: runs, and their models, codes and images."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.figure import Figure

from analysis.factors.image_set import factors_of
from analysis.representations.encode import posterior_means
from analysis.representations.traversal import Scale, scale_of
from analysis.statistics import wording
from analysis.statistics.elbo import reference
from analysis.statistics.ranking import unranked
from analysis.study import Study, configuration
from study.config.errors import StudyError
from study.data import Dataset
from study.data.verified_files import data_dir
from study.models.vae import Vae
from study.storage.axes import (
    CONDITIONING,
    DEFAULTS,
    STANDARD,
    alike,
    axes_in,
    in_words,
    others_of,
    varied,
)
from study.storage.tables import has_table, read_result

PAPER_MODELS = {
    "standard": (0, "none"),
    "beta": (1, "none"),
    "conditional standard": (0, "label"),
    "conditional": (1, "label"),
}
"""What the paper compares: the low (0) or the high (1) of two betas, and the conditioning."""
KINDS = ("conditioning", "prior", "network", "objective_kind", "likelihood")
"""What kinds of models differ by, the first shown first."""
MOST_SHOWN = 10  # runs in one figure


class Missing(StudyError):
    """A study lacks what a figure is made of; says what."""


class MissingWeights(Missing):
    """The weights alone are lacking: what was made of them before still holds."""


class StudyFigure(NamedTuple):
    """A figure that a study may have; its content is a table, a sheet of pictures or curves."""

    name: str  # of its files
    group: str  # of the gallery: paper, scores, latents or pictures
    title: str | Callable[[Any], str]  # the latter of the content
    make: "Callable[[FigureInputs], Any]"  # the content; raises Missing
    draw: Callable[[Any], Figure]  # draws the content, computes nothing
    caption: Callable[[Any], str]  # what is seen and how to read it, with numbers of the content
    from_weights: bool = False  # drawn from what was saved where weights or images are gone


PARTS = ("prior", "objective_kind")  # without which no VAE is the standard one


class FigureRun(NamedTuple):
    """A run that a figure shows."""

    run: str
    latent_dim: int
    beta: float
    conditioning: str
    axes: dict[str, Any]  # these three, and the others of its study
    as_in_paper: bool = True  # its prior and objective

    @property
    def words(self) -> str:
        return in_words(self.axes)

    @property
    def kind(self) -> str:
        """What the paper calls it; with another prior or objective no VAE is the standard one."""
        kind = wording.kind_of_vae(self.beta, self.conditioning)
        return kind.removeprefix("" if self.as_in_paper else "Standard ")

    @property
    def title(self) -> str:
        words = [f"β = {self.beta:g}"] * (not np.isnan(self.beta)) + [f"J = {self.latent_dim}"]
        words += [CONDITIONING["prior"]] if self.conditioning == "prior" else []
        return f"{self.kind} ({', '.join([*words, *others_of(self.axes)])})"


class FigureInputs:
    """A study as figures see it; whatever is slow is made on first use and kept.

    Every method raises Missing where the study lacks what is asked for. Of several seeds the lowest
    is figure_run.
    """

    def __init__(self, study: Study, data_folder: Path | None) -> None:
        self.study, self._data_folder = study, data_folder
        self._codes: dict[str, npt.NDArray[np.float32]] = {}

    @cached_property
    def done(self) -> pd.DataFrame:
        """Finished runs, those of lower seeds first."""
        done = self.study.trials[self.study.trials["state"] == "done"]
        if done.empty:
            raise Missing("no run has finished")
        return done.sort_values("seed", kind="stable")

    @cached_property
    def compared(self) -> pd.DataFrame:
        """Those of them that differ in J, beta, conditioning and seed alone."""
        return alike(self.done)

    @cached_property
    def data(self) -> Dataset:
        """The data set, whose test images figures show."""
        return self.study.images(self._data_folder)

    @cached_property
    def labels(self) -> npt.NDArray[np.int64]:
        """The classes of the test images."""
        return self.data.test_labels.astype(np.int64)

    @cached_property
    def factors(self) -> pd.DataFrame:
        """The generative factors of the test images: known, else measured."""
        factors = factors_of(self.data, data_dir(self._data_folder))
        if factors is None:
            raise Missing(f"the factors of {self.data.name} are neither known nor measured")
        return factors

    def paper_run(self, name: str) -> FigureRun:
        """The run of one of PAPER_MODELS: at J = 10 and beta 1 or 10, or what comes nearest.

        With one beta alone, 1 makes the unconditioned run the standard VAE and no beta-VAE; any
        other the reverse.
        """
        runs = self.compared
        latent_dim, betas = reference(runs)
        high, conditioning = PAPER_MODELS[name]
        beta = betas[high]
        if betas[0] == betas[1]:
            standard = name == "standard"
            unwanted = name in {"standard", "beta"} and (beta == 1) != standard
            if unwanted or name == "conditional standard":
                raise Missing(f"no other β than {beta:g} at J = {latent_dim}")
        return self._first(
            runs[
                (runs["latent_dim"] == latent_dim)
                & (runs["beta"] == beta)
                & (runs["conditioning"] == conditioning)
            ],
            f"no finished run with J = {latent_dim}, β = {beta:g}, {CONDITIONING[conditioning]}",
        )

    def paper_runs(self) -> list[FigureRun]:
        """The runs of all PAPER_MODELS that the study has."""
        runs = []
        for name in PAPER_MODELS:
            with suppress(Missing):
                runs.append(self.paper_run(name))
        if not runs:
            raise Missing("none of the compared runs has finished")
        return runs

    def shown_runs(self) -> list[FigureRun]:
        """The runs of all PAPER_MODELS, and a run of whatever else the study has models of.

        That is of each other network, prior, objective, likelihood and conditioning, at the J
        nearest to that of the compared runs; `MOST_SHOWN` in all.
        """
        runs = list[FigureRun]()
        with suppress(Missing):
            runs = self.paper_runs()
        apart = (self.done["latent_dim"] - reference(self.compared).latent_dim).abs()
        nearest = self.done.loc[apart.sort_values(kind="stable").index]
        known = nearest[nearest["run"].isin([shown.run for shown in runs])]
        for column in (column for column in KINDS if column in nearest):
            for value in nearest[column].unique():
                if value not in set(known[column]):
                    row = nearest[nearest[column] == value].head(1)
                    runs.append(self._first(row, ""))
                    known = pd.concat([known, row])
        if not runs:
            raise Missing("none of the compared runs has finished")
        return runs[:MOST_SHOWN]

    def runs_by_beta(self) -> list[FigureRun]:
        """A run for each beta, unconditioned, at the J of the paper's models; rising."""
        latent_dim = reference(self.compared).latent_dim
        runs = self.compared.query("latent_dim == @latent_dim and conditioning == 'none'")
        if runs.empty:
            raise Missing(f"no finished run without labels at J = {latent_dim}")
        return [self._first(part, "") for _, part in runs.groupby("beta")]

    @property
    def why_unranked(self) -> str:
        """Why nothing ranks the configurations, though they are scored; "" where something does."""
        return unranked(self.study.scores) if has_table(self.study.folder, "scores") else ""

    def best_run(self) -> FigureRun:
        """A run of the configuration that ranks first; where nothing ranks, the first shown."""
        if self.why_unranked:
            return self.shown_runs()[0]
        name = self.ranked([], "not ranked yet: study score")["configuration"].iloc[0]
        runs = self.done[configuration(self.done["run"]) == name]
        return self._first(runs, f"no finished run of {name}")

    def ranked(
        self, columns: Sequence[str], otherwise: str = "not scored yet: study score"
    ) -> pd.DataFrame:
        """Configurations that have a score, best first.

        Returns:
            configuration, the axes; ranked_by (in words), score with _low and _high; and those of
            `columns` that the ranking has, what stands beside the score by its own name.
        """
        if not has_table(self.study.folder, "ranking"):
            raise Missing(otherwise)
        ranking = self.study.ranking
        if ranking["score"].isna().all():
            raise Missing(self.why_unranked or "no configuration has a score")
        scored = ranking[ranking["score"].notna()].reset_index(drop=True)
        scored = scored.rename(columns={f"score_{name}": name for name in wording.CONTROLS})
        kept = ["configuration", *axes_in(scored), "ranked_by", "score", "score_low", "score_high"]
        return scored[[*kept, *(name for name in columns if name in scored)]]

    def table(self, name: str) -> pd.DataFrame:
        """One of the tables in `tables/` that scoring leaves."""
        table = read_result(self.study.folder / "tables", name, "study score")
        if table is None:
            raise Missing("not scored yet: study score")
        return table

    def of_shown_runs(self, table_of: Callable[[FigureRun], pd.DataFrame]) -> pd.DataFrame:
        """A table of each of `shown_runs`, one below the other, with the run's axes."""
        parts = []
        for figure_run in self.shown_runs():
            table = table_of(figure_run)
            axes = {"run": figure_run.run, **figure_run.axes}
            parts.append(pd.DataFrame(axes, index=table.index).join(table))
        return pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)

    def model(self, run: str) -> Vae:
        """A run's model."""
        if not self.study.has_weights(run):
            raise MissingWeights(f"the weights of {run} are not here")
        return self.study.model(run)[0]

    def codes(self, run: str) -> npt.NDArray[np.float32]:
        """Posterior means of all test images, (n, n_latents)."""
        if run not in self._codes:
            images = self.data.test_images
            self._codes[run] = posterior_means(self.model(run), images, self.labels)
        return self._codes[run]

    def use(self, run: str) -> pd.Series:
        """How much a run uses each latent: its KL, or the variance of its mean without one."""
        rows = self.study.latents[self.study.latents["run"] == run].sort_values("latent")
        if rows["kl"].notna().all():
            return rows["kl"].rename("KL")
        return rows["mean_variance"].rename("variance of the posterior mean")

    def scale(self, run: str) -> Scale:
        """What a run's latents are traversed over; see `scale_of`."""
        return scale_of(self.model(run), self.data.test_images, self.labels)

    def alignment(self, run: str) -> pd.DataFrame:
        """What a run's latents move."""
        if has_table(self.study.folder, "alignment"):
            table = self.study.alignment
            rows = table[(table["run"] == run) & (table["basis"] == "latent")]
            if len(rows):
                return rows
        self.require_measured()
        raise Missing(f"what the latents of {run} move was not measured")

    def require_measured(self) -> None:
        """Where nothing measures the pictures, what latents move is not known."""
        if self.data.measure is None:
            raise Missing(f"nothing measures the pictures of {self.data.name}")

    def _first(self, runs: pd.DataFrame, otherwise: str) -> FigureRun:
        if runs.empty:
            raise Missing(otherwise)
        first = runs.iloc[0]
        axes = dict(first[[*STANDARD, *varied(self.study.trials)]])
        standard = axes["latent_dim"], axes["beta"], axes["conditioning"]
        as_in_paper = all(first.get(part, DEFAULTS[part]) == DEFAULTS[part] for part in PARTS)
        return FigureRun(first["run"], *standard, axes, as_in_paper)

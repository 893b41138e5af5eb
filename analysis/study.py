"""Open a study: its tables as DataFrames, a run's model, the images."""

import io
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import pandas as pd
import torch

from study.config.errors import StudyError, nearest
from study.config.run import RunConfig
from study.data import Dataset, DataShape, describe_data, load_data
from study.models import Vae, build_model, current_names
from study.storage.folder import Folder
from study.storage.records import RECORD, WEIGHTS, read_record, runs_folder
from study.storage.tables import has_table, read_table

NAMED = 3  # runs that a message names


class Study:
    """The results folder of one study; tables are read on first use and kept.

    Units are nats per image; `schema` of study.results lists every column.
    """

    def __init__(self, folder: Folder) -> None:
        self.folder = folder

    def __repr__(self) -> str:
        return f"Study({str(self.folder)!r})"

    @cached_property
    def trials(self) -> pd.DataFrame:
        """A row a run: configuration, state, final figures on the test set."""
        return read_table(self.folder, "trials")

    @cached_property
    def epochs(self) -> pd.DataFrame:
        """A row a run and epoch: train and test figures."""
        return read_table(self.folder, "epochs")

    @cached_property
    def latents(self) -> pd.DataFrame:
        """A row a finished run and latent: KL and variance of the posterior mean, test set."""
        return read_table(self.folder, "latents")

    @cached_property
    def scores(self) -> pd.DataFrame:
        """A row a run, basis, scaling and score: value, interval, controls, protocol.

        Raises:
            StudyError: the study has not been scored yet; says how.
        """
        return self._scored("scores")

    @cached_property
    def udr(self) -> pd.DataFrame:
        """A row a pair of runs that differ in their seed alone: how far their latents agree."""
        return self._scored("udr")

    @cached_property
    def ranking(self) -> pd.DataFrame:
        """A row a configuration, the most disentangled first.

        Raises:
            StudyError: the study has not been scored yet; says how.
        """
        return self._scored("ranking")

    @cached_property
    def alignment(self) -> pd.DataFrame:
        """A row a run, basis (latent, ica, knob) and direction: what it moves in the picture.

        Raises:
            StudyError: the study has not been scored yet; says how.
        """
        return self._scored("alignment")

    @cached_property
    def search(self) -> pd.DataFrame:
        """A row a trial of a search: its runs, state, parameters and values on held-out images.

        Raises:
            StudyError: the study is a grid.
        """
        return self._searched("search")

    @cached_property
    def front(self) -> pd.DataFrame:
        """The trials of a search that no other beats, also measured on the test set.

        Raises:
            StudyError: the study is a grid.
        """
        return self._searched("front")

    @cached_property
    def reconstruction(self) -> pd.DataFrame:
        """A row a run: how blurred its reconstructions are, and whether the digit can be read.

        Raises:
            StudyError: the study has not been scored yet; says how.
        """
        return self._scored("reconstruction")

    def forget(self, *tables: str) -> None:
        """Read these tables anew when next asked for."""
        for name in tables:
            self.__dict__.pop(name, None)

    def has_weights(self, run: str) -> bool:
        """Whether a run's model can be read; a clone may hold the tables alone."""
        return (runs_folder(self.folder) / run).exists(WEIGHTS)

    def weights(self, run: str) -> bytes:
        """The file that holds a finished run's weights, as it is."""
        return (runs_folder(self.folder) / run).read(WEIGHTS)

    def config(self, run: str) -> RunConfig:
        """The configuration of a run that has its weights.

        Raises:
            StudyError: the study has no such run, or not its weights; says what to do.
        """
        self._require_run(run)
        record = read_record(runs_folder(self.folder) / run)
        if record is None or not self.has_weights(run):
            raise StudyError(
                f"the weights of {run} are not in {self.folder} (no {RECORD} or {WEIGHTS} in"
                f" {runs_folder(self.folder)}/{run}): {self._whence(run)}"
            )
        return RunConfig(**record["config"])

    def _whence(self, run: str) -> str:
        if self.trials.set_index("run").loc[run, "state"] != "done":
            return "train it by repeating the study's command"
        return "copy them from where it was trained, or train it again under another --results"

    def model(self, run: str) -> tuple[Vae, RunConfig]:
        """A finished run's model, ready to evaluate, and its configuration.

        Raises:
            StudyError: the study has no such run, or not its weights; says what to do.
        """
        config = self.config(run)
        model = build_model(config, self.data_shape(run))
        weights = torch.load(io.BytesIO(self.weights(run)), weights_only=True)
        model.load_state_dict(current_names(weights))
        return model.eval(), config

    def data_shape(self, run: str) -> DataShape:
        """Shape of the images that a run was trained on."""
        record = read_record(runs_folder(self.folder) / run)
        saved = record.get("data_shape") if record else None
        return DataShape(*saved) if saved else describe_data(self.data_name)[0]

    @property
    def data_name(self) -> str:
        """The data set that the study was trained on.

        Raises:
            StudyError: there are several.
        """
        trials = self.trials
        names = sorted(set(trials["data"])) if "data" in trials else [RunConfig().data]
        if len(names) != 1:
            raise StudyError(
                f"{self.folder} has runs on {', '.join(names)}: open one data set a study"
            )
        return str(names[0])

    def images(self, data_dir: Path | None = None) -> Dataset:
        """The images that the study was trained and tested on."""
        return load_data(self.data_name, data_dir)

    def _scored(self, name: str) -> pd.DataFrame:
        if not has_table(self.folder, name):
            raise StudyError(
                f"{self.folder} has no {name}.parquet yet: python -m analysis.score {self.folder}"
            )
        return read_table(self.folder, name)

    def _searched(self, name: str) -> pd.DataFrame:
        if not has_table(self.folder, name):
            raise StudyError(f"{self.folder} is no search: it has no {name}.parquet")
        return read_table(self.folder, name)

    def _require_run(self, run: str) -> None:
        known = list(self.trials["run"])
        if run not in known:
            raise StudyError(f"{self.folder} has no run {run!r}{nearest(run, known)}")


def configuration(runs: pd.Series) -> pd.Series:
    """Run ids without their seed: `J10-beta4-label-seed0` is of `J10-beta4-label`."""
    return runs.str.replace(r"-seed\d+", "", regex=True)


def named(runs: Sequence[str]) -> str:
    """Runs as a message names them: `A, B, C and 4 more`."""
    more = f" and {len(runs) - NAMED} more" if len(runs) > NAMED else ""
    return ", ".join(runs[:NAMED]) + more


def open_study(location: str | Path) -> Study:
    """A study by its results folder, e.g. "results/paper".

    Raises:
        StudyError: there is no study at that place.
    """
    folder = Folder(location)
    if not folder.exists("trials.parquet"):
        raise StudyError(f"no study at {folder}: it has no trials.parquet")
    return Study(folder)

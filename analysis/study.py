"""Open a study: its tables as DataFrames, a run's model, the images."""

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from study.config.errors import StudyError, nearest
from study.config.run import RunConfig
from study.data import Dataset, DataShape, describe_data, load_data
from study.models import Vae, build_model, current_names
from study.storage.folder import Folder
from study.storage.records import (
    RECORD,
    WEIGHTS,
    Record,
    load_weights,
    read_record,
    read_weights,
    runs_folder,
)
from study.storage.tables import has_table, read_table

NAMED = 3  # runs that a message names


def _table(
    name: str,
    doc: str,
    missing: str = "",
    current: Callable[[pd.DataFrame], pd.DataFrame] = lambda table: table,
) -> cached_property[pd.DataFrame]:
    """A table of a study, read on first use and kept; `missing` says what a study without it is.

    `current` brings a table that an older version wrote into the present shape. But for those of
    `WHOLE`, a table has no rows of unfinished runs.
    """

    def read(study: "Study") -> pd.DataFrame:
        if missing and not has_table(study.folder, name):
            raise StudyError(missing.format(folder=study.folder, name=name))
        table = current(read_table(study.folder, name))
        return table if name in WHOLE else _of_finished(table, study.trials)

    read.__doc__ = doc
    return cached_property(read)


WHOLE = {"trials", "epochs", "search", "front"}
"""Tables with rows of unfinished runs as well."""

_UNSCORED = "{folder} has no {name}.parquet yet: study score {folder}"
_GRID = "{folder} is not a search: it has no {name}.parquet"


def of_one_length(trials: pd.DataFrame) -> pd.DataFrame:
    """Trials in which the finished seeds of a configuration have the same number of epochs.

    An interrupted command that gives runs more epochs leaves some seeds shorter than others. They
    count as begun until it is repeated, so that no mean is of seeds of unequal length.
    """
    if not {"state", "epochs"} <= set(trials):  # a part of the table
        return trials
    done = trials["state"] == "done"
    lengths = trials["epochs"].where(done)
    longest = lengths.groupby(configuration(trials["run"])).transform("max")
    return trials.assign(state=trials["state"].mask(lengths < longest, "begun"))


def _of_finished(table: pd.DataFrame, trials: pd.DataFrame) -> pd.DataFrame:
    """A table without the rows of runs, and of pairs of runs, that have to be trained on."""
    if "state" not in trials:
        return table
    unfinished = trials.loc[trials["state"] != "done", "run"]
    for column in ("run", "run_a", "run_b"):
        if column in table:
            table = table[~table[column].isin(unfinished)]
    return table.reset_index(drop=True)


def current_scores(table: pd.DataFrame) -> pd.DataFrame:
    """Scores, or scores of controls, in the present columns.

    Before, every factor was measured on the test images as a whole, and codes were scored raw or
    standardised; the latter are left out, as the score that ranks no longer depends on the scale.
    """
    if "scaling" not in table:
        return table
    raw = table[table["scaling"] == "raw"].drop(columns="scaling")
    of_factors = ~raw["score"].isin(["elbo", "iwae", "digit_probe"])
    raw["factors"] = np.where(of_factors, "measured", "")
    raw["scope"] = np.where(of_factors, "all", "")
    for name in ("rotated", "oracle", "oracle_rotated"):
        if "run" in raw:
            raw[name] = np.nan
    return raw.reset_index(drop=True)


def current_ranking(table: pd.DataFrame) -> pd.DataFrame:
    """A ranking in the present columns: before, the published Higgins score ranked."""
    if "score" in table or "higgins" not in table:
        return table
    ends = ("", "_low", "_high", "_chance", "_untrained", "_pixel_pca", "_raw_pixels", "_shuffled")
    copies = {f"score{end}": table[f"higgins{end}"] for end in ends if f"higgins{end}" in table}
    lacking = dict.fromkeys(("score_rotated", "score_oracle", "score_oracle_rotated"), np.nan)
    older = table.assign(ranked_by="Higgins on measured factors", **copies, **lacking)
    for name, without in (("verdict", ""), ("neg_elbo_joint", np.nan)):
        if name not in older:
            older[name] = without
    return older


class Study:
    """The results folder of one study; tables are read on first use and kept.

    Units are nats per image; the schemas of study.storage.tables list every column. A table that
    comes with scoring, or with a search, raises StudyError where the study has none; it says how
    to get it.
    """

    trials = _table(
        "trials",
        "One row per run: configuration, state, final values on the test set.",
        current=of_one_length,
    )
    epochs = _table("epochs", "One row per run and epoch: train and test values.")
    latents = _table(
        "latents",
        "One row per finished run and latent: KL and variance of the posterior mean, test set.",
    )
    scores = _table(
        "scores",
        "One row per run, basis, factors, scope and score: value, interval, controls, protocol.",
        _UNSCORED,
        current_scores,
    )
    controls = _table(
        "controls",
        "One row per control and score: what noise, pixels and an untrained encoder reach.",
        _UNSCORED,
        current_scores,
    )
    udr = _table(
        "udr",
        "One row per pair of runs that differ only in the seed: how far latents agree.",
        _UNSCORED,
    )
    ranking = _table(
        "ranking",
        "One row per configuration, the most disentangled first.",
        _UNSCORED,
        current_ranking,
    )
    alignment = _table(
        "alignment",
        "One row per run, basis (latent, ica, knob) and direction: what it moves in the picture.",
        _UNSCORED,
    )
    knobs = _table(
        "knobs",
        "One row per run, property and place on its knob: what was asked, and what was obtained.",
        _UNSCORED,
    )
    floors = _table(
        "floors",
        "One row per property: what its pure operation on real digits moves besides it.",
        _UNSCORED,
    )
    reconstruction = _table(
        "reconstruction",
        "One row per run: how blurred its reconstructions are, and whether the digit can be read.",
        _UNSCORED,
    )
    search = _table(
        "search",
        "One row per trial of a search: its runs, state, parameters and values on held-out images.",
        _GRID,
    )
    front = _table(
        "front",
        "The trials of a search that no other beats, also measured on the test set.",
        _GRID,
    )

    def __init__(self, folder: Folder) -> None:
        self.folder = folder

    def __repr__(self) -> str:
        return f"Study({str(self.folder)!r})"

    def forget(self, *tables: str) -> None:
        """Read these tables anew at their next use."""
        for name in tables:
            self.__dict__.pop(name, None)

    def has_weights(self, run: str) -> bool:
        """Whether a run's model can be read; a clone may hold the tables alone."""
        return (runs_folder(self.folder) / run).exists(WEIGHTS)

    def weights(self, run: str) -> bytes:
        """The file that holds a finished run's weights, as it is.

        Raises:
            StudyError: as `config`, or the file is not of the run's record.
        """
        return read_weights(runs_folder(self.folder) / run, self._record(run))

    def config(self, run: str) -> RunConfig:
        """The configuration of a run that has its weights.

        Raises:
            StudyError: the study has no such run, or not its weights; says what to do.
        """
        return RunConfig(**self._record(run)["config"])

    def _record(self, run: str) -> Record:
        known = list(self.trials["run"])
        if run not in known:
            raise StudyError(f"{self.folder} has no run {run!r}{nearest(run, known)}")
        record = read_record(runs_folder(self.folder) / run)
        if record is None or not self.has_weights(run):
            raise StudyError(
                f"the weights of {run} are not in {self.folder} (no {RECORD} or {WEIGHTS} in"
                f" {runs_folder(self.folder)}/{run}): {self._whence(run)}"
            )
        return record

    def _whence(self, run: str) -> str:
        if self.trials.set_index("run").loc[run, "state"] != "done":
            return "train it by repeating the study's command"
        return (
            "copy them from the place of training, or train the run again under another --results"
        )

    def model(self, run: str) -> tuple[Vae, RunConfig]:
        """A finished run's model, ready to evaluate, and its configuration.

        Raises:
            StudyError: the study has no such run, or not its weights; says what to do.
        """
        config = self.config(run)
        model = build_model(config, self.data_shape(run))
        file = f"{runs_folder(self.folder)}/{run}/{WEIGHTS}"
        weights = current_names(load_weights(self.weights(run), file))
        try:
            model.load_state_dict(weights)
        except RuntimeError as error:
            why = " ".join(str(error).split())
            raise StudyError(f"{file} is damaged or of another run: {why}") from None
        return model.eval(), config

    def data_shape(self, run: str) -> DataShape:
        """Shape of the images that a run was trained on."""
        record = read_record(runs_folder(self.folder) / run)
        saved = record.get("data_shape") if record else None
        if saved:
            return DataShape(*saved)
        return describe_data(str(self.trials.set_index("run").loc[run, "data"]))[0]

    @property
    def data_name(self) -> str:
        """The data set that the study was trained on.

        Raises:
            StudyError: there are several.
        """
        names = sorted(set(self.trials["data"]))
        if len(names) != 1:
            raise StudyError(
                f"{self.folder} has runs on {', '.join(names)}: only a study of one data set can"
                " be opened"
            )
        return str(names[0])

    def images(self, data_dir: Path | None = None) -> Dataset:
        """The images that the study was trained and tested on."""
        return load_data(self.data_name, data_dir)


def configuration(runs: pd.Series) -> pd.Series:
    """Run ids without their seed: `J10-beta4-label-seed0` is of `J10-beta4-label`.

    Versions before 0.2 wrote a hash of what was not the default behind the seed.
    """
    return runs.str.replace(r"-seed\d+(?=$|-[0-9a-f]{8}$)", "", regex=True)


def named(runs: Sequence[str]) -> str:
    """Runs as a message names them: `A, B, C and 4 more`."""
    more = f" and {len(runs) - NAMED} more" if len(runs) > NAMED else ""
    return ", ".join(runs[:NAMED]) + more


def open_folder(location: str | Path) -> Folder:
    """The results folder of a study, e.g. "results/paper".

    Raises:
        StudyError: there is no study at that place.
    """
    folder = Folder(location)
    if not folder.exists("trials.parquet"):
        raise StudyError(f"no study at {folder}: it has no trials.parquet")
    return folder

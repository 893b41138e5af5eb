"""A run's record: one JSON file beside its checkpoints, from which the tables are built."""

import json
from typing import Any, Literal, TypedDict

from study.config.errors import StudyError
from study.config.run import RunConfig
from study.storage.folder import Folder

RECORD = "record.json"
WEIGHTS = "weights.pt"
State = Literal["waiting", "begun", "done", "failed"]


class Record(TypedDict):
    """Everything known of a run, as plain values."""

    config: dict[str, Any]
    state: State
    error: str | None
    epochs: list[dict[str, Any]]  # epoch, active_latents, and train_ and test_ terms in nats
    recon_at_mean: float | None  # test set, z = posterior mean; once done
    latent_kl: list[float | None]  # test set, nats; once done; null where the prior has none
    latent_mean_variance: list[float]
    node: str
    device: str
    engine: str  # precision and compilation
    data_shape: list[int] | None  # DataShape, once begun; versions before 0.2 lack it: MNIST's
    seconds: float  # spent training and evaluating, over all attempts


def runs_folder(study: Folder) -> Folder:
    """Where the folders of the runs lie."""
    return study / "runs"


def read_record(run: Folder) -> Record | None:
    """The record of one run; None where it has none.

    Raises:
        StudyError: it does not parse; names the file.
    """
    try:
        return _parse(run.read(RECORD), f"{run}/{RECORD}")
    except FileNotFoundError:
        return None


def read_records(study: Folder) -> dict[str, Record]:
    """The records of all runs that have one, by run id.

    Raises:
        StudyError: one does not parse; names the file.
    """
    folder = runs_folder(study)
    names = folder.names()
    contents = folder.read_all(f"{name}/{RECORD}" for name in names)
    return {
        name: _parse(content, f"{folder}/{name}/{RECORD}")
        for name, content in zip(names, contents, strict=True)
        if content is not None
    }


def _parse(content: bytes, source: str) -> Record:
    try:
        record: Record = json.loads(content)
    except ValueError as error:
        raise StudyError(f"{source} is damaged: {error}; delete that folder") from None
    return record


def write_record(run: Folder, record: Record) -> None:
    """Replace the record of one run, at once."""
    run.write(RECORD, json.dumps(record).encode())


def new_record(config: RunConfig, state: State, error: str | None = None) -> Record:
    """The record of a run that has trained no epoch yet."""
    return Record(
        config=config.model_dump(),
        state=state,
        error=error,
        epochs=[],
        recon_at_mean=None,
        latent_kl=[],
        latent_mean_variance=[],
        node="",
        device="",
        engine="",
        data_shape=None,
        seconds=0.0,
    )


def is_done(record: Record | None, config: RunConfig) -> bool:
    """Whether a run has all the epochs that the configuration asks for."""
    return bool(record and record["state"] == "done" and len(record["epochs"]) >= config.epochs)

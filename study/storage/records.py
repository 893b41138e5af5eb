"""What a run leaves: its record, one JSON file from which the tables are built, and its weights.

The record has a checksum, that of the weights, and the configuration that its folder is named by:
neither can be another run's, or be changed, without a word.
"""

import hashlib
import io
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, NotRequired, overload

import numpy as np
from pydantic import AllowInfNan, ConfigDict, TypeAdapter, ValidationError, with_config
from typing_extensions import TypedDict  # pydantic takes no other before Python 3.12

from study.config.errors import StudyError, explain
from study.config.run import RunConfig, plain
from study.storage.checksums import UNSEALED, Checksum, seal, verify
from study.storage.folder import Folder

if TYPE_CHECKING:
    import torch  # slow, and who reads records needs none

RECORD = "record.json"
WEIGHTS = "weights.pt"
State = Literal["waiting", "begun", "done", "failed"]
Figure = int | Annotated[float, AllowInfNan(False)] | None
Epoch = dict[str, Figure]  # epoch, active_latents, and train_ and test_ terms in nats
READ_AT_ONCE = 256  # records
WHOLE_NUMBERS = {"epoch", "active_latents"}
_OLD_NAME = re.compile(r"(.*-seed\d+)-[0-9a-f]{8}")  # as versions before 0.2 named runs


@with_config(ConfigDict(extra="forbid", strict=True))
class Record(TypedDict):
    """Everything known of a run, as plain values."""

    config: dict[str, Any]
    state: State
    error: str | None
    epochs: list[Epoch]  # of many records, a History each
    recon_at_mean: float | None  # test set, z = posterior mean; once done
    latent_kl: list[float | None]  # test set, nats; once done; null where the prior has none
    latent_mean_variance: list[float]
    node: str
    device: str
    engine: str  # precision and compilation
    data_shape: NotRequired[list[int] | None]  # DataShape, once begun; MNIST's before 0.2
    seconds: float  # spent training and evaluating, over all attempts
    weights: NotRequired[str | None]  # SHA-256 of their file, once done
    checksum: NotRequired[Checksum]  # of this file


_RECORD = TypeAdapter(Record)
_EVERY_EPOCH = {"epoch", "active_latents", "train_recon", "train_kl", "test_recon", "test_kl"}


class History(Sequence[Epoch]):
    """The epochs of a run as a matrix, which takes a fiftieth of the memory of their dicts.

    A term that an epoch lacks is None in it.
    """

    def __init__(self, epochs: Sequence[Epoch]) -> None:
        self.names = list(dict.fromkeys(chain.from_iterable(epochs)))
        rows = [tuple(map(epoch.get, self.names)) for epoch in epochs]
        self.values = np.array(rows, dtype=np.float64).reshape(len(rows), len(self.names))

    def __len__(self) -> int:
        return len(self.values)

    @overload
    def __getitem__(self, index: int) -> Epoch: ...
    @overload
    def __getitem__(self, index: slice) -> list[Epoch]: ...
    def __getitem__(self, index: int | slice) -> Epoch | list[Epoch]:
        if isinstance(index, slice):
            return [self[k] for k in range(*index.indices(len(self)))]
        return {
            name: None if math.isnan(value) else int(value) if name in WHOLE_NUMBERS else value
            for name, value in zip(self.names, self.values[index].tolist(), strict=True)
        }


def keep_together(records: Iterable[Record]) -> None:
    """Move the epochs of compact records into one piece of memory.

    Small pieces lie between what was freed since, and hold on to three times their own memory.
    """
    histories = [as_history(record["epochs"]) for record in records]
    whole = np.concatenate([np.empty(0), *(history.values.ravel() for history in histories)])
    start = 0
    for history in histories:
        end = start + history.values.size
        history.values = whole[start:end].reshape(history.values.shape)
        start = end


def as_history(epochs: Sequence[Epoch]) -> History:
    """The epochs of a record as a matrix, if they are not one yet."""
    return epochs if isinstance(epochs, History) else History(epochs)


class Records(NamedTuple):
    """The records of a study's runs, by run id."""

    whole: dict[str, Record]
    damaged: dict[str, str]  # what is wrong, in one line that names the file


def runs_folder(study: Folder) -> Folder:
    """Where the folders of the runs lie."""
    return study / "runs"


def read_record(run: Folder) -> Record | None:
    """The record of one run; None where it has none.

    Raises:
        StudyError: it is damaged, or of another run; names the file.
    """
    try:
        return _parse(run.read(RECORD), run.name, f"{run}/{RECORD}")
    except FileNotFoundError:
        return None


def read_records(study: Folder, runs: Iterable[str] | None = None) -> Records:
    """The records of all runs, or of some, that have one; a damaged one costs no other."""
    folder = runs_folder(study)
    names = folder.folders() if runs is None else list(runs)
    records = Records({}, {})
    for start in range(0, len(names), READ_AT_ONCE):
        some = names[start : start + READ_AT_ONCE]
        contents = folder.read_all(f"{name}/{RECORD}" for name in some)
        for name, content in zip(some, contents, strict=True):
            try:
                if content is not None:
                    record = _parse(content, name, f"{folder}/{name}/{RECORD}")
                    records.whole[name] = compact(record)
            except StudyError as error:
                records.damaged[name] = str(error)
        keep_together(records.whole[name] for name in some if name in records.whole)
    return records


def compact(record: Record) -> Record:
    """A record whose epochs take little memory, for those who keep many."""
    return {**record, "epochs": as_history(record["epochs"])}  # type: ignore[typeddict-item]


def write_record(run: Folder, record: Record) -> None:
    """Replace the record of one run, at once."""
    run.write(RECORD, seal(json.dumps({**record, "checksum": UNSEALED}).encode()))


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
        weights=None,
    )


def is_done(record: Record | None, config: RunConfig) -> bool:
    """Whether a run has all the epochs that the configuration asks for."""
    return bool(record and record["state"] == "done" and len(record["epochs"]) >= config.epochs)


def write_weights(run: Folder, weights: "Mapping[str, torch.Tensor]", record: Record) -> None:
    """Write the weights of a run, and their checksum into its record, which is to be written next.

    Args:
        run: its folder.
        weights: by name, on the CPU.
        record: of the run.
    """
    import torch

    buffer = io.BytesIO()
    torch.save(dict(weights), buffer)
    run.write(WEIGHTS, buffer.getvalue())
    record["weights"] = hashlib.sha256(buffer.getvalue()).hexdigest()


def read_weights(run: Folder, record: Record) -> bytes:
    """The file of a run's weights; accepted as it is where the record is older than checksums.

    Raises:
        StudyError: it is damaged, or not of this record; names the file.
    """
    content, file = run.read(WEIGHTS), f"{run}/{WEIGHTS}"
    if "checksum" not in record:
        return content
    if not record.get("weights"):
        raise StudyError(
            f"{file} is from an earlier training, and the run is {record['state']}: repeat the"
            " study's command"
        )
    if hashlib.sha256(content).hexdigest() != record["weights"]:
        raise StudyError(
            f"{file} is damaged or of another run: its checksum is not the one in {RECORD}; repeat"
            " the study's command with --repair"
        )
    return content


def load_weights(content: bytes, file: str) -> "dict[str, torch.Tensor]":
    """The weights in the content of their file, by name.

    Raises:
        StudyError: they cannot be read; names the file.
    """
    import torch

    try:
        weights = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        return {str(name): torch.as_tensor(value) for name, value in weights.items()}
    except Exception as error:  # of what is no such file every part of torch has its own
        why = f"{type(error).__name__}: {error}".splitlines()[0]
        raise StudyError(
            f"{file} is damaged: {why}; repeat the study's command with --repair"
        ) from None


def _parse(content: bytes, run: str, file: str) -> Record:
    what_to_do = "repeat the study's command with --repair to train the run again"
    try:
        verify(content, file)
        record = _RECORD.validate_json(content)
        config = RunConfig(**record["config"])
    except StudyError as error:
        raise StudyError(f"{error}; {what_to_do}") from None
    except (ValidationError, TypeError) as error:
        why = explain(error, []) if isinstance(error, ValidationError) else str(error)
        why = " ".join(why.split())[:200]  # it may hold the whole of a file
        raise StudyError(f"{file} is damaged: {why}; {what_to_do}") from None
    if problem := _misfit(record, config, run):
        raise StudyError(f"{file} is damaged or was edited: {problem}; {what_to_do}")
    record["config"] = config.model_dump()  # a key that it lacks, or that is null, is the default
    return record


def _misfit(record: Record, config: RunConfig, run: str) -> str:
    """What of a record does not belong together, or to the folder of a run; "" where all does."""
    old = _OLD_NAME.fullmatch(run)
    axes = f"J{config.latent_dim}-beta{plain(config.beta)}-{config.conditioning}"
    if run != config.run_id and not (old and old[1] == f"{axes}-seed{config.seed}"):
        return f"it belongs to {config.run_id}"
    if any(map(_EVERY_EPOCH.difference, record["epochs"])):
        return f"an epoch lacks one of {', '.join(sorted(_EVERY_EPOCH))}"
    sizes = {len(record["latent_kl"]), len(record["latent_mean_variance"])}
    if sizes not in ({0}, {config.latent_dim}):
        return f"its values are not for {config.latent_dim} latents"
    return ""

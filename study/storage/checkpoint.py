"""What a run needs to go on: written whole, verified on reading, the one before it kept.

torch.save writes it, and torch.load would take a flipped bit for a weight: it checks no sum. Tune's
Checkpoint is a folder of files, checked as little.
"""

import hashlib
import io
import logging
import re
from typing import Any

import torch

from study.config.errors import StudyError
from study.storage.folder import Folder

log = logging.getLogger(__name__)

MAGIC = b"vae-study checkpoint 1\n"
KEPT = 2
CPU = torch.device("cpu")
_NAME = re.compile(r"epoch-(\d+)\.checkpoint")


class CheckpointError(StudyError):
    """A checkpoint cannot be used; says which and why."""


def save(folder: Folder, epoch: int, state: dict[str, Any]) -> None:
    """Write the state after `epoch` epochs, and only then remove all but the newest two.

    Args:
        state: tensors, numbers, strings and containers of them.
    """
    buffer = io.BytesIO()
    torch.save(state, buffer)
    payload = buffer.getvalue()
    folder.write(file_name(epoch), MAGIC + hashlib.sha256(payload).digest() + payload)
    for old in epochs(folder)[:-KEPT]:
        folder.delete(file_name(old))


def load_latest(folder: Folder, device: torch.device) -> dict[str, Any] | None:
    """The newest state that reads back whole; None where the run has not saved one yet.

    A damaged checkpoint is passed over for the one before it, with a warning in the log.

    Raises:
        CheckpointError: there are checkpoints and none can be used.
    """
    failure: CheckpointError | None = None
    for epoch in reversed(epochs(folder)):
        try:
            return load(folder, epoch, device)
        except CheckpointError as error:
            log.warning("%s; the previous checkpoint is used", error)
            failure = failure or error
    if failure:
        raise CheckpointError(
            f"{failure}; no other checkpoint is left: delete {folder} to train the run again"
        )
    return None


def load(folder: Folder, epoch: int, device: torch.device) -> dict[str, Any]:
    """The state after `epoch` epochs.

    Raises:
        CheckpointError: the file is damaged or is no checkpoint of ours; names it.
    """
    name = file_name(epoch)
    content = folder.read(name)
    head = len(MAGIC) + hashlib.sha256().digest_size
    digest, payload = content[len(MAGIC) : head], content[head:]
    if not content.startswith(MAGIC):
        raise CheckpointError(f"{folder}/{name} is not a checkpoint of this program")
    if hashlib.sha256(payload).digest() != digest:
        raise CheckpointError(f"{folder}/{name} is damaged: its checksum does not match")
    try:
        state: dict[str, Any] = torch.load(
            io.BytesIO(payload), map_location=device, weights_only=True
        )
    except Exception as error:  # of what is no such file every part of torch has its own
        raise CheckpointError(f"{folder}/{name} cannot be read: {error}") from None
    return state


def epochs(folder: Folder) -> list[int]:
    """Epochs after which a checkpoint lies here, ascending."""
    matches = (_NAME.fullmatch(name) for name in folder.names())
    return sorted(int(match[1]) for match in matches if match)


def file_name(epoch: int) -> str:
    """The name of the checkpoint after `epoch` epochs."""
    return f"epoch-{epoch:05d}.checkpoint"

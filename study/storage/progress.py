"""How far a command has come with a study: `progress.json`, there only while the command works.

Records are written with checkpoints, every few epochs. What the running runs have done since then,
the stage and the time left stand here, for `study status` and `study watch` on any machine.
"""

import json
import os
import platform
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError

from study.storage.axes import CONDITIONING
from study.storage.folder import Folder
from study.storage.lock import beats

PROGRESS = "progress.json"
EVERY_S = 3.0  # how often it is written
TRAINING = ("start-up", "compiling", "training")  # stages after which runs still train


class Progress(NamedTuple):
    """A stage, and how far it is."""

    stage: str  # such as "training"
    done: float = 0.0
    total: float = 0.0  # epochs, scores or figures; 0 where it is not known
    seconds_left: float | None = None  # of the stage, when this was written
    began: float = 0.0  # Unix time, of the stage
    running: dict[str, list[dict[str, Any]]] = {}  # noqa: RUF012  run id -> its latest epochs
    host: str = ""
    pid: int = 0
    beat: float = 0.0  # Unix time of writing


_PROGRESS = TypeAdapter(Progress)


def read_progress(study: Folder) -> Progress | None:
    """What a command does with a study now; None where none does, or its process is gone."""
    try:
        progress = _PROGRESS.validate_json(study.read(PROGRESS))
    except (OSError, ValidationError):
        return None
    return progress if beats(progress.host, progress.pid, progress.beat) else None


def write_progress(study: Folder, progress: Progress) -> None:
    """Say what this process does with a study; where another one has said so, that stays."""
    other = read_progress(study)
    if other is None or (other.host, other.pid) == (platform.node(), os.getpid()):
        now = progress._replace(host=platform.node(), pid=os.getpid(), beat=time.time())
        study.write(PROGRESS, json.dumps(now._asdict()).encode())


def end_progress(study: Folder) -> None:
    """This process is done with a study."""
    with suppress(OSError):  # it expires by itself
        other = read_progress(study)
        if other is None or (other.host, other.pid) == (platform.node(), os.getpid()):
            study.delete(PROGRESS)


class Best(NamedTuple):
    """The run with the lowest bound among those that can be compared."""

    among: str  # what these have in common where not all runs do, such as "labels"; else ""
    run: str
    neg_elbo: float  # nats per image, on the test set


def best_runs(runs: Iterable[tuple[str, str, str, float]]) -> list[Best]:
    """The run with the lowest negative ELBO, of each data set and conditioning.

    A bound of log p(x | digit) is not one of log p(x); nor are bounds on different images alike.

    Args:
        runs: of each its id, data set, conditioning and negative ELBO.
    """
    lowest: dict[tuple[str, str], tuple[float, str]] = {}
    for run, data, conditioning, neg_elbo in runs:
        place = (data, conditioning)
        lowest[place] = min(lowest.get(place, (neg_elbo, run)), (neg_elbo, run))
    several, kinds = ({place[i] for place in lowest} for i in (0, 1))
    best = []
    for (name, conditioning), (neg_elbo, run) in sorted(lowest.items()):
        kind = CONDITIONING.get(conditioning, conditioning)
        among = [*([name] if len(several) > 1 else []), *([kind] if len(kinds) > 1 else [])]
        best.append(Best(", ".join(among), run, neg_elbo))
    return best


def state_now(run: str, state: str, progress: Progress | None) -> str:
    """What a run does now.

    Args:
        run: its id.
        state: in its record or row: `begun` says that it has epochs, not that anyone trains it.
        progress: what a command does with the study.

    Returns:
        done, failed, damaged, `running`, `waiting` for its turn, or, where no command works,
        `stopped` of a run that has epochs and `waiting` of one that has none.
    """
    if progress and run in progress.running:
        return "running"
    if state == "begun":
        return "waiting" if progress and progress.stage in TRAINING else "stopped"
    return state

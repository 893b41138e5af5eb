"""A list of runs on a local or a remote Ray cluster; failures become rows, not crashes."""

import logging
import math
import os
import shutil
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

# Ray reads these when it is imported. Its own tables, files and notices are of no use to a study.
os.environ.setdefault("RAY_AIR_NEW_OUTPUT", "0")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
os.environ.setdefault("TUNE_DISABLE_AUTO_CALLBACK_LOGGERS", "1")
os.environ.setdefault("TUNE_DISABLE_SIGINT_HANDLER", "1")  # ours also knows SIGTERM
os.environ.setdefault("TUNE_GLOBAL_CHECKPOINT_S", "1000000000")  # a snapshot is of no use either

import ray
from ray import tune
from ray.tune.progress_reporter import TrialProgressCallback

from study.config.errors import StudyError, UsageError
from study.config.run import RunConfig
from study.execution.callbacks import Events, first_line, trial_name
from study.execution.display import Display
from study.execution.signals import interrupt, on_signals
from study.execution.trainable import Member, Task, trainable
from study.storage.folder import Folder
from study.storage.lock import Lock
from study.storage.records import runs_folder
from study.training.engine_selection import EngineSelection, packs

CONNECT_S = 5.0


class Resources(NamedTuple):
    """Where runs go and what each may use."""

    address: str | None = None  # of a Ray cluster; None: a local one is started
    cpus_per_run: float = 1.0
    gpus_per_run: float | None = None  # None: the GPUs are shared evenly
    max_failures: int = 2  # lost workers that a run survives


class Outcome(NamedTuple):
    """How a launch ended."""

    errors: dict[str, str]  # run id -> why it failed
    interrupted: bool


def connect(address: str | None) -> None:
    """Join the Ray cluster at an address, or start a local one.

    Raises:
        StudyError: nothing answers at the address.
        UsageError: it is no address.
    """
    if address and address not in {"auto", "local"}:
        _require_answer(address)
    try:
        with on_signals(interrupt):  # Ray takes SIGTERM over; this gives it back
            ray.init(
                address=address or "local",  # None would join any cluster here
                include_dashboard=False if address in {None, "local"} else None,
                log_to_driver=False,
                logging_level=logging.CRITICAL,
                ignore_reinit_error=True,
            )
    except (ConnectionError, RuntimeError, ValueError) as error:
        where = f"the Ray cluster at {address!r}" if address else "a local Ray"
        raise StudyError(f"cannot join {where}: {first_line(error)}") from None
    for name in ("ray", "ray.tune"):  # a trial's error is a row of the study
        logging.getLogger(name).setLevel(logging.CRITICAL)


def slots(resources: Resources) -> int:
    """How many runs the connected cluster trains at once; at least one.

    Raises:
        StudyError: not even one run fits.
    """
    total = _total()
    wanted = {"CPU": resources.cpus_per_run, "GPU": _gpus(resources)}
    fits = [int(total.get(kind, 0) // amount) for kind, amount in wanted.items() if amount]
    n = min(fits, default=0)
    if n < 1:
        have = ", ".join(f"{total.get(kind, 0):g} {kind}" for kind in wanted)
        need = ", ".join(f"{amount:g} {kind}" for kind, amount in wanted.items() if amount)
        raise StudyError(f"a run needs {need or 'no CPU and no GPU'}, the cluster has {have}")
    return n


def launch(
    todo: list[RunConfig],
    study: Folder,
    lock: Lock,
    data_dir: Path,
    engine: EngineSelection,
    resources: Resources,
    display: Display,
    settled: Callable[[str], None],
    figures: Callable[[str, list[dict[str, float]]], None] = lambda run, epochs: None,
) -> Outcome:
    """Train every run of a list; returns when none is left or the user interrupts.

    SIGINT and SIGTERM let the running runs finish their epoch and save it; a second one does not
    wait.

    Args:
        todo: the runs to start or to continue.
        study: the study's folder, reachable from every node.
        lock: held on it; how workers learn that they should end.
        data_dir: the cache of the data, on every node.
        engine: precision and compilation.
        resources: what a run may use of the connected cluster.
        display: told what happens, as it happens.
        settled: called with a run's id when it is done or has failed for good.
        figures: called with a run's id and the epochs that it reports.
    """
    tasks = [
        new_task(runs, study, lock, data_dir, engine, resources)
        for runs in packs(todo, on_gpu=_gpus(resources) > 0)
    ]
    events = Events(display, settled, figures, lock)
    interrupted = fit(_trial, events, resources, {"task": tune.grid_search(tasks)})
    return Outcome(events.errors, interrupted or len(events.settled_runs) < len(todo))


def new_task(
    runs: list[RunConfig],
    study: Folder,
    lock: Lock,
    data_dir: Path,
    engine: EngineSelection,
    resources: Resources,
) -> Task:
    """What one trial gets."""
    return Task(
        name=runs[0].run_id if len(runs) == 1 else f"{runs[0].run_id}-and-{len(runs) - 1}-more",
        members=[
            Member(
                run=run.run_id,
                config=run.model_dump(),
                folder=str(runs_folder(study) / run.run_id),
            )
            for run in runs
        ],
        study=str(study),
        invocation=lock.holder.invocation,
        data_dir=str(data_dir),
        threads=max(1, int(resources.cpus_per_run)),
        bf16=engine.bf16(runs[0]),
        compile=engine.compiles(runs[0]),
    )


def fit(
    trial: Callable[[dict[str, Any]], None],
    events: Events,
    resources: Resources,
    space: dict[str, Any] | None = None,
    **how: Any,
) -> bool:
    """Let Tune work off its trials; returns whether the user did not want to wait for them.

    Args:
        trial: called on a worker with a configuration, of which "task" is a Task.
        events: told what happens.
        resources: what a trial may use.
        space: the configurations, where no searcher in `how` suggests them.
        how: more of Tune's TuneConfig.
    """
    interrupted = False
    scratch = tempfile.mkdtemp(prefix="vae-study-tune-")  # Tune's snapshot; never read again
    try:
        tuner = tune.Tuner(
            tune.with_resources(trial, {"cpu": resources.cpus_per_run, "gpu": _gpus(resources)}),
            param_space=space,
            tune_config=tune.TuneConfig(
                reuse_actors=True,
                trial_name_creator=trial_name,
                trial_dirname_creator=trial_name,
                **how,
            ),
            run_config=tune.RunConfig(
                storage_path=scratch,
                name="study",
                verbose=0,
                callbacks=[events, _Silence()],
                failure_config=tune.FailureConfig(max_failures=resources.max_failures),
            ),
        )
        with on_signals(events.stop):
            tuner.fit()
    except KeyboardInterrupt:
        interrupted = True
        ray.shutdown()  # ends the workers at once, which Tune would wait for
    finally:
        events.end()
        shutil.rmtree(scratch, ignore_errors=True)
    return interrupted


class _Silence(TrialProgressCallback):
    """In the place of Tune's own notices, which would list waiting runs as completed at a stop."""

    def log_result(self, *_: Any, **__: Any) -> None: ...

    def _print(self, *_: Any) -> None: ...


def _trial(config: dict[str, Any]) -> None:
    trainable(config["task"])


def _total() -> dict[str, float]:
    """CPUs and GPUs of the whole cluster, by Ray's names."""
    return dict(ray.cluster_resources())  # type: ignore[no-untyped-call]


def _gpus(resources: Resources) -> float:
    """GPUs of one run: as asked, or a share such that every CPU beside a GPU has a run to feed."""
    if resources.gpus_per_run is not None:
        return resources.gpus_per_run
    beside = [node for node in _node_resources() if node.get("GPU")]
    if not beside:
        return 0.0
    gpus, cpus = (sum(node.get(kind, 0.0) for node in beside) for kind in ("GPU", "CPU"))
    return 1 / max(1, math.ceil(cpus / max(resources.cpus_per_run, 0.01) / gpus))


def idle_nodes(resources: Resources) -> int:
    """Nodes that get no run because runs ask for a GPU and they have none."""
    without = [node for node in _node_resources() if node.get("CPU") and not node.get("GPU")]
    return len(without) if _gpus(resources) else 0


def _node_resources() -> list[dict[str, float]]:
    """CPUs and GPUs of every node that is there, by Ray's names."""
    nodes = ray.nodes()  # type: ignore[no-untyped-call]
    return [node["Resources"] for node in nodes if node["Alive"]]


def _require_answer(address: str) -> None:
    """Knock before Ray does: it tries for two minutes, then ends the process."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not (host and port.isdigit()):
        raise UsageError(f"--address takes HOST:PORT, ray://HOST:PORT or auto, got {address!r}")
    try:
        socket.create_connection((host, int(port)), timeout=CONNECT_S).close()
    except OSError as error:
        raise StudyError(
            f"no Ray cluster answers at {address!r} ({error}); check the address, or leave it out"
            " to start a local Ray"
        ) from None

"""One invocation of a study and what it hands to Ray Tune; failures become rows, not crashes."""

import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import ray
from ray import tune
from ray.tune.progress_reporter import TrialProgressCallback
from ray.tune.schedulers import TrialScheduler
from ray.tune.search import Searcher

from study.config.errors import StudyError
from study.config.own_data import from_anywhere
from study.config.run import RunConfig
from study.data import prepare_data
from study.execution import on_signals
from study.execution.callbacks import Events, trial_name
from study.execution.cluster import Needs, Resources, check_nodes, connect, gpus, idle_nodes, slots
from study.execution.stages import Stages
from study.execution.study_log import StudyLog
from study.execution.trainable import Task
from study.storage.folder import Folder
from study.storage.lock import Lock
from study.training.engine_selection import EngineSelection, select_engine
from study.training.hardware import best_device

ROOM_EVERY_S = 1.0  # how often the cluster is asked for its room
OF_TUNE = {  # its environment variables, where the user has not set them
    "TUNE_MAX_PENDING_TRIALS_PG": "10000",  # workers that start at once: `_Queue` says how many
    "TUNE_GLOBAL_CHECKPOINT_S": "inf",  # between snapshots, which we never read
}


class Invocation(NamedTuple):
    """What a command says of one invocation of a study."""

    study: Folder  # reachable from every node
    request: dict[str, Any]  # what study.yaml says of the command
    resources: Resources
    stages: Stages  # of the command, with its console
    data_dir: Path  # the cache of the data, on every node
    log: str | None = None  # the tracker that also gets the figures, by its name


class Outcome(NamedTuple):
    """How an invocation ended."""

    errors: dict[str, str]  # run id -> why it failed
    interrupted: bool


class Session(NamedTuple):
    """An invocation whose data, cluster and nodes are known to be there."""

    invocation: Invocation
    lock: Lock  # held on the study; how workers learn that they should end
    engine: EngineSelection

    def announce(self, what: str, *more: str) -> None:
        """Print what is to be done, how much of it at a time, and more.

        Raises:
            StudyError: not even one run fits.
        """
        resources, console = self.invocation.resources, self.invocation.stages.console
        console.print("; ".join([f"{what}, {slots(resources)} at a time", *more]))
        if idle := idle_nodes(resources):
            console.print(
                f"{idle} nodes have no GPU and stay idle; with --gpus-per-run 0 runs go to every"
                " node and use its GPU where it has one"
            )

    def task(self, runs: list[RunConfig], engine: EngineSelection | None = None) -> Task:
        """What one trial gets."""
        engine = engine or self.engine
        return Task(
            name=runs[0].run_id if len(runs) == 1 else f"{runs[0].run_id}-and-{len(runs) - 1}-more",
            members=[run.model_dump() for run in runs],
            study=str(self.invocation.study),
            invocation=self.lock.holder.invocation,
            data_dir=str(self.invocation.data_dir),
            working_dir=str(Path.cwd()),
            threads=max(1, int(self.invocation.resources.cpus_per_run)),
            bf16=engine.bf16(runs[0]),
            compile=engine.compiles(runs[0]),
        )

    def fit(
        self,
        trial: Callable[[dict[str, Any]], None],
        next_trial: Callable[[], dict[str, Any] | None],
        events: Events,
        scheduler: TrialScheduler | None = None,
    ) -> Outcome:
        """Let Tune work off its trials; returns when none is left or the user interrupts.

        SIGINT and SIGTERM let the running runs finish their epoch and save it; a second one does
        not wait.

        Args:
            trial: called on a worker with a configuration, of which "task" is a Task.
            next_trial: gives the next configuration; None where there is none.
            events: get what Tune tells of its trials.
            scheduler: may stop trials early.

        Raises:
            StudyError: the lock was lost, and so the workers have ended.
        """
        resources = self.invocation.resources
        share = gpus(resources)  # stays as it is when nodes come that would change it
        resources = resources._replace(gpus_per_run=share)
        room = {"cpu": resources.cpus_per_run, "gpu": share}
        with TemporaryDirectory(prefix="vae-study-tune-", ignore_cleanup_errors=True) as snapshot:
            try:
                tuner = tune.Tuner(
                    tune.with_resources(trial, room),
                    tune_config=tune.TuneConfig(
                        reuse_actors=True,
                        search_alg=_Queue(next_trial, resources),
                        scheduler=scheduler,
                        num_samples=-1,
                        trial_name_creator=trial_name,
                        trial_dirname_creator=trial_name,
                    ),
                    run_config=tune.RunConfig(
                        storage_path=snapshot,  # never read again
                        name="study",
                        verbose=0,
                        callbacks=[events, _Silence()],
                        failure_config=tune.FailureConfig(max_failures=resources.max_failures),
                    ),
                )
                with on_signals(events.stop), _tune_as_we_use_it():
                    tuner.fit()
                if not events.errors:  # a worker that ends as its lock was lost says no reason
                    self.lock.require_held()
                return Outcome(events.errors, events.stopping)
            except KeyboardInterrupt:
                ray.shutdown()  # ends the workers at once, which Tune would wait for
                return Outcome(events.errors, interrupted=True)
            finally:
                events.end()


def start_session(
    invocation: Invocation,
    lock: Lock,
    study_log: StudyLog,
    runs: Iterable[RunConfig],
    data: set[str],
    own_code: set[str],
) -> Session:
    """Fetch the data, join the cluster, see that its nodes can train, and select the engine.

    Args:
        invocation: of which study, and how.
        lock: held on the study.
        study_log: says which precision the study keeps to, and is told the engine.
        runs: all that are asked for, as far as they are known.
        data: the data sets that they need, by name.
        own_code: what they take of the user's own.

    Raises:
        StudyError: one of them is not to be had.
    """
    study, _, resources, stages, data_dir, _ = invocation
    stages("start-up", 0)
    for name in sorted(data):
        prepare_data(name, data_dir)
    study_log.note_data(data)
    stages("start-up", 2)
    connect(resources.address)
    stages("start-up", 10)
    if resources.address or own_code:  # a Ray of our own has this machine alone
        needs = Needs(str(data_dir), sorted(map(from_anywhere, data)), sorted(own_code))
        check_nodes(study, lock.holder.invocation, needs)
    engine = select_engine(runs, best_device(), study_log.precision)
    study_log.note(engine=engine.facts())
    return Session(invocation, lock, engine)


@contextmanager
def _tune_as_we_use_it() -> Iterator[None]:
    """Set what OF_TUNE says for one study; the rest of the process may use Tune in other ways."""
    ours = {name: value for name, value in OF_TUNE.items() if name not in os.environ}
    os.environ |= ours
    try:
        yield
    finally:
        for name in ours:
            del os.environ[name]


class _Queue(Searcher):
    """How Tune asks for the next trial; it gets one when the cluster has room for it.

    Its own grid search makes every trial before the first one runs: minutes for thousands.

    No trial waits for a worker that is busy: Tune would hand it the next free one, and end the one
    that is starting for it. A worker takes seconds to start. With shorter runs, the first worker
    would train them all.
    """

    def __init__(
        self, next_trial: Callable[[], dict[str, Any] | None], resources: Resources
    ) -> None:
        super().__init__()
        self._next_trial, self._resources = next_trial, resources
        self._alive: set[str] = set()
        self._room, self._look_again = 0, 0.0  # nodes may come and go

    def __getstate__(self) -> dict[str, Any]:
        """Nothing: as Events, it is pickled into a snapshot that we never read."""
        return {}

    def set_search_properties(self, metric: Any, mode: Any, config: Any, **spec: Any) -> bool:
        return True

    def suggest(self, trial_id: str) -> Any:
        if time.monotonic() > self._look_again:
            with suppress(StudyError):  # the last node is gone; another may come
                self._room = slots(self._resources)
            self._look_again = time.monotonic() + ROOM_EVERY_S
        if len(self._alive) >= self._room:
            return None
        trial = self._next_trial()
        if trial is None:
            return Searcher.FINISHED
        self._alive.add(trial_id)
        return trial

    def on_trial_complete(self, trial_id: str, result: Any = None, error: bool = False) -> None:
        self._alive.discard(trial_id)

    def save(self, checkpoint_path: str) -> None:
        """Nothing to save: the results folder has it."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing to restore."""


class _Silence(TrialProgressCallback):
    """In the place of Tune's own notices, which would list waiting runs as completed at a stop."""

    def log_result(self, *_: Any, **__: Any) -> None: ...

    def _print(self, *_: Any) -> None: ...

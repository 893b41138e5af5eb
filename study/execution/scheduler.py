"""A list of runs, handed to Ray Tune; failures become rows, not crashes."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import ray
from ray import tune
from ray.tune.progress_reporter import TrialProgressCallback

from study.config.run import RunConfig
from study.execution import on_signals
from study.execution.callbacks import Events, trial_name
from study.execution.cluster import Resources, gpus
from study.execution.display import Display
from study.execution.study_log import StudyLog
from study.execution.trainable import Task, trainable
from study.storage.folder import Folder
from study.storage.lock import Lock
from study.training.engine_selection import EngineSelection, packs


class Workplace(NamedTuple):
    """Where the runs of an invocation are trained, and what they may use."""

    study: Folder  # reachable from every node
    lock: Lock  # held on it; how workers learn that they should end
    data_dir: Path  # the cache of the data, on every node
    resources: Resources  # of the connected cluster


class Outcome(NamedTuple):
    """How an invocation ended."""

    errors: dict[str, str]  # run id -> why it failed
    interrupted: bool


def launch(
    todo: list[RunConfig],
    workplace: Workplace,
    engine: EngineSelection,
    display: Display,
    study_log: StudyLog,
) -> Outcome:
    """Train every run of a list; returns when none is left or the user interrupts.

    SIGINT and SIGTERM let the running runs finish their epoch and save it; a second one does not
    wait.

    Args:
        todo: the runs to start or to continue.
        workplace: where.
        engine: precision and compilation.
        display: shows what happens, as it happens.
        study_log: keeps what runs report and how they end.
    """
    resources = workplace.resources
    tasks = [new_task(runs, workplace, engine) for runs in packs(todo, on_gpu=gpus(resources) > 0)]
    events = Events(display, study_log, workplace.lock)
    interrupted = fit(trainable, events, resources, {"task": tune.grid_search(tasks)})
    return Outcome(events.errors, interrupted or len(events.ended_runs) < len(todo))


def new_task(runs: list[RunConfig], workplace: Workplace, engine: EngineSelection) -> Task:
    """What one trial gets."""
    return Task(
        name=runs[0].run_id if len(runs) == 1 else f"{runs[0].run_id}-and-{len(runs) - 1}-more",
        members=[run.model_dump() for run in runs],
        study=str(workplace.study),
        invocation=workplace.lock.holder.invocation,
        data_dir=str(workplace.data_dir),
        threads=max(1, int(workplace.resources.cpus_per_run)),
        bf16=engine.bf16(runs[0]),
        compile=engine.compiles(runs[0]),
    )


def fit(
    trial: Callable[[dict[str, Any]], None],
    events: Events,
    resources: Resources,
    space: dict[str, Any] | None = None,
    **tune_config: Any,
) -> bool:
    """Let Tune work off its trials; returns whether the user did not want to wait for them.

    Args:
        trial: called on a worker with a configuration, of which "task" is a Task.
        space: the configurations, where no searcher in `tune_config` suggests them.
    """
    tune_config |= {"trial_name_creator": trial_name, "trial_dirname_creator": trial_name}
    room = {"cpu": resources.cpus_per_run, "gpu": gpus(resources)}
    with TemporaryDirectory(prefix="vae-study-tune-", ignore_cleanup_errors=True) as snapshot:
        try:
            tuner = tune.Tuner(
                tune.with_resources(trial, room),
                param_space=space,
                tune_config=tune.TuneConfig(reuse_actors=True, **tune_config),
                run_config=tune.RunConfig(
                    storage_path=snapshot,  # never read again
                    name="study",
                    verbose=0,
                    callbacks=[events, _Silence()],
                    failure_config=tune.FailureConfig(max_failures=resources.max_failures),
                ),
            )
            with on_signals(events.stop):
                tuner.fit()
        except KeyboardInterrupt:
            ray.shutdown()  # ends the workers at once, which Tune would wait for
            return True
        finally:
            events.end()
    return False


class _Silence(TrialProgressCallback):
    """In the place of Tune's own notices, which would list waiting runs as completed at a stop."""

    def log_result(self, *_: Any, **__: Any) -> None: ...

    def _print(self, *_: Any) -> None: ...

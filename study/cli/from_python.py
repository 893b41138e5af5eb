"""`from study import run`: a grid trained, scored and shown as a table, from Python."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from study.cli.run import train_grid
from study.cli.training import Definition, Training
from study.config.errors import StudyError, UsageError
from study.config.grid import find_grid

if TYPE_CHECKING:
    from analysis import OpenStudy


def run(
    grid: str | Path | Mapping[str, Any],
    *,
    name: str | None = None,
    results: str | Path = "results",
    seeds: Sequence[int] | None = None,
    fresh: bool = False,
    repair: bool = False,
    scores: bool = True,
    metrics: Sequence[str] = (),
    data_dir: str | Path | None = None,
    address: str | None = None,
    cpus_per_run: float = 1.0,
    gpus_per_run: float | None = None,
    max_failures: int = 2,
    log: str | None = None,
    **changes: Any,
) -> "OpenStudy":
    """Train every configuration of a grid, as `study run` does, and open the study.

    Call it again after an interruption and it goes on; a larger grid of the same name trains only
    what is missing.

    Args:
        grid: the name of one of configs/, a path to a YAML file, or its keys and values, such as
            `{"beta": [1, 4], "epochs": 5}`.
        name: the study's folder in `results`; needed where `grid` is a mapping.
        results: a folder, or a URI such as s3://bucket/prefix.
        seeds: replace the grid's.
        fresh: throw away what the study has, and start over.
        repair: set damaged runs aside, and train them again.
        scores: whether to score and present it, too.
        metrics: more to score by, each `package.module:NAME`.
        data_dir: cache of the data; None: $STUDY_DATA, else the user's cache folder.
        address: of a Ray cluster; None: a local one is started.
        cpus_per_run: CPUs of a run.
        gpus_per_run: GPUs of a run; None: the GPUs are shared evenly.
        max_failures: lost workers that a run survives.
        log: also log every epoch to "tensorboard", "mlflow" or "wandb".
        **changes: keys of the grid that replace its own, as `epochs=20` or `beta=[1, 4]`.

    Raises:
        UsageError: an unknown grid, key or value.
        StudyError: the study cannot begin, or no run could be trained.
        KeyboardInterrupt: it was interrupted; what is done stays.
    """
    definition = _definition(grid, name)
    given = Training(
        set=(),
        seeds=None,
        dry_run=False,
        fresh=fresh,
        repair=repair,
        no_scores=not scores,
        own_metrics=tuple(metrics),
        name=name,
        results=str(results),
        data_dir=None if data_dir is None else Path(data_dir),
        address=address,
        cpus_per_run=cpus_per_run,
        gpus_per_run=gpus_per_run,
        max_failures=max_failures,
        log=log,
        watch=False,
    )
    if seeds is not None:
        changes["seed"] = list(seeds)
    origins = dict.fromkeys(changes, "run()")
    shown = dict(grid) if isinstance(grid, Mapping) else str(grid)
    command = f"study.run({shown!r}, name={name!r}, ...)"
    outcome, _ = train_grid(command, given, definition, shown, changes, origins)

    from analysis import open_study

    study = open_study(str(given.folder(definition)))
    if outcome.errors and not (study.trials["state"] == "done").any():
        raise StudyError(f"no run could be trained: {next(iter(outcome.errors.values()))}")
    return study


def _definition(grid: str | Path | Mapping[str, Any], name: str | None) -> Definition:
    if not isinstance(grid, Mapping):
        return Definition.from_file(find_grid(str(grid)))
    if name is None:
        raise UsageError("a grid without a file needs a name: pass it to run(), as name='first'")
    return Definition(json.dumps(dict(grid), default=list), "the grid", name)  # JSON is YAML

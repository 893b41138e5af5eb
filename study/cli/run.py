"""The command line: a grid in, a results folder out.

The only file of `study` that imports `analysis`, which draws what a finished study shows.
"""

import argparse
import math
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from study.config.errors import StudyError, UsageError
from study.config.grid import find_grid, parse_overrides, read_grid
from study.execution.signals import interrupt, on_signals
from study.storage.folder import Folder

if TYPE_CHECKING:
    from analysis.study import Study

INTERRUPTED = "interrupted; what is done stays, and the same command goes on from here"
PLAIN_WIDTH = 140  # columns where the output is no terminal
EXPORT_SEEDS = [0, 1, 2, 3, 4]
EXIT_FAILURE, EXIT_USAGE, EXIT_INTERRUPTED = 1, 2, 130

DESCRIPTION = """\
Train every configuration of a grid of VAEs on MNIST, or search for the best ones, and leave tables
and figures.

Repeat the same command after an interruption and it goes on; enlarge the grid and it trains only
what is missing. Finished runs are never trained again, unless --fresh is given.
"""
EXAMPLES = """\
examples:
  python -m study.run --grid quick                         a first look, in minutes
  python -m study.run --grid paper --seeds 0,1,2           the paper, over three seeds
  python -m study.run --grid full --address 10.0.0.1:6379  on a Ray cluster
  python -m study.run --grid quick --set epochs=20 --set 'beta=[1,4]' --name beta4
  python -m study.run --search search-quick                the best trade-off, found by Optuna
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status (0 done, 1 failure, 2 usage, 130 stopped)."""
    try:
        with on_signals(interrupt):
            return _run(_parse(argv))
    except UsageError as error:
        return _complain(str(error), EXIT_USAGE)
    except StudyError as error:
        return _complain(str(error), EXIT_FAILURE)
    except KeyboardInterrupt:
        return _complain(INTERRUPTED, EXIT_INTERRUPTED)


def _run(args: argparse.Namespace) -> int:
    overrides = parse_overrides(args.set or [])
    if args.seeds is not None:
        overrides["seed"] = args.seeds
    if args.search is not None:
        return _run_search(args, overrides)
    if args.pack is not None:
        overrides |= parse_overrides([f"pack={args.pack}"])
    path = find_grid(args.grid)
    runs = read_grid(path.read_text(), str(path), overrides)
    study = Folder(args.results) / (args.name or path.stem)
    data_dir = Path(args.data_dir) if args.data_dir else None

    # Only now the slow imports: --help and a mistyped grid answer at once.
    from study.execution import runner as session
    from study.execution.scheduler import Resources
    from study.execution.study_log import make_plan

    console = _console()
    if args.dry_run:
        session.show_plan(make_plan(runs, study), args.cpus_per_run, console)
        return 0
    asked = {"grid": args.grid, "set": overrides, "command": shlex.join(["study", *args.argv])}
    if args.fresh:
        session.start_over(study, console)
    resources = Resources(**_resources(args))
    outcome = session.run_session(runs, study, asked, data_dir, resources, console, args.log)
    if outcome.interrupted:
        raise KeyboardInterrupt
    _show(study, args, data_dir, console)
    return EXIT_FAILURE if outcome.errors else 0


def _run_search(args: argparse.Namespace, overrides: dict[str, Any]) -> int:
    """Search, then show what was found; its own options stand in the group of that name."""
    from analysis.report import search as searched
    from analysis.scoring.held_out import DIRECTIONS, held_out
    from study.search.space import read_search

    path = find_grid(args.search, search=True)
    search = read_search(path.read_text(), str(path), DIRECTIONS, overrides)
    study = Folder(args.results) / (args.name or path.stem)
    data_dir = Path(args.data_dir) if args.data_dir else None
    console = _console()
    if args.export_grid:
        target = Path(args.export_grid).expanduser()
        searched.export(str(study), target, args.seeds or EXPORT_SEEDS, console)
        return 0

    from study.execution import runner as session
    from study.execution.scheduler import Resources
    from study.search import storage as database
    from study.search.runner import Evaluator, run_search, show_search

    if args.dry_run:
        show_search(search, args.cpus_per_run, console)
        return 0
    asked = {"from": args.source, "set": overrides, "command": shlex.join(["study", *args.argv])}
    if args.fresh:
        session.start_over(study, console)
        database.forget(study)
    where = study, asked, data_dir, Resources(**_resources(args)), console, args.log
    source = Folder(args.source) if args.source else None
    outcome = run_search(search, Evaluator(DIRECTIONS, held_out), *where, source)
    if outcome.interrupted:
        raise KeyboardInterrupt
    _show(study, args, data_dir, console)
    found = searched.present(str(study), data_dir, console)
    return 0 if found else EXIT_FAILURE  # that some trials fail is nothing out of the way


def _resources(args: argparse.Namespace) -> dict[str, Any]:
    """What a run may use, by the fields of Resources."""
    names = ("address", "cpus_per_run", "gpus_per_run", "max_failures")
    return {name: getattr(args, name) for name in names}


def _console() -> Console:
    return Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH, highlight=False)


def _show(study: Folder, args: argparse.Namespace, data_dir: Path | None, console: Console) -> None:
    """Print what the study has; score and present it, unless that is not wanted."""
    from analysis import open_study
    from analysis.report.page import present
    from study.execution.display import trials_table

    opened = open_study(str(study))
    console.print(trials_table(opened.trials))
    if not args.no_scores:
        _score(opened, data_dir, args.address, console)
        present(opened, data_dir, lambda line: console.print(line, soft_wrap=True, markup=False))


def _score(study: "Study", data_dir: Path | None, address: str | None, console: Console) -> None:
    """Score what is missing; whatever goes wrong there, what was trained stands."""
    from analysis.scoring.score_study import score_and_rank

    try:
        score_and_rank(study, data_dir, address, console)
    except (StudyError, OSError, ValueError) as error:
        again = f"python -m analysis.score {study.folder}"
        console.print(f"could not score: {error}; try again with {again}", soft_wrap=True)


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="study",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    what = parser.add_argument_group("what to train")
    kind = what.add_mutually_exclusive_group(required=True)
    kind.add_argument(
        "--grid",
        metavar="NAME",
        help="a grid of configs/ (quick, paper, full) or a path to a YAML file",
    )
    kind.add_argument(
        "--search",
        metavar="NAME",
        help="a search of configs/ (search-quick, search-pareto) or a path to a YAML file",
    )
    what.add_argument(
        "--set",
        action="append",
        metavar="KEY=VALUE",
        help="replace a value or an axis of the grid; may be repeated",
    )
    what.add_argument("--seeds", type=_seeds, metavar="0,1,2", help="replace the seeds of the grid")
    what.add_argument(
        "--dry-run",
        action="store_true",
        help="print the runs and an estimate of the time, and stop",
    )
    what.add_argument(
        "--fresh",
        action="store_true",
        help="throw away what the study has and start over; says first what would be lost",
    )
    what.add_argument(
        "--no-scores",
        action="store_true",
        help="train only; python -m analysis.score and analysis.report do the rest later",
    )
    search = parser.add_argument_group("with --search")
    search.add_argument(
        "--from",
        dest="source",
        metavar="results/GRID",
        help="a finished study, whose runs are taken for known trials and not trained again",
    )
    search.add_argument(
        "--export-grid",
        metavar="FILE.yaml",
        help="write the best configurations found as a grid of five seeds, or of --seeds",
    )
    where = parser.add_argument_group("where")
    where.add_argument(
        "--name", help="the study's folder in the results folder (default: the grid)"
    )
    where.add_argument(
        "--results",
        default="results",
        metavar="DIR",
        help="results folder, or a URI such as s3://bucket/prefix (default: ./results)",
    )
    where.add_argument(
        "--data-dir",
        metavar="DIR",
        help="cache of MNIST (default: $STUDY_DATA, else the user's cache folder)",
    )
    how = parser.add_argument_group("how")
    how.add_argument(
        "--address",
        default=os.environ.get("RAY_ADDRESS") or None,
        metavar="HOST:PORT",
        help="an existing Ray cluster (default: $RAY_ADDRESS, else a local Ray is started)",
    )
    how.add_argument(
        "--cpus-per-run",
        type=_positive,
        default=1.0,
        metavar="N",
        help="CPUs of a run (default: 1)",
    )
    how.add_argument(
        "--gpus-per-run",
        type=_not_negative,
        metavar="N",
        help="GPUs of a run, fractions allowed (default: the GPUs shared evenly); 0: runs also go"
        " to nodes without a GPU, and use their node's GPU where it has one",
    )
    how.add_argument(
        "--pack",
        metavar="N",
        help="train N runs of one shape as one stacked computation (default: auto, which is 1 on a"
        " CPU and as many as fit on a GPU)",
    )
    how.add_argument(
        "--max-failures",
        type=_count,
        default=2,
        metavar="N",
        help="lost workers that a run survives (default: 2)",
    )
    how.add_argument(
        "--log",
        choices=["tensorboard", "mlflow", "wandb"],
        help="also log every epoch to a tracker (needs the extra of that name)",
    )
    args = parser.parse_args(argv)
    if args.grid and (args.source or args.export_grid):
        parser.error("--from and --export-grid go with --search")
    if args.search and args.pack:
        parser.error("--pack goes with --grid: the trials of a search come one by one")
    args.argv = sys.argv[1:] if argv is None else list(argv)
    return args


def _seeds(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"takes whole numbers such as 0,1,2, got {text!r}"
        ) from None


def _positive(text: str) -> float:
    return _number(text, "above 0", lambda value: value > 0)


def _not_negative(text: str) -> float:
    return _number(text, "0 or above", lambda value: value >= 0)


def _count(text: str) -> int:
    return int(_number(text, "a whole number, 0 or above", lambda v: v >= 0 and v == int(v)))


def _number(text: str, allowed: str, accept: Callable[[float], bool]) -> float:
    try:
        value = float(text)
        if math.isfinite(value) and accept(value):
            return value
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"must be {allowed}, got {text!r}")


def _complain(message: str, status: int) -> int:
    print(f"study: {message}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())

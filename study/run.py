"""The command line: a grid in, a results folder out.

The only file of `study` that imports `analysis`, which draws what a finished study shows.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console

from study.config import RunConfig, StudyError, UsageError
from study.grid import find_grid, parse_overrides, read_grid
from study.storage import Folder

EXIT_FAILURE, EXIT_USAGE, EXIT_INTERRUPTED = 1, 2, 130

DESCRIPTION = """\
Train every configuration of a grid of VAEs on MNIST and leave tables and figures.

Repeat the same command after an interruption and it goes on; enlarge the grid and it trains only
what is missing. Finished runs are never trained again, unless --fresh is given.
"""
EXAMPLES = """\
examples:
  python -m study.run --grid quick                         a first look, in minutes
  python -m study.run --grid paper --seeds 0,1,2           the paper, over three seeds
  python -m study.run --grid full --address 10.0.0.1:6379  on a Ray cluster
  python -m study.run --grid quick --set epochs=20 --set 'beta=[1,4]' --name beta4
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status (0 done, 1 failure, 2 usage, 130 stopped)."""
    try:
        return _run(_parse(argv))
    except UsageError as error:
        return _complain(str(error), EXIT_USAGE)
    except StudyError as error:
        return _complain(str(error), EXIT_FAILURE)
    except KeyboardInterrupt:
        return _complain("interrupted; the same command goes on from here", EXIT_INTERRUPTED)


class Request(NamedTuple):
    """A checked command line."""

    runs: list[RunConfig]
    study: Folder
    asked: dict[str, Any]  # for study.yaml
    args: argparse.Namespace


def _run(args: argparse.Namespace) -> int:
    request = _request(args)
    # Only now the slow imports: --help and a mistyped grid answer at once.
    from study.session import dry_run, run_study

    console = Console()
    if args.dry_run:
        dry_run(request.runs, request.study, args.cpus_per_run, console)
        return 0
    return run_study(request, console)

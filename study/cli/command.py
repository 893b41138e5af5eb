"""What the commands of this package share: their arguments, and a user's mistake as one line."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from study.config.errors import StudyError, UsageError

PLAIN_WIDTH = 140  # columns where the output is no terminal
EXIT_FAILURE, EXIT_USAGE, EXIT_INTERRUPTED = 1, 2, 130


def parser(name: str, description: str, *, images: bool = True) -> argparse.ArgumentParser:
    """The arguments of a command on a study: its folder and, where it needs images, theirs."""
    found = argparse.ArgumentParser(
        prog=name, description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    found.add_argument("study", help="a study's folder, such as results/paper")
    if images:
        found.add_argument(
            "--data-dir",
            type=Path,
            metavar="DIR",
            help="cache of MNIST (default: $STUDY_DATA, else the user's cache folder)",
        )
    return found


def run(
    given: argparse.ArgumentParser,
    argv: Sequence[str] | None,
    work: Callable[[argparse.Namespace], int],
) -> int:
    """Do a command's work; returns its status, or 1 for a failure, 2 for a mistake, 130 stopped."""
    args = given.parse_args(argv)
    try:
        return work(args)
    except UsageError as error:
        message, status = str(error), EXIT_USAGE
    except StudyError as error:
        message, status = str(error), EXIT_FAILURE
    except OSError as error:
        message, status = f"cannot write to {args.study}: {error}", EXIT_FAILURE
    except KeyboardInterrupt:
        message, status = "interrupted; the same command goes on from here", EXIT_INTERRUPTED
    print(f"{given.prog}: {message}", file=sys.stderr)
    return status

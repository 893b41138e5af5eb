"""What the commands share: options, and every mistake and failure as one line.

Nothing slow is imported here or at the top of a command, so that --help and completion are instant.
"""

import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from study.config.errors import StudyError, UsageError
from study.execution import interrupt, on_signals

if TYPE_CHECKING:
    from rich.console import Console

PLAIN_WIDTH = 140  # columns where the output is no terminal
EXIT_FAILURE, EXIT_USAGE, EXIT_INTERRUPTED = 1, 2, 130
INTERRUPTED = "interrupted; finished work is kept; repeat the same command to continue"
CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class Failure(click.ClickException):
    """A command that was understood and could not be carried out to its end."""

    def __init__(self, message: str, ctx: click.Context, status: int = EXIT_FAILURE) -> None:
        super().__init__(message)
        self.ctx, self.status = ctx, status


class Command(click.Command):
    """A command whose errors end it in one line, and which knows how it was typed."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta["command"] = shlex.join(["study", str(self.name), *args])
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            with on_signals(interrupt):
                return super().invoke(ctx)
        except UsageError as error:
            raise click.UsageError(str(error), ctx) from None
        except StudyError as error:
            raise Failure(str(error), ctx) from None
        except KeyboardInterrupt:
            raise Failure(INTERRUPTED, ctx, EXIT_INTERRUPTED) from None
        except OSError as error:
            what = f"cannot use {ctx.params['study']}: " if "study" in ctx.params else ""
            raise Failure(f"{what}{error}", ctx) from None


def new_console(wrap: bool = False) -> "Console":
    """Where a command prints: as wide as the terminal; `wrap` leaves long lines to it."""
    from rich.console import Console

    width = None if wrap or sys.stdout.isatty() else PLAIN_WIDTH
    return Console(width=width, highlight=False, markup=False, soft_wrap=wrap)


def yaml_names(search: bool) -> Callable[..., list[CompletionItem]]:
    """Completes the names of the grids or searches in `configs/`, and files."""

    def complete(
        ctx: click.Context, option: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        from study.config.grid import known_names

        names = [name for name in known_names(search) if name.startswith(incomplete)]
        return [*map(CompletionItem, names), CompletionItem(incomplete, type="file")]

    return complete


study_argument = click.argument("study", metavar="results/NAME", type=click.Path(file_okay=False))
data_dir_option = click.option(
    "--data-dir",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Cache folder of the data sets (default: $STUDY_DATA, else the user's cache folder).",
)
address_option = click.option(
    "--address",
    metavar="HOST:PORT",
    default=lambda: os.environ.get("RAY_ADDRESS") or None,
    help="A running Ray cluster (default: $RAY_ADDRESS, else a local Ray is started).",
)
metric_option = click.option(
    "--metric",
    "own_metrics",
    multiple=True,
    metavar="MODULE:NAME",
    help="Also score with your own metric, an analysis.metrics.Metric; may be repeated.",
)

"""What the commands share: options, and every mistake and failure as one line.

Nothing slow is imported here or at the top of a command, so that --help and completion are instant.
"""

import math
import os
import sys
from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click
from click.shell_completion import CompletionItem

from study.config.errors import StudyError, UsageError
from study.execution import interrupt, on_signals

if TYPE_CHECKING:
    from rich.console import Console

    from study.storage.folder import Folder

PLAIN_WIDTH = 140  # columns where the output is no terminal
EXIT_FAILURE, EXIT_USAGE, EXIT_INTERRUPTED = 1, 2, 130
INTERRUPTED = "interrupted; what is done stays, and the same command goes on from here"
CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class Failure(click.ClickException):
    """A command that was understood and could not be carried out to its end."""

    def __init__(self, message: str, ctx: click.Context, status: int = EXIT_FAILURE) -> None:
        super().__init__(message)
        self.ctx, self.status = ctx, status


class Command(click.Command):
    """A command whose errors end it in one line, and which knows the words it was given."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta["words"] = [str(self.name), *args]
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
            if "study" not in ctx.params:
                raise
            raise Failure(f"cannot use {ctx.params['study']}: {error}", ctx) from None


def new_console(wrap: bool = False) -> "Console":
    """Where a command prints: as wide as the terminal; `wrap` leaves long lines to it."""
    from rich.console import Console

    width = None if wrap or sys.stdout.isatty() else PLAIN_WIDTH
    return Console(width=width, highlight=False, soft_wrap=wrap)


class Training(NamedTuple):
    """The options that `run` and `search` share, by their names."""

    set: tuple[str, ...]
    seeds: list[int] | None
    dry_run: bool
    fresh: bool
    no_scores: bool
    own_metrics: tuple[str, ...]
    name: str | None
    results: str
    data_dir: Path | None
    address: str | None
    cpus_per_run: float
    gpus_per_run: float | None
    max_failures: int
    log: str | None

    def overrides(self) -> dict[str, Any]:
        """What replaces values of the YAML file."""
        from study.config.grid import parse_overrides

        values = parse_overrides(list(self.set))
        return values if self.seeds is None else {**values, "seed": self.seeds}

    def origins(self) -> dict[str, str]:
        """Keys that an option other than --set replaces, and that option, for errors."""
        return {} if self.seeds is None else {"seed": "--seeds"}

    def folder(self, path: Path) -> "Folder":
        """The folder of a study that is trained from a YAML file."""
        from study.storage.folder import Folder

        return Folder(self.results) / (self.name or path.stem)

    def resources(self) -> Any:
        """What a run may use, as study.execution.cluster.Resources."""
        from study.execution.cluster import Resources

        return Resources(self.address, self.cpus_per_run, self.gpus_per_run, self.max_failures)


def with_options(
    *options: Callable[[Callable[..., Any]], Callable[..., Any]],
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """One decorator of several of click's."""
    return lambda command: reduce(lambda inner, option: option(inner), reversed(options), command)


def _seeds(ctx: click.Context, option: click.Parameter, text: str | None) -> list[int] | None:
    try:
        return None if text is None else [int(part) for part in text.split(",")]
    except ValueError:
        raise click.BadParameter(f"takes whole numbers such as 0,1,2, got {text!r}") from None


def _finite(ctx: click.Context, option: click.Parameter, value: float | None) -> float | None:
    if value is not None and not math.isfinite(value):
        raise click.BadParameter(f"must be a finite number, got {value}")
    return value


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
    help="Cache of the data (default: $STUDY_DATA, else the user's cache folder).",
)
address_option = click.option(
    "--address",
    metavar="HOST:PORT",
    default=lambda: os.environ.get("RAY_ADDRESS") or None,
    help="An existing Ray cluster (default: $RAY_ADDRESS, else a local Ray is started).",
)
metric_option = click.option(
    "--metric",
    "own_metrics",
    multiple=True,
    metavar="MODULE:NAME",
    help="Also score by a metric of your own, an analysis.metrics.Metric; may be repeated.",
)
training_options = with_options(
    click.option(
        "--set",
        multiple=True,
        metavar="KEY=VALUE",
        help="Replace a value or an axis of the file; may be repeated.",
    ),
    click.option("--seeds", metavar="0,1,2", callback=_seeds, help="Replace the file's seeds."),
    click.option(
        "--dry-run", is_flag=True, help="Print what would be trained and how long, and stop."
    ),
    click.option(
        "--fresh",
        is_flag=True,
        help="Throw away what the study has and start over; says first what would be lost.",
    ),
    click.option(
        "--no-scores",
        is_flag=True,
        help="Train only; `study score` and `study report` do the rest later.",
    ),
    metric_option,
    click.option("--name", help="The study's folder in the results folder (default: as the file)."),
    click.option(
        "--results",
        default="results",
        metavar="DIR",
        type=click.Path(),
        help="Results folder, or a URI such as s3://bucket/prefix (default: ./results).",
    ),
    data_dir_option,
    address_option,
    click.option(
        "--cpus-per-run",
        type=click.FloatRange(0, min_open=True),
        callback=_finite,
        default=1.0,
        metavar="N",
        help="CPUs of a run (default: 1).",
    ),
    click.option(
        "--gpus-per-run",
        type=click.FloatRange(0),
        callback=_finite,
        metavar="N",
        help="GPUs of a run, fractions allowed (default: the GPUs shared evenly); 0: runs also go"
        " to nodes without a GPU, and use their node's GPU where it has one.",
    ),
    click.option(
        "--max-failures",
        type=click.IntRange(0),
        default=2,
        metavar="N",
        help="Lost workers that a run survives (default: 2).",
    ),
    click.option(
        "--log",
        type=click.Choice(["tensorboard", "mlflow", "wandb"]),
        help="Also log every epoch to a tracker (needs the extra of that name).",
    ),
)

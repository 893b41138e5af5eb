"""What `study run` and `study search` share: their options, and what is done with them."""

import math
import re
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial, reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from study.cli.options import address_option, data_dir_option, metric_option, new_console

if TYPE_CHECKING:
    from analysis.metrics import Metric
    from study.execution.scheduler import Invocation, Outcome
    from study.execution.stages import Stages
    from study.storage.folder import Folder

SHOWN_TRIALS = 100  # rows that a command prints at its end


class Training(NamedTuple):
    """The options that `run` and `search` share, by their names."""

    set: tuple[str, ...]
    seeds: list[int] | None
    dry_run: bool
    fresh: bool
    repair: bool
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
    watch: bool

    def overrides(self) -> dict[str, Any]:
        """What replaces values of the YAML file."""
        from study.config.grid import parse_overrides

        values = parse_overrides(list(self.set))
        return values if self.seeds is None else {**values, "seed": self.seeds}

    def origins(self) -> dict[str, str]:
        """Keys that an option other than --set replaces, and that option, for errors."""
        return {} if self.seeds is None else {"seed": "--seeds"}

    def folder(self, definition: "Definition") -> "Folder":
        """The folder of a study that is trained from a grid or a search."""
        from study.config.errors import UsageError
        from study.storage.folder import Folder

        name = definition.name if self.name is None else self.name
        if name in {".", ".."} or not re.fullmatch(r"[\w.-]+", name):
            origin = "--name" if self.name is not None else f"{definition.source}: a study's name"
            works = re.sub(r"[^\w.-]+", "-", name).strip("-.") or "study"
            raise UsageError(
                f"{origin} may have only letters, digits and . _ -, got {name!r}; use --name"
                f" {works}"
            )
        return Folder(self.results) / name


class Definition(NamedTuple):
    """A grid or a search, as it was given."""

    text: str  # YAML
    source: str  # its file, for errors
    name: str  # of its study, where no other is given

    @classmethod
    def from_file(cls, path: Path) -> "Definition":
        """One that is in a YAML file."""
        from study.config.grid import read_text

        return cls(read_text(path), str(path), path.stem)


def train_and_show(
    command: str,
    given: Training,
    definition: Definition,
    request: dict[str, Any],
    train: "Callable[[Invocation], Outcome]",
) -> "tuple[Outcome, bool]":
    """Train what is asked for, then score and present it.

    Args:
        command: for study.yaml, as it was typed.
        given: its options.
        definition: the grid or the search.
        request: what else study.yaml says of the command.
        train: trains in an invocation of the study.

    Returns:
        How training ended, and whether all went well after it.

    Raises:
        KeyboardInterrupt: the user has asked to stop.
    """
    from study.cli.watch import page

    console, study = new_console(), given.folder(definition)
    with console.status("loading libraries"):
        from study.cli.present import load_own
        from study.config.grid import read_metrics
        from study.data.verified_files import data_dir
        from study.execution.cluster import Resources
        from study.execution.runner import start_over
        from study.execution.scheduler import Invocation
        from study.execution.stages import Stages
        from study.storage.lock import require_free
        from study.storage.repair import repair

    own = read_metrics(definition.text, definition.source)
    named = dict.fromkeys(given.own_metrics, "--metric") | dict.fromkeys(own, definition.source)
    metrics = load_own(named)
    if given.fresh:
        start_over(study, console)
    elif given.repair:
        require_free(study)
        repair(study, partial(console.print, soft_wrap=True))
    resources = Resources(given.address, given.cpus_per_run, given.gpus_per_run, given.max_failures)
    request |= {"metrics": own} if own else {}  # `study score` computes them, too
    request |= {"command": command}
    cache = data_dir(given.data_dir)
    with ExitStack() as open_now:
        if given.watch:
            console.print(f"live page: {open_now.enter_context(page(study))}", soft_wrap=True)
        stages = open_now.enter_context(Stages(console, study))
        outcome = train(Invocation(study, request, resources, stages, cache, given.log))
        if outcome.interrupted:
            raise KeyboardInterrupt
        return outcome, show(study, given, metrics, stages)


def show(study: "Folder", given: Training, metrics: "list[Metric]", stages: "Stages") -> bool:
    """Print what a study has, score and present it unless that is not wanted.

    Returns:
        Whether all went well; whatever goes wrong here, what was trained stands.
    """
    from analysis.study import Study
    from study.execution.display import trials_table

    console = stages.console
    print_line = partial(console.print, soft_wrap=True, markup=False)
    trials = Study(study).trials
    console.print(trials_table(trials[:SHOWN_TRIALS]))
    if (more := len(trials) - SHOWN_TRIALS) > 0:
        print_line(f"and {more} more; open_study({str(study)!r}).trials has them all")
    if given.no_scores:
        return True

    # Only now the slow imports: figures and scores are not always wanted.
    from analysis import open_study
    from analysis.pipeline import present, score_and_rank
    from study.cli.present import joining
    from study.config.errors import StudyError, reason

    opened, failures = open_study(str(study)), []
    try:
        score_and_rank(opened, given.data_dir, joining(given.address), console, metrics, stages)
    except (StudyError, OSError, ValueError) as error:
        failures = [reason(error)]
        print_line(f"could not score: {failures[0]}; try again with study score {study}")
    return present(opened, given.data_dir, print_line, failures, stages) and not failures


def _seeds(ctx: click.Context, option: click.Parameter, text: str | None) -> list[int] | None:
    try:
        return None if text is None else [int(part) for part in text.split(",")]
    except ValueError:
        raise click.BadParameter(f"takes whole numbers such as 0,1,2, got {text!r}") from None


def _finite(ctx: click.Context, option: click.Parameter, value: float | None) -> float | None:
    if value is not None and not math.isfinite(value):
        raise click.BadParameter(f"must be a finite number, got {value}")
    return value


OPTIONS = (
    click.option(
        "--set",
        multiple=True,
        metavar="KEY=VALUE",
        help="Replace a value or an axis of the file; may be repeated.",
    ),
    click.option("--seeds", metavar="0,1,2", callback=_seeds, help="Replace the file's seeds."),
    click.option(
        "--dry-run",
        is_flag=True,
        help="Print what would be trained and how long it would take, and stop.",
    ),
    click.option(
        "--fresh",
        is_flag=True,
        help="Delete what the study has and start again; first says what would be lost.",
    ),
    click.option(
        "--repair",
        is_flag=True,
        help="First verify every file of the study; damaged files are set aside and made again.",
    ),
    click.option(
        "--no-scores",
        is_flag=True,
        help="Train only; `study score` and `study report` do the rest later.",
    ),
    metric_option,
    click.option(
        "--name", help="The study's folder in the results folder (default: the name of the file)."
    ),
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
        help="CPUs for each run (default: 1).",
    ),
    click.option(
        "--gpus-per-run",
        type=click.FloatRange(0),
        callback=_finite,
        metavar="N",
        help="GPUs for each run, also a fraction (default: the GPUs are shared evenly). With 0,"
        " runs also go to nodes without a GPU; on a node with a GPU, they use it.",
    ),
    click.option(
        "--max-failures",
        type=click.IntRange(0),
        default=2,
        metavar="N",
        help="How often a run may lose its worker before it fails (default: 2).",
    ),
    click.option(
        "--log",
        type=click.Choice(["tensorboard", "mlflow", "wandb"]),
        help="Also log every epoch to a tracker (needs the pip extra of that name).",
    ),
    click.option(
        "--watch", is_flag=True, help="Open a live page during the training, as `study watch` does."
    ),
)


def training_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options of `Training` to a command."""
    return reduce(lambda inner, option: option(inner), reversed(OPTIONS), command)

"""`study run`: a grid in, a results folder out."""

from typing import TYPE_CHECKING, Any

import click

from study.cli.options import CONTEXT, EXIT_FAILURE, Command, new_console, yaml_names
from study.cli.training import Definition, Training, train_and_show, training_options

if TYPE_CHECKING:
    from study.execution.scheduler import Outcome

EXAMPLES = """\b
examples:
  study run --grid quick                         a first look, in minutes
  study run --grid paper --seeds 0,1,2           the paper, over three seeds
  study run --grid full --address 10.0.0.1:6379  on a Ray cluster
  study run --grid quick --set epochs=20 --set 'beta=[1,4]' --name beta4
"""


@click.command("run", cls=Command, epilog=EXAMPLES, context_settings=CONTEXT)
@click.option(
    "--grid",
    required=True,
    metavar="NAME",
    shell_complete=yaml_names(search=False),
    help="A grid of configs/ (quick, paper, full) or a path to a YAML file.",
)
@click.option(
    "--pack",
    metavar="N",
    help="Train N runs of one shape as one stacked computation (default: auto, which is 1 on a"
    " CPU and as many as fit on a GPU).",
)
@training_options
@click.pass_context
def run(ctx: click.Context, /, grid: str, pack: str | None, **shared: Any) -> int:
    """Train every configuration of a grid.

    Writes tables, figures and a report. After an interruption, repeat the same command to
    continue. After the grid was enlarged, only the missing runs are trained. Finished runs are
    never trained again, unless --fresh is given.
    """
    from study.config.grid import find_grid, parse_overrides

    given = Training(**shared)
    overrides, origins = given.overrides(), given.origins()
    if pack is not None:
        overrides |= parse_overrides([f"pack={pack}"])
        origins["pack"] = "--pack"
    definition = Definition.from_file(find_grid(grid))
    outcome, whole = train_grid(ctx.meta["command"], given, definition, grid, overrides, origins)
    return 0 if whole and not outcome.errors else EXIT_FAILURE


def train_grid(
    command: str,
    given: Training,
    definition: Definition,
    grid: object,
    overrides: dict[str, Any],
    origins: dict[str, str],
) -> "tuple[Outcome, bool]":
    """Train the runs of a grid, score and present them; with --dry-run show the runs alone.

    Args:
        command: as it was typed.
        given: its options.
        definition: the grid.
        grid: how it was named, for study.yaml.
        overrides: values that replace the grid's.
        origins: of an override's key, the option that gave it; `--set` where not said.

    Returns:
        How training ended, and whether all went well after it.
    """
    from study.config.grid import read_grid

    runs = read_grid(definition.text, definition.source, overrides, origins, _n_train)

    # Only now the slow imports: a mistyped grid answers at once.
    with new_console().status("loading libraries"):
        from study.execution.runner import run_grid, show_plan
        from study.execution.scheduler import Outcome
        from study.execution.study_log import make_plan

    if given.dry_run:
        show_plan(make_plan(runs, given.folder(definition)), given.cpus_per_run, new_console())
        return Outcome({}, interrupted=False), True
    request = {"grid": grid, "set": overrides}
    return train_and_show(command, given, definition, request, lambda one: run_grid(runs, one))


def _n_train(data: str) -> int:
    """Training images of data of the user's own; slow to import, and seldom needed."""
    from study.data import describe_data

    return describe_data(data)[1]

"""`study run`: a grid in, a results folder out."""

from typing import Any

import click

from study.cli.options import CONTEXT, EXIT_FAILURE, Command, new_console, yaml_names
from study.cli.training import Training, train_and_show, training_options

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

    Leaves tables, figures and a report. Repeat the same command after an interruption and
    it goes on; enlarge the grid and it trains only what is missing. Finished runs are never
    trained again, unless --fresh is given.
    """
    from study.config.grid import find_grid, parse_overrides, read_grid, read_text

    given = Training(**shared)
    overrides, origins = given.overrides(), given.origins()
    if pack is not None:
        overrides |= parse_overrides([f"pack={pack}"])
        origins["pack"] = "--pack"
    path = find_grid(grid)
    runs = read_grid(read_text(path), str(path), overrides, origins, _n_train)

    # Only now the slow imports: a mistyped grid answers at once.
    from study.execution.runner import run_grid, show_plan
    from study.execution.study_log import make_plan

    if given.dry_run:
        show_plan(make_plan(runs, given.folder(path)), given.cpus_per_run, new_console())
        return 0
    request = {"grid": grid, "set": overrides}
    outcome, whole = train_and_show(ctx, given, path, request, lambda one: run_grid(runs, one))
    return 0 if whole and not outcome.errors else EXIT_FAILURE


def _n_train(data: str) -> int:
    """Training images of data of the user's own; slow to import, and seldom needed."""
    from study.data import describe_data

    return describe_data(data)[1]

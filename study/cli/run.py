"""`study run`: a grid in, a results folder out."""

import shlex
from typing import Any

import click

from study.cli.options import (
    CONTEXT,
    EXIT_FAILURE,
    Command,
    Training,
    new_console,
    training_options,
    yaml_names,
)

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
    from study.config.grid import find_grid, parse_overrides, read_grid

    given = Training(**shared)
    overrides, origins = given.overrides(), given.origins()
    if pack is not None:
        overrides |= parse_overrides([f"pack={pack}"])
        origins["pack"] = "--pack"
    path = find_grid(grid)
    runs = read_grid(path.read_text(), str(path), overrides, origins)
    study = given.folder(path)

    # Only now the slow imports: a mistyped grid answers at once.
    from study.cli.present import load_own, show
    from study.execution.runner import Invocation, run_grid, show_plan, start_over
    from study.execution.study_log import make_plan

    console = new_console()
    if given.dry_run:
        show_plan(make_plan(runs, study), given.cpus_per_run, console)
        return 0
    command = shlex.join(["study", *ctx.meta["words"]])
    request = {"grid": grid, "set": overrides, "command": command}
    metrics = load_own(given.own_metrics)
    if given.fresh:
        start_over(study, console)
    invocation = Invocation(study, request, given.resources(), console, given.data_dir, given.log)
    outcome = run_grid(runs, invocation)
    if outcome.interrupted:
        raise KeyboardInterrupt
    whole = show(study, given, metrics, console)
    return 0 if whole and not outcome.errors else EXIT_FAILURE

"""`study search`: a space in, the configurations that no other beats out."""

from pathlib import Path
from typing import Any

import click

from study.cli.options import CONTEXT, EXIT_FAILURE, Command, new_console, yaml_names
from study.cli.training import Definition, Training, train_and_show, training_options

EXPORT_SEEDS = [0, 1, 2, 3, 4]
EXAMPLES = """\b
examples:
  study search search-quick                         16 trials, in minutes
  study search my.yaml --from results/paper         starts from the runs of a grid
  study search my.yaml --export-grid front.yaml     the best ones as a grid of five seeds
"""


@click.command("search", cls=Command, epilog=EXAMPLES, context_settings=CONTEXT)
@click.argument("name_", metavar="[NAME]", required=False, shell_complete=yaml_names(search=True))
@click.option(
    "--search",
    "search_",
    metavar="NAME",
    shell_complete=yaml_names(search=True),
    help="The same as NAME: a search of configs/ (such as search-quick) or a YAML file.",
)
@click.option(
    "--from",
    "source",
    metavar="results/GRID",
    type=click.Path(file_okay=False),
    help="A finished study; its runs count as trials and are not trained again.",
)
@click.option(
    "--export-grid",
    metavar="FILE.yaml",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the best configurations as a grid, with five seeds or those of --seeds, and stop.",
)
@training_options
@click.pass_context
def search(
    ctx: click.Context,
    /,
    name_: str | None,
    search_: str | None,
    source: str | None,
    export_grid: Path | None,
    **shared: Any,
) -> int:
    """Search for the best configurations.

    Writes all that `study run` writes, and the best trials (the Pareto front of several
    objectives). NAME is a search of configs/ (such as search-quick) or a path to a YAML file. After
    an interruption, or with a larger budget, repeat the same command to continue.
    """
    from study.config.grid import find_grid

    if (name_ is None) == (search_ is None):
        raise click.UsageError("give one search: NAME, or --search NAME", ctx)
    given = Training(**shared)
    overrides = given.overrides()
    definition = Definition.from_file(find_grid(name_ or search_ or "", search=True))

    from analysis.report.search import export, present
    from analysis.scoring.held_out import DIRECTIONS, check_objectives, held_out
    from study.config.search import read_search
    from study.data import describe_data
    from study.search import storage
    from study.search.runner import Evaluator, run_search, show_search
    from study.storage.folder import Folder
    from study.training.check import check_labels

    parsed = read_search(
        definition.text,
        definition.source,
        DIRECTIONS,
        overrides,
        given.origins(),
        lambda data: describe_data(data)[1],
    )
    console, study = new_console(), given.folder(definition)
    if export_grid:
        export(str(study), export_grid, given.seeds or EXPORT_SEEDS, console)
        return 0
    check_labels(parsed.choices("conditioning"), parsed.choices("data")[0])
    check_objectives(parsed.objectives, parsed.choices("data")[0], given.data_dir)
    if given.dry_run:
        show_search(parsed, given.cpus_per_run, console)
        return 0

    def train(invocation: Any) -> Any:
        if given.fresh:
            storage.forget(study)
        known = Folder(source) if source else None
        return run_search(parsed, Evaluator(DIRECTIONS, held_out), invocation, known)

    request = {"from": source, "set": overrides}
    _, whole = train_and_show(ctx.meta["command"], given, definition, request, train)
    # That some trials fail is nothing out of the way.
    return 0 if present(str(study), given.data_dir, console) and whole else EXIT_FAILURE

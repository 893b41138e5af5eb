"""`study score`, `report`, `explore`, `claims` and `compare`: what trained studies show."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from study.cli.options import (
    CONTEXT,
    EXIT_FAILURE,
    Command,
    address_option,
    data_dir_option,
    metric_option,
    new_console,
    study_argument,
)
from study.config.errors import UsageError

if TYPE_CHECKING:
    from analysis.metrics import Metric


@click.command("score", cls=Command, context_settings=CONTEXT)
@study_argument
@data_dir_option
@address_option
@metric_option
def score(
    study: str, data_dir: Path | None, address: str | None, own_metrics: tuple[str, ...]
) -> int:
    """Score a study and rank its configurations.

    Measures how disentangled every finished run is. Only what is missing is computed: repeat the
    command after training more, or after an interruption. The tables go to the study's folder.
    """
    console = new_console()
    with console.status("loading libraries"):
        from analysis import open_study
        from analysis.pipeline import score_and_rank
        from study.execution.stages import Stages
        from study.storage.study_file import read_study

    opened = open_study(study)
    invocations = read_study(opened.folder).get("invocations") or [{}]
    named = dict.fromkeys(invocations[-1].get("metrics", []), "study.yaml")
    metrics = load_own(named | dict.fromkeys(own_metrics, "--metric"))
    with Stages(console, opened.folder) as stages:
        outcome = score_and_rank(opened, data_dir, joining(address), console, metrics, stages)
    return EXIT_FAILURE if outcome.unscored else 0


@click.command("report", cls=Command, context_settings=CONTEXT)
@study_argument
@data_dir_option
@click.option("--pdf", is_flag=True, help="Also write every figure as PDF, for print.")
@click.option("--latex", is_flag=True, help="Also write the tables for LaTeX (tables/*.tex).")
def report(study: str, data_dir: Path | None, pdf: bool, latex: bool) -> int:
    """Write a study's figures, claims and pages.

    The pages are report.html, the study on one page, and explorer.html, with sliders for the
    latents of its models. Each page is a single file that needs no network. Each page says what the
    study still lacks, and which command adds it.
    """
    console = new_console()
    with console.status("loading libraries"):
        from analysis import open_study
        from analysis.pipeline import present
        from study.execution.stages import Stages

    opened = open_study(study)
    say = partial(console.print, soft_wrap=True, markup=False)
    with Stages(console, opened.folder) as stages:
        done = present(opened, data_dir, say, advance=stages, pdf=pdf, latex=latex)
    return 0 if done else EXIT_FAILURE


@click.command("explore", cls=Command, context_settings=CONTEXT)
@study_argument
@data_dir_option
@click.option(
    "--runs", metavar="A,B", help="The runs to include; the page opens with the first one."
)
def explore(study: str, data_dir: Path | None, runs: str | None) -> int:
    """Write the explorer, a page with sliders for the latents.

    explorer.html shows the images that a study's models decode, and measures them. It is one file
    and needs no network. By default it includes the four models of the paper's Figure 7, if the
    study has them, and the best models of the ranking.
    """
    from analysis import open_study
    from analysis.report.explorer import write_explorer

    print(write_explorer(open_study(study), data_dir, runs.split(",") if runs else None))
    return 0


@click.command("claims", cls=Command, context_settings=CONTEXT)
@study_argument
def claims(study: str) -> int:
    """Decide the paper's claims on a study."""
    from rich.table import Table

    from analysis import open_study
    from analysis.paper.checks import other_data
    from analysis.paper.findings import findings
    from analysis.paper.verdicts import PAPER_EPOCHS, by_claim, write_claims

    opened, console = open_study(study), new_console()
    decided = write_claims(opened)
    if data := other_data(opened):
        console.print(f"no claims: the paper's claims are about MNIST, and this study uses {data}")
        return 0
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("claim", "verdict", "why"):
        table.add_column(heading, overflow="fold")
    for row in by_claim(decided).to_dict("records"):
        table.add_row(row["id"], row["verdict"], row["sentence"])
    console.print(table)
    for row in findings(opened).to_dict("records"):
        console.print(f"{row['question']} {row['answer']}", markup=False)
    if len(decided) and 0 < decided["epochs"].iloc[0] < PAPER_EPOCHS:
        console.print(f"trained for {decided['epochs'].iloc[0]} epochs; the paper: {PAPER_EPOCHS}")
    return 0


@click.command("compare", cls=Command, context_settings=CONTEXT)
@click.argument("studies", metavar="results/A results/B ...", nargs=-1, required=True)
@click.option(
    "--to",
    "target",
    metavar="DIR",
    default=".",
    help="Folder, or URI, of compare.html, compare.csv and figures/ (default: the current folder).",
)
def compare(studies: tuple[str, ...], target: str) -> int:
    """Compare studies with the first one.

    Runs are matched by the settings that the studies have in common, and by their seed. For every
    quantity that both studies have, one page and one table give the difference, with a 95%
    confidence interval over the seeds.
    """
    from analysis.report.compare import PAGE, TABLE, compare_studies, write_comparison
    from study.storage.folder import Folder

    pairs, folder = compare_studies(studies), Folder(target)
    write_comparison(pairs, folder)
    for pair in pairs:
        print(f"{pair.other} against {pair.one}: {pair.finding}")
        for note in pair.notes:
            print(f"  {note}")
    print(f"the comparison on one page: {folder}/{PAGE}; as a table: {folder}/{TABLE}")
    return 0


def load_own(places: Mapping[str, str]) -> "list[Metric]":
    """The user's own metrics.

    Args:
        places: of each `package.module:NAME`, what names it: an option or a file.

    Raises:
        UsageError: a path leads to none.
    """
    if not places:
        return []  # the import takes a second

    from analysis.metrics import METRICS, load_metric, with_own

    own: list[Metric] = []
    for path, place in places.items():
        try:
            own.append(load_metric(path))
            with_own(METRICS, own)  # names that are taken
        except ValueError as error:
            raise UsageError(f"{place}: {error}") from None
    return own


def joining(address: str | None) -> Callable[[], None]:
    """Joins Ray when called, which is slow to import and often not needed."""

    def join() -> None:
        from study.execution.cluster import connect

        connect(address)

    return join

"""`python -m analysis.paper.beyond STUDY` answers the questions of docs/beyond.md."""

import sys
from collections.abc import Iterator

import click
import numpy.typing as npt
import pandas as pd

from analysis import open_study
from analysis.factors.image_set import measured
from analysis.figures import beyond_search
from analysis.figures.beyond import draw
from analysis.figures.style import save_figure
from analysis.latent_effects.alignment import PROPERTIES
from analysis.paper.beyond import answers
from analysis.paper.beyond.kinds import kinds, runs_of
from analysis.paper.beyond.longer import longer as compare_orders
from analysis.paper.beyond.search import (
    bounds_and_scores,
    check_found,
    compared,
    of_found,
    of_search,
)
from analysis.paper.beyond.use import edit_errors
from analysis.representations.encode import posterior_means
from analysis.statistics.front import front, search_of
from analysis.study import Study
from study.cli.main import carry_out
from study.cli.options import CONTEXT, Command, study_argument
from study.config.errors import StudyError
from study.data.verified_files import data_dir
from study.storage.folder import Folder
from study.storage.tables import has_table, write_table

TITLES = {"mnist": "MNIST, redrawn", "strokes": "drawn digits"}


@click.command(cls=Command, context_settings=CONTEXT)
@study_argument
@click.option("--strokes", metavar="STUDY", help="Also answer for the study beyond-strokes.")
@click.option("--longer", metavar="STUDY", help="Also compare with the study beyond-longer.")
@click.option("--search", metavar="STUDY", help="Also compare with the search search-beyond.")
@click.option("--found", metavar="STUDY", help="Also compare with the study beyond-found.")
@click.option("--to", default="results/beyond", metavar="DIR", help="Folder of the answers.")
def beyond(
    study: str,
    strokes: str | None,
    longer: str | None,
    search: str | None,
    found: str | None,
    to: str,
) -> None:
    """Answer the questions of docs/beyond.md with the scored study beyond-mnist."""
    places = {"mnist": study, "strokes": strokes, "longer": longer}
    places |= {"search": search, "found": found}
    studies: dict[str, Study] = {name: open_study(place) for name, place in places.items() if place}
    for name, opened in studies.items():
        _check_data(opened, "strokes" if name == "strokes" else "mnist")
    _write(studies, Folder(to))


def _check_data(study: Study, asked: str) -> None:
    """Refuse a study that was trained on another data set."""
    if others := set(study.trials["data"]) - {asked}:
        names = ", ".join(sorted(others))
        raise StudyError(f"{study.folder} has the data set {names}, where {asked} is asked for")


def _write(studies: dict[str, Study], target: Folder) -> None:
    """The answers and the runs as tables, and the figures."""
    search = studies.get("search")
    best = set(front(search.search, search_of(search.folder))["run"]) if search else set()
    with_search = [name for name in ("mnist", "search", "found") if name in studies]
    scored: dict[str, pd.DataFrame] = {n: bounds_and_scores(studies[n]) for n in with_search}
    if both := {"search", "found"} <= scored.keys():
        check_found(scored["found"], scored["search"])
    searched = list(_searched(scored, best))
    runs = {name: runs_of(studies[name]) for name in (*TITLES, "longer") if name in studies}
    tables = [_answers(name, studies[name], runs) for name in TITLES if name in studies]
    every = pd.concat([part.assign(study=name) for name, part in runs.items()], ignore_index=True)
    write_table(target, "runs", every, None)
    table = pd.concat(tables, ignore_index=True)
    if "longer" in runs:
        orders = compare_orders(runs["mnist"], runs["longer"])
        write_table(target, "longer", orders.table, None)
        table = answers.without_turned(table, orders.turned)
        turned = ", ".join(orders.turned) or "none"
        print(f"order after more epochs: tau {orders.tau:.2f}; turned against plain: {turned}")
    if searched:
        rows = pd.DataFrame(searched).assign(data="mnist")
        table = pd.concat([table, rows], ignore_index=True)
    write_table(target, "answers", table, None)
    figure = draw({TITLES[name]: part for name, part in runs.items() if name in TITLES})
    save_figure(figure, target, "beyond")
    if both:
        figure = beyond_search.draw(compared(scored["mnist"]), scored["search"], scored["found"])
        save_figure(figure, target, "search")
    print(f"{len(table)} answers, {len(every)} runs and the figures are in {target}")


def _answers(name: str, study: Study, runs: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Every answer of one data set; between data sets, beside the first's."""
    own, edits = runs[name], pd.Series(dtype=float)
    data = study.images()
    if data.measure and has_table(study.folder, "knobs"):
        spread = measured(data.test_images, PROPERTIES, cache=data_dir(None)).std(ddof=0)
        edits = edit_errors(study.knobs, dict(spread), list(own["run"]))
    rows = [
        *answers.of_networks(own),
        *answers.of_priors(own),
        *answers.of_labels(own),
        *answers.of_seeds(_codes(study)),
        *answers.of_objectives(own),
        *answers.of_shares(own),
        *answers.of_scores(own, study.scores, edits),
    ]
    if name == "mnist" and "strokes" in runs:
        rows += answers.of_two_studies(own, runs["strokes"], TITLES["strokes"])
    table = pd.DataFrame(rows, columns=answers.Answer._fields)
    table.insert(1, "data", name)
    return table.sort_values("question", kind="stable")


def _searched(scored: dict[str, pd.DataFrame], best: set[str]) -> Iterator[answers.Answer]:
    """The answers about the search, whose front has the runs `best`, and about what it found."""
    if "search" in scored:
        yield from of_search(scored["mnist"], scored["search"], best)
    if "found" in scored:
        yield from of_found(scored["mnist"], scored["found"])


def _codes(study: Study) -> dict[tuple[int, str], dict[int, npt.ArrayLike]]:
    """Codes of the test images by J and kind, then seed, of runs that differ in conditioning.

    Runs whose weights are not here are left out.
    """
    trials = study.trials[study.trials["beta"] == 1].reset_index(drop=True)
    names = kinds(trials)
    data = study.images()
    found: dict[tuple[int, str], dict[int, npt.ArrayLike]] = {}
    for (_, row), kind in zip(trials.iterrows(), names, strict=True):
        if kind in {"plain", "label", "prior"} and study.has_weights(row["run"]):
            model, _ = study.model(row["run"])
            codes = posterior_means(model, data.test_images, data.test_labels)
            found.setdefault((int(row["latent_dim"]), kind), {})[int(row["seed"])] = codes
    return found


if __name__ == "__main__":
    sys.exit(carry_out(beyond, "analysis.paper.beyond"))

"""A study on one page, report.html, a single file that opens from disk and asks for nothing; and
on one screen of text, README.md.
"""

import base64
import gzip
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
import pandas as pd

from analysis.factors.regression import in_words
from analysis.latent_effects.pictures import READ_FACTORS
from analysis.latent_effects.wording import Aligned, alignments
from analysis.metrics import CLASS_PROBE, RANKABLE
from analysis.paper.questions import BEST, what_came_out
from analysis.paper.verdicts import COLUMNS, by_claim
from analysis.report import tables
from analysis.report.sections import inlined, provenance, summary
from analysis.report.sections.claims import Claim, claim_rows, short_of, unlike_the_paper
from analysis.report.sections.plots import plots
from analysis.report.sections.runs import RunPictures, on_board, run_pictures
from analysis.statistics.elbo import configurations, n_active, with_joint_bound
from analysis.statistics.ranking import RANKING, unlisted, unranked, whole
from analysis.study import Study
from study.storage.axes import alike
from study.storage.folder import Folder
from study.storage.study_file import read_study
from study.storage.tables import has_table, read_result

REPORT = "report.html"
README = "README.md"


class Report(NamedTuple):
    """All that the page shows; None or empty for what a study does not have."""

    name: str
    notices: list[provenance.Notice]
    counts: dict[str, int]
    what: dict[str, str]
    unlike: list[str]  # what its runs do not share with the paper's
    finding: list[str]  # three sentences: what came out
    outcome: list[str]  # the same with its figures
    highlights: list[summary.Highlight]
    claims: list[Claim]  # those that the study has the runs for
    unclaimed: int  # the others
    short_of: int  # epochs that the runs have, where the paper's are more; else 0
    sensitivity: tables.Table | None
    questions: dict[str, list[str]]  # question -> its answers
    ranking: tables.Table | None
    all_scores: tables.Table | None  # of the ranked, what the ranking leaves out
    unranked: str  # why nothing ranks, where runs are scored
    plots: dict[str, Any]
    pictures: RunPictures  # of the runs that are picked in the plots
    explorer: list[str] | None  # the runs that the explorer beside it has; None without one
    gallery: inlined.Gallery
    elbo: tables.Table
    ica_changes: tables.Table | None
    ica: tables.Table | None
    controls: tables.Table | None
    other_controls: tables.Table | None
    alignment: tables.Table | None
    read_factors: str  # how well a regression reads known factors, where latents are named by them
    unmeasured: bool  # whether nothing measures the pictures of its data
    aligned: list[Aligned]
    unfinished: list[provenance.Unfinished]
    runs: tables.Table
    provenance: provenance.Provenance

    @property
    def data(self) -> dict[str, Any]:
        """What the page's script draws."""
        of_runs = {"explorer": self.explorer, "pictures": self.pictures._asdict()}
        return {**self.plots, **of_runs}


def write_report(study: Study, data_folder: Path | None = None) -> str:
    """Write report.html and README.md to a study's folder; returns the place of the first.

    Args:
        study: as it is.
        data_folder: cache of the data, for pictures of its runs; None: the default one.

    Raises:
        StudyError: a table of the study is damaged.
    """
    report = gather(study)._replace(pictures=run_pictures(study, data_folder))
    study.folder.write(REPORT, render(report).encode())
    study.folder.write(README, render_readme(report).encode())
    return f"{study.folder}/{REPORT}"


def gather(study: Study) -> Report:
    """What a study has to show, from its tables alone; StudyError names one that is damaged."""
    study_file = read_study(study.folder)
    scores = _table(study, "scores", ["run", "basis", "factors", "scope", "score", "value"])
    ranked = _table(study, "ranking", ["rank", RANKING])
    alignment = _table(study, "alignment", ["run", "basis"])
    scored = partial(_result, study.folder / "tables", "study score")
    decided_here = partial(_result, study.folder, "study claims")
    ica = scored("ica", ("score", "factors", "scope"))
    readings = scored(READ_FACTORS, ("factor", "r2", "error", "used"))
    thresholds = decided_here("sensitivity", ("id", "at_half", "as_set", "at_twice"))
    clauses = decided_here("claims", COLUMNS)
    claims = by_claim(clauses)
    decided = claims[claims["verdict"] != "not run"]
    verdicts = [str(verdict) for verdict in decided["verdict"]]
    answers = decided_here("findings", ("question", "answer"))
    outcome = what_came_out(decided, answers)
    whole_study = len(alike(study.trials)) == len(study.trials)
    if BEST not in set(answers["question"]) or not whole_study:  # answers are of the paper's models
        outcome = summary.best(ranked) + outcome
    trials = with_joint_bound(study)
    trials["active"] = trials["run"].map(n_active(study.latents))
    elbo = configurations(trials, study.latents, scores)
    aligned = alignments(alignment)
    more, nothing_ranks = unlisted(scores), unranked(scores)
    others = [*RANKABLE[2:], *more, CLASS_PROBE.name]
    gallery = inlined.gallery(study.folder)
    return Report(
        name=study.folder.name,
        notices=provenance.notices(study, study_file),
        counts=provenance.counts(study.trials),
        what=provenance.what_was_run(study.trials, study_file),
        unlike=unlike_the_paper(study.trials),
        finding=summary.finding(ranked, nothing_ranks, alignment, verdicts),
        outcome=summary.against(scores, str((study_file.get("data") or {}).get("name"))) + outcome,
        highlights=summary.highlights(ranked, elbo, whole(ica), alignment, verdicts),
        claims=claim_rows(clauses, gallery.numbers),
        unclaimed=len(claims) - len(decided),
        short_of=short_of(claims),
        sensitivity=tables.sensitivity(thresholds) if len(thresholds) else None,
        questions=questions(answers),
        ranking=tables.ranking(ranked) if len(ranked) and not nothing_ranks else None,
        all_scores=tables.all_scores(ranked, more) if len(ranked) else None,
        unranked=nothing_ranks,
        plots=plots(trials, elbo, scores, ranked, study.epochs),
        pictures=RunPictures({}, (0, 0)),
        explorer=on_board(study.folder),
        gallery=gallery,
        elbo=tables.elbo(elbo),
        ica_changes=tables.ica_changes(whole(ica)) if len(whole(ica)) else None,
        ica=tables.ica(ica) if len(ica) else None,
        controls=tables.controls("controls-table", scores, RANKABLE[:2]),
        other_controls=tables.controls("other-controls-table", scores, others),
        alignment=tables.alignment(aligned) if aligned else None,
        read_factors=in_words(readings) if len(readings) else "",
        unmeasured=provenance.unmeasured(study_file),
        aligned=aligned,
        unfinished=provenance.unfinished(study),
        runs=tables.runs(trials),
        provenance=provenance.provenance(study_file),
    )


def render(report: Report) -> str:
    """The page."""
    from plotly.offline import get_plotlyjs  # slow, and --help needs none

    plotly = base64.b64encode(gzip.compress(get_plotlyjs().encode(), mtime=0)).decode()
    return template("report.html.j2").render(report=report, plotly=plotly)


def render_readme(report: Report) -> str:
    """The same on one screen of text, for a terminal or where the folder is published."""
    return template("readme.md.j2").render(report=report)


def template(name: str) -> jinja2.Template:
    """A template of the pages."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("analysis.report"),
        autoescape=name.endswith(".html.j2"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.policies["json.dumps_kwargs"] = {}  # in their own order, as menus show them
    return environment.get_template(name)


def questions(answers: pd.DataFrame) -> dict[str, list[str]]:
    """The answers of the table `findings` by question, in its order."""
    rows = answers.groupby("question", sort=False)["answer"]
    return {str(question): [str(answer) for answer in part] for question, part in rows}


def _table(study: Study, name: str, columns: Sequence[str]) -> pd.DataFrame:
    """A table of scoring; without it no rows of these columns."""
    empty = pd.DataFrame(columns=list(columns))
    return getattr(study, name) if has_table(study.folder, name) else empty


def _result(folder: Folder, command: str, name: str, columns: Sequence[str]) -> pd.DataFrame:
    """A table that a command has made; without it no rows of these columns."""
    table = read_result(folder, name, command)
    return pd.DataFrame(columns=list(columns)) if table is None else table

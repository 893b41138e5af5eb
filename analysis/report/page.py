"""A study on one page, report.html, a single file that opens from disk and asks for nothing; and
on one screen of text, README.md.
"""

import base64
import gzip
import io
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import jinja2
import pandas as pd

from analysis.factors.regression import in_words
from analysis.latent_effects.pictures import READ_FACTORS
from analysis.latent_effects.wording import Aligned, alignments
from analysis.metrics import CLASS_PROBE, LABELS, RANKABLE, UDR
from analysis.paper.questions import BEST, what_came_out
from analysis.paper.verdicts import COLUMNS, PAPER_EPOCHS, by_claim
from analysis.report import inlined, provenance, summary, tables
from analysis.statistics.elbo import configurations, n_active, with_joint_bound
from analysis.statistics.ranking import RANKING, own, ranking_rows, unlisted, unranked, whole
from analysis.study import Study
from study.config.errors import StudyError
from study.storage.axes import STANDARD, alike, axis_in_words, varied
from study.storage.folder import Folder
from study.storage.study_file import read_study
from study.storage.tables import has_table

REPORT = "report.html"
README = "README.md"
CLAIM_COLUMNS = ("id", "statement", "place", "expected", "observed", "verdict", "sentence")
MEASURES = {
    "latent_dim": "J",
    "beta": "β",
    "conditioning": "labels",
    "recon": "recon",
    "kl": "KL",
    "objective": "objective",
    "neg_elbo_joint": "−ELBO, joint",
    "kl_fraction": "KL fraction",
    "kl_fraction_raw": "KL fraction, raw",
    "active": "active latents",
    RANKING: "score that ranks",
    **{name: LABELS[name] for name in (*RANKABLE, UDR.name, CLASS_PROBE.name)},
}
"""What the interactive plots can show, and what it is called there."""


class Report(NamedTuple):
    """All that the page shows; None or empty for what a study does not have."""

    name: str
    notices: list[provenance.Notice]
    counts: dict[str, int]
    what: dict[str, str]
    outcome: list[str]  # sentences: what came out
    highlights: list[summary.Highlight]
    claims: list[dict[str, str]]  # those that the study has the runs for
    unclaimed: int  # the others
    short_of: int  # epochs that the runs have, where the paper's are more; else 0
    sensitivity: tables.Table | None
    questions: dict[str, list[str]]  # question -> its answers
    ranking: tables.Table | None
    unranked: str  # why nothing ranks, where runs are scored
    plots: dict[str, Any]
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


def write_report(study: Study) -> str:
    """Write report.html and README.md to a study's folder; returns the place of the first.

    Raises:
        StudyError: a table of the study is damaged.
    """
    report = gather(study)
    study.folder.write(REPORT, render(report).encode())
    study.folder.write(README, render_readme(report).encode())
    return f"{study.folder}/{REPORT}"


def gather(study: Study) -> Report:
    """What a study has to show, from its tables alone; StudyError names one that is damaged."""
    study_file = read_study(study.folder)
    scores = _table(study, "scores", ["run", "basis", "factors", "scope", "score", "value"])
    ranked = _table(study, "ranking", ["rank", RANKING])
    alignment = _table(study, "alignment", ["run", "basis"])
    ica = _csv(study.folder / "tables", "ica", ("score", "factors", "scope"))
    readings = _csv(study.folder / "tables", READ_FACTORS, ("factor", "r2", "error", "used"))
    thresholds = _csv(study.folder, "sensitivity", ("id", "at_half", "as_set", "at_twice"))
    claims = by_claim(_csv(study.folder, "claims", COLUMNS))
    decided = claims[claims["verdict"] != "not run"]
    answers = _csv(study.folder, "findings", ("question", "answer"))
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
    return Report(
        name=study.folder.name,
        notices=provenance.notices(study, study_file),
        counts=provenance.counts(study.trials),
        what=provenance.what_was_run(study.trials, study_file),
        outcome=summary.against(scores, str((study_file.get("data") or {}).get("name"))) + outcome,
        highlights=summary.highlights(ranked, elbo, whole(ica), alignment, decided, scores),
        claims=claim_rows(decided),
        unclaimed=len(claims) - len(decided),
        short_of=short_of(claims),
        sensitivity=tables.sensitivity(thresholds) if len(thresholds) else None,
        questions=questions(answers),
        ranking=tables.ranking(ranked, more, nothing_ranks) if len(ranked) else None,
        unranked=nothing_ranks,
        plots=plots(trials, elbo, scores, ranked),
        gallery=inlined.gallery(study.folder),
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
    return _template("report.html.j2").render(report=report, plotly=plotly)


def render_readme(report: Report) -> str:
    """The same on one screen of text, for a terminal or where the folder is published."""
    return _template("readme.md.j2").render(report=report)


def _template(name: str) -> jinja2.Template:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("analysis.report"),
        autoescape=name.endswith(".html.j2"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    ).get_template(name)


def claim_rows(claims: pd.DataFrame) -> list[dict[str, str]]:
    """Claims as text, with the kind of each verdict: good, bad or open."""
    rows = []
    for row in claims.to_dict("records"):
        cells = {name: tables.text(row.get(name)) for name in CLAIM_COLUMNS}
        rows.append(cells | {"kind": verdict_kind(cells["verdict"])})
    return rows


def short_of(claims: pd.DataFrame) -> int:
    """Epochs of the runs that claims were decided on, where these are fewer than the paper's."""
    epochs = int(claims["epochs"].max()) if "epochs" in claims and len(claims) else 0
    return epochs if epochs < PAPER_EPOCHS else 0


def questions(answers: pd.DataFrame) -> dict[str, list[str]]:
    """The answers of `findings.csv` by question, in its order."""
    rows = answers.groupby("question", sort=False)["answer"]
    return {str(question): [str(answer) for answer in part] for question, part in rows}


def verdict_kind(verdict: str) -> str:
    """How a verdict is coloured: bad ("does not hold", "fails"), good ("holds"), or open."""
    verdict = verdict.lower()
    if verdict.startswith(("does not", "not ", "fail")):
        return "bad"
    return "good" if verdict.startswith(("hold", "reproduced")) else "open"


def plots(
    trials: pd.DataFrame, elbo: pd.DataFrame, scores: pd.DataFrame, ranked: pd.DataFrame
) -> dict[str, Any]:
    """The data of the interactive plots: columns of figures, by configuration and by run."""
    more = unlisted(scores)
    by_configuration = elbo
    if len(ranked):
        names = ["configuration", RANKING, *RANKABLE, *more, UDR.name, CLASS_PROBE.name]
        known = ranked[[name for name in names if name in ranked]]
        by_configuration = by_configuration.merge(known, on="configuration", how="left")
    by_run = trials[trials["state"] == "done"]
    if len(scores):
        wide = own(scores).pivot(index="run", columns="score", values="value")
        wide[RANKING] = ranking_rows(scores).set_index("run")["value"]
        by_run = by_run.merge(wide, left_on="run", right_index=True, how="left")
    axes = [*STANDARD, *varied(trials)]
    measures = dict(MEASURES)
    if not tables.one_objective(trials):
        del measures["objective"], measures["kl_fraction"]
    labels = {column: axis_in_words(column) for column in axes} | measures
    labels |= {name: name for name in more}
    rows = {}
    for name, table in (("configuration", by_configuration), ("run", by_run)):
        kept = [key for key in labels if key in table and table[key].notna().any()]
        columns = {key: [_plain(value) for value in table[key]] for key in kept}
        rows[name] = {"names": list(table[name]), "columns": columns}
    return {"labels": labels, "axes": axes, "rows": rows}


def _plain(value: Any) -> float | str | None:
    """A value as JSON holds it."""
    if isinstance(value, str):
        return value
    return None if pd.isna(value) or math.isinf(value) else float(value)


def _table(study: Study, name: str, columns: Sequence[str]) -> pd.DataFrame:
    """A table of scoring; without it no rows of these columns."""
    empty = pd.DataFrame(columns=list(columns))
    return getattr(study, name) if has_table(study.folder, name) else empty


def _csv(folder: Folder, name: str, columns: Sequence[str]) -> pd.DataFrame:
    """A table of a folder; without it no rows of these columns."""
    try:
        return pd.read_csv(io.BytesIO(folder.read(f"{name}.csv")))
    except FileNotFoundError:
        return pd.DataFrame(columns=list(columns))
    except ValueError as error:
        raise StudyError(f"{folder}/{name}.csv is damaged: {error}; delete it") from None

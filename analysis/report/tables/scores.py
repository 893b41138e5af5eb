"""Tables of scores, of what the latents move, and of verdicts."""

from collections.abc import Iterable, Sequence

import pandas as pd

from analysis.latent_effects.wording import NOT_ALONE, Aligned
from analysis.metrics import CLASS_PROBE, HIGGINS, LABELS, MIG, RANKABLE, UDR
from analysis.report.tables.cells import (
    NOTHING,
    Cell,
    CellOf,
    Row,
    Table,
    estimates,
    flags,
    number,
    numbers,
    table,
    words,
    words_of_axes,
)
from analysis.statistics.comparisons import MARGIN
from analysis.statistics.ranking import RANKING, SOURCES, WITH_INTERVAL, own
from analysis.statistics.wording import CONTROLS
from analysis.study import configuration

CHANGE = ["latent", "ica", "change", "separated"]
BESIDE_RANK = ("pixel_pca", "rotated")


def ranking(ranked: pd.DataFrame) -> Table:
    """A row a configuration, as `study.ranking` has them: the score that ranks, and its floors."""
    caption = (
        f"Ranked by {ranked['ranked_by'].iloc[0]}: mean over seeds, with 95% intervals. To the"
        " best: the difference to the best of the others, paired by seed."
    )
    notes = (
        "Intervals of the differences are simultaneous. Among the best: the whole interval is"
        f" above −{MARGIN:g}; behind: no part of it is above 0. Seeds: scored / trained. Front"
        " (Pareto front): no other configuration has both a lower −ELBO and a higher score. −ELBO"
        " in nats per image; with labels, for image and label together."
    )
    if "likelihood" in ranked and ranked["likelihood"].nunique() > 1:
        notes += " Bounds of different likelihoods are on different scales, with a front each."
    columns: dict[str, CellOf] = {
        "configuration": words_of_axes,
        "rank": numbers("rank", ".0f"),
        "seeds": lambda row: Cell(f"{row['n_scored']}/{row['n_runs']}", row["n_scored"]),
        "score [95%]": estimates(RANKING),
        **{CONTROLS[name]: numbers(f"{RANKING}_{name}") for name in BESIDE_RANK},
        "to the best [95%]": estimates("difference"),
        "verdict": words("verdict"),
        "−ELBO, joint": numbers("neg_elbo_joint", ".2f"),
        "front": flags("pareto"),
    }
    return table("ranking-table", caption, ranked, columns, notes)


def all_scores(ranked: pd.DataFrame, more: Sequence[str] = ()) -> Table:
    """The other scores of each configuration; `more` names a user's own metrics."""
    others = [name for name in RANKABLE if name not in WITH_INTERVAL]
    caption = (
        "Scores over all test images, means over seeds. *: at the ceiling, where this score cannot"
        " distinguish configurations."
    )
    if ranked[UDR.name].notna().any():
        caption += " UDR: agreement of runs that differ only in the seed."
    if ranked[CLASS_PROBE.name].notna().any():
        label = LABELS[CLASS_PROBE.name].capitalize()
        caption += f" {label}: how often a linear classifier reads the class from the codes."
    columns: dict[str, CellOf] = {
        "configuration": words_of_axes,
        f"{LABELS[HIGGINS.name]} [95%]": estimates(HIGGINS.name, star="saturated"),
        f"{LABELS[MIG.name]} [95%]": estimates(MIG.name),
        **{LABELS.get(n, n): numbers(n) for n in (*others, *more, UDR.name, CLASS_PROBE.name)},
        "−ELBO, joint": numbers("neg_elbo_joint", ".2f"),
    }
    return table("scores-table", caption, ranked, columns)


def ica(changes: pd.DataFrame) -> Table:
    """Every score before and after ICA, as `tables/ica.csv` has them."""
    caption = (
        "Every score on the latents, on their independent components (ICA) and on their principal"
        " components. Change: ICA minus latents. Converged: share of seeds in which ICA and the"
        " classifier converged; otherwise the components depend on the starting values."
    )
    columns = {
        "configuration": words("configuration"),
        "score": lambda row: Cell(LABELS.get(row["score"], row["score"])),
        "factors": words("factors"),
        "scope": words("scope"),
        "latents [95%]": estimates("latent"),
        "ICA [95%]": estimates("ica"),
        "PCA [95%]": estimates("pca"),
        "change": numbers("change", "+.3f", strong="separated"),
        "separated": flags("separated"),
        "converged": numbers("converged", ".0%"),
    }
    return table("ica-table", caption, changes, columns)


def ica_changes(changes: pd.DataFrame) -> Table:
    """Each score before and after ICA, a row a configuration."""
    caption = (
        "Scores on the latents → on their independent components, means over seeds. Bold: the 95%"
        " intervals before and after do not overlap. Columns sort by the change."
    )
    parts = set(LABELS) - set(RANKABLE)
    names = [name for name in changes["score"].unique() if name not in parts]
    wide = changes.pivot(index="configuration", columns="score", values=CHANGE)
    wide = wide.loc[changes["configuration"].unique()].reset_index()
    columns: dict[str, CellOf] = {"configuration": lambda row: Cell(row["configuration", ""])}
    columns |= {LABELS.get(name, name): _changes(name) for name in names}
    return table("ica-changes-table", caption, wide, columns)


def controls(name: str, scores: pd.DataFrame, shown: Sequence[str]) -> Table | None:
    """Scores beside their controls, a row a configuration and score; None without any.

    Args:
        name: of the table.
        scores: a study's scores.
        shown: those of them to show.
    """
    wanted = own(scores)
    wanted = wanted[wanted["score"].isin(shown)]
    if wanted.empty:
        return None
    caption = (
        f"Scores on the latents{_against(wanted)}, over all test images, means over seeds, with"
        " controls that should score lower and, last, the factors themselves. Bold: above every"
        " such control."
    )
    notes = (
        "PCA of pixels: as many principal components as there are latents. The factors, rotated:"
        f" the factors themselves as codes, after random rotations. {NOTHING}: cannot be computed,"
        " for example without active latents; the column `note` of controls.csv says why."
    )
    keys = [configuration(wanted["run"]).rename("configuration"), "score"]
    means = wanted.groupby(keys, sort=False)[["value", *CONTROLS]].mean().reset_index()
    if means["raw_pixels"].isna().all():
        notes += " Raw pixels are left out: there are too many to score as codes."
    floors = [name for name in CONTROLS if not name.startswith("oracle")]
    means["above"] = means["value"] > means[floors].max(axis=1).fillna(0.0)
    columns = {
        "configuration": words("configuration"),
        "score": lambda row: Cell(LABELS.get(row["score"], row["score"])),
        "value": numbers("value", strong="above"),
        **{CONTROLS[name]: numbers(name) for name in CONTROLS},
    }
    return table(name, caption, means, columns, notes)


def _against(scores: pd.DataFrame) -> str:
    """`, against known factors`; nothing where scores need none."""
    sources = [SOURCES[name] for name in scores["factors"].unique() if name]
    return f", against {sources[0]}" if sources else ""


def sensitivity(verdicts: pd.DataFrame) -> Table:
    """Verdicts under other thresholds, as `sensitivity.csv` has them."""
    caption = (
        "Verdicts of the clauses that depend on a threshold: with half the threshold, with the"
        " threshold as set, and with twice the threshold. Margin: for a clause where the paper has"
        " a word and no number; the other thresholds decide how latents are named. Bold: not the"
        " verdict as set."
    )
    columns = {
        "claim": words("id"),
        **{name: words(name) for name in ("clause", "threshold")},
        "set": numbers("set", ".3g"),
        "at half": _verdicts("at_half"),
        "as set": words("as_set"),
        "at twice": _verdicts("at_twice"),
    }
    return table("sensitivity-table", caption, verdicts, columns)


def alignment(runs: Iterable[Aligned]) -> Table:
    """Which latents of each run move what."""
    caption = (
        "For each run, the latents that move only one property of the picture, and how many change"
        " the digit, move several properties, or do not react."
    )
    rows = [{"run": one.run, **one.named, "still": one.n_still} for one in runs]
    alone = [name for name in rows[0] if name not in {"run", "still", *NOT_ALONE}]
    columns = {
        "run": words("run"),
        **{name: _listed(name) for name in alone},
        "the digit": lambda row: number(len(row["digit"]), ".0f"),
        "mixed": lambda row: number(len(row["mixed"]), ".0f"),
        "do not react": numbers("still", ".0f"),
    }
    return table("alignment-table", caption, pd.DataFrame(rows), columns)


def _listed(key: str) -> CellOf:
    return lambda row: Cell(", ".join(row[key]) or "none")


def _verdicts(key: str) -> CellOf:
    return lambda row: Cell(row[key], strong=row[key] != row["as_set"])


def _changes(score: str) -> CellOf:
    """Cells of one score before and after ICA, of a row that has each figure of each score."""

    def cell(row: Row) -> Cell:
        latent, ica, change, strong = (row[name, score] for name in CHANGE)
        if pd.isna(change):
            return Cell(NOTHING)
        return Cell(f"{latent:.3f} → {ica:.3f}", float(change), bool(strong))

    return cell

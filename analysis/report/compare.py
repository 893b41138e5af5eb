"""Studies compared with the first of them: a table of paired differences, and a page."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from analysis.figures.charts.differences import caption, draw_differences
from analysis.figures.style import save_figure
from analysis.metrics import LABELS
from analysis.report.page import template
from analysis.report.sections import inlined
from analysis.report.tables.cells import NOTHING, Cell, CellOf, Table, numbers, table, words
from analysis.statistics.elbo import with_joint_bound
from analysis.statistics.intervals import Estimate
from analysis.statistics.paired import COLUMNS, differences, match, values_of
from analysis.statistics.ranking import preferred
from analysis.statistics.wording import count, estimate, verb
from analysis.study import Study, open_folder
from study.config.errors import StudyError
from study.storage.axes import axis_in_words
from study.storage.folder import Folder
from study.storage.study_file import read_study
from study.storage.tables import has_table

PAGE, TABLE = "compare.html", "compare.csv"
FIGURES_SHOWN = {
    "objective": "objective",
    "neg_elbo_joint": "−ELBO, joint",
    "recon": "recon",
    "kl": "KL",
    "active_latents": "active latents",
}
SCORES_SHOWN = (("higgins_few", "higgins"), ("mig",), ("dci",))
"""What the page shows first; of each score the first name that both studies have: older ones rank
by another."""


class Pair(NamedTuple):
    """A study compared with the first one."""

    one: str
    other: str
    apart: dict[str, tuple[str, str]]  # keys and versions that differ -> their values in either
    table: pd.DataFrame  # of `analysis.statistics.paired.differences`
    notes: list[str]  # what cannot be compared, and why

    @property
    def finding(self) -> str:
        """How many differences are significant, in a sentence."""
        known = self.table.dropna(subset="low")
        if known.empty:
            return "no difference has an interval"
        apart = int(((known["low"] > 0) | (known["high"] < 0)).sum())
        return (
            f"{apart} of {count(len(known), 'difference')} {verb(apart, 'has', 'have')} a 95%"
            f" interval that excludes 0; about {round(0.05 * len(known))} would by chance alone"
        )


def compare(*places: str | Path) -> pd.DataFrame:
    """Differences between studies, paired by seed, with 95% intervals.

    Args:
        places: results folders, or URIs of such; each is compared with the first.

    Returns:
        study_a, study_b, and the columns of `analysis.statistics.paired.COLUMNS`; `difference` is
        b minus a.

    Raises:
        StudyError: fewer than two are given, one is no study, or they have nothing in common.
    """
    return as_table(compare_studies(places))


def compare_studies(places: Sequence[str | Path]) -> list[Pair]:
    """Every study but the first against the first; raises as `compare` does."""
    if len(places) < 2:
        raise StudyError(f"a comparison needs two studies, got {len(places)}: name another folder")
    studies = [Study(open_folder(place)) for place in places]
    names = [study.folder.name for study in studies]
    if len(set(names)) < len(names):
        names = [str(study.folder) for study in studies]
    if len(set(names)) < len(names):
        raise StudyError(f"a study was given twice: {', '.join(names)}")
    first, *others = zip(names, studies, strict=True)
    pairs = [_pair(first, other) for other in others]
    if all(pair.table.empty for pair in pairs):
        raise StudyError("; ".join(note for pair in pairs for note in pair.notes))
    return pairs


def as_table(pairs: Sequence[Pair]) -> pd.DataFrame:
    """All differences in one table."""
    parts = [pair.table.assign(study_a=pair.one, study_b=pair.other) for pair in pairs]
    return pd.concat(parts, ignore_index=True)[["study_a", "study_b", *COLUMNS]]


def write_comparison(pairs: Sequence[Pair], folder: Folder) -> None:
    """Write the page and the table of a comparison to a folder."""
    folder.write(TABLE, as_table(pairs).to_csv(index=False, float_format="%.9g").encode())
    names = [pairs[0].one, *(pair.other for pair in pairs)]
    parts = [
        (pair, _figure(pair, place, folder), _tables(pair, place))
        for place, pair in enumerate(pairs, start=1)
    ]
    page = template("compare.html.j2").render(names=names, parts=parts, csv=TABLE)
    folder.write(PAGE, page.encode())


def _pair(first: tuple[str, Study], second: tuple[str, Study]) -> Pair:
    (one, left), (other, right) = first, second
    trials = [with_joint_bound(study).query("state == 'done'") for study in (left, right)]
    names = (one, other)
    notes = [f"{n} has no finished run" for n, t in zip(names, trials, strict=True) if t.empty]
    apart = _versions_apart(left, right)
    if notes:
        return Pair(one, other, apart, pd.DataFrame(columns=COLUMNS), notes)
    matched = match(*trials)
    apart = matched.apart | apart
    scores = []
    for name, study in zip(names, (left, right), strict=True):
        scored = has_table(study.folder, "scores")
        scores.append(study.scores if scored else pd.DataFrame())
        if not scored:
            notes.append(f"{name} is not scored: study score {study.folder}")
    here, there = (values_of(*of_study) for of_study in zip(trials, scores, strict=True))
    compared = differences(here, there, matched.pairs)
    if not matched.pairs:
        notes.insert(0, f"{one} and {other} have no configuration in common")
    notes += [
        f"{count(n, 'difference')}: {why}"
        for why, n in compared.loc[compared["reason"] != "", "reason"].value_counts().items()
    ]
    return Pair(one, other, apart, compared, notes)


def _versions_apart(one: Study, other: Study) -> dict[str, tuple[str, str]]:
    """Versions of what trained them, as their study.yaml has them, that are not the same."""
    here, there = (_versions(read_study(study.folder)) for study in (one, other))
    known = [name for name in here if name in there]
    return {name: (here[name], there[name]) for name in known if here[name] != there[name]}


def _versions(study_file: Mapping[str, Any]) -> dict[str, str]:
    versions: dict[str, list[str]] = {}
    for invocation in study_file.get("invocations") or []:
        for name, value in (invocation.get("versions") or {}).items():
            versions.setdefault(f"version of {name}", []).append(str(value))
    return {name: ", ".join(dict.fromkeys(values)) for name, values in versions.items()}


def _figure(pair: Pair, place: int, folder: Folder) -> inlined.Inlined | None:
    """The differences to look at first, drawn to `figures/`; None where there are none."""
    first = _first(pair.table)
    if first.empty:
        return None
    names = [first["configuration_a"], first["configuration_b"]]
    several = first.groupby("configuration_a")["configuration_b"].nunique().max() > 1
    configuration = names[0] + " / " + names[1] if several else names[0]
    shown = first.assign(configuration=configuration, what=first["name"].map(_words))
    name = f"compare-{place}"
    save_figure(draw_differences(shown), folder, name)
    source, size = inlined.inline(folder, name)
    width, height = (round(inlined.SCALE * side) for side in size)
    words = caption(shown, pair.one, pair.other)
    return inlined.Inlined(name, "Paired differences", words, "", source, width, height, place)


def _tables(pair: Pair, place: int) -> list[Table]:
    """What differs in configuration; the differences to look at first; all of them."""
    apart = pd.DataFrame(
        [(axis_in_words(key), *values) for key, values in pair.apart.items()],
        columns=["key", "one", "other"],
    )
    columns: dict[str, CellOf] = {
        "key": words("key"),
        pair.one: words("one"),
        pair.other: words("other"),
    }
    first, tables = _first(pair.table), []
    if len(apart):
        tables.append(table(f"apart-{place}", "Settings that differ.", apart, columns))
    if len(first):
        tables.append(_overview(f"first-{place}", first, pair))
    return [*tables, _every(f"all-{place}", pair)] if len(pair.table) else tables


def _first(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of `FIGURES_SHOWN` and, of the latents, `SCORES_SHOWN`, those that have a difference."""
    known = rows.dropna(subset="difference").assign(value=rows["difference"])
    latents = known[known["basis"] == "latent"]
    figures = [known[known["name"] == name] for name in FIGURES_SHOWN]
    scores = []
    for names in SCORES_SHOWN:
        parts = [preferred(latents[latents["name"] == name]) for name in names]
        scores.append(next((part for part in parts if len(part)), parts[0]))
    return pd.concat([*figures, *scores])


def _overview(name: str, rows: pd.DataFrame, pair: Pair) -> Table:
    """A row a pair of configurations, a column a figure or score."""
    wide = []
    for (a, b), part in rows.groupby(["configuration_a", "configuration_b"], sort=False):
        estimates = {row["name"]: row for row in part.to_dict("records")}
        seeds = part["n_seeds"].max()
        wide.append({"configuration_a": a, "configuration_b": b, "n_seeds": seeds, **estimates})
    columns: dict[str, CellOf] = {
        **_configurations(pair),
        "seeds": numbers("n_seeds", ".0f"),
        **{_words(one): _of(one) for one in dict.fromkeys(rows["name"])},
    }
    caption = (
        f"{pair.other} minus {pair.one}, paired by seed, with 95% intervals. Bold: the interval"
        " excludes 0. Scores are of the latents."
    )
    return table(name, caption, pd.DataFrame(wide), columns)


def _every(name: str, pair: Pair) -> Table:
    """A row a difference."""
    columns: dict[str, CellOf] = {
        **_configurations(pair),
        "what": lambda row: Cell(_words(row["name"])),
        "basis": words("basis"),
        "factors": words("factors"),
        "scope": words("scope"),
        "seeds": numbers("n_seeds", ".0f"),
        pair.one: numbers("mean_a", ".4g"),
        pair.other: numbers("mean_b", ".4g"),
        "difference [95%]": _difference,
        "why not": words("reason"),
    }
    return table(name, "Every quantity that both studies have.", pair.table, columns)


def _configurations(pair: Pair) -> dict[str, CellOf]:
    """Columns that name the configurations: one where they are called the same."""
    same = bool((pair.table["configuration_a"] == pair.table["configuration_b"]).all())
    other: dict[str, CellOf] = {} if same else {f"of {pair.other}": words("configuration_b")}
    return {"configuration": words("configuration_a"), **other}


def _words(name: str) -> str:
    return FIGURES_SHOWN.get(name) or LABELS.get(name) or axis_in_words(name)


def _of(name: str) -> CellOf:
    def cell(row: Mapping[Any, Any]) -> Cell:
        return _difference(row[name]) if isinstance(row[name], dict) else Cell(NOTHING)

    return cell


def _difference(row: Mapping[Any, Any]) -> Cell:
    value = row["difference"]
    if pd.isna(value):
        return Cell(NOTHING)
    shown = estimate(Estimate(value, row["low"], row["high"]), 3 if abs(value) < 1 else 2)
    return Cell(shown.replace("-", "−"), float(value), bool(row["low"] > 0 or row["high"] < 0))

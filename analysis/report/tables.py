"""The tables of the report: frames in, cells out, each with its text and what it sorts by."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from analysis.latent_effects.alignment import NAMES
from analysis.latent_effects.wording import Aligned
from analysis.metrics import CLASS_PROBE, LABELS, RANKABLE, UDR
from analysis.statistics.ranking import BESIDE, RANKING, TIE_BREAK, own
from analysis.statistics.wording import interval
from analysis.study import configuration

NOTHING = "–"


class Cell(NamedTuple):
    """A cell: what is read, and what its column is sorted by (None last)."""

    text: str
    sort: float | str | None = None
    strong: bool = False


class Table(NamedTuple):
    """A table of the page; its first column names the rows."""

    name: str  # its id in the page
    caption: str
    columns: list[str]
    rows: list[list[Cell]]

    @property
    def full(self) -> "Table":
        """Without the columns that have nothing to tell."""
        kept = [
            place
            for place in range(len(self.columns))
            if not self.rows or any(row[place].text != NOTHING for row in self.rows)
        ]
        columns = [self.columns[place] for place in kept]
        return self._replace(columns=columns, rows=[[row[p] for p in kept] for row in self.rows])

    @property
    def numeric(self) -> list[bool]:
        """Whether each column holds numbers, and is set flush right."""
        return [
            any(isinstance(row[place].sort, float | int) for row in self.rows)
            for place in range(len(self.columns))
        ]


def ranking(ranked: pd.DataFrame, more: Sequence[str] = ()) -> Table:
    """A row a configuration, as `study.ranking` has them; `more` names a user's own metrics."""
    others = [name for name in RANKABLE if name not in {RANKING, TIE_BREAK}]
    others += [*more, UDR.name, CLASS_PROBE.name]
    columns = ["configuration", "rank", "seeds"]
    columns += [f"{LABELS[name]} [95%]" for name in (RANKING, TIE_BREAK)]
    columns += [LABELS.get(name, name) for name in others]
    columns += ["−ELBO", "active", "front"]
    rows = [
        [
            Cell(row["configuration"]),
            Cell(f"{row['n_scored']}/{row['n_runs']}", row["n_scored"]),
            _estimate(row, RANKING, star=row["saturated"]),
            _estimate(row, TIE_BREAK),
            *(number(row[name]) for name in others),
            number(row["neg_elbo"], ".2f"),
            number(row["active_latents"], ".1f"),
            Cell("yes" if row["pareto"] else "", int(row["pareto"])),
        ]
        for row in ranked.to_dict("records")
    ]
    for cells, rank in zip(rows, ranked["rank"], strict=True):
        cells.insert(1, number(rank, ".0f"))
    caption = (
        "Configurations by Higgins score on the latents; those that the 95% intervals cannot"
        " separate share a rank and are ordered by MIG, then by −ELBO. * at the ceiling, where"
        " Higgins scores no longer tell configurations apart. Seeds: scored of trained. UDR: how"
        " far runs that differ in their seed agree. Digit read: how often a linear classifier tells"
        " the digit from the codes. −ELBO in nats per image. Front: none has both less −ELBO and a"
        " higher Higgins score."
    )
    return Table("ranking-table", caption, columns, rows).full


def elbo(table: pd.DataFrame) -> Table:
    """ELBO and KL of every configuration, as `analysis.elbo.configurations` gives them."""
    columns = ["configuration", "seeds", "recon", "KL", "objective", "−ELBO"]
    columns += ["KL fraction", "raw", "active (KL)", "active (variance)", "largest KL", "IW bound"]
    columns += ["its gain"]
    rows = [
        [
            Cell(row["configuration"]),
            number(row["n_seeds"], ".0f"),
            *(number(row[name], ".2f") for name in ("recon", "kl", "objective", "neg_elbo")),
            *(number(row[name], ".1%") for name in ("kl_fraction", "kl_fraction_raw")),
            *(number(row[name], ".1f") for name in ("active_kl", "active_variance")),
            *(number(row[name], ".2f") for name in ("kl_largest", "iwae", "iwae_gain")),
        ]
        for row in table.to_dict("records")
    ]
    caption = (
        "Test set, nats per image, means over finished seeds. objective = recon + β·KL is what"
        " training minimises and what the paper plots; −ELBO = recon + KL is the bound itself, on"
        " log p(x), with labels on log p(x|label): compare within one of these. KL"
        " fraction: β·KL of the objective, the paper's; raw: KL of −ELBO. A latent is active when"
        " its KL, or the variance of its posterior mean, exceeds 0.01. IW bound: the"
        " importance-weighted bound; its gain is over the ELBO."
    )
    return Table("elbo-table", caption, columns, rows).full


def ica(table: pd.DataFrame) -> Table:
    """Every score before and after ICA, as `tables/ica.csv` has them."""
    columns = ["configuration", "score", "codes", "latents [95%]"]
    columns += ["ICA [95%]", "PCA [95%]", "change", "separated", "converged"]
    rows = [
        [
            Cell(row["configuration"]),
            Cell(LABELS.get(row["score"], row["score"])),
            Cell(row["scaling"]),
            *(_estimate(row, basis) for basis in ("latent", "ica", "pca")),
            number(row["change"], "+.3f", strong=bool(row["separated"])),
            Cell("yes" if row["separated"] else "", int(row["separated"])),
            number(row["converged"], ".0%"),
        ]
        for row in table.to_dict("records")
    ]
    caption = (
        "Every score on the latents, on their independent components (ICA) and on their principal"
        " components. Change: ICA minus latents; separated: the two 95% intervals do not overlap."
        " Converged: share of seeds whose ICA and classifier converged; components that did not"
        " converge depend on their first guess."
    )
    return Table("ica-table", caption, columns, rows).full


def ica_changes(table: pd.DataFrame) -> Table:
    """Each score before and after ICA, a row a configuration; raw codes."""
    parts = [name for name in LABELS if name not in RANKABLE]
    names = [name for name in table["score"].unique() if name not in parts]
    rows = []
    raw = table[table["scaling"] == "raw"]
    for key, part in raw.groupby("configuration", sort=False):
        by_score = part.set_index("score").to_dict("index")
        rows.append([Cell(str(key)), *(_change(by_score.get(name)) for name in names)])
    caption = (
        "Scores on the latents → on their independent components, means over seeds. Bold: the 95%"
        " intervals before and after do not overlap. Columns sort by the change."
    )
    columns = ["configuration", *(LABELS.get(name, name) for name in names)]
    return Table("ica-changes-table", caption, columns, rows).full


def controls(name: str, scores: pd.DataFrame, shown: Sequence[str]) -> Table | None:
    """Scores beside their controls, a row a configuration and score; None without scores.

    Args:
        name: of the table.
        scores: a study's scores.
        shown: those of them to show.
    """
    if scores.empty:
        return None
    rows, wanted = [], own(scores)[lambda table: table["score"].isin(shown)]
    keys = [configuration(wanted["run"]).rename("configuration"), "score"]
    figures = wanted.groupby(keys, sort=False)[["value", *BESIDE]].mean()
    for row in figures.reset_index().to_dict("records"):
        above = max((row[name] for name in BESIDE if row[name] == row[name]), default=0.0)
        value = number(row["value"])._replace(strong=bool(row["value"] > above))
        rows.append(
            [
                Cell(row["configuration"]),
                Cell(LABELS.get(row["score"], row["score"])),
                value,
                *(number(row[n]) for n in BESIDE),
            ]
        )
    caption = (
        "Scores on the latents, means over seeds, and what they are without a trained model: by"
        " chance, where that is known; of an untrained encoder; of the principal components of the"
        " pixels, as many as there are latents; of the raw pixels; of shuffled factors. Bold: above"
        " all of these."
    )
    columns = ["configuration", "score", "value"]
    columns += [control.replace("_", " ").replace("pca", "PCA") for control in BESIDE]
    return Table(name, caption, columns, rows).full


def alignment(runs: Iterable[Aligned]) -> Table:
    """Which latents of each run move what."""
    columns = ["run", *NAMES.values(), "the digit", "mixed", "do not react"]
    rows = [
        [
            Cell(one.run),
            *(Cell(", ".join(one.named[name]) or NOTHING) for name in NAMES.values()),
            *(number(len(one.named[name]), ".0f") for name in ("digit", "mixed")),
            number(one.n_still, ".0f"),
        ]
        for one in runs
    ]
    caption = (
        "Latents that move one property of the picture alone, by run, and how many move the digit,"
        " several properties, or nothing."
    )
    return Table("alignment-table", caption, columns, rows)


def runs(trials: pd.DataFrame) -> Table:
    """Every run, as `study.trials` has them."""
    columns = ["run", "seed", "state", "epochs", "objective", "−ELBO", "KL"]
    columns += ["active", "seconds", "device", "engine"]
    rows = [
        [
            Cell(row["run"]),
            number(row["seed"], ".0f"),
            Cell(row["state"], strong=row["state"] == "failed"),
            number(row["epochs"], ".0f"),
            *(number(row[name], ".2f") for name in ("objective", "neg_elbo", "kl")),
            number(row["active_latents"], ".0f"),
            number(row["seconds"], ".0f"),
            *(Cell(text(row.get(name)) or NOTHING) for name in ("device", "engine")),
        ]
        for row in trials.to_dict("records")
    ]
    caption = "Every run: figures of its last epoch on the test set, in nats per image."
    return Table("runs-table", caption, columns, rows).full


def number(value: Any, form: str = ".3f", *, strong: bool = False) -> Cell:
    """A number as its format says, with a true minus; a dash where there is none."""
    if pd.isna(value):
        return Cell(NOTHING)
    return Cell(f"{float(value):{form}}".replace("-", "−"), float(value), strong)


def text(value: Any) -> str:
    """What a cell of a table says; "" where it says nothing."""
    return "" if value is None or value != value else str(value)


def _change(row: Mapping[Any, Any] | None) -> Cell:
    if row is None or pd.isna(row["change"]):
        return Cell(NOTHING)
    values = f"{row['latent']:.3f} → {row['ica']:.3f}"
    return Cell(values, float(row["change"]), bool(row["separated"]))


def _estimate(row: Mapping[Any, Any], name: str, *, star: bool = False) -> Cell:
    if pd.isna(row[name]):
        return Cell(NOTHING)
    estimate = interval(row, name)
    return Cell(estimate.replace(" [", "* [") if star else estimate, float(row[name]))

"""The tables of the report: frames in, cells out, each with its text and what it sorts by."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from analysis.latent_effects.alignment import NAMES
from analysis.latent_effects.wording import Aligned
from analysis.metrics import ACTIVE_VARIANCE, CLASS_PROBE, HIGGINS, LABELS, MIG, RANKABLE, UDR
from analysis.statistics.comparisons import MARGIN
from analysis.statistics.ranking import RANKING, WITH_INTERVAL, own
from analysis.statistics.wording import CONTROLS, interval
from analysis.study import configuration

NOTHING = "–"
CHANGE = ["latent", "ica", "change", "separated"]
BESIDE_RANK = ("rotated", "untrained", "pixel_pca", "oracle")

Row = Mapping[Any, Any]


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
    def numeric(self) -> list[bool]:
        """Whether each column holds numbers, and is set flush right."""
        return [
            any(isinstance(row[place].sort, float | int) for row in self.rows)
            for place in range(len(self.columns))
        ]


CellOf = Callable[[Row], Cell]


def table(name: str, caption: str, rows: pd.DataFrame, columns: dict[str, CellOf]) -> Table:
    """A row of cells for each row of a frame, without the columns that have nothing to tell.

    Args:
        name: its id in the page.
        caption: what is seen, and how to read it.
        rows: as they stand in the table.
        columns: heading -> the cell of a row.
    """
    records = rows.to_dict("records")
    cells = {heading: [cell(row) for row in records] for heading, cell in columns.items()}
    kept = {
        heading: column
        for heading, column in cells.items()
        if not records or any(cell.text != NOTHING for cell in column)
    }
    return Table(name, caption, list(kept), [list(row) for row in zip(*kept.values(), strict=True)])


def words(key: str) -> CellOf:
    """Cells that say what stands in a column; a dash where nothing does."""
    return lambda row: Cell(text(row.get(key)) or NOTHING)


def numbers(key: str, form: str = ".3f", strong: str = "") -> CellOf:
    """Cells of numbers; bold where the column `strong` is true."""
    return lambda row: number(row.get(key), form, strong=bool(strong and row[strong]))


def estimates(key: str, star: str = "") -> CellOf:
    """Cells of a value with its interval; starred where the column `star` is true."""

    def cell(row: Row) -> Cell:
        if pd.isna(row.get(key)):
            return Cell(NOTHING)
        shown = interval(row, key)
        return Cell(shown.replace(" [", "* [") if star and row[star] else shown, float(row[key]))

    return cell


def flags(key: str) -> CellOf:
    """Cells that say yes, or nothing."""
    return lambda row: Cell("yes" if row[key] else "", int(row[key]))


def ranking(ranked: pd.DataFrame, more: Sequence[str] = ()) -> Table:
    """A row a configuration, as `study.ranking` has them; `more` names a user's own metrics."""
    others = [name for name in RANKABLE if name not in WITH_INTERVAL]
    caption = (
        f"Configurations by their mean score ({ranked['ranked_by'].iloc[0]}) on the latents, beside"
        " its floors and its ceiling. To the best: the"
        " difference to the best of the others, paired by seed, with 95% intervals that hold all"
        f" at once; among the best where it is surely above −{MARGIN:g}, behind where it is surely"
        " not above 0. * at the ceiling, where this score no longer tells configurations apart."
        " Seeds: scored of trained."
        " UDR: how far runs that differ in their seed agree. Digit read: how often a linear"
        " classifier tells the digit from the codes. −ELBO in nats per image, with labels that of"
        " image and label together. Front: none has both less of it and a higher score."
    )
    columns: dict[str, CellOf] = {
        "configuration": words("configuration"),
        "rank": numbers("rank", ".0f"),
        "seeds": lambda row: Cell(f"{row['n_scored']}/{row['n_runs']}", row["n_scored"]),
        "score [95%]": estimates(RANKING),
        **{CONTROLS[name]: numbers(f"{RANKING}_{name}") for name in BESIDE_RANK},
        "to the best [95%]": estimates("difference"),
        "verdict": words("verdict"),
        f"{LABELS[HIGGINS.name]} [95%]": estimates(HIGGINS.name, star="saturated"),
        f"{LABELS[MIG.name]} [95%]": estimates(MIG.name),
        **{LABELS.get(n, n): numbers(n) for n in (*others, *more, UDR.name, CLASS_PROBE.name)},
        "−ELBO, joint": numbers("neg_elbo_joint", ".2f"),
        "front": flags("pareto"),
    }
    return table("ranking-table", caption, ranked, columns)


def elbo(configurations: pd.DataFrame) -> Table:
    """ELBO and KL of every configuration, as `analysis.statistics.elbo` gives them."""
    caption = (
        "Test set, nats per image, means over finished seeds. objective = recon + β·KL is what"
        " training minimises and what the paper plots; −ELBO = recon + KL is the bound itself, on"
        " log p(x), with labels on log p(x|label). Joint: with labels, that of image and label,"
        " −ELBO + ln of the number of classes: so both kinds bound log p(x) and can be compared."
        " KL fraction: β·KL of the objective, the paper's; raw: KL of −ELBO. A latent is active"
        f" when the variance of its posterior mean exceeds {ACTIVE_VARIANCE:g}. IW bound: the"
        " importance-weighted bound; its gain is over the ELBO."
    )
    columns = {
        "configuration": words("configuration"),
        "seeds": numbers("n_seeds", ".0f"),
        "recon": numbers("recon", ".2f"),
        "KL": numbers("kl", ".2f"),
        "objective": numbers("objective", ".2f"),
        "−ELBO": numbers("neg_elbo", ".2f"),
        "joint": numbers("neg_elbo_joint", ".2f"),
        "KL fraction": numbers("kl_fraction", ".1%"),
        "raw": numbers("kl_fraction_raw", ".1%"),
        "active": numbers("active", ".1f"),
        "largest KL": numbers("kl_largest", ".2f"),
        "IW bound": numbers("iwae", ".2f"),
        "its gain": numbers("iwae_gain", ".2f"),
    }
    return table("elbo-table", caption, configurations, columns)


def ica(changes: pd.DataFrame) -> Table:
    """Every score before and after ICA, as `tables/ica.csv` has them."""
    caption = (
        "Every score on the latents, on their independent components (ICA) and on their principal"
        " components. Change: ICA minus latents; separated: the two 95% intervals do not overlap."
        " Converged: share of seeds whose ICA and classifier converged; components that did not"
        " converge depend on their first guess."
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
    """Scores beside their controls, a row a configuration and score; None without scores.

    Args:
        name: of the table.
        scores: a study's scores.
        shown: those of them to show.
    """
    if scores.empty:
        return None
    caption = (
        "Scores on the latents, over all test images, means over seeds, beside their floors and"
        " their ceiling: by chance, where that is known; of random rotations of the same codes; of"
        " an untrained encoder; of the principal components of the pixels, as many as there are"
        " latents; of the raw pixels; of shuffled factors; of the factors themselves as codes, and"
        f" their rotations. Bold: above every floor. {NOTHING}: cannot be computed, such as the"
        " score of an encoder without active latents; the column note of controls.csv says why."
    )
    wanted = own(scores)[lambda rows: rows["score"].isin(shown)]
    keys = [configuration(wanted["run"]).rename("configuration"), "score"]
    means = wanted.groupby(keys, sort=False)[["value", *CONTROLS]].mean().reset_index()
    floors = [name for name in CONTROLS if not name.startswith("oracle")]
    means["above"] = means["value"] > means[floors].max(axis=1).fillna(0.0)
    columns = {
        "configuration": words("configuration"),
        "score": lambda row: Cell(LABELS.get(row["score"], row["score"])),
        "value": numbers("value", strong="above"),
        **{CONTROLS[name]: numbers(name) for name in CONTROLS},
    }
    return table(name, caption, means, columns)


def sensitivity(verdicts: pd.DataFrame) -> Table:
    """Verdicts under other thresholds, as `sensitivity.csv` has them."""
    caption = (
        "Verdicts of the clauses that depend on a threshold, with it at half, as set, and at twice."
        " Margin: of a clause where the paper has a word and no figure; the others name the"
        " directions of the latents. Bold: not the verdict as set."
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
        "Latents that move one property of the picture alone, by run, and how many move the digit,"
        " several properties, or nothing."
    )
    rows = [{"run": one.run, **one.named, "still": one.n_still} for one in runs]
    columns = {
        "run": words("run"),
        **{name: _listed(name) for name in NAMES.values()},
        "the digit": lambda row: number(len(row["digit"]), ".0f"),
        "mixed": lambda row: number(len(row["mixed"]), ".0f"),
        "do not react": numbers("still", ".0f"),
    }
    return table("alignment-table", caption, pd.DataFrame(rows), columns)


def runs(trials: pd.DataFrame) -> Table:
    """Every run, as `study.trials` has them."""
    columns = {
        "run": words("run"),
        "seed": numbers("seed", ".0f"),
        "state": lambda row: Cell(row["state"], strong=row["state"] == "failed"),
        "epochs": numbers("epochs", ".0f"),
        "objective": numbers("objective", ".2f"),
        "−ELBO": numbers("neg_elbo", ".2f"),
        "KL": numbers("kl", ".2f"),
        "active": numbers("active", ".0f"),
        "seconds": numbers("seconds", ".0f"),
        "device": words("device"),
        "engine": words("engine"),
    }
    caption = "Every run: figures of its last epoch on the test set, in nats per image."
    return table("runs-table", caption, trials, columns)


def number(value: Any, form: str = ".3f", *, strong: bool = False) -> Cell:
    """A number as its format says, with a true minus; a dash where there is none."""
    if pd.isna(value):
        return Cell(NOTHING)
    return Cell(f"{float(value):{form}}".replace("-", "−"), float(value), strong)


def text(value: Any) -> str:
    """What a cell of a table says; "" where it says nothing."""
    return "" if value is None or value != value else str(value)


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

"""Every figure of a study: its table or arrays written, drawn, captioned and listed."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from matplotlib.figure import Figure

from analysis.factors import DEFAULT_FACTORS
from analysis.factors.binning import discretise
from analysis.figures import captions, charts, heatmaps, summaries
from analysis.figures.grids import Sheet, pack, unpack
from analysis.figures.inputs import Chosen, FigureInputs, Missing, MissingWeights
from analysis.figures.pictures import draw_sheet
from analysis.figures.sheets import SHEETS
from analysis.figures.style import draw_curves, save_figure
from analysis.statistics.elbo import Curves, paper_curves
from analysis.study import Study
from study.data import DataError
from study.storage.folder import Folder
from study.storage.tables import has_table

GALLERY = "gallery.json"
PAPER = (
    *("headline", "figure-1a", "figure-1b", "figure-1c", "figure-3a", "figure-3b", "figure-4a"),
    *("figure-4b", "figure-5", "figure-6a", "figure-6b", "figure-7a", "figure-7b", "figure-8"),
)
PICTURES = ("traversal-mean", "traversal-quantiles", "prior-samples")


class Shown(NamedTuple):
    """A figure that was drawn."""

    name: str  # of its files
    title: str
    caption: str
    group: str  # paper, scores, latents or pictures


class Drawn(NamedTuple):
    """What came of a study's figures."""

    shown: list[Shown]
    failures: dict[str, list[str]]  # reason -> the figures that could not be drawn


class Entry(NamedTuple):
    """A figure that a study may have."""

    name: str
    group: str
    title: str  # of a table; sheets and curves bring their own
    make: Callable[[FigureInputs], Any]  # a table, curves or a sheet; raises Missing
    draw: Callable[[Any], Figure]
    caption: Callable[[Any], str]
    from_weights: bool = False  # drawn from what was saved where weights or images are gone


def draw_all(
    study: Study, data_dir: Path | None = None, say: Callable[[str], None] = lambda _: None
) -> Drawn:
    """Draw every figure that a study has the runs, weights, scores and alignments for.

    Figures go to `figures/` as PNG and SVG; what they are drawn from to `tables/`, as CSV or NPZ;
    the list of them to `tables/gallery.json`, with those left out and the reason.

    Args:
        study: as it is, half done or not scored.
        data_dir: cache of MNIST; None: the default one.
        say: told at the end what was drawn.
    """
    inputs = FigureInputs(study, data_dir)
    shown, missing = [], []
    failures: dict[str, list[str]] = {}
    for entry in entries():
        try:
            shown.append(_show(entry, inputs))
        except Missing as reason:
            missing.append({"name": entry.name, "reason": str(reason)})
        except Exception as error:  # damaged weights, no data: it must not cost the other figures
            reason_ = " ".join(f"{type(error).__name__}: {error}".split())
            missing.append({"name": entry.name, "reason": reason_})
            failures.setdefault(reason_, []).append(entry.name)
    content = {"figures": [one._asdict() for one in shown], "missing": missing}
    text = json.dumps(content, indent=1, ensure_ascii=False)
    (study.folder / "tables").write(GALLERY, text.encode())
    left_out = f"; left out: {', '.join(one['name'] for one in missing)}" if missing else ""
    say(f"{len(shown)} figures are in {study.folder / 'figures'}{left_out}")
    return Drawn(shown, failures)


def entries() -> list[Entry]:
    """All figures, in the order of the paper and then by group."""
    found = {name: _curves(name) for name in PAPER if name[-2] in "3467"}
    for group, names in (("paper", PAPER), ("pictures", PICTURES)):
        for name in names:
            if name in SHEETS:
                make = SHEETS[name]
                found[name] = Entry(name, group, "", make, draw_sheet, lambda s: s.caption, True)
    return [*(found[name] for name in PAPER), *_CHARTS, *(found[name] for name in PICTURES)]


def _curves(name: str) -> Entry:
    def make(inputs: FigureInputs) -> Curves:
        panels = {panel.name: panel for panel in paper_curves(inputs.study.epochs)}
        if name not in panels:
            raise Missing("no run of its series has an epoch behind it")
        return panels[name]

    return Entry(name, "paper", "", make, draw_curves, captions.curves)


def _show(entry: Entry, inputs: FigureInputs) -> Shown:
    tables, name = inputs.study.folder / "tables", entry.name
    try:
        made = entry.make(inputs)
        _save(made, tables, name)
    except (MissingWeights, DataError):
        if not entry.from_weights or (made := _saved(tables, name)) is None:
            raise
    save_figure(entry.draw(made), inputs.study.folder, name)
    return Shown(name, _title(entry, made), entry.caption(made), entry.group)


def _title(entry: Entry, made: Any) -> str:
    if isinstance(made, Curves):
        return f"{made.title}: {made.metric.replace('_', ' ').replace('kl', 'KL')}"
    return str(entry.title or made.title)


def _save(made: Any, tables: Folder, name: str) -> None:
    if isinstance(made, Sheet):
        tables.write(f"{name}.npz", pack(made))
        return
    table = made.table if isinstance(made, Curves) else made
    tables.write(f"{name}.csv", table.to_csv(index=False).encode())


def _saved(tables: Folder, name: str) -> Sheet | pd.DataFrame | None:
    """What a figure was drawn from when the weights were here."""
    if tables.exists(f"{name}.npz"):
        return unpack(tables.read(f"{name}.npz"))
    if tables.exists(f"{name}.csv"):
        return pd.read_csv(io.BytesIO(tables.read(f"{name}.csv")))
    return None


def _ranked(inputs: FigureInputs, columns: list[str]) -> pd.DataFrame:
    if not has_table(inputs.study.folder, "ranking"):
        raise Missing("not scored yet: python -m analysis.score")
    table = summaries.scored(inputs.study.ranking, columns)
    if table.empty:
        raise Missing("no configuration has a score")
    return table


def _estimate(score: str) -> list[str]:
    return [score, f"{score}_low", f"{score}_high"]


def _pareto(inputs: FigureInputs) -> pd.DataFrame:
    return _ranked(inputs, ["neg_elbo", *_estimate("higgins"), "pareto"])


def _by_beta(inputs: FigureInputs) -> pd.DataFrame:
    return summaries.along_beta(_ranked(inputs, [*_estimate("higgins"), "n_scored"]))


def _ranking(inputs: FigureInputs) -> pd.DataFrame:
    beside = [f"higgins_{control}" for control in charts.CONTROLS]
    return _ranked(inputs, ["rank", *_estimate("higgins"), *_estimate("mig"), *beside])


def _ica(inputs: FigureInputs) -> pd.DataFrame:
    tables = inputs.study.folder / "tables"
    if not tables.exists("ica.csv"):
        raise Missing("not scored yet: python -m analysis.score")
    table = summaries.before_and_after(pd.read_csv(io.BytesIO(tables.read("ica.csv"))))
    if table.empty:
        raise Missing("no configuration has scores before and after ICA")
    return table


def _kl(inputs: FigureInputs) -> pd.DataFrame:
    if inputs.study.latents.empty:
        raise Missing("no run has finished")
    return summaries.kl_by_latent(inputs.study.latents)


def _slopes(inputs: FigureInputs) -> pd.DataFrame:
    if not has_table(inputs.study.folder, "alignment"):
        raise Missing("what the latents move was not measured yet: python -m analysis.score")
    runs = [one.run for one in inputs.compared()]
    table = summaries.slopes_by_digit(inputs.study.alignment, runs)
    if table["effect"].isna().all():
        raise Missing("no latent of the compared runs is aligned with a property")
    return table


def _information(inputs: FigureInputs) -> pd.DataFrame:
    def told(one: Chosen) -> pd.DataFrame:
        codes, names = inputs.means(one.run), list(DEFAULT_FACTORS)
        return summaries.mutual_information(codes, discretise(inputs.factors), names)

    return _of_compared(inputs, told)


def _plane(inputs: FigureInputs) -> pd.DataFrame:
    def seen(one: Chosen) -> pd.DataFrame:
        codes = inputs.means(one.run)
        known = inputs.factors[["slant_rad", "thickness_px"]].assign(digit=inputs.digits)
        return summaries.plane(codes, known)

    table = _of_compared(inputs, seen)
    if table.empty:
        raise Missing("no compared run uses two latents")
    return table


def _of_compared(inputs: FigureInputs, table_of: Callable[[Chosen], pd.DataFrame]) -> pd.DataFrame:
    """A table of each compared run, one below the other, with the run's axes."""
    parts = []
    for one in inputs.compared():
        table = table_of(one)
        for place, (name, value) in enumerate(one._asdict().items()):
            table.insert(place, name, value)
        parts.append(table)
    return pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)


_CHARTS = [
    Entry("ranking", "scores", "Ranking by disentanglement", _ranking,
          charts.draw_ranking, captions.ranking),
    Entry("pareto", "scores", "Bound and disentanglement", _pareto,
          charts.draw_pareto, captions.pareto),
    Entry("higgins-by-beta", "scores", "Higgins score by β", _by_beta,
          charts.draw_score_by_beta, captions.score_by_beta),
    Entry("before-and-after-ica", "scores", "Scores before and after ICA", _ica,
          charts.draw_before_and_after, captions.before_and_after),
    Entry("kl-by-latent", "latents", "KL of every latent", _kl, heatmaps.draw_kl, captions.kl),
    Entry("mutual-information", "latents", "What latents tell of factors", _information,
          heatmaps.draw_information, captions.information, True),
    Entry("slopes-by-digit", "latents", "Aligned latents, digit by digit", _slopes,
          heatmaps.draw_slopes, captions.slopes),
    Entry("latent-space", "latents", "Codes of test images", _plane,
          charts.draw_plane, captions.plane, True),
]  # fmt: skip

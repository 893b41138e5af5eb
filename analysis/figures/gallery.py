"""Every figure of a study: its table or pictures written, drawn, captioned and listed."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from analysis.figures import style
from analysis.figures.charts import (
    along_beta,
    before_and_after_ica,
    curves,
    heat_maps,
    kl_by_latent,
    latent_space,
    pareto,
    ranking,
)
from analysis.figures.inputs import FigureInputs, Missing, MissingWeights, StudyFigure
from analysis.figures.pictures import (
    aligned_latents,
    prior_samples,
    reconstructions,
    traversals,
)
from analysis.figures.pictures.sheet import Sheet, pack, unpack
from analysis.study import Study
from study.config.errors import StudyError, reason
from study.data import DataError
from study.storage.checksums import UNSEALED, seal
from study.storage.folder import Folder
from study.storage.tables import read_result, write_table

GALLERY = "gallery.json"
FIGURES: list[StudyFigure] = [  # in the order of the paper and then by group
    traversals.HEADLINE,
    *traversals.FIGURE_1,
    *curves.STANDARD,  # figure 3
    *curves.BETA,  # figure 4
    reconstructions.FIGURE,  # figure 5
    *curves.CONDITIONAL,  # figure 6
    *curves.CONDITIONING,  # figure 7
    aligned_latents.FIGURE,  # figure 8
    ranking.FIGURE,
    pareto.FIGURE,
    along_beta.FIGURE,
    before_and_after_ica.FIGURE,
    kl_by_latent.FIGURE,
    *heat_maps.FIGURES,
    latent_space.FIGURE,
    traversals.AROUND_THE_MEAN,
    traversals.OVER_QUANTILES,
    prior_samples.FIGURE,
]


class GalleryItem(NamedTuple):
    """A figure that was drawn."""

    name: str  # of its files
    title: str
    caption: str
    group: str  # paper, scores, latents or pictures


class Drawn(NamedTuple):
    """What came of a study's figures."""

    items: list[GalleryItem]
    failures: dict[str, list[str]]  # reason -> the figures that could not be drawn


def draw_all(
    study: Study,
    data_dir: Path | None = None,
    say: Callable[[str], None] = lambda _: None,
    kinds: Sequence[str] = style.KINDS,
    figures: Sequence[StudyFigure] = FIGURES,
    advance: Callable[[str, int, int], None] = lambda *_: None,
) -> Drawn:
    """Draw every figure that a study has the runs, weights, scores and alignments for.

    Figures go to `figures/`; what they are drawn from to `tables/`, as CSV or NPZ; the list
    of them to `tables/gallery.json`, with those left out and the reason.

    Args:
        study: as it is, half done or not scored.
        data_dir: cache of the data set; None: the default one.
        say: gets what was drawn, at the end.
        kinds: of files: png, svg or pdf.
        figures: to draw; the others are not listed.
        advance: gets the stage, how many of its steps are done, and of how many.
    """
    inputs = FigureInputs(study, data_dir)
    items, missing = [], []
    failures: dict[str, list[str]] = {}
    for done, figure in enumerate(figures):
        advance("drawing", done, len(figures))
        try:
            items.append(_draw(figure, inputs, kinds))
        except Missing as lack:
            missing.append({"name": figure.name, "reason": str(lack)})
        except Exception as error:  # damaged weights, no data: it must not cost the other figures
            missing.append({"name": figure.name, "reason": reason(error)})
            failures.setdefault(reason(error), []).append(figure.name)
    content = {"figures": [item._asdict() for item in items], "missing": missing}
    text = json.dumps({**content, "checksum": UNSEALED}, indent=1, ensure_ascii=False)
    try:
        (study.folder / "tables").write(GALLERY, seal(text.encode()))
    except OSError as error:
        failures.setdefault(reason(error), []).append(GALLERY)
        return Drawn(items, failures)
    left_out = f"; left out: {', '.join(one['name'] for one in missing)}" if missing else ""
    say(f"{len(items)} figures are in {study.folder / 'figures'}{left_out}")
    return Drawn(items, failures)


def _draw(figure: StudyFigure, inputs: FigureInputs, kinds: Sequence[str]) -> GalleryItem:
    tables, name = inputs.study.folder / "tables", figure.name
    try:
        content = figure.make(inputs)
        _save(content, tables, figure)
    except (MissingWeights, DataError):
        if not figure.from_weights or (content := _saved(tables, name)) is None:
            raise
    style.save_figure(figure.draw(content), inputs.study.folder, name, kinds)
    title = figure.title if isinstance(figure.title, str) else figure.title(content)
    return GalleryItem(name, title, figure.caption(content), figure.group)


def _save(content: Any, tables: Folder, figure: StudyFigure) -> None:
    if isinstance(content, Sheet):
        tables.write(f"{figure.name}.npz", pack(content))
        return
    table = content.table if isinstance(content, curves.Curves) else content
    if figure.from_weights:  # to be read again
        write_table(tables, figure.name, table, None)
    tables.write(f"{figure.name}.csv", table.to_csv(index=False).encode())


def _saved(tables: Folder, name: str) -> Sheet | pd.DataFrame | None:
    """What a figure was drawn from when the weights were here; the arrays of an .npz have a CRC.

    Raises:
        StudyError: that file is damaged; names it.
    """
    again, file = "study report where the weights are", f"{name}.npz"
    if not tables.exists(file):
        return read_result(tables, name, again)
    try:
        return unpack(tables.read(file))
    except Exception as error:  # of damage NumPy's parts have an error each
        why = reason(error)
        raise StudyError(f"{tables}/{file} is damaged: {why}; repeat {again}") from None

"""The latent explorer: a study's decoders in one page that runs offline."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import numpy.typing as npt
import pandas as pd
from markupsafe import Markup

from analysis.factors.examples import examples
from analysis.factors.image_set import measured
from analysis.latent_effects.alignment import NAMES, PROPERTIES, UNITS
from analysis.report.explorer.board import (
    Board,
    OnBoard,
    choose,
    configuration_of,
    load,
    ranks_of,
)
from analysis.report.explorer.decoder import N_SAMPLES, difference
from analysis.report.explorer.layers import as_payload, n_bytes
from analysis.report.explorer.sliders import (
    component_sliders,
    knob_sliders,
    latent_sliders,
    packed,
    unaligned_sliders,
)
from analysis.representations.encode import posterior_means, prior_samples
from analysis.representations.traversal import aggregated_samples, scale_of
from analysis.statistics.wording import count, listing
from analysis.study import Study
from study.data import Dataset
from study.data.dataset import pixel_rows
from study.data.verified_files import data_dir
from study.models import Vae
from study.models.priors import ClassNormalPrior
from study.storage.tables import has_table

PAGE = "explorer.html"
SCRIPTS = (
    "payload.js",
    "layers.js",
    "decoder.js",
    "morphometry.js",
    "lines.js",
    "link.js",
    "pane.js",
    "explorer.js",
)

N_IMAGES = 20  # to start from; of more classes than that, so many are shown
SEEN = (1, 99)  # percentiles of the property among real digits, the ends of its meter


def write_explorer(
    study: Study, data_folder: Path | None = None, runs: Sequence[str] | None = None
) -> str:
    """Write `explorer.html` to a study's folder; returns its place.

    Args:
        study: trained; without alignments its latents stand unnamed, in the order of their KL.
        data_folder: cache of MNIST; None for the user's.
        runs: on board, the first one shown; None for those of `choose`.

    Raises:
        NothingToShow: no run has its weights, or a decoder that the page can show.
        StudyError: one of `runs` is unknown, or the images are not to be had.
    """
    board = load(study, dict.fromkeys(runs)) if runs else choose(study)
    study.folder.write(PAGE, render(payload(study, board, data_folder)).encode())
    return f"{study.folder}/{PAGE}"


def payload(study: Study, board: Board, data_folder: Path | None = None) -> dict[str, Any]:
    """Everything that the page shows, as plain values.

    Args:
        study: trained.
        board: runs of it.
        data_folder: cache of MNIST.
    """
    data = study.images(data_folder)
    chosen = examples(data, N_IMAGES)
    properties, first = [], 0
    if data.measure == "strokes":
        values = measured(data.test_images, PROPERTIES, cache=data_dir(data_folder))
        properties = _properties(values)
        # The most ordinary of the images comes first: every knob has room both ways.
        apart = ((values - values.mean()) / values.std(ddof=0)).iloc[chosen]
        first = int((apart**2).sum(axis=1).to_numpy().argmin())
    channels, height, width, n_classes = data.shape
    shown = range(n_classes) if n_classes <= N_IMAGES else np.unique(data.test_labels[chosen])
    return {
        "study": study.folder.name,
        "image": {"channels": channels, "height": height, "width": width},
        "noun": data.noun,
        "classes": {int(label): data.class_name(int(label)) for label in shown},
        "n_classes": n_classes,
        "images": packed(pixel_rows(data.test_images[chosen]), "u1"),
        "labels": data.test_labels[chosen].tolist(),
        "first": str(first),
        "properties": properties,
        "runs": [_run(study, one, data, chosen, list(shown)) for one in board.runs],
        "left_out": board.left_out,
    }


def render(content: dict[str, Any]) -> str:
    """The page of a payload."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("analysis.report.explorer"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    data = json.dumps(content, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
    names = [one["name"] for one in content["properties"]]
    return environment.get_template("explorer.html.j2").render(
        study=content["study"],
        noun=content["noun"],
        shown=len(content["classes"]),
        n_classes=content["n_classes"],
        left_out=content["left_out"],
        measured=listing(names).capitalize() if names else "",
        storage=_storage(content["runs"]),
        payload=Markup(data),
        scripts=SCRIPTS,
    )


def _run(
    study: Study, shown: OnBoard, data: Dataset, chosen: npt.NDArray[np.int64], classes: list[int]
) -> dict[str, Any]:
    """What the page knows of a run; `chosen` are its images, `classes` those it can draw."""
    model = shown.model
    means = posterior_means(model, data.test_images[chosen], data.test_labels[chosen])
    rank = ranks_of(study).get(configuration_of(shown.run))
    in_turn = np.resize(classes or [0], N_SAMPLES)
    return {
        "run": shown.run,
        "title": shown.title,
        "menu": f"{shown.title} (rank {rank})" if rank else shown.title,
        "latent_dim": model.latent_dim,
        "classes": model.n_classes,
        "starts": np.round(means.astype(np.float64), 4).tolist(),
        "prior": packed(prior_samples(model, N_SAMPLES, in_turn), "<f4"),
        "class_means": _class_means(model),
        "layers": as_payload(shown.layers),
        "bytes": n_bytes(shown.layers),
        "difference": difference(model, shown.layers, means),
        "bases": _bases(study, shown, data),
    }


def _class_means(model: Vae) -> list[list[float]] | None:
    """Mean of the prior of each class, where the labels are in the prior (the paper's eq. 7)."""
    if not isinstance(model.prior, ClassNormalPrior):
        return None
    means = model.prior.mean.detach().double().cpu()
    return [[round(float(value), 4) for value in row] for row in means]


def _bases(study: Study, shown: OnBoard, data: Dataset) -> dict[str, Any]:
    """The sliders of a run by basis; latents alone, unnamed, where it has not been measured."""
    rows = study.alignment if has_table(study.folder, "alignment") else None
    own = {} if rows is None else dict(list(rows[rows["run"] == shown.run].groupby("basis")))
    scale = scale_of(shown.model, data.test_images, data.test_labels)
    if not own:
        latents = study.latents
        return {"latent": unaligned_sliders(latents[latents["run"] == shown.run], scale)}
    sliders = {"latent": latent_sliders(own["latent"], scale)}
    if "knob" in own and has_table(study.folder, "knobs"):
        rows = study.knobs[study.knobs["run"] == shown.run]
        sliders["knob"] = knob_sliders(rows, shown.model.latent_dim)
    if "ica" in own:
        samples = aggregated_samples(shown.model, data.test_images, data.test_labels)
        sliders["ica"] = component_sliders(own["ica"], samples.mean(axis=0))
    return sliders


def _properties(values: pd.DataFrame) -> list[dict[str, Any]]:
    """Of each property its names, its unit and its range among real images."""
    properties = []
    for column in PROPERTIES:
        low, high = np.percentile(values[column], SEEN)
        name = NAMES[column]
        words = {"name": name, "title": name.capitalize(), "unit": UNITS[column]}
        ends = {"low": round(float(low), 3), "high": round(float(high), 3)}
        properties.append({**words, "column": column, **ends})
    return properties


def _storage(runs: list[dict[str, Any]]) -> str:
    """How the decoders are stored, in words."""
    sizes = sorted({f"{run['bytes'] / 1e6:.2f}" for run in runs}, key=float)
    worst = max(run["difference"] for run in runs)
    each = " to ".join(dict.fromkeys((sizes[0], sizes[-1])))
    return (
        f"{count(len(runs), 'decoder')} on board, {each} MB each, stored in 16 bits;"
        f" largest pixel difference from PyTorch measured: {worst:.1g} of 1, over {N_SAMPLES}"
        " samples of the prior and the starting images."
    )

"""What the explorer's page is given: images, runs with their networks, sliders, maps."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.factors.examples import examples
from analysis.factors.image_set import measured
from analysis.latent_effects.alignment import NAMES, PROPERTIES, UNITS
from analysis.report.explorer.board import Board, OnBoard, configuration_of, ranks_of
from analysis.report.explorer.networks import N_SAMPLES, decoder_difference, encoder_difference
from analysis.report.explorer.places import map_payload, on_map, run_map
from analysis.report.explorer.sliders import (
    component_sliders,
    knob_sliders,
    latent_sliders,
    packed,
    unaligned_sliders,
)
from analysis.report.explorer.weights import as_payload, layers_of
from analysis.representations.encode import posterior_means, prior_samples
from analysis.representations.traversal import aggregated_samples, scale_of
from analysis.study import Study
from study.data import Dataset
from study.data.dataset import pixel_rows
from study.data.verified_files import data_dir
from study.models import Vae
from study.models.priors import ClassNormalPrior
from study.storage.tables import has_table

N_IMAGES = 20  # to start from; of more classes than that, so many are shown
SEEN = (1, 99)  # percentiles of the property among real digits, the ends of its meter
MNIST_LIKE = (1, 28, 28)  # pictures that a drawing can be brought into the form of

Ints = npt.NDArray[np.int64]


class Chosen(NamedTuple):
    """Indices of the test images in the page."""

    starts: Ints
    on_map: Ints


def payload(study: Study, board: Board, data_folder: Path | None = None) -> dict[str, Any]:
    """Everything that the page shows, as plain values.

    Args:
        study: trained.
        board: runs of it.
        data_folder: cache of MNIST.
    """
    data = study.images(data_folder)
    chosen = Chosen(examples(data, N_IMAGES), on_map(data))
    properties, first = [], 0
    if data.measure == "strokes":
        values = measured(data.test_images, PROPERTIES, cache=data_dir(data_folder))
        properties = _properties(values)
        # The most ordinary of the images comes first: every knob has room both ways.
        apart = ((values - values.mean()) / values.std(ddof=0)).iloc[chosen.starts]
        first = int((apart**2).sum(axis=1).to_numpy().argmin())
    channels, height, width, n_classes = data.shape
    labels = data.test_labels[chosen.starts]
    shown = range(n_classes) if n_classes <= N_IMAGES else np.unique(labels)
    return {
        "study": study.folder.name,
        "image": {"channels": channels, "height": height, "width": width},
        "noun": data.noun,
        "classes": {int(label): data.class_name(int(label)) for label in shown},
        "n_classes": n_classes,
        "images": packed(pixel_rows(data.test_images[chosen.starts]), "u1"),
        "labels": labels.tolist(),
        "first": str(first),
        "properties": properties,
        "drawing": data.noun == "digit" and data.shape.image == MNIST_LIKE,
        "map": map_payload(data, chosen.on_map),
        "runs": [_run(study, one, data, chosen, list(shown)) for one in board.runs],
        "n_finished": int(study.trials["state"].eq("done").sum()),
        "left_out": board.left_out,
    }


def _run(
    study: Study, shown: OnBoard, data: Dataset, chosen: Chosen, classes: Sequence[int]
) -> dict[str, Any]:
    """What the page knows of a run; `classes` are those that it can draw."""
    model, few = shown.model, chosen.starts
    means = posterior_means(model, data.test_images[few], data.test_labels[few])
    group = configuration_of(shown.run)
    rank = ranks_of(study).get(group)
    in_turn = np.resize(classes or [0], N_SAMPLES)
    encoder = layers_of(shown.encoder)
    off = encoder_difference(model, encoder, *_of(data, chosen.on_map)) if encoder else None
    return {
        "run": shown.run,
        "group": group,
        "title": shown.title,
        "menu": f"{shown.configuration} (rank {rank})" if rank else shown.configuration,
        "seed": shown.config.seed,
        "agreement": _agreement(study, group),
        "latent_dim": model.latent_dim,
        "classes": model.n_classes,
        "starts": np.round(means.astype(np.float64), 4).tolist(),
        "prior": packed(prior_samples(model, N_SAMPLES, in_turn), "<f4"),
        "class_means": _class_means(model),
        "decoder": as_payload(shown.decoder),
        "encoder": as_payload(shown.encoder),
        "no_encoder": shown.no_encoder,
        "bytes": shown.size,
        "difference": decoder_difference(model, layers_of(shown.decoder), means),
        "code_difference": off,
        "bases": _bases(study, shown, data),
        "map": run_map(model, data, chosen.on_map),
    }


def _of(data: Dataset, chosen: Ints) -> tuple[npt.NDArray[np.uint8], Ints]:
    return data.test_images[chosen], data.test_labels[chosen]


def _agreement(study: Study, group: str) -> float | None:
    """Mean UDR of the pairs of seeds of a configuration; None where it has not been computed."""
    if not has_table(study.folder, "udr"):
        return None
    values = study.udr.loc[study.udr["configuration"] == group, "value"].dropna()
    return round(float(values.mean()), 3) if len(values) else None


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

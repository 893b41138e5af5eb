"""What the page shows of a run that is picked: its pictures, and its place in the explorer."""

import base64
import io
import json
import re
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from analysis.factors.examples import examples
from analysis.figures.pictures.reconstructions import reconstructions
from analysis.figures.pictures.sheet import mosaic
from analysis.report.explorer.page import PAGE
from analysis.representations.encode import decode, grey_levels, prior_samples
from analysis.study import Study
from study.config.errors import StudyError, reason
from study.data import Dataset
from study.models import Vae
from study.storage.folder import Folder

PICTURES = "run-pictures.npz"
MOST_BYTES = 2_000_000  # of all runs' pictures together, as PNG
ACROSS = 10  # pictures in a row

Pixels = npt.NDArray[np.uint8]


class RunPictures(NamedTuple):
    """Pictures of runs: originals, their reconstructions and samples of the prior, a row each."""

    sources: dict[str, str]  # run -> a data URI
    size: tuple[int, int]  # width and height in pixels


def run_pictures(study: Study, data_folder: Path | None = None) -> RunPictures:
    """Pictures of every finished run, drawn where its weights are and kept in `tables/`.

    Args:
        study: its runs without weights keep the pictures that were drawn elsewhere.
        data_folder: cache of the data; None: the default one.

    Raises:
        StudyError: what was kept is damaged, and of a run the weights are not here.
    """
    done = study.trials[study.trials["state"] == "done"]
    # A run that was trained on has other pictures.
    keys = [f"{run}@{n}" for run, n in zip(done["run"], done["epochs"], strict=True)]
    drawable = [key for key in keys if study.has_weights(_run(key))]
    saved = _saved(study.folder / "tables", needed=len(drawable) < len(keys))
    kept = {key: saved[key] for key in keys if key in saved}
    lacking = [key for key in drawable if key not in kept]
    if lacking:
        for key in lacking:
            with suppress(StudyError):  # damaged weights cost their own run; scoring names them
                kept[key] = _drawn(study, _run(key), study.images(data_folder))
        _save(study.folder / "tables", {key: kept[key] for key in keys if key in kept})
    sources: dict[str, str] = {}
    size, left = (0, 0), MOST_BYTES
    for key, pixels in kept.items():
        content = _png(pixels)
        left -= len(content)
        if left < 0:
            break
        size = pixels.shape[1], pixels.shape[0]
        sources[_run(key)] = f"data:image/png;base64,{base64.b64encode(content).decode()}"
    return RunPictures(sources, size)


def on_board(study: Folder) -> list[str] | None:
    """The runs whose models the study's explorer has, as it lies there; None without one."""
    if not study.exists(PAGE):
        return None
    payload = re.search(r'id="payload">(.*?)</script>', study.read(PAGE).decode(), re.DOTALL)
    try:
        return [str(one["run"]) for one in json.loads(payload[1])["runs"]] if payload else []
    except (ValueError, KeyError, TypeError):  # of another version
        return []


def _drawn(study: Study, run: str, data: Dataset) -> Pixels:
    model: Vae = study.model(run)[0]
    shown = examples(data)[:ACROSS]
    labels = data.test_labels[shown].astype(np.int64)
    rows = reconstructions({"": model}, data.test_images[shown], labels).images
    codes = prior_samples(model, len(shown), labels)
    return mosaic(np.concatenate([rows, grey_levels(decode(model, codes, labels))[None]]))


def _run(key: str) -> str:
    return key.rpartition("@")[0]


def _saved(tables: Folder, needed: bool) -> dict[str, Pixels]:
    if not tables.exists(PICTURES):
        return {}
    try:
        with np.load(io.BytesIO(tables.read(PICTURES))) as arrays:  # which have a CRC each
            return dict(arrays)
    except Exception as error:  # of damage NumPy's parts have an error each
        if not needed:
            return {}  # all are drawn anew
        raise StudyError(
            f"{tables}/{PICTURES} is damaged: {reason(error)}; delete it, or repeat study report"
            " where the weights are"
        ) from None


def _save(tables: Folder, pictures: dict[str, Pixels]) -> None:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **pictures)  # type: ignore[arg-type]
    tables.write(PICTURES, buffer.getvalue())


def _png(pixels: Pixels) -> bytes:
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG", optimize=True)
    return content.getvalue()

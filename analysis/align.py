"""What every direction of every run moves, as one table; computed over Ray, and only once."""

from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import ray
import torch
from ray.exceptions import RayError
from threadpoolctl import threadpool_limits

from analysis import bases, ica
from analysis.alignment import (
    PER_DIGIT,
    PROPERTIES,
    Moves,
    Pictures,
    Starts,
    align,
    axes,
    knobs,
    moves,
    some_of_every_digit,
)
from analysis.encode import encode
from analysis.runs import Study
from analysis.scores import content_key
from analysis.traversal import Directions, aggregated_samples
from study.results import has_table, read_table, write_table
from study.storage import Folder
from study.vae import Vae

VERSION = 1  # part of every key; raise it whenever a figure changes
BASES = ("latent", "ica", "knob")
_AXES = ["run", "latent_dim", "beta", "conditioning", "seed"]
_FIGURES = ("slope", "leakage", "effect", "picture_change", "class_change", *PROPERTIES)
ALIGNMENT = pa.schema(
    [
        pa.field("run", pa.string()),
        pa.field("latent_dim", pa.int64()),
        pa.field("beta", pa.float64()),
        pa.field("conditioning", pa.string()),
        pa.field("seed", pa.int64()),
        pa.field("basis", pa.string()),  # latent, ica, knob
        pa.field("direction", pa.int64()),  # counts from 1: latent, component, place in PROPERTIES
        pa.field("property", pa.string()),  # thickness, slant, width, digit, mixed, none
        *(pa.field(name, pa.float64()) for name in _FIGURES),
        pa.field("n_digits", pa.int64()),
        pa.field("digit_effects", pa.list_(pa.float64())),  # 10 digits x 3 properties, row by row
        pa.field("vector", pa.list_(pa.float64())),  # one step of it, in latents
        pa.field("key", pa.string()),
    ]
)


def align_study(
    study: Study,
    pictures: Callable[[], Pictures],
    connect: Callable[[], None],
    say: Callable[[str], None] = lambda _: None,
) -> dict[str, str]:
    """Compute and write what a study lacks of its alignments; returns who failed and why.

    Args:
        study: the table `alignment` goes to its folder. Rows of runs whose weights are not here
            stay as they are.
        pictures: called once, and only where something is missing.
        connect: joins Ray; the same.
        say: told of progress, a line at a time.
    """
    old = read_table(study.folder, "alignment") if has_table(study.folder, "alignment") else None
    done = study.trials.query("state == 'done'")["run"]
    keys = {run: _key(study, run) for run in done if study.has_weights(run)}
    known = set() if old is None else set(old["key"])
    todo = [run for run, key in keys.items() if key not in known]
    stale = set(keys) - {run for run, key in keys.items() if key in known}
    parts = [] if old is None else [old[old["run"].isin(done) & ~old["run"].isin(stale)]]
    failed: dict[str, str] = {}
    if todo:
        connect()
        say(f"measuring what the latents of {len(todo)} runs move")
        shared, task = ray.put(pictures()), ray.remote(_task)
        pending = {task.remote(str(study.folder), run, shared): run for run in todo}
        while pending:
            (ready, *_), _ = ray.wait(list(pending), num_returns=1)
            run = pending.pop(ready)
            try:
                parts.append(ray.get(ready).assign(run=run, key=keys[run]))
            except RayError as error:
                failed[run] = f"{type(error).__name__}: {str(error).strip().splitlines()[-1]}"
            say(f"{run} {'failed' if run in failed else 'measured'} ({len(pending)} left)")
    if todo or (old is not None and len(parts[0]) < len(old)):
        write_table(study.folder, "alignment", _joined(study.trials, parts), ALIGNMENT)
        study.forget("alignment")
    return failed


def align_model(model: Vae, pictures: Pictures) -> pd.DataFrame:
    """What the directions of one model move: a row a direction of every basis.

    Args:
        model: trained.
        pictures: test images of every digit.

    Returns:
        basis, direction, the columns of `alignment.align`, digit_effects, vector.
    """
    chosen = some_of_every_digit(pictures.digits, PER_DIGIT)
    codes = encode(model, pictures.images[chosen], pictures.digits[chosen]).mean
    starts = Starts(codes.astype(np.float64), pictures.digits[chosen], pictures.spread)
    found = {}
    tables = []
    for basis, lines in directions(model, pictures).items():
        found[basis] = moves(model, starts, lines, pictures.reader)
        tables.append(_rows(basis, lines, found[basis], pictures.spread))
        if basis == "latent":
            mixed = knobs(found[basis], lines, pictures.spread)
            tables.append(
                _rows(
                    "knob",
                    mixed,
                    moves(model, starts, mixed, pictures.reader),
                    pictures.spread,
                    own=range(len(PROPERTIES)),
                )
            )
    return pd.concat(tables, ignore_index=True)


def directions(model: Vae, pictures: Pictures) -> dict[str, Directions]:
    """The latents of a model, and the independent components of its codes, as directions."""
    codes = encode(model, pictures.images, pictures.digits).mean.astype(np.float64)
    samples = aggregated_samples(model, pictures.images, pictures.digits)
    unit = np.eye(model.latent_dim)
    found = {"latent": axes(samples, unit, unit)}
    if len(bases.latent(codes).active):
        components = ica.fit(codes)
        found["ica"] = axes(samples, components.mixing, components.unmixing)
    return found


def _rows(
    basis: str,
    lines: Directions,
    found: Moves,
    spread: npt.NDArray[np.float64],
    own: Iterable[int] | None = None,
) -> pd.DataFrame:
    table = align(found, spread, own)
    table.insert(0, "basis", basis)
    table.insert(1, "direction", np.arange(1, len(table) + 1))
    table["digit_effects"] = pd.Series(list((found.slopes / spread).reshape(len(table), -1)))
    table["vector"] = pd.Series(list(lines.steps))
    return table


def _task(folder: str, run: str, pictures: Pictures) -> pd.DataFrame:
    torch.set_num_threads(1)
    with threadpool_limits(limits=1):
        model, _ = Study(Folder(folder)).model(run)
        return align_model(model, pictures)


def _key(study: Study, run: str) -> str:
    settings = f"alignment {VERSION} {PER_DIGIT}"
    return content_key(settings, run, study.weights(run))


def _joined(trials: pd.DataFrame, parts: list[pd.DataFrame]) -> pd.DataFrame:
    """The table, in the order of the trials."""
    rest = [name for name in ALIGNMENT.names if name not in _AXES]
    whole = pd.concat(parts, ignore_index=True)
    table = trials[_AXES].merge(whole[["run", *rest]], on="run")
    order = {basis: place for place, basis in enumerate(BASES)}
    place = {run: index for index, run in enumerate(trials["run"])}
    by = table.assign(_run=table["run"].map(place), _basis=table["basis"].map(order))
    by = by.sort_values(["_run", "_basis", "direction"], ignore_index=True)
    return by[list(ALIGNMENT.names)]

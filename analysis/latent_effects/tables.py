"""What every direction of every run moves, and how its reconstructions look, as tables.

Computed over Ray, and only where they are missing.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import ray
import torch
from ray.exceptions import RayError
from threadpoolctl import threadpool_limits

from analysis.factors import FACTORS
from analysis.factors.image_set import content_key
from analysis.latent_effects.alignment import (
    PER_DIGIT,
    PROPERTIES,
    Moves,
    Pictures,
    Starts,
    align,
    axes,
    moves,
    properties_of,
)
from analysis.latent_effects.floors import floor_table
from analysis.latent_effects.knobs import COLUMNS, edit_directions, fit_knobs, obtained
from analysis.latent_effects.pictures import N_FLOOR
from analysis.latent_effects.reconstruction import N_IMAGES, reconstruction
from analysis.representations import bases, ica
from analysis.representations.encode import posterior_means
from analysis.representations.traversal import Directions, aggregated_samples
from analysis.study import Study
from study.config.errors import StudyError
from study.models.vae import Vae
from study.storage.folder import Folder
from study.storage.tables import AXIS_FIELDS, has_table, read_table, write_table

VERSION = 4  # part of every key; raise it whenever a figure changes
BASES = ("latent", "ica", "knob")
MOST_CLASSES = 10
_RUN = [field.name for field in AXIS_FIELDS]
_FIGURES = ("slope", "leakage", "excess", "effect", "picture_change", "class_change")


def alignment_schema(properties: Iterable[str]) -> pa.Schema:
    """Of the table `alignment`, with a column a property."""
    return pa.schema(
        [
            *AXIS_FIELDS,
            pa.field("basis", pa.string()),  # latent, ica, knob
            pa.field("direction", pa.int64()),  # counts from 1: latent, component, property
            pa.field("property", pa.string()),  # thickness, ..., digit, mixed, none
            *(pa.field(name, pa.float64()) for name in (*_FIGURES, *properties)),
            pa.field("n_digits", pa.int64()),
            pa.field("digit_effects", pa.list_(pa.float64())),  # digits x properties, row by row
            pa.field("vector", pa.list_(pa.float64())),  # one step of it, in latents
            pa.field("key", pa.string()),
        ]
    )


ALIGNMENT = alignment_schema(PROPERTIES)
_CHANGES = ("asked", "obtained", "obtained_sd", *PROPERTIES, "class_change")
KNOBS = pa.schema(
    [
        *AXIS_FIELDS,
        pa.field("property", pa.string()),  # thickness, slant, width
        *(pa.field(name, pa.float64()) for name in _CHANGES),
        pa.field("holds", pa.bool_()),
        pa.field("shift", pa.list_(pa.float64())),  # of the latents
        pa.field("key", pa.string()),
    ]
)
FLOORS = pa.schema(
    [
        pa.field("property", pa.string()),
        pa.field("operation", pa.string()),
        *(pa.field(name, pa.float64()) for name in ("leakage", *PROPERTIES)),
    ]
)
RECONSTRUCTION = pa.schema(
    [
        *AXIS_FIELDS,
        *(pa.field(name, pa.float64()) for name in ("blur", "readable", "readable_original")),
        pa.field("n_images", pa.int64()),
        pa.field("key", pa.string()),
    ]
)
TABLES = {"alignment": ALIGNMENT, "knobs": KNOBS, "reconstruction": RECONSTRUCTION}


def align_study(
    study: Study,
    pictures: Callable[[], Pictures],
    connect: Callable[[], None],
    say: Callable[[str], None] = lambda _: None,
    advance: Callable[[str, int, int], None] = lambda *_: None,
) -> dict[str, str]:
    """Compute and write what a study lacks of these tables; returns who failed and why.

    Args:
        study: the tables go to its folder. Rows of runs whose weights are not here stay as they
            are.
        pictures: called once, and only where something is missing.
        connect: joins Ray; the same.
        say: takes news of progress, a line at a time.
        advance: gets the stage, how many of its runs are done, and of how many.
    """
    done = study.trials.query("state == 'done'")["run"]
    keys, failed = dict[str, str](), dict[str, str]()
    for run in filter(study.has_weights, done):
        try:
            keys[run] = _key(study, run)
        except StudyError as error:  # its files are damaged; the rows that it has stay
            failed[run] = str(error)
    tables = {name: _kept(study, name, keys) for name in TABLES}
    todo = [
        run
        for run in keys
        if any(run not in set(tables[name]["run"]) for name in ("alignment", "reconstruction"))
    ]  # no knob may reach anything: a run need not be in their table
    if not todo:
        return failed
    advance("aligning", 0, len(todo))
    connect()
    say(
        "measuring what the latents move, of "
        + ("1 run" if len(todo) == 1 else f"{len(todo)} runs")
    )
    given = pictures()
    if not given.measurer.factors:
        say("no known factor can be read from the pictures: what the latents move is not measured")
        return failed
    if given.measurer.factors == FACTORS:
        write_table(study.folder, "floors", floor_table(given.floor), FLOORS)
        study.forget("floors")
    shared, task = ray.put(given), ray.remote(_task)
    pending = {task.remote(str(study.folder), run, shared): run for run in todo}
    while pending:
        (ready, *_), _ = ray.wait(list(pending), num_returns=1)
        run = pending.pop(ready)
        try:
            for name, rows in ray.get(ready).items():
                fresh = rows.assign(run=run, key=keys[run])
                others = tables[name][tables[name]["run"] != run]
                tables[name] = pd.concat([others, fresh]) if len(others) else fresh
                _write(study, name, tables[name])
        except RayError as error:
            failed[run] = f"{type(error).__name__}: {str(error).strip().splitlines()[-1]}"
        if run in failed:
            say(f"{run} failed")
        advance("aligning", len(todo) - len(pending), len(todo))
    return failed


class Effects(NamedTuple):
    """What the directions and the knobs of one model move, on images they were not fitted to."""

    alignment: pd.DataFrame  # basis, direction, the columns of `align`, digit_effects, vector
    knobs: pd.DataFrame  # the columns of `obtained`


def align_model(model: Vae, pictures: Pictures) -> Effects:
    """Measure a model's directions, and fit its knobs.

    Directions and knobs are fitted without the images that they are measured on; knobs on as many
    of every digit as they are measured on.

    Where no reader tells classes there are no knobs: known factors that a regression reads have
    none, as the explorer cannot read them.

    Args:
        model: trained.
        pictures: test images, `PER_DIGIT` of every digit to fit on and as many to measure on.
    """
    fitted, held_out = halves_of_every_digit(pictures.digits)
    rest = np.setdiff1d(np.arange(len(pictures.digits)), held_out)
    lines = directions(model, pictures.of(rest))
    knobs, reader = None, pictures.reader
    if reader:
        starts = _starts(model, pictures.of(fitted))
        moved = moves(model, starts, lines["latent"], reader)
        knobs = fit_knobs(model, starts, moved, lines["latent"])
        lines["knob"] = edit_directions(moved, lines["latent"], pictures.spread)
    starts = _starts(model, pictures.of(held_out))
    tables = [
        _rows(basis, along, moves(model, starts, along, pictures.reader), pictures)
        for basis, along in lines.items()
    ]
    table = pd.concat(tables, ignore_index=True)
    if not reader or not knobs:
        return Effects(table, pd.DataFrame(columns=COLUMNS))
    return Effects(table, obtained(model, starts, knobs, reader))


def halves_of_every_digit(
    digits: npt.NDArray[np.int64],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Indices of up to `PER_DIGIT` images of every digit to fit on, and of others to measure on.

    Of more classes than `MOST_CLASSES` the first ones; of fewer, more images of each.
    """
    classes = np.unique(digits)[:MOST_CLASSES]
    n = 2 * PER_DIGIT * MOST_CLASSES // len(classes)
    each = [np.flatnonzero(digits == one)[:n] for one in classes]
    fitted, held_out = ([one[first::2] for one in each] for first in (0, 1))
    return np.concatenate(fitted), np.concatenate(held_out)


def _starts(model: Vae, pictures: Pictures) -> Starts:
    codes = posterior_means(model, pictures.images, pictures.digits)
    return Starts(codes.astype(np.float64), pictures.digits, pictures.spread, pictures.measurer)


def directions(model: Vae, pictures: Pictures) -> dict[str, Directions]:
    """The latents of a model, and the independent components of its codes, as directions."""
    codes = posterior_means(model, pictures.images, pictures.digits).astype(np.float64)
    samples = aggregated_samples(model, pictures.images, pictures.digits)
    unit = np.eye(model.latent_dim)
    by_basis = {"latent": axes(samples, unit, unit)}
    if len(bases.latent(codes).active):
        components = ica.fit(codes)
        by_basis["ica"] = axes(samples, components.mixing, components.unmixing)
    return by_basis


def _rows(basis: str, lines: Directions, moved: Moves, pictures: Pictures) -> pd.DataFrame:
    factors = pictures.measurer.factors
    own = range(len(factors)) if basis == "knob" else None
    table = align(moved, pictures.spread, own, pictures.floor, factors)
    table.insert(0, "basis", basis)
    table.insert(1, "direction", np.arange(1, len(table) + 1))
    table["digit_effects"] = pd.Series(
        list((moved.slopes / pictures.spread).reshape(len(table), -1))
    )
    table["vector"] = pd.Series(list(lines.steps))
    return table


def _task(folder: str, run: str, pictures: Pictures) -> dict[str, pd.DataFrame]:
    torch.set_num_threads(1)
    with threadpool_limits(limits=1):
        model, _ = Study(Folder(folder)).model(run)
        shown = reconstruction(model, pictures)
        reconstructed = pd.DataFrame([shown._asdict()])
        return {**align_model(model, pictures)._asdict(), "reconstruction": reconstructed}


def _key(study: Study, run: str) -> str:
    settings = f"alignment {VERSION} {PER_DIGIT} {N_FLOOR} {N_IMAGES}"
    return content_key(settings, run, study.weights(run))


def _kept(study: Study, name: str, keys: dict[str, str]) -> pd.DataFrame:
    """Rows of a table that still hold: of the same weights, or of weights that are not here."""
    if not has_table(study.folder, name):
        return pd.DataFrame(columns=TABLES[name].names)
    table = read_table(study.folder, name)
    done = set(study.trials.query("state == 'done'")["run"])
    now = table["run"].map(keys)
    return table[table["run"].isin(done) & (now.isna() | (now == table["key"]))]


def _write(study: Study, name: str, rows: pd.DataFrame) -> None:
    """Write a table, in the order of the trials."""
    if name == "alignment":
        order = rows["basis"].map(BASES.index)
        rows = rows.assign(order=order).sort_values(["order", "direction"])
    schema = TABLES[name]
    if name == "alignment":
        schema = alignment_schema(properties_of(rows))
    rest = [column for column in schema.names if column not in _RUN]
    rows = rows.reindex(columns=["run", *rest])
    table = study.trials[_RUN].merge(rows, on="run")  # in the order of the trials
    write_table(study.folder, name, table[list(schema.names)], schema)
    study.forget(name)

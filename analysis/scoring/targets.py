"""What is scored: runs and their controls, the rows of each, and how these are measured."""

from collections.abc import Mapping
from functools import lru_cache
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from analysis import metrics
from analysis.factors.image_set import ImageSet, content_key
from analysis.metrics import METRICS, Metric
from analysis.representations.controls import (
    CONTROLS,
    pixel_pca,
    pixels,
    untrained,
    weight_bytes,
)
from analysis.representations.encode import Encoded, bounds, encode
from analysis.scoring.evaluation import (
    BASIS_UNITS,
    BOUND_UNITS,
    BOUNDS_SETTINGS,
    N_REPEATS,
    VERSION,
    Unit,
    Value,
    basis_units,
    bound_values,
    metric_of,
    row_key,
    score_codes,
    shuffled,
)
from analysis.study import Study, configuration
from study.config.run import RunConfig
from study.data import DataShape, describe_data
from study.storage.tables import AXIS_FIELDS

Row = dict[str, Any]

AXES = [field.name for field in AXIS_FIELDS]
# what the weights of a model before its first step depend on
_OF_FIRST_WEIGHTS = {"latent_dim", "hidden", "conditioning", "seed", "data", "network", "prior"}


def _fields(kind: pa.DataType, *names: str) -> list[pa.Field]:
    return [pa.field(name, kind) for name in names]


_VALUE = [
    *_fields(pa.string(), "basis", "scaling", "score"),
    *_fields(pa.float64(), "value", "low", "high", "chance"),
]
_REST = [
    *_fields(pa.bool_(), "saturated", "converged"),
    *_fields(pa.string(), "note", "protocol", "key"),
]
SCORES = pa.schema([*AXIS_FIELDS, *_VALUE, *_fields(pa.float64(), *CONTROLS), *_REST])
CONTROL_SCORES = pa.schema([*_fields(pa.string(), "control", "of"), *_VALUE, *_REST])
UDR = pa.schema(
    [
        *_fields(pa.string(), "configuration", "run_a", "run_b"),
        *_fields(pa.float64(), "value", "low", "high"),
        *_fields(pa.bool_(), "saturated"),
        *_fields(pa.string(), "protocol", "key"),
    ]
)


class Setup(NamedTuple):
    """What every run of a study is scored on, and by what."""

    images: ImageSet
    metrics: tuple[Metric, ...] = METRICS

    @property
    def basis_units(self) -> list[Unit]:
        """The rows of a run that hang on its codes."""
        return basis_units(self.metrics, has_factors=self.images.sample.factors.shape[1] > 0)


class ScoreTarget(NamedTuple):
    """Something whose codes are scored: a run, or a control that runs may share."""

    control: str  # "" for a run
    of: str  # the run id, or what the control hangs on
    content: str  # names the codes
    config: RunConfig

    @property
    def n_repeats(self) -> int:
        """Controls are scored once: they are compared with, not ranked."""
        return 1 if self.control else N_REPEATS

    def units(self, setup: Setup) -> list[Unit]:
        """Every row that it should have."""
        if not self.control:
            return setup.basis_units + BOUND_UNITS
        beside = (unit_beside(self.control, unit, setup.metrics) for unit in setup.basis_units)
        return list(dict.fromkeys(unit for unit in beside if unit))

    def key(self, unit: Unit, setup: Setup) -> str:
        """The key of one of its rows."""
        return row_key(self.content, setup.images.key, unit, self.n_repeats, setup.metrics)

    def missing(self, known: Mapping[str, Row], setup: Setup) -> list[Unit]:
        """Units whose rows are not there yet."""
        return [unit for unit in self.units(setup) if self.key(unit, setup) not in known]


def unit_beside(control: str, unit: Unit, available: tuple[Metric, ...] = METRICS) -> Unit | None:
    """What a control is scored on to stand beside a unit of a run; None where nothing does.

    The untrained encoder has a basis beside every basis. The other controls have one, "latent":
    shuffled factors tell nothing on any, and ICA of 200 components of pixels would take as long
    as a run. Nor are standardised codes made of raw pixels.
    """
    if unit in BOUND_UNITS:
        return None
    too_long = unit.scaling == "standardised" or not metric_of(unit.score, available).on_pixels
    if control == "raw_pixels" and too_long:
        return None
    if control == "shuffled":
        unit = unit._replace(scaling="raw")
    return unit if control == "untrained" else unit._replace(basis="latent")


def score_targets(study: Study, run: str) -> list[ScoreTarget]:
    """A run and its controls, the run first, of a study that holds the run's weights."""
    config = study.config(run)
    shape = RunConfig.model_validate(config.model_dump(include=_OF_FIRST_WEIGHTS))
    first_weights = _first_weights(shape, study.data_shape(run))
    content = content_key(run, study.weights(run))  # rows are kept by key: runs share none
    j = f"J{config.latent_dim}"
    return [
        ScoreTarget("", run, content, config),
        ScoreTarget("untrained", shape.run_id, f"weights {first_weights}", shape),
        ScoreTarget("pixel_pca", j, f"pixel_pca {j}", config),
        ScoreTarget("raw_pixels", "", "raw_pixels", config),
        ScoreTarget("shuffled", run, f"shuffled {content}", config),
    ]


@lru_cache  # runs that differ in beta alone share them
def _first_weights(shape: RunConfig, data: DataShape) -> str:
    return content_key(weight_bytes(untrained(shape, data)))


def measure_run(
    study: Study, run: str, setup: Setup, units: list[Unit], shuffled_units: list[Unit]
) -> tuple[list[Value], list[Value], Encoded]:
    """Rows of a run and of its shuffled control; images are encoded once."""
    model, _ = study.model(run)
    images, sample, _ = setup.images
    encoded = encode(model, images, sample.labels)
    on_bases = [unit for unit in units if unit not in BOUND_UNITS]
    values = score_codes(encoded.mean, sample, on_bases, metrics=setup.metrics)
    if any(unit in BOUND_UNITS for unit in units):
        values += bound_values(bounds(model, images, sample.labels, **BOUNDS_SETTINGS))
    by_chance = score_codes(encoded.mean, shuffled(sample), shuffled_units, 1, setup.metrics)
    return values, by_chance, encoded


def measure_control(target: ScoreTarget, setup: Setup, units: list[Unit]) -> list[Value]:
    """Rows of a control that is no run's own."""
    images, sample, _ = setup.images
    if target.control == "untrained":
        model = untrained(target.config, describe_data(target.config.data)[0])
        codes: npt.ArrayLike = encode(model, images, sample.labels, at_mean=True).mean
    elif target.control == "pixel_pca":
        codes = pixel_pca(images, target.config.latent_dim)
    else:
        codes = pixels(images)
    return score_codes(codes, sample, units, 1, setup.metrics)


def pair_keys(runs: list[ScoreTarget], images: ImageSet) -> dict[tuple[str, str], str]:
    """The key of every pair of runs that differ in their seed alone."""
    names = configuration(pd.Series([run.of for run in runs], dtype=str))
    pairs = {}
    for _, rows in names.groupby(names, sort=False):
        for a, b in combinations((runs[index] for index in rows.index), 2):
            contents = (a.content, b.content, content_key(images.images))
            pairs[a.of, b.of] = content_key("udr", str(VERSION), *contents)
    return pairs


def measure_pair(a: Encoded, b: Encoded) -> metrics.Udr:
    """How far two runs agree."""
    return metrics.udr(a.mean, b.mean, kl_a=a.kl.mean(axis=0), kl_b=b.kl.mean(axis=0))


def scores_table(
    trials: pd.DataFrame, rows: list[Row], controls: list[Row], beside: dict[str, dict[str, str]]
) -> pd.DataFrame:
    """Rows of runs with their axes and the values of their controls beside them.

    Args:
        trials: the study's runs.
        rows: run, key and the fields of Value.
        controls: key, value and more of each control's row.
        beside: key of a run's row -> control -> key of the control's row.
    """
    values = {row["key"]: row["value"] for row in controls}
    filled = [
        {**row, **{c: values.get(key, np.nan) for c, key in beside.get(row["key"], {}).items()}}
        for row in rows
    ]
    table = pd.DataFrame(filled, columns=["run", *SCORES.names[len(AXES) :]])
    table = trials[AXES].merge(table, on="run")  # in the order of the trials
    order = {unit: place for place, unit in enumerate(BASIS_UNITS + BOUND_UNITS)}
    units = zip(table["basis"], table["scaling"], table["score"], strict=True)
    table["place"] = [order.get(Unit(*unit), len(order)) for unit in units]
    runs = {run: place for place, run in enumerate(trials["run"])}
    table = table.sort_values(["run", "place"], key=lambda c: c.map(runs) if c.name == "run" else c)
    return table.reset_index(drop=True)[list(SCORES.names)]


def beside_keys(group: list[ScoreTarget], setup: Setup) -> dict[str, dict[str, str]]:
    """Key of each row of a run -> control -> key of the control's row, of one run's targets."""
    run, *controls = group
    keys: dict[str, dict[str, str]] = {}
    for unit in run.units(setup):
        twins = {c.control: (c, unit_beside(c.control, unit, setup.metrics)) for c in controls}
        keys[run.key(unit, setup)] = {
            name: control.key(twin, setup) for name, (control, twin) in twins.items() if twin
        }
    return keys

"""What is scored: runs and their controls, the rows of each, and how these are measured."""

from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from analysis import metrics
from analysis.factors.image_set import ImageSet, content_key
from analysis.factors.scope import SCOPES
from analysis.metrics import METRICS, Metric, labels
from analysis.representations.controls import (
    CONTROLS,
    MOST_VALUES,
    oracle,
    pixel_pca,
    pixels,
    untrained,
    weight_bytes,
)
from analysis.representations.encode import bounds, posterior_means
from analysis.scoring.evaluation import (
    BASES,
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
    shuffled,
    unit_values,
)
from analysis.study import Study, configuration
from study.config.run import RunConfig
from study.data import DataShape, describe_data
from study.models import Vae
from study.storage.tables import AXIS_FIELDS

Row = dict[str, Any]
Codes = npt.NDArray[np.float32]

AXES = [field.name for field in AXIS_FIELDS]
FACTORS_ORDER = ["measured", "known", "intervention", ""]
# what the weights of a model before its first step depend on
_OF_FIRST_WEIGHTS = {
    *("latent_dim", "hidden", "conditioning", "seed", "data", "network", "prior"),
    "prior_components",
}


def _fields(kind: pa.DataType, *names: str) -> list[pa.Field]:
    return [pa.field(name, kind) for name in names]


_VALUE = [
    *_fields(pa.string(), "basis", "factors", "scope", "score"),
    *_fields(pa.float64(), "value", "low", "high", "chance"),
]
_REST = [
    *_fields(pa.bool_(), "saturated", "converged"),
    *_fields(pa.string(), "note", "protocol", "key"),
]
BESIDE = ("rotated", *CONTROLS, "oracle_rotated")
"""Columns of the table beside a score: the same codes rotated, and the controls."""
SCORES = pa.schema([*AXIS_FIELDS, *_VALUE, *_fields(pa.float64(), *BESIDE), *_REST])
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

    sets: tuple[ImageSet, ...]  # the test images first, then others that have factors
    metrics: tuple[Metric, ...] = METRICS

    @property
    def images(self) -> ImageSet:
        """The test images."""
        return self.sets[0]

    @property
    def basis_units(self) -> list[Unit]:
        """The rows of a run that hang on its codes."""
        return basis_units(self.metrics, self.sets)

    def of(self, unit: Unit) -> ImageSet:
        """The images that a unit is scored on."""
        return next((one for one in self.sets if one.factors == unit.factors), self.sets[0])


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
        beside = (unit_beside(self.control, unit, setup) for unit in setup.basis_units)
        units = [unit for unit in beside if unit]
        if self.control == "oracle":
            units += [unit._replace(basis="rotation") for unit in units]
        return list(dict.fromkeys(units))

    def key(self, unit: Unit, setup: Setup) -> str:
        """The key of one of its rows."""
        return row_key(self.content, setup.of(unit).key, unit, self.n_repeats, setup.metrics)

    def missing(self, known: Mapping[str, Row], setup: Setup) -> list[Unit]:
        """Units whose rows are not there yet."""
        return [unit for unit in self.units(setup) if self.key(unit, setup) not in known]


def unit_beside(control: str, unit: Unit, setup: Setup) -> Unit | None:
    """What a control is scored on to stand beside a unit of a run; None where nothing does.

    Controls have one basis, "latent". Raw pixels and shuffled factors are scored on the test images
    as a whole: pixels take long, more than `MOST_VALUES` of them too long, and shuffled factors
    tell nothing in any scope.
    """
    if unit in BOUND_UNITS:
        return None
    whole = unit.factors in {"", setup.images.factors} and unit.scope != "within"
    metric = metric_of(unit.score, setup.metrics)
    if control in {"raw_pixels", "shuffled"} and not whole:
        return None
    few = setup.images.images.size <= MOST_VALUES
    if control == "raw_pixels" and not (few and metric.on_pixels):
        return None
    if control == "oracle" and (metric.target != "factors" or unit.score != metric.name):
        return None
    return unit._replace(basis="latent")


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
        ScoreTarget("oracle", "", "oracle", config),
    ]


@lru_cache  # runs that differ in beta alone share them
def _first_weights(shape: RunConfig, data: DataShape) -> str:
    return content_key(weight_bytes(untrained(shape, data)))


def measure_run(
    study: Study, run: str, setup: Setup, units: list[Unit], shuffled_units: list[Unit]
) -> tuple[list[Value], list[Value], Codes]:
    """Rows of a run and of its shuffled control, and its codes of the test images."""
    model, _ = study.model(run)
    images, sample, *_ = setup.images
    codes = posterior_means(model, images, sample.labels)
    values = _of_sets(setup, units, N_REPEATS, partial(_codes_of, model), {setup.images.key: codes})
    if any(unit in BOUND_UNITS for unit in units):
        values += bound_values(bounds(model, images, sample.labels, **BOUNDS_SETTINGS))
    by_chance = unit_values(codes, shuffled(sample), shuffled_units, 1, setup.metrics)
    return values, by_chance, codes


def measure_control(target: ScoreTarget, setup: Setup, units: list[Unit]) -> list[Value]:
    """Rows of a control that is no run's own."""
    makers: dict[str, Callable[[ImageSet], npt.ArrayLike]] = {
        "pixel_pca": lambda images: pixel_pca(images.images, target.config.latent_dim),
        "raw_pixels": lambda images: pixels(images.images),
        "oracle": lambda images: oracle(images.sample.values),
    }
    if target.control == "untrained":
        model = untrained(target.config, describe_data(target.config.data)[0])
        makers["untrained"] = partial(_codes_of, model)
    return _of_sets(setup, units, 1, makers[target.control])


def _of_sets(
    setup: Setup,
    units: list[Unit],
    n_repeats: int,
    make: Callable[[ImageSet], npt.ArrayLike],
    known: Mapping[str, npt.ArrayLike] = {},
) -> list[Value]:
    """Values of units on the images that each belongs to; `make` gives the codes of a set."""
    values = []
    for images in setup.sets:
        own = [u for u in units if u not in BOUND_UNITS and setup.of(u).key == images.key]
        if own:
            codes = known[images.key] if images.key in known else make(images)
            values += unit_values(codes, images.sample, own, n_repeats, setup.metrics)
    return values


def _codes_of(model: Vae, images: ImageSet) -> Codes:
    return posterior_means(model, images.images, images.sample.labels)


def pair_keys(runs: list[ScoreTarget], images: ImageSet) -> dict[tuple[str, str], str]:
    """The key of every pair of runs that differ in their seed alone."""
    names = configuration(pd.Series([run.of for run in runs], dtype=str))
    pairs = {}
    for _, rows in names.groupby(names, sort=False):
        for a, b in combinations((runs[index] for index in rows.index), 2):
            contents = (a.content, b.content, content_key(images.images))
            pairs[a.of, b.of] = content_key("udr", str(VERSION), *contents)
    return pairs


def measure_pair(a: Codes, b: Codes) -> metrics.Udr:
    """How far two runs agree, by their codes of the same images."""
    return metrics.udr(a, b)


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
    table = _with_rotations(trials[AXES].merge(table, on="run"))  # in the order of the trials
    names = [*labels(METRICS), *table["score"]]
    order = {
        "run": list(trials["run"]), "factors": FACTORS_ORDER, "scope": [*SCOPES, ""],
        "basis": list(BASES), "score": list(dict.fromkeys(names)),
    }  # fmt: skip
    table = table.sort_values(list(order), key=lambda c: c.map(order[str(c.name)].index))
    return table.reset_index(drop=True)[list(SCORES.names)]


def _with_rotations(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of a run with the value of its rotated codes beside each."""
    place = ["run", "factors", "scope", "score"]
    turned = table[table["basis"] == "rotation"].set_index(place)["value"]
    rows = pd.MultiIndex.from_frame(table[place])
    return table.assign(rotated=turned.reindex(rows).to_numpy(np.float64))


def beside_keys(group: list[ScoreTarget], setup: Setup) -> dict[str, dict[str, str]]:
    """Key of each row of a run -> control -> key of the control's row, of one run's targets."""
    run, *controls = group
    keys: dict[str, dict[str, str]] = {}
    for unit in run.units(setup):
        beside = keys[run.key(unit, setup)] = {}
        for control in controls:
            if twin := unit_beside(control.control, unit, setup):
                beside[control.control] = control.key(twin, setup)
                if control.control == "oracle":
                    turned = twin._replace(basis="rotation")
                    beside["oracle_rotated"] = control.key(turned, setup)
    return keys

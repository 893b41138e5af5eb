"""What a study lacks of its scores, the work that fills the gaps, and the tables of both."""

from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from analysis import metrics
from analysis.representations.controls import (
    CONTROLS,
    pixel_pca,
    pixels,
    unit_of,
    untrained,
    weight_bytes,
)
from analysis.representations.encode import Encoded, bounds, encode
from analysis.scoring.evaluation import (
    BASIS_UNITS,
    BOUND_UNITS,
    N_REPEATS,
    SETTINGS,
    VERSION,
    Sample,
    Unit,
    Value,
    bound_values,
    content_key,
    row_key,
    score_codes,
    shuffled,
)
from analysis.study import Study, configuration
from study.config.run import RunConfig
from study.data import describe_data

Images = npt.NDArray[np.uint8]
Row = dict[str, Any]

AXES = ["run", "latent_dim", "beta", "conditioning", "seed"]
_VALUE = [
    *(pa.field(name, pa.string()) for name in ("basis", "scaling", "score")),
    *(pa.field(name, pa.float64()) for name in ("value", "low", "high", "chance")),
]
_REST = [
    *(pa.field(name, pa.bool_()) for name in ("saturated", "converged")),
    *(pa.field(name, pa.string()) for name in ("note", "protocol", "key")),
]
AXIS_FIELDS = [
    pa.field("run", pa.string()),
    pa.field("latent_dim", pa.int64()),
    pa.field("beta", pa.float64()),
    pa.field("conditioning", pa.string()),
    pa.field("seed", pa.int64()),
]
SCORES = pa.schema(
    [
        *AXIS_FIELDS,
        *_VALUE,
        *(pa.field(name, pa.float64()) for name in CONTROLS),
        *_REST,
    ]
)
CONTROL_SCORES = pa.schema(
    [*(pa.field(name, pa.string()) for name in ("control", "of")), *_VALUE, *_REST]
)
UDR = pa.schema(
    [
        *(pa.field(name, pa.string()) for name in ("configuration", "run_a", "run_b")),
        *(pa.field(name, pa.float64()) for name in ("value", "low", "high")),
        pa.field("saturated", pa.bool_()),
        *(pa.field(name, pa.string()) for name in ("protocol", "key")),
    ]
)


class Data(NamedTuple):
    """The images that every run is scored on."""

    images: Images  # (n, 28, 28)
    sample: Sample
    key: str  # of their content

    @classmethod
    def of(cls, images: Images, sample: Sample) -> "Data":
        return cls(images, sample, content_key(images, *sample))


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

    def units(self) -> list[Unit]:
        """Every row that it should have."""
        if not self.control:
            return BASIS_UNITS + BOUND_UNITS
        beside = (unit_of(self.control, unit) for unit in BASIS_UNITS)
        return list(dict.fromkeys(unit for unit in beside if unit))

    def key(self, unit: Unit, data: Data) -> str:
        """The key of one of its rows."""
        return row_key(self.content, data.key, unit, self.n_repeats)

    def missing(self, known: set[str], data: Data) -> list[Unit]:
        """Units whose rows are not there yet."""
        return [unit for unit in self.units() if self.key(unit, data) not in known]


def score_targets(study: Study, run: str, first_weights: dict[RunConfig, str]) -> list[ScoreTarget]:
    """A run and its controls.

    Args:
        study: that holds the run's weights.
        run: its id.
        first_weights: untrained models met so far; runs that differ in beta alone share one.
    """
    config = study.config(run)
    axes = {
        "latent_dim",
        "hidden",
        "conditioning",
        "seed",
        "data",
        "network",
        "prior",
    }  # what the first weights hang on
    shape = RunConfig.model_validate(config.model_dump(include=axes))
    if shape not in first_weights:
        first_weights[shape] = content_key(weight_bytes(untrained(shape, study.data_shape(run))))
    content = content_key(run, study.weights(run))  # rows are kept by key: runs share none
    j = f"J{config.latent_dim}"
    return [
        ScoreTarget("", run, content, config),
        ScoreTarget("untrained", shape.run_id, f"weights {first_weights[shape]}", shape),
        ScoreTarget("pixel_pca", j, f"pixel_pca {j}", config),
        ScoreTarget("raw_pixels", "", "raw_pixels", config),
        ScoreTarget("shuffled", run, f"shuffled {content}", config),
    ]


def measure_run(
    study: Study, run: str, data: Data, units: list[Unit], shuffled_units: list[Unit]
) -> tuple[list[Value], list[Value], Encoded]:
    """Rows of a run and of its shuffled control; images are encoded once."""
    model, _ = study.model(run)
    encoded = encode(model, data.images, data.sample.digits)
    on_bases = [unit for unit in units if unit in BASIS_UNITS]
    values = score_codes(encoded.mean, data.sample, on_bases)
    if any(unit in BOUND_UNITS for unit in units):
        found = bounds(model, data.images, data.sample.digits, **SETTINGS["bounds"])
        values += bound_values(found)
    by_chance = score_codes(encoded.mean, shuffled(data.sample), shuffled_units, n_repeats=1)
    return values, by_chance, encoded


def measure_control(target: ScoreTarget, data: Data, units: list[Unit]) -> list[Value]:
    """Rows of a control that is no run's own."""
    if target.control == "untrained":
        model = untrained(target.config, describe_data(target.config.data)[0])
        codes: npt.ArrayLike = encode(model, data.images, data.sample.digits, at_mean=True).mean
    elif target.control == "pixel_pca":
        codes = pixel_pca(data.images, target.config.latent_dim)
    else:
        codes = pixels(data.images)
    return score_codes(codes, data.sample, units, n_repeats=1)


def pair_keys(runs: list[ScoreTarget], data: Data) -> dict[tuple[str, str], str]:
    """The key of every pair of runs that differ in their seed alone."""
    names = configuration(pd.Series([run.of for run in runs], dtype=str))
    pairs = {}
    for _, rows in names.groupby(names, sort=False):
        for a, b in combinations((runs[index] for index in rows.index), 2):
            contents = (a.content, b.content, content_key(data.images))
            pairs[a.of, b.of] = content_key("udr", str(VERSION), *contents)
    return pairs


def measure_pair(a: Encoded, b: Encoded) -> metrics.Udr:
    """How far two runs agree."""
    return metrics.udr(a.mean, b.mean, kl_a=a.kl.mean(axis=0), kl_b=b.kl.mean(axis=0))


def scores_table(
    trials: pd.DataFrame, rows: list[Row], controls: list[Row], beside: dict[str, Row]
) -> pd.DataFrame:
    """Rows of runs with their axes and the values of their controls beside them.

    Args:
        trials: the study's runs.
        rows: run, key and the fields of Value.
        controls: key, value and more of each control's row.
        beside: key of a run's row -> control -> key of the control's row.
    """
    found = {row["key"]: row["value"] for row in controls}
    filled = [
        {**row, **{c: found.get(key, np.nan) for c, key in beside.get(row["key"], {}).items()}}
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


def beside_keys(found: list[ScoreTarget], data: Data) -> dict[str, dict[str, str]]:
    """Key of each row of a run -> control -> key of the control's row, of one run's targets."""
    run, *controls = found
    keys: dict[str, dict[str, str]] = {}
    for unit in run.units():
        twins = {control.control: (control, unit_of(control.control, unit)) for control in controls}
        keys[run.key(unit, data)] = {
            name: control.key(twin, data) for name, (control, twin) in twins.items() if twin
        }
    return keys

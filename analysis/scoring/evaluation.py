"""Every score on every basis: codes and factors in, rows of one long table out.

A row's key is made of the content of its codes, of the factors and of the score's settings, so
that a table of rows is its own cache. Versions of libraries stand in the protocol, not in the key.

Scores that draw votes from images are repeated over splits and drawings; the value is the mean and
the interval -+ t standard deviations of a single repeat. Over fresh sets of 10,000 planted images
the scores of Higgins and FactorVAE spread 0.7 to 1.5 times that much, and 1.4 to 2.6 times as much
as resampled votes; five disjoint fifths of the images overstated it, up to 2.5 times, as votes
among fewer images are easier to confuse.
"""

import inspect
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from analysis.factors.image_set import Sample, content_key
from analysis.metrics import METRICS, SATURATED, Metric, Part
from analysis.metrics.common.result import bounded
from analysis.representations import ica
from analysis.representations.bases import Basis, latent, pca
from analysis.representations.encode import Bounds
from analysis.statistics.intervals import Estimate, interval_of_one, large_sample_interval

VERSION = 2  # part of every key; raise it whenever a figure changes for the same settings
N_REPEATS = 5  # at most; part of every key, also of scores that are not repeated
BASES: dict[str, Callable[[npt.ArrayLike], Basis]] = {"latent": latent, "ica": ica.fit, "pca": pca}
BOUNDS_SETTINGS = {"n_samples": 20}


class Unit(NamedTuple):
    """Names one row of a run."""

    basis: str
    scaling: str  # of the codes: raw or standardised
    score: str


class Value(NamedTuple):
    """One row of the table of scores, without the run that it belongs to."""

    basis: str
    scaling: str
    score: str
    value: float
    low: float  # 95% interval; what it is over stands in the protocol
    high: float
    chance: float  # where it is known beforehand
    saturated: bool
    converged: bool  # False where ICA or the score's classifier used up its iterations
    note: str
    protocol: str  # JSON


def basis_units(metrics: Iterable[Metric], has_factors: bool = True) -> list[Unit]:
    """The rows that metrics give a run, in the order of the table."""
    targets = {"classes", "factors"} if has_factors else {"classes"}
    usable = [metric for metric in metrics if metric.target in targets]
    everywhere = [metric for metric in usable if metric.every_basis]
    return [
        *(
            Unit(basis, scaling, metric.name)
            for basis in BASES
            for metric in everywhere
            for scaling in (("raw", "standardised") if metric.n_standardised else ("raw",))
        ),
        *(
            Unit(basis, "raw", f"{metric.name}_{part.name}")
            for basis in BASES
            for metric in everywhere
            for part in metric.parts
        ),
        *(Unit("latent", "raw", metric.name) for metric in usable if not metric.every_basis),
    ]


BASIS_UNITS = basis_units(METRICS)
BOUND_UNITS = [Unit("latent", "raw", "elbo"), Unit("latent", "raw", "iwae")]


def metric_of(score: str, metrics: Iterable[Metric]) -> Metric:
    """The metric that a row of this name comes from.

    Raises:
        ValueError: none of them gives such a row.
    """
    for metric in metrics:
        if score == metric.name or score in {f"{metric.name}_{part.name}" for part in metric.parts}:
            return metric
    raise ValueError(f"no metric gives a row {score!r}")


def row_key(
    content: str,
    sample_key: str,
    unit: Unit,
    n_repeats: int = N_REPEATS,
    metrics: Sequence[Metric] = METRICS,
) -> str:
    """The key of a row: the codes' content, the images with their factors, and the settings.

    Of a user's own metric its module's text and its repeats are part of it as well.
    """
    if unit in BOUND_UNITS:
        settings = [VERSION, *unit, BOUNDS_SETTINGS, n_repeats]
    else:
        metric = metric_of(unit.score, metrics)
        settings = [VERSION, *unit, dict(metric.settings), n_repeats]
        if metric.name not in {ours.name for ours in METRICS}:
            settings += [metric.n_repeats, metric.n_standardised, _text_of(metric.function)]
    return content_key(content, sample_key, json.dumps(settings, sort_keys=True))


def shuffled(sample: Sample, seed: int = 0) -> Sample:
    """Factors and classes of other images, so that codes know nothing of them."""
    order = np.random.default_rng(seed).permutation(len(sample.labels))
    return Sample(sample.factors[order], sample.labels[order])


def score_codes(
    codes: npt.ArrayLike,
    sample: Sample,
    units: Sequence[Unit] = BASIS_UNITS,
    n_repeats: int = N_REPEATS,
    metrics: Sequence[Metric] = METRICS,
) -> list[Value]:
    """Values of units, which belong to the same codes; every basis is made once.

    Args:
        codes: posterior means, (n, n_latents).
        sample: of the same images.
        units: any of `basis_units(metrics)`.
        n_repeats: splits and drawings at most; 1 keeps the intervals of the scores themselves.
        metrics: that the units belong to.

    Raises:
        ValueError: codes or factors that no score accepts; see analysis.metrics.
    """
    values = []
    for name, make in BASES.items():
        wanted = [unit for unit in units if unit.basis == name]
        if not wanted:
            continue
        basis = make(codes)
        calls: dict[tuple[str, str], list[Unit]] = {}  # a metric's parts come from one call
        for unit in wanted:
            key = unit.scaling, metric_of(unit.score, metrics).name
            calls.setdefault(key, []).append(unit)
        for (_, metric), together in calls.items():
            values += _values(basis, sample, metric_of(metric, metrics), together, n_repeats)
    return values


def bound_values(bounds: Bounds) -> list[Value]:
    """The ELBO and the importance-weighted bound as rows; intervals over images."""
    values = []
    for unit, nats in zip(BOUND_UNITS, bounds, strict=True):
        settings = {**BOUNDS_SETTINGS, "unit": "nats per image", "interval": "images"}
        protocol = json.dumps({"score": unit.score, **settings, "seed": 0})
        estimate = large_sample_interval(nats)
        values.append(Value(*unit, *estimate, np.nan, False, True, "", protocol))
    return values


def _values(
    basis: Basis, sample: Sample, metric: Metric, units: list[Unit], n_repeats: int
) -> list[Value]:
    """Values of units that one metric gives on codes of one scaling."""
    if basis.codes.shape[1] == 0:
        note, nan = "no active latents", np.nan
        return [Value(*u, nan, nan, nan, nan, False, True, note, "{}") for u in units]
    standardised = units[0].scaling == "standardised"
    arguments = dict(metric.settings) | ({"standardise": True} if standardised else {})
    repeats = min(n_repeats, metric.n_standardised if standardised else metric.n_repeats)
    target = sample.labels if metric.target == "classes" else sample.factors
    results = [
        metric.function(basis.codes, target, **arguments, seed=seed) for seed in range(repeats)
    ]
    parts = {f"{metric.name}_{part.name}": part for part in metric.parts}
    return [_value(unit, metric, parts.get(unit.score), basis, results) for unit in units]


def _value(
    unit: Unit, metric: Metric, part: Part | None, basis: Basis, results: list[Any]
) -> Value:
    """One row of the results of a metric, repeated or not."""
    result, protocol = results[0], dict(results[0].protocol)
    before = f"{part.name}_" if part else ""
    values = [getattr(result, part.name if part else "score") for result in results]
    estimate = Estimate(values[0], *getattr(result, f"{before}interval"))
    chance = getattr(result, f"{before}chance", np.nan)
    if part and part.interval:
        protocol["interval"] = part.interval
    if len(results) > 1:
        estimate = interval_of_one(values)
        protocol |= {"repeats": len(results), "interval": "repeated splits and votes"}
        protocol["seed"] = list(range(len(results)))
    value, (low, high) = bounded(estimate.value, estimate[1:], metric.bounds)
    saturated = result.saturated if len(results) == 1 and not part else value >= SATURATED
    protocol["basis"] = {"name": unit.basis, "n_components": basis.codes.shape[1]}
    converged = basis.converged and all(getattr(result, "converged", True) for result in results)
    flags = bool(saturated), bool(converged)
    return Value(*unit, value, low, high, float(chance), *flags, "", json.dumps(protocol))


def _text_of(function: Callable[..., Any]) -> str:
    """The text of the module that a function stands in; its name where there is no file."""
    try:
        return inspect.getsource(inspect.getmodule(function) or function)
    except (OSError, TypeError):
        return repr(function)

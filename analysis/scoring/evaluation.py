"""Every score on every basis: codes and factors in, rows of one long table out.

A row's key is made of the content of its codes, of the factors and of the score's settings, so
that a table of rows is its own cache. Versions of libraries stand in the protocol, not in the key.

Beside the latents, their principal and their independent components, codes are scored along
`N_ROTATIONS` random rotations of the active latents: the value of the basis "rotation" is their
mean, its interval that of a single one.

A score may be repeated on the latents over splits and drawings; the value is then the mean and the
interval -+ t standard deviations of a single repeat. What ranks is. Over fresh sets of 10,000
planted images the scores of Higgins and FactorVAE spread 0.7 to 1.5 times that much, and 1.4 to 2.6
times as much as resampled votes; five disjoint fifths of the images overstated it, up to 2.5 times,
as votes among fewer images are easier to confuse.
"""

import inspect
import json
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from analysis.factors.image_set import Floats, ImageSet, Ints, Sample, content_key
from analysis.factors.scope import SCOPES, Scoped, scoped, scopes_of
from analysis.metrics import METRICS, SATURATED, Metric, Part
from analysis.metrics.common.checks import active
from analysis.metrics.common.result import bounded
from analysis.representations import ica
from analysis.representations.bases import Basis, latent, pca, rotation
from analysis.representations.encode import Bounds
from analysis.statistics.intervals import Estimate, interval_of_one, large_sample_interval

VERSION = 3  # part of every key; raise it whenever a figure changes for the same settings
N_REPEATS = 5  # at most; part of every key, also of scores that are not repeated
N_ROTATIONS = 8
BASES: dict[str, list[Callable[[npt.ArrayLike], Basis]]] = {
    "latent": [latent],
    "pca": [pca],
    "ica": [ica.fit],
    "rotation": [partial(rotation, seed=seed) for seed in range(N_ROTATIONS)],
}
BOUNDS_SETTINGS = {"n_samples": 20}


class Unit(NamedTuple):
    """Names one row of a run."""

    basis: str
    factors: str  # of an ImageSet; "" for what needs none
    scope: str  # of SCOPES; "" for what needs none
    score: str


class Value(NamedTuple):
    """One row of the table of scores, without the run that it belongs to."""

    basis: str
    factors: str
    scope: str
    score: str
    value: float  # NaN where it cannot be computed; the note says why
    low: float  # 95% interval; what it is over stands in the protocol
    high: float
    chance: float  # where it is known beforehand
    saturated: bool
    converged: bool  # False where ICA or the score's classifier used up its iterations
    note: str
    protocol: str  # JSON


def basis_units(metrics: Iterable[Metric], sets: Sequence[ImageSet]) -> list[Unit]:
    """The rows that metrics give a run, in the order of the table.

    None that the images cannot give: of their class where they are of one class alone, within it
    where classes are too small as well; of factors where these are too few.

    Args:
        metrics: of which those that compare runs give none.
        sets: the study's test images first; then others that have factors.
    """
    metrics = list(metrics)
    of_factors = [metric for metric in metrics if metric.target == "factors"]
    units = []
    for images in sets:
        for scope in scopes_of(images.sample):
            n_factors = scoped(images.sample, scope).bins.shape[1]
            units += [
                Unit(basis, images.factors, scope, metric.name)
                for basis in BASES
                for metric in of_factors
                if n_factors >= metric.min_factors and (metric.every_basis or basis == "latent")
            ]
    n_factors = sets[0].sample.factors.shape[1]
    units += [
        Unit(basis, sets[0].factors, SCOPES[0], f"{metric.name}_{part.name}")
        for basis in BASES
        if basis != "rotation"
        for metric in of_factors
        if n_factors >= metric.min_factors
        for part in metric.parts
    ]
    if sets[0].sample.n_classes < 2:
        return units
    return units + [
        Unit(basis, "", "", metric.name)
        for metric in metrics
        if metric.target == "classes"
        for basis in (BASES if metric.every_basis else ["latent"])
    ]


BOUND_UNITS = [Unit("latent", "", "", "elbo"), Unit("latent", "", "", "iwae")]


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
        settings = [VERSION, *unit, _settings(metric, unit.basis), n_repeats, metric.n_repeats]
        if metric.name not in {ours.name for ours in METRICS}:
            settings.append(_text_of(metric.function))
    return content_key(content, sample_key, json.dumps(settings, sort_keys=True))


def shuffled(sample: Sample, seed: int = 0) -> Sample:
    """Factors and classes of other images, so that codes know nothing of them."""
    order = np.random.default_rng(seed).permutation(len(sample.labels))
    return Sample(sample.factors[order], sample.labels[order], sample.values[order])


def unit_values(
    codes: npt.ArrayLike,
    sample: Sample,
    units: Sequence[Unit],
    n_repeats: int = N_REPEATS,
    metrics: Sequence[Metric] = METRICS,
    seed: int = 0,
) -> list[Value]:
    """Values of units, which belong to the same codes; every basis is made once.

    Args:
        codes: posterior means, (n, n_latents).
        sample: of the same images.
        units: any of `basis_units` that belong to one set of images.
        n_repeats: splits and drawings at most; 1 keeps the intervals of the scores themselves.
        metrics: that the units belong to.
        seed: of the splits and drawings, the first where they are repeated; rotations have theirs.

    Raises:
        ValueError: codes or factors that no score accepts; see analysis.metrics.
    """
    scopes = {scope: scoped(sample, scope) for scope in {unit.scope for unit in units} - {""}}
    values = []
    for name, makers in BASES.items():
        calls: dict[tuple[str, str], list[Unit]] = {}  # a metric's parts come from one call
        for unit in units:
            if unit.basis == name:
                metric = metric_of(unit.score, metrics).name
                calls.setdefault((unit.scope, metric), []).append(unit)
        bases = [make(codes) for make in makers] if calls else []
        used = {scope for scope, _ in calls}
        compared = {scope: _compared(bases, scopes.get(scope)) for scope in used}
        for (scope, metric), together in calls.items():
            of_metric = metric_of(metric, metrics)
            target = _target(of_metric, scopes.get(scope), sample)
            repeats = min(n_repeats, of_metric.n_repeats) if name == "latent" else 1
            seeds = range(seed, seed + repeats)
            values += _values(bases, compared[scope], target, of_metric, together, seeds)
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


def _compared(bases: list[Basis], scope: Scoped | None) -> list[Floats]:
    """The codes of bases as a scope compares them; none where one has no active latent."""
    codes = [scope.of_codes(basis.codes) if scope else basis.codes for basis in bases]
    return codes if all(active(basis).size for basis in codes) else []


def _target(metric: Metric, scope: Scoped | None, sample: Sample) -> Ints:
    """What a metric compares codes with."""
    if metric.target == "factors" and scope:
        return scope.shared if metric.draws_votes else scope.bins
    return sample.labels


def _values(
    bases: list[Basis],
    codes: list[Floats],
    target: Ints,
    metric: Metric,
    units: list[Unit],
    seeds: Sequence[int],
) -> list[Value]:
    """Values of units that one call of a metric gives; on several bases, their means."""
    if not codes:
        nan = np.nan
        return [Value(*u, nan, nan, nan, nan, False, True, "no active latent", "{}") for u in units]
    arguments = _settings(metric, units[0].basis)
    results = [
        metric.function(basis, target, **arguments, seed=seed) for basis in codes for seed in seeds
    ]
    parts = {f"{metric.name}_{part.name}": part for part in metric.parts}
    return [_value(unit, metric, parts.get(unit.score), bases, results) for unit in units]


def _settings(metric: Metric, basis: str) -> dict[str, Any]:
    """Settings of a metric's function; rotations, of which several are averaged, have cheaper."""
    return dict(metric.settings) | (dict(metric.floor) if basis == "rotation" else {})


def _value(
    unit: Unit, metric: Metric, part: Part | None, bases: list[Basis], results: list[Any]
) -> Value:
    """One row of the results of a metric, over repeats or over rotations."""
    result, protocol = results[0], dict(results[0].protocol)
    before = f"{part.name}_" if part else ""
    values = [getattr(result, part.name if part else "score") for result in results]
    estimate = Estimate(values[0], *getattr(result, f"{before}interval"))
    chance = getattr(result, f"{before}chance", np.nan)
    if part and part.interval:
        protocol["interval"] = part.interval
    if len(bases) > 1:
        estimate = interval_of_one(values)
        protocol |= {"rotations": len(bases), "interval": "a single rotation"}
    elif len(results) > 1:
        estimate = interval_of_one(values)
        protocol |= {"repeats": len(results), "interval": "repeated splits and votes"}
        first = protocol.get("seed", 0)
        protocol["seed"] = list(range(first, first + len(results)))
    value, (low, high) = bounded(estimate.value, estimate[1:], metric.bounds)
    saturated = result.saturated if len(results) == 1 and not part else value >= SATURATED
    protocol["basis"] = {"name": unit.basis, "n_components": bases[0].codes.shape[1]}
    converged = bases[0].converged and all(getattr(r, "converged", True) for r in results)
    flags = bool(saturated), bool(converged)
    return Value(*unit, value, low, high, float(chance), *flags, "", json.dumps(protocol))


def _text_of(function: Callable[..., Any]) -> str:
    """The text of the module that a function stands in; its name where there is no file."""
    try:
        return inspect.getsource(inspect.getmodule(function) or function)
    except (OSError, TypeError):
        return repr(function)

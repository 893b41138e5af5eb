"""Every score on every basis: codes and factors in, rows of one long table out.

A row's key is made of the content of its codes, of the factors and of the score's settings, so
that a table of rows is its own cache. Versions of libraries stand in the protocol, not in the key.

Higgins and FactorVAE draw votes from images. They are repeated over five splits and drawings (three
for standardised codes); the value is the mean and the interval -+ t(4) standard deviations of a
single repeat. Over fresh sets
of 10,000 planted images scores spread 0.7 to 1.5 times that much, and 1.4 to 2.6 times as much as
resampled votes; five disjoint fifths of the images overstated it, up to 2.5 times, as votes among
fewer images are easier to confuse.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.stats import t as student_t

from analysis import metrics
from analysis.metrics.common.result import bounded
from analysis.representations import ica
from analysis.representations.bases import Basis, latent, pca
from analysis.representations.encode import Bounds

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

VERSION = 2  # part of every key; raise it whenever a figure changes for the same settings
N_REPEATS = 5
N_REPEATS_BESIDE = 3  # of standardised codes: they do not rank, and 200 latents take long

BASES: dict[str, Callable[[npt.ArrayLike], Basis]] = {"latent": latent, "ica": ica.fit, "pca": pca}
SETTINGS: dict[str, dict[str, Any]] = {
    "higgins": {"n_pairs": 64, "n_train": 10_000, "n_eval": 5_000},
    "factor_vae": {"n_members": 64, "n_train": 10_000, "n_eval": 5_000},
    "mig": {"n_bins": 20, "binning": "width"},
    "sap": {},
    "mcc": {},
    "dci": {"estimator": "extra_trees", "n_trees": 20},
    "digit_probe": {},
    "bounds": {"n_samples": 20},
}
RANKABLE = ("higgins", "factor_vae", "mig", "dci", "sap", "mcc")
"""Higher means more disentangled; the other rows of a table are figures beside them."""


class Unit(NamedTuple):
    """Names one row of a run."""

    basis: str
    scaling: str  # of the codes: raw or standardised. Only Higgins depends on it
    score: str

    @property
    def settings(self) -> str:
        """The entry of SETTINGS that computes it."""
        if self.score in {"elbo", "iwae"}:
            return "bounds"
        return "dci" if self.score.startswith("dci") else self.score


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


class Sample(NamedTuple):
    """The images that codes are scored on, by their factors and digits."""

    factors: Ints  # (n, n_factors)
    digits: Ints  # (n,)


_TREES = ("dci", "dci_completeness", "dci_informativeness")
BASIS_UNITS = [
    *(
        Unit(basis, scaling, score)
        for basis in BASES
        for score in RANKABLE
        for scaling in (("raw", "standardised") if score == "higgins" else ("raw",))
    ),
    *(Unit(basis, "raw", score) for basis in BASES for score in _TREES[1:]),
    Unit("latent", "raw", "digit_probe"),
]
BOUND_UNITS = [Unit("latent", "raw", "elbo"), Unit("latent", "raw", "iwae")]


def content_key(*parts: npt.NDArray[Any] | bytes | str) -> str:
    """A short name for what the parts hold."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            digest.update(repr((part.shape, str(part.dtype))).encode())
            digest.update(np.ascontiguousarray(part).tobytes())
        else:
            digest.update(part.encode() if isinstance(part, str) else part)
        digest.update(b"|")
    return digest.hexdigest()[:20]


def row_key(content: str, sample_key: str, unit: Unit, n_repeats: int = N_REPEATS) -> str:
    """The key of a row: the codes' content, the images with their factors, and the settings."""
    settings = [VERSION, *unit, SETTINGS[unit.settings], n_repeats]
    return content_key(content, sample_key, json.dumps(settings, sort_keys=True))


def shuffled(sample: Sample, seed: int = 0) -> Sample:
    """Factors and digits of other images, so that codes know nothing of them."""
    order = np.random.default_rng(seed).permutation(len(sample.digits))
    return Sample(sample.factors[order], sample.digits[order])


def score_codes(
    codes: npt.ArrayLike,
    sample: Sample,
    units: Sequence[Unit] = BASIS_UNITS,
    n_repeats: int = N_REPEATS,
) -> list[Value]:
    """Values of units, which belong to the same codes; every basis is made once.

    Args:
        codes: posterior means, (n, n_latents).
        sample: of the same images.
        units: any of BASIS_UNITS.
        n_repeats: splits and drawings of the scores by votes; 1 keeps their own intervals.

    Raises:
        ValueError: codes or factors that no score accepts; see analysis.metrics.
    """
    values = []
    for name, make in BASES.items():
        wanted = [unit for unit in units if unit.basis == name]
        if not wanted:
            continue
        basis = make(codes)
        kept = {(unit.scaling, unit.settings): None for unit in wanted}  # DCI's three come together
        for scaling, settings in kept:
            found = [
                unit for unit in wanted if (unit.scaling, unit.settings) == (scaling, settings)
            ]
            values += _values(basis, sample, found, n_repeats)
    return values


def bound_values(bounds: Bounds) -> list[Value]:
    """The ELBO and the importance-weighted bound as rows; intervals over images."""
    values = []
    for unit, nats in zip(BOUND_UNITS, bounds, strict=True):
        half = 1.96 * float(nats.std(ddof=1)) / len(nats) ** 0.5
        mean = float(nats.mean())
        settings = {**SETTINGS["bounds"], "unit": "nats per image", "interval": "images"}
        said = json.dumps({"score": unit.score, **settings, "seed": 0})
        values.append(Value(*unit, mean, mean - half, mean + half, np.nan, False, True, "", said))
    return values


def _values(basis: Basis, sample: Sample, units: list[Unit], n_repeats: int) -> list[Value]:
    """Values of units that one call of a score gives."""
    first = units[0]
    if basis.codes.shape[1] == 0:
        note = "no active latents"
        nan = np.nan
        return [Value(*u, nan, nan, nan, nan, False, True, note, "{}") for u in units]
    arguments = dict(SETTINGS[first.settings])
    if first.settings == "digit_probe":
        results: list[Any] = [metrics.probe(basis.codes, sample.digits, **arguments)]
    else:
        function = getattr(metrics, first.settings)
        if first.settings == "higgins":
            arguments["standardise"] = first.scaling == "standardised"
        most = N_REPEATS_BESIDE if first.scaling == "standardised" else n_repeats
        seeds = range(min(n_repeats, most) if first.settings in {"higgins", "factor_vae"} else 1)
        results = [function(basis.codes, sample.factors, **arguments, seed=seed) for seed in seeds]
    return [_value(unit, basis, results) for unit in units]


def _value(unit: Unit, basis: Basis, results: list[Any]) -> Value:
    """One row of the results of a score, repeated or not."""
    result, said = results[0], dict(results[0].protocol)
    value, (low, high), chance = result.score, result.interval, getattr(result, "chance", np.nan)
    saturated = result.saturated
    if unit.score == "dci":
        chance = np.nan  # what Dci calls chance is that of its informativeness
    elif unit.score in _TREES:
        figure = unit.score.removeprefix("dci_")
        value, (low, high) = getattr(result, figure), getattr(result, f"{figure}_interval")
        saturated = value >= metrics.SATURATED
        if figure == "informativeness":
            said["interval"] = "held-out images"
        else:
            chance = np.nan
    if len(results) > 1:
        value, low, high = _over_repeats([result.score for result in results])
        saturated = value >= metrics.SATURATED
        said |= {"repeats": len(results), "interval": "repeated splits and votes"}
        said["seed"] = [result.protocol["seed"] for result in results]
    said["basis"] = {"name": unit.basis, "n_components": basis.codes.shape[1]}
    converged = basis.converged and all(getattr(result, "converged", True) for result in results)
    figures = float(value), float(low), float(high), float(chance)
    return Value(*unit, *figures, bool(saturated), bool(converged), "", json.dumps(said))


def _over_repeats(scores: Iterable[float]) -> tuple[float, float, float]:
    """Mean and 95% interval of a score that is drawn anew, from a few such draws."""
    drawn = np.fromiter(scores, float)
    half = student_t.ppf(0.975, len(drawn) - 1) * drawn.std(ddof=1)
    mean = float(drawn.mean())
    value, interval = bounded(mean, (mean - half, mean + half))
    return value, *interval

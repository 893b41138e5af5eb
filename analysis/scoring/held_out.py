"""What a search may seek, by name, and its value for trained models on given images.

Every trial is judged by the same images, settings and seeds, so that values can be compared; the
scores are those of the table `scores`, on the latents themselves.
"""

from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from analysis import metrics
from analysis.factors.sample import DEFAULT_FACTORS, discretise, measured
from analysis.representations.encode import Encoded, bounds, encode
from analysis.scoring.evaluation import RANKABLE, SETTINGS, Sample, Unit, score_codes
from study.config.run import RunConfig
from study.config.search import HELD_OUT
from study.data.mnist import data_dir, load_mnist
from study.losses import figures
from study.models import Vae

Images = npt.NDArray[np.uint8]
Trained = list[tuple[RunConfig, Vae]]  # runs that differ in their seed alone

COSTS = ("neg_elbo", "objective", "recon")
BOUNDS = ("elbo", "iwae")
DIRECTIONS: dict[str, Literal["minimize", "maximize"]] = {
    **dict.fromkeys(COSTS, "minimize"),
    **dict.fromkeys((*BOUNDS, *RANKABLE, "digit_probe", "udr"), "maximize"),
}


def held_out(trained: Trained, names: list[str], data_folder: Path | None = None) -> list[float]:
    """Values on the held-out part of the training set; see `values`.

    Raises:
        DataError: MNIST is not to be had.
    """
    return values(trained, names, *_held_out(data_folder, _needs_factors(names)))


def on_test_set(trained: Trained, names: list[str], data_folder: Path | None = None) -> list[float]:
    """The same on the test set, for the final table alone.

    Raises:
        DataError: MNIST is not to be had.
    """
    return values(trained, names, *_test_set(data_folder, _needs_factors(names)))


def values(trained: Trained, names: list[str], images: Images, sample: Sample) -> list[float]:
    """The value of each objective: mean over seeds, or over pairs of seeds for "udr".

    Args:
        trained: models, with their configurations.
        names: keys of DIRECTIONS.
        images: (n, 28, 28).
        sample: factors and digits of the same images; factors are looked at by RANKABLE alone.

    Raises:
        ValueError: codes that no score accepts; see analysis.metrics.
    """
    encoded = [encode(model, images, sample.digits) for _, model in trained]
    rows = [
        _of_one(config, model, codes, names, images, sample)
        for (config, model), codes in zip(trained, encoded, strict=True)
    ]
    found = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
    if "udr" in names:
        found["udr"] = _agreement(encoded)
    return [found[name] for name in names]


def _of_one(
    config: RunConfig,
    model: Vae,
    encoded: Encoded,
    names: list[str],
    images: Images,
    sample: Sample,
) -> dict[str, float]:
    recon, kl = float(encoded.recon.mean()), float(encoded.kl.sum(axis=1).mean())
    found = {"recon": recon, **figures({"recon": recon, "kl": kl}, config.beta)}
    if set(names) & set(BOUNDS):
        both = bounds(model, images, sample.digits, **SETTINGS["bounds"])
        found |= {name: float(getattr(both, name).mean()) for name in BOUNDS}
    units = [Unit("latent", "raw", name) for name in names if name in (*RANKABLE, "digit_probe")]
    found |= {row.score: row.value for row in score_codes(encoded.mean, sample, units)}
    return found


def _agreement(encoded: list[Encoded]) -> float:
    """UDR, averaged over pairs of runs."""
    nats = [codes.kl.mean(axis=0) for codes in encoded]
    pairs = [(a, b) for b in range(len(encoded)) for a in range(b)]
    agreed = [
        metrics.udr(encoded[a].mean, encoded[b].mean, kl_a=nats[a], kl_b=nats[b]).score
        for a, b in pairs
    ]
    return float(np.mean(agreed))


def _needs_factors(names: list[str]) -> bool:
    return bool(set(names) & set(RANKABLE))


@lru_cache(maxsize=2)  # a worker judges many trials
def _held_out(data_folder: Path | None, factors: bool) -> tuple[Images, Sample]:
    mnist = load_mnist(data_folder)
    last = slice(-HELD_OUT, None)
    return _sample(mnist.train_images[last], mnist.train_labels[last], data_folder, factors)


@lru_cache(maxsize=2)
def _test_set(data_folder: Path | None, factors: bool) -> tuple[Images, Sample]:
    mnist = load_mnist(data_folder)
    return _sample(mnist.test_images, mnist.test_labels, data_folder, factors)


def _sample(
    images: Images, labels: npt.NDArray[np.uint8], data_folder: Path | None, factors: bool
) -> tuple[Images, Sample]:
    binned = np.zeros((len(images), 0), np.int64)
    if factors:
        try:
            table = measured(images, DEFAULT_FACTORS, cache=data_dir(data_folder))
        except OSError:  # a cache that others own; ten seconds are no reason to stop
            table = measured(images, DEFAULT_FACTORS)
        binned = discretise(table)
    return images, Sample(binned, labels.astype(np.int64))

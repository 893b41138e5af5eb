"""Known factors read from pictures by a regression, where nothing measures them.

A perceptron reads them from principal components of the pixels: it is learnt on training images and
their factors, and checked on test images. A factor that it cannot read there is not used. Few
components read blurred pictures, as models draw them, better than many: of shapes of 64 x 64 pixels
blurred by 2.3 pixels, R2 of the size is .76 from 40 components and .28 from 100.
"""

import warnings
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from threadpoolctl import threadpool_limits

from analysis.factors.factor import Factor, Measurer
from study.data import Dataset
from study.data.dataset import pixel_rows

Floats = npt.NDArray[np.float64]
Images = npt.NDArray[np.uint8]

READABLE = 0.8  # R2 on test images from which on a factor is used: its error is below .45 SD
PREFIX = "factor_"  # of the columns of known factors: no other column has it
MOST_IMAGES = 60_000  # to learn from
MOST_SIDE = 32  # pixels; larger pictures are averaged over blocks
COMPONENTS, HIDDEN, BATCH = 40, 128, 256
STEPS, MOST_EPOCHS = 2_500, 60
UNLIKE = 2.0  # times as far from the components as the farthest test image, and not read
TAKEN = {"digit", "mixed", "none"}  # what a latent is called that moves no property alone


class Regression(NamedTuple):
    """Reads factors from pictures."""

    pipeline: Pipeline
    mean: Floats  # (n_factors,), of the training images
    spread: Floats  # (n_factors,)
    kept: npt.NDArray[np.int64]  # indices of the factors that it can read
    farthest: Floats  # (2,), see `_apart`; it knows nothing of pictures beyond

    def read(self, pictures: Images) -> Floats:
        """All factors of pictures, (n, n_factors); NaN for one that is unlike those of the data."""
        pixels = _shrunk(pictures)
        with threadpool_limits(limits=1):
            scaled = self.pipeline.predict(pixels).reshape(len(pictures), -1)
            unlike = (_apart(self.pipeline, pixels) > self.farthest).any(axis=1)
        values = np.asarray(self.mean + self.spread * scaled, np.float64)
        values[unlike] = np.nan
        return values

    def values(self, pictures: Images) -> Floats:
        """Those that it can read, (n, n_kept)."""
        return self.read(pictures)[:, self.kept]


class Read(NamedTuple):
    """A regression, and how well it reads pictures that it has not learnt from."""

    measurer: Measurer
    table: pd.DataFrame  # factor, r2, error (root mean square, in standard deviations), used


def read_factors(data: Dataset) -> Read:
    """Learn to read the known factors of a data set from its training images, and check it.

    Args:
        data: whose factors are known, in both splits.

    Raises:
        ValueError: its training images have no factors.
    """
    if data.train_factors is None or data.test_factors is None:
        raise ValueError(f"the factors of the training images of {data.name} are not known")
    names = [str(name) for name in data.test_factors]
    chosen = np.sort(np.random.default_rng(0).permutation(len(data.train_images))[:MOST_IMAGES])
    factors = data.train_factors.to_numpy(np.float64)[chosen]
    mean, spread = factors.mean(axis=0), factors.std(axis=0)
    pixels = _shrunk(data.train_images[chosen])
    pipeline = _pipeline(pixels, (factors - mean) / np.where(spread > 0, spread, 1))
    farthest = UNLIKE * _apart(pipeline, _shrunk(data.test_images)).max(axis=0)
    every = Regression(pipeline, mean, spread, np.arange(len(names)), farthest)
    asked = data.test_factors.to_numpy(np.float64)
    missed = ((every.read(data.test_images) - asked) ** 2).mean(axis=0)
    error = np.sqrt(missed) / np.where(asked.std(axis=0) > 0, asked.std(axis=0), np.nan)
    table = pd.DataFrame({"factor": names, "r2": 1 - error**2, "error": error})
    table["used"] = table["r2"] >= READABLE
    kept = np.flatnonzero(table["used"])
    known = tuple(_known(names[k], float(table["r2"][k])) for k in kept)
    return Read(Measurer(known, every._replace(kept=kept).values), table)


def in_words(table: pd.DataFrame) -> str:
    """How well factors are read: `x (R2 .99), ...; too badly to name latents by: shape (R2 .2)`."""

    def listed(rows: pd.DataFrame) -> str:
        each = zip(rows["factor"], rows["r2"], rows["error"], strict=True)
        return ", ".join(f"{name} (R² {r2:.2f}, error {error:.2f} SD)" for name, r2, error in each)

    used = table["used"].astype(bool)
    words = [f"read from the pictures: {listed(table[used]) or 'none'}"]
    if not used.all():
        words.append(f"below R² {READABLE}, so no latent is named after it: {listed(table[~used])}")
    return "; ".join(words)


def short_of(column: str) -> str:
    """A known factor in a word, by its column: its name, unless other latents are called so."""
    name = column.removeprefix(PREFIX)
    return f"{name} (factor)" if name in TAKEN else name


def _known(name: str, r2: float) -> Factor:
    how = f"known of the data, read from pictures by a regression, R2 {r2:.3f} on test images"
    return Factor(PREFIX + name, short_of(PREFIX + name), "", name, how)


def _pipeline(pixels: npt.NDArray[np.float32], factors: Floats) -> Pipeline:
    components = min(COMPONENTS, *pixels.shape)
    epochs = max(1, min(MOST_EPOCHS, round(STEPS * BATCH / len(pixels))))
    network = MLPRegressor(
        hidden_layer_sizes=(HIDDEN, HIDDEN),
        batch_size=min(BATCH, len(pixels)),
        max_iter=epochs,
        random_state=0,
    )
    whole = make_pipeline(PCA(components, whiten=True, svd_solver="covariance_eigh"), network)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # it learns for a fixed time
        # on one thread: the products are small, and threads that share a core wait for each other
        with threadpool_limits(limits=1):
            return whole.fit(pixels, factors.astype(np.float32))


def _apart(pipeline: Pipeline, pixels: npt.NDArray[np.float32]) -> Floats:
    """How unlike the training pictures rows of pixels are, (n, 2).

    What the components leave of them, a mean square over pixels; and how far they are along the
    components, a mean square in standard deviations (Q and T2 of Jackson & Mudholkar 1979).
    """
    pca = pipeline[0]
    components = pca.transform(pixels)
    left = ((pixels - pca.inverse_transform(components)) ** 2).mean(axis=1)
    return np.stack([left, (components**2).mean(axis=1)], axis=1).astype(np.float64)


def _shrunk(images: Images) -> npt.NDArray[np.float32]:
    """Pixels as rows in [0, 1], means over blocks where a picture is larger than MOST_SIDE."""
    height, width = images.shape[1:3]
    block = -(-max(height, width) // MOST_SIDE)
    rows = []
    for part in np.array_split(images, max(1, len(images) // 2_000)):
        cut = part[:, : height // block * block, : width // block * block]
        blocks = cut.reshape(len(part), height // block, block, width // block, block, -1)
        means = blocks.mean(axis=(2, 4), dtype=np.float32)
        rows.append(pixel_rows(means) / np.float32(255))
    return np.concatenate(rows)

"""MNIST: fetched, verified, cached.

The cache holds the four raw IDX files. Each process maps them, so that all share the same pages of
memory. Every file is checked against the SHA-256 of the original, wherever it came from.
"""

import gzip
import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from study.data.dataset import DataError, Dataset, DataShape
from study.data.download import Progress, no_progress
from study.data.shipped.mnist_sources import SHA256, SIZES, SOURCES
from study.data.verified_files import ensure, place_of, require_original, short_hash, write_whole

_log = logging.getLogger(__name__)

DATA_HASH = short_hash(SHA256)
"""One short name for the four files, for a study's provenance."""

MEASURE = "strokes"  # thickness, slant and width are measured on the pictures
NAME, AGAIN = "MNIST", "fetched"
FACTS = (NAME, DATA_HASH, MEASURE)
SHAPE = DataShape(channels=1, height=28, width=28, n_classes=10)
N_PIXELS = SHAPE.n_pixels


def load_mnist(folder: Path | None = None) -> Dataset:
    """MNIST from its place in `data_dir(folder)`, fetched first where it is missing.

    Every load verifies the files: 0.04 s where the processor knows SHA-256.

    Raises:
        DataError: as `fetch`.
    """
    folder = place_of("mnist", SHA256, folder)
    fetch(folder)
    train, train_labels, test, test_labels = (
        _map(folder / name, shape) for name, shape in zip(SHA256, SIZES, strict=True)
    )
    facts = ("mnist", SHAPE.n_classes, DATA_HASH, MEASURE)
    return Dataset(train, train_labels, test, test_labels, *facts)


def fetch(folder: Path, progress: Progress = no_progress) -> None:
    """Make sure that the four original files lie in `folder`.

    Files that are there are verified, never overwritten; a `.gz` beside a missing file is unpacked.
    A fetch that was interrupted goes on where it stopped.

    Raises:
        DataError: a file is damaged, the folder cannot be used, or every source failed.
    """

    def make(names: list[str]) -> None:
        _unpack_by_hand(folder)
        if left := [name for name in names if not (folder / name).exists()]:
            _fetch_from_first(folder, left, progress)

    ensure(folder, SHA256, NAME, make, AGAIN)


def _map(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    # An IDX header is four bytes and four more an axis. Copy-on-write ("c") pages are shared until
    # written to, and torch.from_numpy takes them without its warning about read-only arrays.
    mapped = np.memmap(path, np.uint8, mode="c", offset=4 + 4 * len(shape), shape=shape)
    return np.asarray(mapped)  # a plain array: memmap's own class only gets in the way


def _unpack_by_hand(folder: Path) -> None:
    """Unpack the `.gz` files that a user has put into `folder`."""
    for name in SHA256:
        packed = folder / f"{name}.gz"
        if packed.exists() and not (folder / name).exists():
            try:
                raw = gzip.decompress(packed.read_bytes())
            except Exception as error:  # gzip raises OSError, EOFError or zlib.error
                raise DataError(
                    f"{packed} cannot be unpacked ({error}): delete or move it"
                ) from error
            seen = hashlib.sha256(raw).hexdigest()
            require_original(SHA256[name], seen, packed, NAME, AGAIN)
            write_whole(folder / name, raw)


def _fetch_from_first(folder: Path, names: Sequence[str], progress: Progress) -> None:
    """Write `names` from the first source that gives the original bytes."""
    failures = []
    for label, source in SOURCES:
        _log.info("fetching MNIST from %s into %s", label, folder)
        try:
            files = source(names, folder, progress)
        except Exception as error:  # whatever goes wrong there, the next source may work
            failures.append(f"  {label}: {error}")
            continue
        for name in names:
            write_whole(folder / name, files[name])
        for part in folder.glob("*.gz.part"):  # begun by a source that failed before
            part.unlink()
        return
    heading = "MNIST is not in the cache, and no source gave it:"
    way_out = f"Put these files, raw or as .gz, into {folder}: {', '.join(SHA256)}"
    raise DataError("\n".join([heading, *failures, way_out]))

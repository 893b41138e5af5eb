"""Data sets as arrays in files: converted once, then mapped by every process.

A data set is a folder `converted/KEY` of the cache, with a `.npy` file for each array of `Dataset`
and `facts.json`. Colour is stored channels first, as models read it, and shown channels last. The
folder appears whole or not at all.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from study.config.errors import reason
from study.data.dataset import DataError, Dataset, require_sound
from study.data.verified_files import locked

Ints = npt.NDArray[np.int64]
Pictures = npt.NDArray[np.uint8]

FACTS = "facts.json"
HELD_OUT = 0.1  # of the images, where a data set says nothing of a test split
SPLITS, KINDS = ("train", "test"), ("images", "labels")


class Rows(NamedTuple):
    """Which images of a source train and which test, in the order in which they are kept."""

    train: Ints
    test: Ints


class Known(NamedTuple):
    """What a source says of its images besides the pixels, a row an image."""

    labels: Ints | None = None  # from 0; None: none are known
    factors: pd.DataFrame | None = None


def n_test(n: int) -> int:
    """How many of n images are held out."""
    return max(1, round(HELD_OUT * n))


def held_out(keys: npt.NDArray[np.uint64]) -> Rows:
    """Hold out a tenth of the images, those with the lowest keys; the order is that of the keys.

    Args:
        keys: (n,), a hash of what each image is known by.
    """
    order = np.argsort(keys, kind="stable").astype(np.int64)
    return Rows(order[n_test(len(keys)) :], order[: n_test(len(keys))])


def hashed(index: npt.NDArray[np.int64]) -> npt.NDArray[np.uint64]:
    """A hash of whole numbers, the same on every machine.

    Source: Steele et al. 2014, "Fast splittable pseudorandom number generators" (SplitMix64).
    """
    mixed = (index.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return mixed ^ (mixed >> np.uint64(31))


def hashed_names(names: Iterable[str]) -> npt.NDArray[np.uint64]:
    """A hash of names: a file that is added to a folder moves no other to the other split."""
    digests = [hashlib.sha256(name.encode()).digest()[:8] for name in names]
    return np.frombuffer(b"".join(digests), "<u8").astype(np.uint64)


def require_space(folder: Path, n_bytes: int, source: str) -> None:
    """Refuse to unpack what the disk does not hold; the folder may not exist yet.

    Raises:
        DataError: it is too much; names the source, its size and what is free.
    """
    existing = next(path for path in [folder, *folder.parents] if path.exists())
    free = shutil.disk_usage(existing).free
    if n_bytes > free:
        raise DataError(
            f"{source} would unpack to {n_bytes / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free in"
            f" {existing}: choose another folder with --data-dir or $STUDY_DATA"
        )


def convert(
    folder: Path,
    source: str,
    shape: tuple[int, ...],
    pieces: Iterable[Pictures],
    rows: Rows,
    known: Known,
) -> None:
    """Write the arrays of a data set into a folder.

    Args:
        folder: where to.
        source: what to call it in errors.
        shape: of one image, (height, width) or (height, width, channels).
        pieces: all images in their order, some at a time, (n, *shape).
        rows: which of them train and test.
        known: their labels and factors.

    Raises:
        DataError: the disk does not hold it.
    """
    n = len(rows.train) + len(rows.test)
    require_space(folder, n * int(np.prod(shape)), source)
    stored = (shape[2], *shape[:2]) if len(shape) == 3 else shape
    files = [
        np.lib.format.open_memmap(
            folder / f"{split}_images.npy", mode="w+", dtype=np.uint8, shape=(len(part), *stored)
        )
        for split, part in zip(SPLITS, rows, strict=True)
    ]
    target, tests = np.empty(n, np.int64), np.zeros(n, bool)
    for part in rows:
        target[part] = np.arange(len(part))
    tests[rows.test] = True
    start = 0
    for piece in pieces:
        here = slice(start, start := start + len(piece))
        if piece.ndim == 4:
            piece = np.moveaxis(piece, 3, 1)
        for file, chosen in zip(files, (~tests[here], tests[here]), strict=True):
            file[target[here][chosen]] = piece[chosen]
    for file in files:
        file.flush()
    for split, part in zip(SPLITS, rows, strict=True):
        labels = np.zeros(n, np.int64) if known.labels is None else known.labels
        np.save(folder / f"{split}_labels.npy", labels[part])
        if known.factors is not None:
            np.save(folder / f"{split}_factors.npy", known.factors.to_numpy(np.float64)[part])


def open_converted(
    cache: Path, key: str, source: str, make: Callable[[Path], dict[str, Any]]
) -> Dataset:
    """A data set's arrays, mapped; converted first where they are missing.

    Several processes may ask at once: one converts, the others wait.

    Args:
        cache: the data folder.
        key: names the content, as a folder.
        source: what to call the data set in errors.
        make: writes the arrays into a folder, and returns the other fields of `Dataset`, and as
            `factors` the names of the factors.

    Raises:
        DataError: the cache cannot be used, or what `make` raises.
    """
    folder = cache / "converted" / key
    if not folder.exists():
        with locked(folder.parent, source):
            if not folder.exists():
                _make_whole(folder, make)
    return require_sound(_mapped(folder, source), source)


def _make_whole(folder: Path, make: Callable[[Path], dict[str, Any]]) -> None:
    part = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)  # of a process that was killed
    part.mkdir()
    try:
        (part / FACTS).write_text(json.dumps(make(part)))
        part.replace(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _mapped(folder: Path, source: str) -> Dataset:
    def array(name: str) -> npt.NDArray[Any]:
        # Copy-on-write pages are shared until written to, and torch takes them without a warning.
        mapped = np.asarray(np.load(folder / f"{name}.npy", mmap_mode="c"))
        return np.moveaxis(mapped, 1, 3) if mapped.ndim == 4 else mapped

    try:
        facts = json.loads((folder / FACTS).read_text())
        names = facts.pop("factors", None)
        arrays = {f"{split}_{kind}": array(f"{split}_{kind}") for split in SPLITS for kind in KINDS}
        tables = {
            f"{split}_factors": pd.DataFrame(array(f"{split}_factors"), columns=names)
            for split in SPLITS
            if names
        }
        return Dataset(**{**arrays, **facts, **tables})
    except (OSError, ValueError) as error:
        raise DataError(
            f"{folder}, which {source} was converted to, is damaged ({reason(error)}): delete it"
        ) from None


def in_pieces(read: Callable[[int, int], Pictures], n: int, size: int) -> Iterator[Pictures]:
    """Images `read(start, stop)` of n, about 64 MB at a time.

    Args:
        read: gives the images from `start` to before `stop`.
        n: number of images.
        size: bytes of one image.
    """
    step = max(1, 2**26 // size)
    for start in range(0, n, step):
        yield read(start, min(start + step, n))

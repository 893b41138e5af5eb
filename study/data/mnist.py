"""MNIST: fetched, verified, cached.

The cache holds the four raw IDX files. Each process maps them, so that all share the same pages of
memory. Every file is checked against the SHA-256 of the original, wherever it came from.
"""

import gzip
import hashlib
import logging
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from filelock import FileLock

from study.data.dataset import DataError, Dataset, DataShape
from study.data.mnist_sources import SHA256, SIZES, SOURCES

_log = logging.getLogger(__name__)

DATA_HASH = hashlib.sha256("".join(SHA256.values()).encode()).hexdigest()[:12]
"""One short name for the four files, for a study's provenance."""

MEASURE = "strokes"  # thickness, slant and width are measured on the pictures
FACTS = ("MNIST", DATA_HASH, MEASURE)
SHAPE = DataShape(channels=1, height=28, width=28, n_classes=10)
N_PIXELS = SHAPE.n_pixels
_LOCK_TIMEOUT_S = 1200.0  # longer than the slowest fetch by another process


def data_dir(given: Path | None = None) -> Path:
    """The folder for the data: `given` (--data-dir), else $STUDY_DATA, else the user's cache."""
    if given is not None:
        return given.expanduser().absolute()
    if named := os.environ.get("STUDY_DATA"):
        return Path(named).expanduser().absolute()
    cache = Path(os.environ.get("XDG_CACHE_HOME", ""))
    # A relative XDG_CACHE_HOME is to be ignored, says the XDG Base Directory Specification.
    return (cache if cache.is_absolute() else Path.home() / ".cache") / "vae-study" / "mnist"


def load_mnist(folder: Path | None = None) -> Dataset:
    """MNIST from `data_dir(folder)`, fetched first where it is missing.

    Every load verifies the files: 0.04 s where the processor knows SHA-256.

    Raises:
        DataError: as `fetch`.
    """
    folder = data_dir(folder)
    fetch(folder)
    train, train_labels, test, test_labels = (
        _map(folder / name, shape) for name, shape in zip(SHA256, SIZES, strict=True)
    )
    facts = ("mnist", SHAPE.n_classes, DATA_HASH, MEASURE)
    return Dataset(train, train_labels, test, test_labels, *facts)


def fetch(folder: Path) -> None:
    """Make sure that the four original files lie in `folder`.

    Files that are there are verified, never overwritten; a `.gz` beside a missing file is unpacked.
    Several processes may ask at once: one fetches, the others wait.

    Raises:
        DataError: a file is damaged, the folder cannot be used, or every source failed.
    """
    try:
        if not _missing(folder):  # no lock: the folder may be read-only
            return
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lock", timeout=_LOCK_TIMEOUT_S):
            _unpack_by_hand(folder)
            if missing := _missing(folder):
                _fetch_from_first(folder, missing)
    except OSError as error:
        raise DataError(
            f"cannot keep MNIST in {folder} ({error}): "
            "choose another folder with --data-dir or $STUDY_DATA"
        ) from error


def _map(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    # An IDX header is four bytes and four more an axis. Copy-on-write ("c") pages are shared until
    # written to, and torch.from_numpy takes them without its warning about read-only arrays.
    mapped = np.memmap(path, np.uint8, mode="c", offset=4 + 4 * len(shape), shape=shape)
    return np.asarray(mapped)  # a plain array: memmap's own class only gets in the way


def _missing(folder: Path) -> list[str]:
    """Names not in `folder`; those that are there are verified."""
    missing = []
    for name in SHA256:
        if digest := _digest(folder / name):
            _require_original(name, digest, folder / name)
        else:
            missing.append(name)
    return missing


def inspect(folder: Path) -> dict[str, str]:
    """Each file's name -> "verified", "damaged" or "missing"; nothing is fetched or changed."""
    return {
        name: {None: "missing", original: "verified"}.get(_digest(folder / name), "damaged")
        for name, original in SHA256.items()
    }


def _digest(path: Path) -> str | None:
    """SHA-256 of a file; None where there is none."""
    if not path.exists():
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _require_original(name: str, seen: str, path: Path) -> None:
    if seen != SHA256[name]:
        raise DataError(
            f"{path} is not the original MNIST file: SHA-256 is {seen}, expected {SHA256[name]}; "
            "delete or move it, and it will be fetched again"
        )


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
            _require_original(name, hashlib.sha256(raw).hexdigest(), packed)
            _write(folder / name, raw)


def _fetch_from_first(folder: Path, names: Sequence[str]) -> None:
    """Write `names` from the first source that gives the original bytes."""
    failures = []
    for label, source in SOURCES:
        _log.info("fetching MNIST from %s into %s", label, folder)
        try:
            files = source(names)
        except Exception as error:  # whatever goes wrong there, the next source may work
            failures.append(f"  {label}: {error}")
            continue
        for name in names:
            _write(folder / name, files[name])
        return
    heading = "MNIST is not in the cache, and no source gave it:"
    way_out = f"Put these files, raw or as .gz, into {folder}: {', '.join(SHA256)}"
    raise DataError("\n".join([heading, *failures, way_out]))


def _write(path: Path, raw: bytes) -> None:
    """Write whole or not at all. Called under the lock: the name of the part is ours alone."""
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)

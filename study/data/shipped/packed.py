"""Files of torchvision's data sets, raw or packed -> arrays; nothing in them is a pickle."""

import bz2
import gzip
import zipfile
import zlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from study.config.errors import reason
from study.data.dataset import DataError

Bytes = npt.NDArray[np.uint8]

LARGEST = 2**28  # bytes of one unpacked file; the largest is of 98 MB
USPS_SIDE = 16
_OPEN: dict[str, Any] = {".gz": gzip.open, ".bz2": bz2.open}


class Arrays(NamedTuple):
    """Images (n, height, width) and labels (n,) from 0, of both splits."""

    train_images: Bytes
    train_labels: Bytes
    test_images: Bytes
    test_labels: Bytes


def unpacked(path: Path, member: str = "") -> bytes:
    """What a file holds, unpacked if it is a .gz or .bz2; or a .gz that is member of a zip.

    Raises:
        DataError: it is damaged, or larger unpacked than any of these files.
    """
    try:
        if member:
            with zipfile.ZipFile(path) as archive, archive.open(member) as inner:
                raw = gzip.GzipFile(fileobj=inner).read(LARGEST + 1)
        else:
            with _OPEN.get(path.suffix, open)(path, "rb") as file:
                raw = file.read(LARGEST + 1)
    except (OSError, EOFError, KeyError, zlib.error, zipfile.BadZipFile) as error:
        raise DataError(f"{path} cannot be unpacked ({reason(error)}): delete or move it") from None
    if len(raw) > LARGEST:
        raise DataError(f"{path} unpacks to more than {LARGEST:,} bytes: delete or move it")
    return bytes(raw)


def read_idx(files: list[Path], sizes: tuple[int, int], names: tuple[str, ...]) -> Arrays:
    """The four IDX files of a data set like MNIST.

    Args:
        files: images and labels to train on, the same to test on; or one zip that has them all.
        sizes: number of images to train and to test on.
        names: of the four files, unpacked.

    Raises:
        DataError: one is damaged, or no such file.
    """
    n_train, n_test = sizes
    shapes = (n_train, 28, 28), (n_train,), (n_test, 28, 28), (n_test,)
    if len(files) == 1:
        raws = [unpacked(files[0], f"gzip/{name}.gz") for name in names]
    else:
        raws = [unpacked(file) for file in files]
    named = files * len(names) if len(files) == 1 else files
    return Arrays(*(_idx(*part) for part in zip(named, raws, shapes, strict=True)))


def read_letters(files: list[Path], sizes: tuple[int, int], names: tuple[str, ...]) -> Arrays:
    """EMNIST's letters upright: its files have them transposed, and their labels from 1."""
    train, train_labels, test, test_labels = read_idx(files, sizes, names)
    upright = (np.ascontiguousarray(images.transpose(0, 2, 1)) for images in (train, test))
    one = np.uint8(1)
    return Arrays(next(upright), train_labels - one, next(upright), test_labels - one)


def read_usps(files: list[Path], sizes: tuple[int, int], names: tuple[str, ...]) -> Arrays:
    """USPS from LIBSVM's text: a line `label index:value ...` an image, values from -1 to 1."""
    parts = [_libsvm(file, n) for file, n in zip(files, sizes, strict=True)]
    return Arrays(*parts[0], *parts[1])


def _idx(path: Path, raw: bytes, shape: tuple[int, ...]) -> Bytes:
    header = np.array([0x0800 + len(shape), *shape], dtype=">u4").tobytes()
    n = int(np.prod(shape))
    if raw[: len(header)] != header or len(raw) != len(header) + n:
        raise DataError(
            f"{path} is not an IDX file of {' x '.join(map(str, shape))} bytes: delete or move it"
        )
    return np.frombuffer(raw, np.uint8, offset=len(header)).reshape(shape)


def _libsvm(path: Path, n: int) -> tuple[Bytes, Bytes]:
    lines = unpacked(path).splitlines()
    pixels, labels = np.zeros((n, USPS_SIDE**2), np.float32), np.zeros(n, np.uint8)
    try:
        if len(lines) != n:
            raise ValueError(f"{len(lines)} lines")
        for k, line in enumerate(lines):
            label, *pairs = line.split()
            labels[k] = int(label) - 1
            for pair in pairs:  # a value that is left out is 0
                index, value = pair.split(b":")
                pixels[k, int(index) - 1] = float(value)
        if not np.abs(pixels).max() <= 1:
            raise ValueError("values outside -1 to 1")
    except (ValueError, IndexError, OverflowError) as error:
        raise DataError(
            f"{path} is not a LIBSVM file of {n} images of 256 values ({error}): delete or move it"
        ) from None
    # Cut off, not rounded, as torchvision does: the same bytes.
    images = ((pixels + 1) / 2 * 255).astype(np.uint8)
    return images.reshape(n, USPS_SIDE, USPS_SIDE), labels

"""Images in an .npz file: `images`, and optionally what else `ARRAYS` names.

An .npz is a zip of .npy files. They are read as such, in pieces, and never as pickles.
"""

import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from study.config.errors import reason
from study.data.converted import (
    Ints,
    Known,
    Rows,
    convert,
    hashed,
    held_out,
    in_pieces,
)
from study.data.dataset import MOST_CLASSES, DataError

ARRAYS = ("images", "labels", "class_names", "factors", "factor_names", "split")
CHANNELS = (1, 3)
LONGEST_SIDE = 1024  # pixels
MOST_BESIDE = 2**31  # bytes of an array other than the images
SPLIT_WORDS = {"train": 0, "test": 1}


# What zipfile and NumPy raise; RuntimeError where it is encrypted.
_DAMAGE = (OSError, EOFError, ValueError, KeyError, RuntimeError, zlib.error, zipfile.BadZipFile)


class Header(NamedTuple):
    """Of one array."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]


class Npz:
    """An .npz file of the user's, open; use it as a context.

    Raises:
        DataError: it is no zip file, or cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> "Npz":
        try:
            self._zip = zipfile.ZipFile(self.path)
        except (OSError, zipfile.BadZipFile) as error:
            raise DataError(f"{self.path} is not an .npz file ({reason(error)})") from None
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    @property
    def names(self) -> list[str]:
        """The arrays."""
        return [name.removesuffix(".npy") for name in self._zip.namelist()]

    def header(self, name: str) -> Header:
        """Shape and type of an array, as declared; nothing else of it is read.

        Raises:
            DataError: it is missing, of Python objects, or not of the size that it declares.
        """
        with self._open(name) as (_, header):
            return header

    def read(self, name: str) -> npt.NDArray[Any]:
        """A whole array, which must not be large.

        Raises:
            DataError: as `header`; or it is larger than 2 GiB, or damaged.
        """
        with self._open(name) as (file, (shape, dtype)):
            if (n_bytes := _n_bytes(shape, dtype)) > MOST_BESIDE:
                raise DataError(f"{self.path}: {name} has {n_bytes / 1e9:.1f} GB: at most 2")
            return np.frombuffer(_exactly(file, n_bytes), dtype).reshape(shape)

    def pieces(self, name: str) -> Iterator[npt.NDArray[Any]]:
        """An array in pieces of its first axis.

        Raises:
            DataError: as `read`, of any size.
        """
        with self._open(name) as (file, (shape, dtype)):
            one = _n_bytes(shape[1:], dtype)

            def read(start: int, stop: int) -> npt.NDArray[Any]:
                raw = _exactly(file, one * (stop - start))
                return np.frombuffer(raw, dtype).reshape(stop - start, *shape[1:])

            yield from in_pieces(read, shape[0], one)

    @contextmanager
    def _open(self, name: str) -> Iterator[tuple[IO[bytes], Header]]:
        """An array's bytes, behind its header."""
        if name not in self.names:
            listed = ", ".join(self.names[:8]) or "nothing"
            raise DataError(f"{self.path} has no array {name!r}, only {listed}: save it as {name}=")
        try:
            info = self._zip.getinfo(f"{name}.npy")
            with self._zip.open(info) as file:
                header = self._read_header(name, file)
                if info.file_size - file.tell() != (n := _n_bytes(*header)):
                    raise ValueError(f"{info.file_size - file.tell()} bytes of {n}")
                yield file, header
        except DataError:
            raise
        except _DAMAGE as error:
            raise DataError(f"{self.path}: {name} is damaged ({reason(error)})") from None

    def _read_header(self, name: str, file: IO[bytes]) -> Header:
        version = np.lib.format.read_magic(file)
        if version == (1, 0):
            read = np.lib.format.read_array_header_1_0
        else:
            read = np.lib.format.read_array_header_2_0
        with warnings.catch_warnings():  # that Python 2 wrote it, as it did dSprites
            warnings.simplefilter("ignore", UserWarning)
            shape, fortran, dtype = read(file)
        if dtype.hasobject:
            raise DataError(
                f"{self.path}: {name} contains pickled Python objects, which are never loaded here:"
                " save an array of numbers or text"
            )
        if fortran and len(shape) > 1:
            raise DataError(f"{self.path}: save {name} as np.ascontiguousarray({name})")
        return Header(shape, dtype)


def describe(path: Path) -> tuple[tuple[int, ...], int, int]:
    """Shape of one image, number of classes (0: no labels) and of training images.

    Raises:
        DataError: the file is not one of images.
    """
    with Npz(path) as npz:
        shape = _image_shape(npz)
        labels = _labels(npz, shape[0])
        n_classes = 0 if labels is None else int(labels.max()) + 1
        return shape[1:], n_classes, len(_rows(npz, shape[0]).train)


def convert_npz(path: Path, folder: Path) -> dict[str, Any]:
    """Write the arrays of an .npz file into a folder, images in pieces.

    Returns:
        What `open_converted` wants of a conversion.

    Raises:
        DataError: they are missing, wrong or do not fit together; or do not fit on the disk.
    """
    with Npz(path) as npz:
        n, *shape = _image_shape(npz)
        rows, labels = _rows(npz, n), _labels(npz, n)
        n_classes = 0 if labels is None else int(labels.max()) + 1
        class_names, factors = _class_names(npz, n_classes), _factors(npz, n, rows)
        known = Known(labels, factors)
        convert(folder, str(path), tuple(shape), npz.pieces("images"), rows, known)
    facts = {"n_classes": n_classes, "class_names": class_names}
    return facts if factors is None else {**facts, "factors": list(factors.columns)}


def _image_shape(npz: Npz) -> tuple[int, ...]:
    shape, dtype = npz.header("images")
    sides = shape[1:3]
    sound = len(shape) == 3 or (len(shape) == 4 and shape[3] in CHANNELS)
    if dtype != np.uint8 or not sound or not all(1 <= side <= LONGEST_SIDE for side in sides):
        raise DataError(
            f"{npz.path}: images must be uint8 from 0 to 255, (n, height, width) or (n, height,"
            f" width, 3), with sides of at most {LONGEST_SIDE} pixels; got {dtype} {shape}"
        )
    if shape[0] < 2:
        raise DataError(f"{npz.path}: {shape[0]} images: training and testing need at least 2")
    return shape


def _labels(npz: Npz, n: int) -> Ints | None:
    """(n,), from 0; None where there are none."""
    if "labels" not in npz.names:
        return None
    labels = _one_each(npz, "labels", n)
    if labels.dtype.kind not in "iu" or labels.ndim != 1:
        raise DataError(
            f"{npz.path}: labels must be whole numbers, ({n},), got {labels.dtype} {labels.shape}"
        )
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= MOST_CLASSES or low == high:
        raise DataError(
            f"{npz.path}: labels must be of two to {MOST_CLASSES} classes, from 0, got {low} to"
            f" {high}; leave labels out if there are no classes"
        )
    return labels.astype(np.int64)


def _class_names(npz: Npz, n_classes: int) -> list[str]:
    if "class_names" not in npz.names:
        return []
    names = [str(name) for name in npz.read("class_names").ravel().tolist()]
    if len(names) != n_classes or len(set(names)) < n_classes:
        raise DataError(
            f"{npz.path}: {n_classes} classes and the class_names {names[:4]}: give each class one"
            " name"
        )
    return names


def _rows(npz: Npz, n: int) -> Rows:
    """As `split` says, else a tenth is held out by a hash of the index."""
    if "split" not in npz.names:
        return held_out(hashed(np.arange(n)))
    given = _one_each(npz, "split", n)
    words = {str(value) for value in np.unique(given)}
    of = {**SPLIT_WORDS, "0": 0, "1": 1}
    if given.ndim != 1 or not words <= set(of) or len({of[word] for word in words}) != 2:
        raise DataError(
            f"{npz.path}: split must say train or test (0 or 1) for each image, and contain both;"
            f" got {', '.join(sorted(words)[:4])}"
        )
    tests = np.array([of[str(value)] for value in given.tolist()]) == 1
    return Rows(np.flatnonzero(~tests), np.flatnonzero(tests))


def _factors(npz: Npz, n: int, rows: Rows) -> pd.DataFrame | None:
    """(n, n_factors), by name; None where there are none."""
    has = [name in npz.names for name in ("factors", "factor_names")]
    if not any(has):
        return None
    if not all(has):
        raise DataError(f"{npz.path}: factors and factor_names go together; one is missing")
    values, names = _one_each(npz, "factors", n), npz.read("factor_names").ravel().tolist()
    if values.ndim != 2 or values.dtype.kind not in "iufb":
        raise DataError(
            f"{npz.path}: factors must be numbers, ({n}, n_factors), got {values.dtype}"
            f" {values.shape}"
        )
    if len(names) != values.shape[1] or len({str(name) for name in names}) < len(names):
        raise DataError(
            f"{npz.path}: {values.shape[1]} factors and the names {names}: give each factor one"
            " name"
        )
    table = pd.DataFrame(values.astype(np.float64), columns=[str(name) for name in names])
    for name, column in table.items():
        if not np.isfinite(column).all():
            lost = int((~np.isfinite(column)).sum())
            raise DataError(f"{npz.path}: factor {name} is missing (NaN) for {lost} images")
        for split, part in zip(("training", "test"), rows, strict=True):
            if column.to_numpy()[part].min() == column.to_numpy()[part].max():
                raise DataError(
                    f"{npz.path}: factor {name} is constant in the {split} images: leave it out"
                )
    return table


def _one_each(npz: Npz, name: str, n: int) -> npt.NDArray[Any]:
    shape = npz.header(name).shape
    if not shape or shape[0] != n:
        raise DataError(f"{npz.path}: {name} has shape {shape} and there are {n} images: one each")
    return npz.read(name)


def _exactly(file: IO[bytes], n: int) -> bytes:
    raw = file.read(n)
    if len(raw) < n:
        raise EOFError(f"{len(raw)} bytes of {n}")
    return raw


def _n_bytes(shape: tuple[int, ...], dtype: np.dtype[Any]) -> int:
    n = dtype.itemsize
    for size in shape:
        n *= int(size)
    return n

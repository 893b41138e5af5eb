"""The user's files as data sets: found, held to the version that a study began with, converted."""

from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from study.config.errors import UsageError
from study.config.own_data import content_hash, path_of, short_name, version_of
from study.data.converted import open_converted
from study.data.dataset import DataError, Dataset, DataShape
from study.data.given import arrays, pictures
from study.data.given.factor_grids import FactorGrid, convert_grid
from study.data.verified_files import data_dir, place_of


def load_own(name: str, folder: Path | None = None) -> Dataset:
    """The images of a file or folder of the user's own, from the data folder's copy.

    Args:
        name: its path, with the version of its content or without.
        folder: the data folder; None: the usual one.

    Raises:
        UsageError: there is nothing at the path.
        DataError: it has changed since the version, or is not sound.
    """
    path = _existing(name)
    content = content_hash(path)
    version = version_of(name)
    if not content.startswith(version):
        raise DataError(
            f"{path} has changed since the study began: it was {version} and is"
            f" {content[: len(version)]}; restore it, or choose another --name for a new study"
        )
    make = partial(_convert, path, content)
    key = f"{short_name(str(path))}-{content[:12]}"
    return open_converted(data_dir(folder), key, str(path), make)._replace(name=name)


def describe_own(name: str) -> tuple[DataShape, int]:
    """Shape and number of training images of the user's own; no image is unpacked for it.

    Raises:
        UsageError, DataError: as `load_own`.
    """
    path = _existing(name)
    return _described(path.absolute(), path.stat().st_mtime_ns)


def hash_of(name: str) -> str:
    """The hash by which a study's provenance names the content."""
    return content_hash(_existing(name))[:12]


def load_grid(name: str, grid: FactorGrid, folder: Path | None = None) -> Dataset:
    """A published file that the user has put into the data folder, or its folder there.

    Raises:
        DataError: it is not there, or not the published one.
        UsageError: a library is missing that reads it.
    """
    require_grid(name, grid, place_of(name, [grid.file], folder))
    path = grid_file(name, grid, folder)
    content = content_hash(path)
    facts = {"name": name, "hash": content[:12]}

    def make(into: Path) -> dict[str, Any]:
        return {**facts, **convert_grid(path, grid, into)}

    return open_converted(data_dir(folder), f"{name}-{content[:12]}", str(path), make)


def require_grid(name: str, grid: FactorGrid, place: Path) -> None:
    """Refuse to go on without a published file, which cannot be fetched.

    Raises:
        DataError: it is not there; says where to put it.
    """
    if not (place / grid.file).exists():
        raise DataError(f"{name} is not there: put its file {grid.file} into {place}")


def grid_file(name: str, grid: FactorGrid, folder: Path | None = None) -> Path:
    """Where a published file lies."""
    return place_of(name, [grid.file], folder) / grid.file


def _existing(name: str) -> Path:
    path = path_of(name).expanduser()
    if path.is_dir() or (path.is_file() and path.suffix == ".npz"):
        return path
    if path.exists():
        raise UsageError(f"data {path} is neither a folder of pictures nor an .npz file")
    raise UsageError(f"there is no data at {path} (from the folder {Path.cwd()})")


def _convert(path: Path, content: str, into: Path) -> dict[str, Any]:
    convert = pictures.convert_pictures if path.is_dir() else arrays.convert_npz
    return {**convert(path, into), "hash": content[:12]}


@lru_cache(maxsize=8)
def _described(path: Path, _: int) -> tuple[DataShape, int]:
    if path.is_dir():
        listing = pictures.list_pictures(path)
        shape, n_classes = pictures.look_of(listing).shape, pictures.n_classes(listing)
        n_train = len(listing.rows.train)
    else:
        shape, n_classes, n_train = arrays.describe(path)
    height, width, channels = (*shape, 1)[:3]
    return DataShape(channels, height, width, n_classes), n_train

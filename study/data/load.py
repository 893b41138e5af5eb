"""A data set by its name, or by the import path of the user's own function."""

import hashlib
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from study.config.errors import StudyError, UsageError
from study.config.own_code import is_import_path, load_object, resolve
from study.data import mnist
from study.data.dataset import Dataset, DataShape, require_sound


class Source(NamedTuple):
    """A data set that ships with this package."""

    load: Callable[[Path | None], Dataset]  # from a cache, fetched first where it is missing
    shape: DataShape
    n_train: int
    facts: tuple[str, str, str]  # name for people, hash of the content, what measures pictures


SOURCES = {
    "mnist": Source(
        mnist.load_mnist, mnist.SHAPE, mnist.N_TRAIN, ("MNIST", mnist.DATA_HASH, mnist.MEASURE)
    )
}


def load_data(name: str, data_dir: Path | None = None) -> Dataset:
    """The data set of a run.

    Args:
        name: one of `SOURCES`, or `package.module:function`, which returns a `Dataset`.
        data_dir: cache of those that ship; None: the usual one.

    Raises:
        UsageError: there is no data set of that name, or the import path leads nowhere.
        DataError: it cannot be had, or its arrays do not fit together.
    """
    if is_import_path(name):
        return _own(name)
    return _source(name).load(data_dir)


def describe_data(name: str) -> tuple[DataShape, int]:
    """Shape and number of training images; those that ship are not read for it."""
    if is_import_path(name):
        data = _own(name)
        return data.shape, len(data.train_images)
    source = _source(name)
    return source.shape, source.n_train


def data_facts(names: Iterable[str]) -> dict[str, str]:
    """Name, content hash and what measures the pictures of data sets, for a study's provenance."""
    facts = [_own_facts(name) if is_import_path(name) else _source(name).facts for name in names]
    keys = ("name", "hash", "measure")
    parts = zip(*facts, strict=True)
    return {key: ", ".join(dict.fromkeys(part)) for key, part in zip(keys, parts, strict=True)}


def prepare_data(name: str, data_dir: Path) -> None:
    """Make sure that a data set can be loaded from `data_dir` on this machine.

    Raises:
        DataError: it cannot.
    """
    if is_import_path(name):
        _own(name)
    else:
        _source(name)
        mnist.fetch(data_dir)


def _own_facts(path: str) -> tuple[str, str, str]:
    data = _own(path)
    return path, data.hash, data.measure or "nothing"


def _source(name: str) -> Source:
    return resolve("data", name, SOURCES)


@lru_cache(maxsize=1)
def _own(path: str) -> Dataset:
    try:
        data: Dataset = load_object(path)()
    except StudyError:
        raise
    except Exception as error:  # whatever the user's code raises
        raise UsageError(f"data {path} failed: {type(error).__name__}: {error}") from error
    if not isinstance(data, Dataset):
        raise UsageError(f"data {path} gave a {type(data).__name__}, expected study.data.Dataset")
    require_sound(data, f"data {path}")
    return data._replace(name=path, hash=data.hash or _content_hash(data))


def _content_hash(data: Dataset) -> str:
    digest = hashlib.sha256()
    for array in data[:4]:
        digest.update(str(array.shape).encode() + array.tobytes())
    return digest.hexdigest()[:12]

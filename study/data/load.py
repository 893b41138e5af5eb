"""A data set by its name, or by the import path of the user's own function."""

import hashlib
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from study.config.errors import StudyError, UsageError
from study.config.own_code import is_import_path, load_object, resolve
from study.data.dataset import Dataset, DataShape, require_sound
from study.data.shipped import mnist, mnist_sources, strokes
from study.data.verified_files import Sums, inspect, place_of


class Source(NamedTuple):
    """A data set, and what is known of it before it is read."""

    load: Callable[[Path | None], Dataset]  # from a cache, fetched first where it is missing
    fetch: Callable[[Path], None]  # into a cache, where it is missing
    shape: DataShape
    n_train: int
    facts: tuple[str, str, str]  # name for people, hash of the content, what measures pictures
    sums: Sums = MappingProxyType({})  # SHA-256 of its files in the cache
    origin: str = ""  # where they come from, for people


# Those that ship with this package.
SOURCES = {
    "mnist": Source(
        mnist.load_mnist,
        mnist.fetch,
        mnist.SHAPE,
        mnist_sources.N_TRAIN,
        mnist.FACTS,
        mnist_sources.SHA256,
        "fetched from " + ", else from ".join(label for label, _ in mnist_sources.SOURCES),
    ),
    "strokes": Source(
        strokes.load_strokes,
        strokes.fetch,
        strokes.SHAPE,
        strokes.N_TRAIN,
        strokes.FACTS,
        strokes.SHA256,
        "drawn here, in some 15 s",
    ),
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
    return _source(name).load(data_dir)


def describe_data(name: str) -> tuple[DataShape, int]:
    """Shape and number of training images; those that ship are not read for it."""
    source = _source(name)
    return source.shape, source.n_train


def data_facts(names: Iterable[str]) -> dict[str, str]:
    """Name, content hash and what measures the pictures of data sets, for a study's provenance."""
    keys = ("name", "hash", "measure")
    parts = zip(*(_source(name).facts for name in names), strict=True)
    return {key: ", ".join(dict.fromkeys(part)) for key, part in zip(keys, parts, strict=True)}


def prepare_data(name: str, data_dir: Path) -> None:
    """Make sure that a data set can be loaded from `data_dir` on this machine.

    Raises:
        DataError: it cannot.
    """
    source = _source(name)
    source.fetch(place_of(name, source.sums, data_dir))


def known_data() -> list[str]:
    """Names of the data sets that ship with this package."""
    return list(SOURCES)


def inspect_data(name: str, data_dir: Path) -> tuple[dict[str, str], str]:
    """Of a data set that ships: file -> "verified", "damaged" or "missing"; their origin."""
    source = resolve("data", name, SOURCES)
    return inspect(place_of(name, source.sums, data_dir), source.sums), source.origin


def _source(name: str) -> Source:
    if is_import_path(name):
        data = _own(name)
        facts = (name, data.hash, data.measure or "nothing")
        return Source(lambda _: data, lambda _: None, data.shape, len(data.train_images), facts)
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

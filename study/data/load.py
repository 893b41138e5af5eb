"""A data set by its name, by the path of the user's own, or by the import path of a function."""

import hashlib
from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple

from study.config.belongs import TRAIN_IMAGES
from study.config.errors import StudyError, UsageError
from study.config.own_code import is_import_path, load_object, resolve
from study.config.own_data import content_hash, is_data_path
from study.data.dataset import Dataset, DataShape, require_sound
from study.data.download import Progress, no_progress
from study.data.given import own
from study.data.given.factor_grids import DSPRITES, SHAPES3D, FactorGrid
from study.data.shipped import mnist, mnist_sources, strokes, torchvision_sets
from study.data.shipped.torchvision_sets import TorchvisionSet
from study.data.verified_files import data_dir, inspect, place_of


class Facts(NamedTuple):
    """What a study's provenance says of a data set."""

    name: str
    hash: str  # of the content
    measure: str  # what measures its pictures, or "nothing"
    source: str
    licence: str


class Source(NamedTuple):
    """A data set, and what is known of it before it is read."""

    load: Callable[[Path | None], Dataset]  # from the data folder, fetched first if it is missing
    fetch: Callable[[Path, Progress], None]  # into its place in the data folder
    place: Callable[[Path | None], Path]  # that place
    shape: DataShape
    n_train: int
    facts: Callable[[Path | None], Facts]
    inspect: Callable[[Path], dict[str, str]]  # of that place: file -> its state
    origin: str  # where the files come from, for people


def _torchvision(one: TorchvisionSet) -> Source:
    """A data set of torchvision's; the hash of its content is known once it is converted."""
    load = partial(torchvision_sets.load_set, one)

    def facts(folder: Path | None) -> Facts:
        there = torchvision_sets.find(one, data_dir(folder) / one.name)
        content = load(folder).hash if there else "not fetched yet"
        return Facts(one.title, content, one.measure or "nothing", origin, one.licence)

    origin = "fetched from torchvision's source"
    if one.elsewhere:
        origin += f", or found in {one.elsewhere}"
    return Source(
        load,
        partial(torchvision_sets.fetch, one),
        lambda folder: data_dir(folder) / one.name,
        one.shape,
        one.n_train,
        facts,
        partial(torchvision_sets.inspect, one),
        origin,
    )


def _grid(name: str, grid: FactorGrid) -> Source:
    """A published file that the user puts into its place."""
    origin = f"put {grid.file} there by hand"

    def facts(folder: Path | None) -> Facts:
        file = own.grid_file(name, grid, folder)
        content = content_hash(file)[:12] if file.exists() else "not present yet"
        return Facts(name, content, "nothing", origin, "Apache-2.0")

    return Source(
        partial(own.load_grid, name, grid),
        lambda place, _: own.require_grid(name, grid, place),
        partial(place_of, name, [grid.file]),
        grid.shape,
        TRAIN_IMAGES[name],
        facts,
        lambda place: {grid.file: "there" if (place / grid.file).exists() else "missing"},
        origin,
    )


_MNIST_ORIGIN = "fetched from " + ", or else from ".join(
    label for label, _ in mnist_sources.SOURCES
)
_STROKES_ORIGIN = "generated on this machine, in about 15 s"

# Those that have a name.
SOURCES = {
    "mnist": Source(
        mnist.load_mnist,
        mnist.fetch,
        partial(place_of, "mnist", mnist_sources.SHA256),
        mnist.SHAPE,
        mnist_sources.N_TRAIN,
        lambda _: Facts(*mnist.FACTS, _MNIST_ORIGIN, "CC BY-SA 3.0"),
        partial(inspect, sums=mnist_sources.SHA256),
        _MNIST_ORIGIN,
    ),
    "strokes": Source(
        strokes.load_strokes,
        lambda place, _: strokes.fetch(place),
        partial(place_of, "strokes", strokes.SHA256),
        strokes.SHAPE,
        strokes.N_TRAIN,
        lambda _: Facts(*strokes.FACTS, _STROKES_ORIGIN, "the licence of this package"),
        partial(inspect, sums=strokes.SHA256),
        _STROKES_ORIGIN,
    ),
    **{one.name: _torchvision(one) for one in torchvision_sets.SETS},
    "dsprites": _grid("dsprites", DSPRITES),
    "shapes3d": _grid("shapes3d", SHAPES3D),
}


def load_data(name: str, data_dir: Path | None = None) -> Dataset:
    """The data set of a run.

    Args:
        name: one of `SOURCES`; the path of a folder of pictures or of an .npz file, with the
            version of its content or without; or `package.module:function`, which returns a
            `Dataset`.
        data_dir: the data folder; None: the usual one.

    Raises:
        UsageError: there is no data set of that name or path.
        DataError: it cannot be had, its content has changed, or its arrays do not fit together.
    """
    if is_data_path(name):
        return own.load_own(name, data_dir)
    return _source(name).load(data_dir)


def describe_data(name: str) -> tuple[DataShape, int]:
    """Shape and number of training images; as little as possible is read for it."""
    if is_data_path(name):
        return own.describe_own(name)
    source = _source(name)
    return source.shape, source.n_train


def data_facts(names: Iterable[str], data_dir: Path | None = None) -> dict[str, Any]:
    """What a study's provenance says of its data sets.

    Returns:
        Name, content hash and what measures the pictures of all of them, each as one text; and, as
        `sets`, a mapping of all facts for each.
    """
    facts = {name: _facts(name, data_dir) for name in names}
    keys = ("name", "hash", "measure")
    texts = {key: ", ".join(dict.fromkeys(getattr(f, key) for f in facts.values())) for key in keys}
    return {**texts, "sets": [{"data": name, **f._asdict()} for name, f in facts.items()]}


def prepare_data(name: str, data_dir: Path, progress: Progress = no_progress) -> None:
    """Make sure that a data set can be loaded from `data_dir` on this machine.

    Raises:
        DataError: it cannot.
    """
    if is_data_path(name):
        own.load_own(name, data_dir)
        return
    source = _source(name)
    source.fetch(source.place(data_dir), progress)


def known_data() -> list[str]:
    """Names of the data sets that have one."""
    return list(SOURCES)


class State(NamedTuple):
    """Of a data set that has a name: what is there, and what would be."""

    place: Path
    files: dict[str, str]  # each is verified; damaged; missing; there; or there, not verified
    origin: str


def inspect_data(name: str, data_dir: Path) -> State:
    """What is there of a data set that has a name; nothing is fetched or changed."""
    source = resolve("data", name, SOURCES)
    place = source.place(data_dir)
    return State(place, source.inspect(place), source.origin)


def _facts(name: str, data_dir: Path | None) -> Facts:
    if is_data_path(name):
        return Facts(name, own.hash_of(name), "nothing", "the user's own file", "not stated")
    return _source(name).facts(data_dir)


def _source(name: str) -> Source:
    if not is_import_path(name):
        return resolve("data", name, SOURCES)
    data = _own(name)
    facts = Facts(name, data.hash, data.measure or "nothing", "the user's own code", "not stated")
    return Source(
        lambda _: data,
        lambda *_: None,
        lambda folder: folder or Path(),
        data.shape,
        len(data.train_images),
        lambda _: facts,
        lambda _: {},
        facts.source,
    )


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

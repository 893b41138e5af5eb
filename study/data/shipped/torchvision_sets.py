"""Fashion-MNIST, KMNIST, EMNIST letters and USPS: the files that torchvision lists.

Its addresses and MD5 sums are read from its classes. A file that was put there by hand may also be
unpacked; where no sum of the unpacked file is known, only its form can be checked.
"""

import hashlib
import string
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from study.config.own_data import content_hash
from study.data.converted import Known, Rows, convert, open_converted
from study.data.dataset import DataError, Dataset, DataShape
from study.data.download import Progress, download, md5_of, no_progress
from study.data.shipped import packed
from study.data.verified_files import data_dir, locked, sha256_of, short_hash

DEBIAN = Path("/usr/share/datasets/fashion-mnist")  # of its package dataset-fashion-mnist
ZIP = "gzip.zip"


class Published(NamedTuple):
    """A file as it is published."""

    file: str
    urls: list[str]
    md5: str


class TorchvisionSet(NamedTuple):
    """A data set, and what is known of it before it is read."""

    name: str
    title: str
    licence: str
    shape: DataShape
    n_train: int
    n_test: int
    measure: str | None  # what measures its pictures
    published: Callable[[], list[Published]]  # imports torchvision, which takes seconds
    arrays: tuple[str, ...]  # files, unpacked: images and labels to train on, the same to test on
    read: Callable[[list[Path], tuple[int, int], tuple[str, ...]], packed.Arrays]
    sha256: tuple[str, ...] = ()  # of those files, where they are known
    elsewhere: Path | None = None  # where a system's package puts them
    class_names: tuple[str, ...] = ()  # as their authors name them; (): digits


def _idx_files(name: str) -> list[Published]:
    from torchvision import datasets

    kind = getattr(datasets, name)
    return [Published(file, [m + file for m in kind.mirrors], md5) for file, md5 in kind.resources]


def _emnist_files() -> list[Published]:
    from torchvision.datasets import EMNIST

    return [Published(ZIP, [EMNIST.url], EMNIST.md5)]


def _usps_files() -> list[Published]:
    from torchvision.datasets import USPS

    return [Published(file, [url], md5) for url, file, md5 in USPS.split_list.values()]


_PARTS = ("train-images-idx3", "train-labels-idx1", "{test}-images-idx3", "{test}-labels-idx1")
IDX = tuple(f"{part.format(test='t10k')}-ubyte" for part in _PARTS)
LETTERS = tuple(f"emnist-letters-{part.format(test='test')}-ubyte" for part in _PARTS)
DIGITS = DataShape(channels=1, height=28, width=28, n_classes=10)

FASHION = TorchvisionSet(
    "fashion-mnist", "Fashion-MNIST", "MIT", DIGITS, 60_000, 10_000, None,
    partial(_idx_files, "FashionMNIST"), IDX, packed.read_idx,
    (
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    ),
    DEBIAN,
    (
        "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
        "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
    ),
)  # fmt: skip
KMNIST = TorchvisionSet(
    "kmnist", "KMNIST", "CC BY-SA 4.0", DIGITS, 60_000, 10_000, "strokes",
    partial(_idx_files, "KMNIST"), IDX, packed.read_idx,
    class_names=("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
)  # fmt: skip
EMNIST = TorchvisionSet(
    "emnist-letters", "EMNIST letters", "not stated", DIGITS._replace(n_classes=26),
    124_800, 20_800, "strokes", _emnist_files, LETTERS, packed.read_letters,
    class_names=tuple(string.ascii_uppercase),
)  # fmt: skip
USPS = TorchvisionSet(
    "usps", "USPS", "not stated", DataShape(1, 16, 16, 10), 7_291, 2_007, "strokes",
    _usps_files, ("usps", "usps.t"), packed.read_usps,
)  # fmt: skip
SETS = (FASHION, KMNIST, EMNIST, USPS)


def load_set(one: TorchvisionSet, folder: Path | None = None) -> Dataset:
    """A data set from its place in `data_dir(folder)`, fetched first where it is missing.

    Raises:
        DataError: it cannot be had, or a file is damaged.
    """
    cache = data_dir(folder)
    fetch(one, cache / one.name)
    files = find(one, cache / one.name)
    content = hashlib.sha256("".join(content_hash(file) for file in files).encode()).hexdigest()

    def make(into: Path) -> dict[str, Any]:
        for file in files:
            if state_of(one, file) == "damaged":
                raise DataError(
                    f"{file} is not the original {one.title} file: delete or move it, and it will"
                    " be fetched again"
                )
        arrays = one.read(files, (one.n_train, one.n_test), one.arrays)
        _write(one, arrays, into)
        sums = {file.name: str(sha256_of(file)) for file in sorted(into.glob("*.npy"))}
        facts = {"name": one.name, "n_classes": one.shape.n_classes, "hash": short_hash(sums)}
        return {**facts, "measure": one.measure}

    data = open_converted(cache, f"{one.name}-{content[:12]}", one.title, make)
    return data._replace(class_names=one.class_names)


def find(one: TorchvisionSet, place: Path) -> list[Path]:
    """The files that the arrays are read from; none where one is missing.

    A folder may have them unpacked, as they are published, or as the members of EMNIST's zip.
    """
    found = [file for name in one.arrays if (file := _find(one, place, name))]
    if len(found) == len(one.arrays):
        return found
    return [place / ZIP] if (place / ZIP).exists() else []


def fetch(one: TorchvisionSet, place: Path, progress: Progress = no_progress) -> None:
    """Make sure that a data set's files are there; those that are stay as they are.

    Raises:
        DataError: they cannot be fetched; says where to put them.
    """
    if find(one, place):
        return
    with locked(place, one.title):
        if find(one, place):
            return
        for file, urls, md5 in one.published():
            if file == ZIP or not _find(one, place, Path(file).stem):
                try:
                    download(urls, place / file, md5, progress)
                except DataError as error:
                    raise DataError(
                        f"{one.title} is not in {place}: {error}; put the file there by hand"
                    ) from None


def inspect(one: TorchvisionSet, place: Path) -> dict[str, str]:
    """Each file -> its `state_of`, or "missing, at" its address; fetches nothing."""
    if files := find(one, place):
        inside = {file: file.relative_to(place) for file in files if file.is_relative_to(place)}
        return {str(inside.get(file, file)): state_of(one, file) for file in files}
    return {
        file: state_of(one, place / file) if (place / file).exists() else f"missing, at {urls[0]}"
        for file, urls, _ in one.published()
    }


def state_of(one: TorchvisionSet, file: Path) -> str:
    """Of a file that is there: "verified", "damaged" or "present, not verified".

    The last is of unpacked files whose sum nobody publishes.
    """
    sums = {published.file: published.md5 for published in one.published()}
    if file.name in sums and md5_of(file) == sums[file.name]:
        return "verified"
    known = dict(zip(one.arrays, one.sha256, strict=False))
    if original := known.get(file.name.removesuffix(".gz")):
        try:
            seen = hashlib.sha256(packed.unpacked(file)).hexdigest()
        except DataError:
            return "damaged"
        return "verified" if seen == original else "damaged"
    return "damaged" if file.name in sums else "present, not verified"


def _find(one: TorchvisionSet, place: Path, name: str) -> Path | None:
    """The file of one array, unpacked or packed."""
    names = [name, f"{name}.gz", f"{name}.bz2"]
    places = [place, one.elsewhere] if one.elsewhere else [place]
    return next((p / n for p in places for n in names if (p / n).is_file()), None)


def _write(one: TorchvisionSet, arrays: packed.Arrays, into: Path) -> None:
    rows = Rows(np.arange(one.n_train), np.arange(one.n_train, one.n_train + one.n_test))
    labels = np.concatenate([arrays.train_labels, arrays.test_labels]).astype(np.int64)
    images = iter([arrays.train_images, arrays.test_images])
    convert(into, one.title, (one.shape.height, one.shape.width), images, rows, Known(labels))

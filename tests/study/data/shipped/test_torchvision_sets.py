"""Fashion-MNIST, KMNIST, EMNIST letters and USPS, by small files of the same form."""

import bz2
import gzip
import hashlib
import zipfile

import numpy as np
import pytest
from torchvision import datasets

from study.config.belongs import TRAIN_IMAGES
from study.data import DataError, data_facts, load_data
from study.data.shipped import torchvision_sets
from study.data.shipped.torchvision_sets import (
    DEBIAN,
    EMNIST,
    FASHION,
    KMNIST,
    SETS,
    USPS,
    Published,
    fetch,
    inspect,
    load_set,
)

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.integers(0, 256, (5, 28, 28), dtype=np.uint8)
LABELS = np.array([1, 2, 3, 1, 2], np.uint8)


def idx(array):
    header = np.array([0x0800 + array.ndim, *array.shape], ">u4")
    return header.tobytes() + array.tobytes()


def files_of(names, images=IMAGES, labels=LABELS):
    """Three images to train on and two to test on."""
    parts = images[:3], labels[:3], images[3:], labels[3:]
    return {name: idx(part) for name, part in zip(names, parts, strict=True)}


def small(one, published=()):
    return one._replace(
        n_train=3, n_test=2, sha256=(), elsewhere=None, published=lambda: list(published)
    )


def put(folder, files, pack=lambda raw: raw, suffix=""):
    folder.mkdir(parents=True, exist_ok=True)
    for name, raw in files.items():
        (folder / f"{name}{suffix}").write_bytes(pack(raw))


@pytest.mark.parametrize("pack", [None, gzip.compress], ids=["raw", "gz"])
def test_files_put_there_by_hand_are_read_raw_or_packed(tmp_path, pack):
    put(tmp_path / "kmnist", files_of(KMNIST.arrays), pack or bytes, ".gz" if pack else "")
    data = load_set(small(KMNIST), tmp_path)
    np.testing.assert_array_equal(data.train_images, IMAGES[:3])
    np.testing.assert_array_equal(data.test_labels, LABELS[3:])
    assert (data.name, data.measure, data.n_classes) == ("kmnist", "strokes", 10)
    states = inspect(small(KMNIST), tmp_path / "kmnist")
    assert set(states.values()) == {"present, not verified"}


def test_letters_are_upright_and_counted_from_0(tmp_path):
    """Their files have rows for columns, and labels 1 to 26."""
    lying = IMAGES.transpose(0, 2, 1)
    put(tmp_path / "emnist-letters", files_of(EMNIST.arrays, lying), gzip.compress, ".gz")
    data = load_set(small(EMNIST), tmp_path)
    np.testing.assert_array_equal(data.train_images, IMAGES[:3])
    assert data.train_labels.tolist() == [0, 1, 2]
    assert data.n_classes == 26
    base = data.train_images
    while base.base is not None and not isinstance(base, np.memmap):
        base = base.base
    assert data.train_images.flags.c_contiguous  # as kept in the file: no copy in memory


def test_letters_are_read_from_the_published_zip(tmp_path):
    path = tmp_path / "emnist-letters" / "gzip.zip"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        for name, raw in files_of(EMNIST.arrays, IMAGES.transpose(0, 2, 1)).items():
            archive.writestr(f"gzip/{name}.gz", gzip.compress(raw))
    md5 = hashlib.md5(path.read_bytes()).hexdigest()
    one = small(EMNIST, [Published("gzip.zip", ["https://nowhere.invalid"], md5)])
    assert inspect(one, path.parent) == {"gzip.zip": "verified"}
    np.testing.assert_array_equal(load_set(one, tmp_path).test_images, IMAGES[3:])


def libsvm(pixels, labels):
    lines = [
        f"{label} " + " ".join(f"{k + 1}:{value:.6g}" for k, value in enumerate(row) if value)
        for row, label in zip(pixels, labels, strict=True)
    ]
    return "\n".join(lines).encode() + b"\n"


def test_usps_is_read_from_text_with_the_bytes_that_torchvision_gives(tmp_path):
    pixels = RANDOM.uniform(-1, 1, (5, 256)).astype(np.float32).round(3)
    files = {
        "usps.bz2": bz2.compress(libsvm(pixels[:3], [1, 10, 3])),
        "usps.t.bz2": bz2.compress(libsvm(pixels[3:], [4, 5])),
    }
    put(tmp_path / "usps", files)
    ours = load_set(small(USPS), tmp_path)
    theirs = datasets.USPS(tmp_path / "usps", train=True)
    np.testing.assert_array_equal(ours.train_images, theirs.data)
    assert ours.train_labels.tolist() == theirs.targets == [0, 9, 2]
    assert ours.shape == (1, 16, 16, 10)


def test_a_value_that_libsvm_leaves_out_is_0(tmp_path):
    files = {"usps": b"1 1:-1 2:1\n2 256:1\n3 1:0.5\n", "usps.t": b"1 1:1\n1 1:1\n"}
    put(tmp_path / "usps", files)
    first = load_set(small(USPS), tmp_path).train_images[0].ravel()
    assert first[:3].tolist() == [0, 255, 127]


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"1 1:-1\n", "not a LIBSVM file of 3 images of 256 values .1 lines"),
        (b"1 1:-1\n1 300:1\n1 1:1\n", "not a LIBSVM file"),
        (b"1 1:-1\n1 1:3\n1 1:1\n", "values outside -1 to 1"),
        (b"1 1:-1\n1 1:nan\n1 1:1\n", "values outside -1 to 1"),
        (b"a 1:-1\n1 1:0\n1 1:1\n", "not a LIBSVM file"),
    ],
)
def test_other_text_is_no_usps(tmp_path, raw, message):
    put(tmp_path / "usps", {"usps": raw, "usps.t": b"1 1:1\n1 1:1\n"})
    with pytest.raises(DataError, match=message):
        load_set(small(USPS), tmp_path)


def test_another_size_or_a_damaged_file_is_named(tmp_path):
    put(tmp_path / "kmnist", files_of(KMNIST.arrays))
    path = tmp_path / "kmnist" / KMNIST.arrays[0]
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match=rf"{path} is not an IDX file of 3 x 28 x 28 bytes"):
        load_set(small(KMNIST), tmp_path)
    path.with_suffix(".gz").write_bytes(gzip.compress(b"x" * 9)[:-3])
    path.unlink()
    with pytest.raises(DataError, match="cannot be unpacked"):
        load_set(small(KMNIST), tmp_path)


def test_a_bomb_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr("study.data.shipped.packed.LARGEST", 10_000)
    put(tmp_path / "kmnist", files_of(KMNIST.arrays), gzip.compress, ".gz")
    (tmp_path / "kmnist" / f"{KMNIST.arrays[0]}.gz").write_bytes(gzip.compress(bytes(20_000)))
    with pytest.raises(DataError, match="unpacks to more than 10,000 bytes"):
        load_set(small(KMNIST), tmp_path)


def test_a_published_file_with_another_sum_is_damaged_and_never_used(tmp_path):
    put(tmp_path / "kmnist", files_of(KMNIST.arrays), gzip.compress, ".gz")
    file = f"{KMNIST.arrays[1]}.gz"
    one = small(KMNIST, [Published(file, [], "0" * 32)])
    assert inspect(one, tmp_path / "kmnist")[file] == "damaged"
    with pytest.raises(DataError, match=f"{file} is not the original KMNIST file: delete or move"):
        load_set(one, tmp_path)


def test_where_a_sum_of_the_unpacked_file_is_known_it_counts(tmp_path):
    """As for Fashion-MNIST, which Debian packs anew."""
    files = files_of(FASHION.arrays)
    sums = tuple(hashlib.sha256(raw).hexdigest() for raw in files.values())
    put(tmp_path / "debian", files, gzip.compress, ".gz")
    published = [Published(f"{name}.gz", [], "0" * 32) for name in files]
    one = small(FASHION, published)._replace(sha256=sums, elsewhere=tmp_path / "debian")
    assert set(inspect(one, tmp_path / "fashion-mnist").values()) == {"verified"}
    np.testing.assert_array_equal(load_set(one, tmp_path).train_images, IMAGES[:3])
    one = one._replace(sha256=("0" * 64, *sums[1:]))
    assert list(inspect(one, tmp_path / "fashion-mnist").values()).count("damaged") == 1


@pytest.mark.skipif(not DEBIAN.exists(), reason="needs Debian's package dataset-fashion-mnist")
def test_the_real_fashion_mnist(tmp_path):
    """Ten classes of 6,000; the first five training labels are those of its documentation."""
    states = inspect(FASHION, tmp_path / "fashion-mnist")
    assert set(states.values()) == {"verified"}
    data = load_data("fashion-mnist", tmp_path)
    assert np.bincount(data.train_labels).tolist() == [6000] * 10
    assert np.bincount(data.test_labels).tolist() == [1000] * 10
    assert data.train_labels[:5].tolist() == [9, 0, 0, 3, 0]
    assert data.train_images.shape == (60_000, 28, 28)
    (facts,) = data_facts(["fashion-mnist"], tmp_path)["sets"]
    assert facts["hash"] == data.hash
    assert facts["licence"] == "MIT"


def test_what_is_known_before_reading_agrees_with_torchvision():
    for one in SETS:
        assert TRAIN_IMAGES[one.name] == one.n_train
        published = one.published()
        assert all(len(file.md5) == 32 and file.urls for file in published)
        if one in (FASHION, KMNIST):
            assert [file.file for file in published] == [f"{name}.gz" for name in one.arrays]
        assert len(one.class_names) in {0, one.shape.n_classes}
    assert list(FASHION.class_names) == datasets.FashionMNIST.classes
    assert list(KMNIST.class_names) == datasets.KMNIST.classes
    assert EMNIST.shape.n_classes == len(datasets.EMNIST.classes_split_dict["letters"]) - 1


def test_what_is_missing_is_fetched_alone(tmp_path, monkeypatch):
    files = files_of(KMNIST.arrays)
    put(tmp_path, dict(list(files.items())[:3]))
    asked = []

    def download(urls, path, md5, progress):
        asked.append(path.name)
        path.write_bytes(gzip.compress(files[path.stem]))

    monkeypatch.setattr(torchvision_sets, "download", download)
    published = [Published(f"{name}.gz", ["url"], "0") for name in files]
    fetch(small(KMNIST, published), tmp_path)
    assert asked == [f"{KMNIST.arrays[3]}.gz"]

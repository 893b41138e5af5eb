"""An .npz file of one's own: what comes back, and one line for whatever is wrong with it."""

import io
import re
import zipfile

import numpy as np
import pytest

from study.config.own_data import content_hash
from study.data import DataError, describe_data, load_data
from study.data.converted import hashed, held_out
from study.data.dataset import pixel_rows

N = 40
IMAGES = np.random.default_rng(0).integers(0, 256, (N, 6, 5), dtype=np.uint8)
COLOUR = np.random.default_rng(1).integers(0, 256, (N, 6, 5, 3), dtype=np.uint8)


def saved(folder, **arrays):
    path = folder / "birds.npz"
    np.savez_compressed(path, **arrays)
    return path


def loaded(folder, **arrays):
    return load_data(str(saved(folder, **arrays)), folder / "cache")


def test_a_given_split_keeps_images_labels_and_factors_together_in_their_order(tmp_path):
    split = np.array(["train", "test", "train", "train"] * 10)
    labels = np.arange(N) % 3
    factors = np.stack([np.arange(N), np.arange(N) % 5], axis=1)
    names = np.array(["size", "hue"])
    known = {"labels": labels, "class_names": ["a", "b", "c"], "factors": factors}
    data = loaded(tmp_path, images=IMAGES, **known, factor_names=names, split=split)
    tests = split == "test"
    np.testing.assert_array_equal(data.train_images, IMAGES[~tests])
    np.testing.assert_array_equal(data.test_images, IMAGES[tests])
    np.testing.assert_array_equal(data.test_labels, labels[tests])
    np.testing.assert_array_equal(data.train_factors.to_numpy(), factors[~tests])
    assert list(data.test_factors) == ["size", "hue"]
    assert data.n_classes == 3
    assert data.class_name(2) == "c"
    assert data.measure is None


@pytest.mark.parametrize("images", [IMAGES, COLOUR], ids=["grey", "colour"])
def test_without_a_split_a_tenth_is_held_out_and_no_image_is_lost(tmp_path, images):
    data = loaded(tmp_path, images=images)
    assert (len(data.train_images), len(data.test_images)) == (36, 4)
    both = np.concatenate([data.train_images, data.test_images]).reshape(N, -1)
    assert {row.tobytes() for row in both} == {row.tobytes() for row in images.reshape(N, -1)}
    assert data.n_classes == 0
    assert not data.train_labels.any()
    assert describe_data(str(tmp_path / "birds.npz")) == (data.shape, 36)


def test_the_same_tenth_is_held_out_on_every_machine():
    """The first numbers of SplitMix64 with seed 0, as its authors' C code gives them."""
    first = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]
    assert hashed(np.arange(3)).tolist() == first
    assert held_out(hashed(np.arange(10))).test.tolist() == [2]  # the lowest
    grown = set(held_out(hashed(np.arange(110))).test) - set(held_out(hashed(np.arange(100))).test)
    assert len(grown) <= 3  # more images move few of those that are there


def test_colour_is_mapped_and_read_without_a_copy(tmp_path):
    data = loaded(tmp_path, images=COLOUR, split=np.arange(N) % 2)
    assert data.shape == (3, 6, 5, 0)
    rows = pixel_rows(data.train_images)
    np.testing.assert_array_equal(rows.reshape(-1, 3, 6, 5), COLOUR[::2].transpose(0, 3, 1, 2))
    assert np.shares_memory(rows, data.train_images)
    base = data.train_images
    while not isinstance(base, np.memmap):
        base = base.base
    assert base.filename.name == "train_images.npy"


def test_a_second_load_reads_the_copy_and_a_changed_file_makes_another(tmp_path):
    first = loaded(tmp_path, images=IMAGES)
    (copy,) = (tmp_path / "cache" / "converted").glob("birds-*")
    written = (copy / "train_images.npy").stat().st_mtime_ns
    loaded(tmp_path, images=IMAGES)
    assert (copy / "train_images.npy").stat().st_mtime_ns == written
    other = loaded(tmp_path, images=IMAGES[::-1])
    assert other.hash != first.hash == content_hash(saved(tmp_path, images=IMAGES))[:12]


def test_a_killed_conversion_leaves_nothing_that_counts(tmp_path):
    path = saved(tmp_path, images=IMAGES)
    key = f"birds-{content_hash(path)[:12]}"
    part = tmp_path / "cache" / "converted" / f"{key}.part"
    part.mkdir(parents=True)
    (part / "train_images.npy").write_bytes(b"half")
    assert len(load_data(str(path), tmp_path / "cache").train_images) == 36
    assert not part.exists()


BAD = {
    "no images": ({"imgs": IMAGES}, "has no array 'images', only imgs"),
    "floats": ({"images": IMAGES / 255.0}, "must be uint8 from 0 to 255.*got float64"),
    "signed": ({"images": IMAGES.astype(np.int16)}, "got int16"),
    "flat": ({"images": IMAGES.reshape(N, -1)}, r"\(n, height, width\).*got uint8 \(40, 30\)"),
    "channels first": ({"images": COLOUR.transpose(0, 3, 1, 2).copy()}, r"got uint8 \(40, 3, 6, 5"),
    "large": ({"images": np.zeros((2, 2000, 2), np.uint8)}, "sides of at most 1024"),
    "one image": ({"images": IMAGES[:1]}, "1 images: training and testing need at least 2"),
    "objects": ({"images": np.array([IMAGES, "x"], object)}, "Python objects.*never loaded"),
    "fewer labels": ({"images": IMAGES, "labels": np.arange(39)}, r"labels has shape \(39,\) and"),
    "text": ({"images": IMAGES, "labels": np.array(["a"] * N)}, "labels must be whole numbers"),
    "one class": ({"images": IMAGES, "labels": np.ones(N, int)}, "two to 1000 classes.*1 to 1"),
    "negative": ({"images": IMAGES, "labels": np.arange(N) - 1}, "got -1 to 38"),
    "classes": ({"images": IMAGES, "labels": np.arange(N) * 30}, "got 0 to 1170"),
    "pickled": (
        {"images": IMAGES, "labels": np.array([0, "x"] * 20, object)},
        "labels contains pickled Python objects",
    ),
    "split": ({"images": IMAGES, "split": np.array(["train", "val"] * 20)}, "got train, val"),
    "all train": ({"images": IMAGES, "split": np.zeros(N, int)}, "contain both; got 0"),
    "no names": ({"images": IMAGES, "factors": np.ones((N, 1))}, "go together"),
    "no values": ({"images": IMAGES, "factor_names": np.array(["a"])}, "go together"),
    "names": (
        {"images": IMAGES, "factors": np.ones((N, 2)), "factor_names": np.array(["a"])},
        r"2 factors and the names \['a'\]",
    ),
    "constant": (
        {"images": IMAGES, "factors": np.ones((N, 1)), "factor_names": np.array(["hue"])},
        "factor hue is constant in the training images",
    ),
    "nan": (
        {
            "images": IMAGES,
            "factors": np.where(np.arange(N) < 3, np.nan, np.arange(N))[:, None],
            "factor_names": np.array(["hue"]),
        },
        r"factor hue is missing \(NaN\) for 3 images",
    ),
    "class names": (
        {"images": IMAGES, "labels": np.arange(N) % 3, "class_names": np.array(["a", "b"])},
        r"3 classes and the class_names \['a', 'b'\]",
    ),
    "a name twice": (
        {"images": IMAGES, "labels": np.arange(N) % 2, "class_names": np.array(["a", "a"])},
        "give each class one name",
    ),
    "by columns": ({"images": np.asfortranarray(IMAGES)}, r"np.ascontiguousarray\(images\)"),
}


@pytest.mark.parametrize(("arrays", "message"), BAD.values(), ids=BAD)
def test_bad_arrays_are_one_line_that_names_the_file_and_what_was_seen(tmp_path, arrays, message):
    with pytest.raises(DataError, match=message) as caught:
        loaded(tmp_path, **arrays)
    assert "\n" not in str(caught.value)
    assert "birds.npz" in str(caught.value)
    assert not list((tmp_path / "cache" / "converted").glob("birds*"))


def test_what_is_no_npz_and_what_is_damaged_is_said(tmp_path):
    path = tmp_path / "birds.npz"
    path.write_bytes(b"GIF89a")
    with pytest.raises(DataError, match=r"birds.npz is not an .npz file"):
        load_data(str(path), tmp_path / "cache")
    raw = saved(tmp_path, images=IMAGES).read_bytes()
    middle = raw.index(b"images.npy") + 400
    path.write_bytes(raw[:middle] + b"\0\0\0\0" + raw[middle + 4 :])
    with pytest.raises(DataError, match="images is damaged"):
        load_data(str(path), tmp_path / "cache")


def bomb(path, declared, real):
    """An .npz whose images declare one size and have another."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "|u1", "fortran_order": False, "shape": (declared, 1000, 1000)}
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("images.npy", header.getvalue() + bytes(real))


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    path = tmp_path / "bomb.npz"
    bomb(path, 50, 50_000_000)
    assert path.stat().st_size < 100_000
    free = type("Usage", (), {"free": 10_000_000})
    monkeypatch.setattr("study.data.converted.shutil.disk_usage", lambda _: free)
    with pytest.raises(DataError, match=r"would unpack to 0.1 GB, and 0.0 GB are free"):
        load_data(str(path), tmp_path / "cache")


@pytest.mark.parametrize("real", [1_000_000, 5_000_000])
def test_an_array_that_is_not_of_its_declared_size_is_refused(tmp_path, real):
    path = tmp_path / "bomb.npz"
    bomb(path, 3, real)
    with pytest.raises(DataError, match=re.escape(f"images is damaged (ValueError: {real} bytes")):
        load_data(str(path), tmp_path / "cache")

"""A folder of pictures of one's own: labels, split, size, and one line for what is wrong."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from study.config.own_data import content_hash
from study.data import DataError, describe_data, load_data


def put(folder, name, size=(8, 6), colour=100, mode="L", **settings):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, colour).save(path, **settings)
    return path


@pytest.fixture
def folder(tmp_path):
    """Two kinds of ten pictures, of their own shade each."""
    for k in range(10):
        put(tmp_path / "shapes", f"cat/{k}.png", colour=k)
        put(tmp_path / "shapes", f"dog/{k}.jpg", colour=100 + k, quality=100)
    return tmp_path / "shapes"


def loaded(folder):
    return load_data(str(folder), folder.parent / "cache")


def test_subfolders_are_labels_and_small_pictures_of_one_size_stay_as_they_are(folder):
    data = loaded(folder)
    assert data.shape == (1, 6, 8, 2)
    assert (len(data.train_images), len(data.test_images)) == (18, 2)
    assert describe_data(str(folder)) == (data.shape, 18)
    assert [data.class_name(k) for k in range(2)] == ["cat", "dog"]
    assert data.noun == "class"
    shades = data.train_images[:, 0, 0]
    np.testing.assert_array_equal(data.train_labels, (shades >= 100).astype(int))
    assert sorted(np.concatenate([shades, data.test_images[:, 0, 0]])) == [
        *range(10),
        *range(100, 110),
    ]


def test_classes_are_mixed_so_that_the_first_images_are_of_all(folder):
    assert set(loaded(folder).train_labels[:8].tolist()) == {0, 1}


def test_a_flat_folder_has_no_labels(folder):
    data = loaded(folder / "cat")
    assert data.n_classes == 0
    assert list(data.class_names) == []
    assert len(data.train_images) == 9


def test_train_and_test_are_a_given_split(tmp_path):
    for k in range(4):
        put(tmp_path / "split", f"train/{k % 2}/{k}.png", colour=k)
    put(tmp_path / "split", "test/1/9.png", colour=9)
    data = loaded(tmp_path / "split")
    assert sorted(data.train_images[:, 0, 0].tolist()) == [0, 1, 2, 3]
    assert data.test_images[0, 0, 0] == 9
    assert data.test_labels.tolist() == [1]


def test_larger_or_mixed_pictures_are_cut_in_the_middle_and_resized(tmp_path):
    wide = np.zeros((100, 300, 3), np.uint8)
    wide[:, 100:200] = [200, 100, 50]  # the middle third
    for k in range(2):
        (tmp_path / "wide").mkdir(exist_ok=True)
        Image.fromarray(wide).save(tmp_path / "wide" / f"{k}.png")
    data = loaded(tmp_path / "wide")
    assert data.shape == (3, 64, 64, 0)
    assert (data.train_images[:, :, 2:-2] == [200, 100, 50]).all()


def test_a_picture_that_is_turned_by_its_camera_is_upright(tmp_path):
    picture = np.zeros((4, 4), np.uint8)
    picture[0] = 255
    image = Image.fromarray(picture)
    turned = Image.Exif()
    turned[0x0112] = 3  # by 180 degrees
    (tmp_path / "turned").mkdir()
    for k in range(2):
        image.save(tmp_path / "turned" / f"{k}.png", exif=turned)
    np.testing.assert_array_equal(loaded(tmp_path / "turned").train_images[0], picture[::-1])


def test_the_hash_is_of_names_and_contents(folder):
    before = content_hash(folder)
    (folder / "notes.txt").write_text("no picture")
    assert content_hash(folder) == before
    (folder / "cat" / "0.png").rename(folder / "cat" / "00.png")
    moved = content_hash(folder)
    put(folder, "cat/1.png", colour=77)
    assert len({before, moved, content_hash(folder)}) == 3


def test_pictures_that_cannot_be_read_are_counted_and_named(folder):
    for k in range(4):
        (folder / "cat" / f"{k}.png").write_bytes(b"no picture")
    raw = (folder / "dog" / "3.jpg").read_bytes()
    (folder / "dog" / "3.jpg").write_bytes(raw[: len(raw) // 2])
    message = "shapes: 5 of 20 pictures cannot be read: cat/0.png .no pic.*cat/2.png .*; and 2 more"
    with pytest.raises(DataError, match=message) as caught:
        loaded(folder)
    assert "\n" not in str(caught.value)
    for k in range(4):
        put(folder, f"cat/{k}.png")
    with pytest.raises(DataError, match=r"1 of 20 pictures cannot be read: dog/3.jpg \(OSError"):
        loaded(folder)


def png_of(width, height):
    """The beginning of a PNG that declares this size."""

    def chunk(kind, content):
        body = kind + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b""))


@pytest.mark.parametrize("side", [100_000, 10_000])
def test_a_picture_of_too_many_pixels_is_never_unpacked(folder, side):
    (folder / "cat" / "0.png").write_bytes(png_of(side, side))
    with pytest.raises(DataError, match=r"1 of 20 pictures .*: cat/0.png \(Decompression"):
        loaded(folder)


def test_a_picture_of_16_bits_is_refused(folder):
    Image.new("I;16", (8, 6), 3000).save(folder / "cat" / "0.png")
    with pytest.raises(DataError, match=r"0.png \(ValueError: mode I;16 has more than 8 bits"):
        loaded(folder)


def test_an_empty_folder_and_pictures_beside_subfolders_are_refused(folder):
    (folder.parent / "empty").mkdir()
    with pytest.raises(DataError, match=r"empty has 0 pictures: .* at least 2"):
        loaded(folder.parent / "empty")
    put(folder, "loose.png")
    with pytest.raises(DataError, match=r"loose.png is not in a class folder.*move it"):
        loaded(folder)

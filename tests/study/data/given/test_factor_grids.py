"""dSprites and 3D Shapes, by small files of the same form."""

import sys

import h5py
import numpy as np
import pytest

from study.config.belongs import TRAIN_IMAGES
from study.config.errors import UsageError
from study.data import DataError, load_data
from study.data.dataset import DataShape
from study.data.given import factor_grids, own
from study.data.given.factor_grids import DSPRITES, SHAPES3D

SMALL_SPRITES = DSPRITES._replace(
    sizes={"color": 1, "shape": 3, "scale": 2, "orientation": 4, "x": 3, "y": 5},
    shape=DataShape(1, 8, 8, 3),
)
SMALL_SHAPES = SHAPES3D._replace(
    sizes={
        "floor_hue": 2,
        "wall_hue": 3,
        "object_hue": 2,
        "scale": 2,
        "shape": 4,
        "orientation": 3,
    },
    shape=DataShape(3, 8, 8, 4),
)


def values_of(grid):
    """Every combination, the last factor fastest; values rise with their place."""
    axes = [np.linspace(1, 2, size) for size in grid.sizes.values()]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(grid.n, -1)


def put_sprites(folder, change=lambda arrays: None):
    values = values_of(SMALL_SPRITES)
    images = np.zeros((len(values), 8, 8), np.uint8)
    images[np.arange(len(values)), 0, 0] = np.arange(len(values)) % 2
    metadata = np.array({"title": "a pickle, which nobody opens"}, object)
    arrays = {"imgs": images, "latents_values": values, "metadata": metadata}
    change(arrays)
    (folder / "dsprites").mkdir()
    np.savez_compressed(folder / "dsprites" / DSPRITES.file, **arrays)


def put_shapes(folder):
    values = values_of(SMALL_SHAPES)
    images = np.random.default_rng(0).integers(0, 256, (len(values), 8, 8, 3), dtype=np.uint8)
    with h5py.File(folder / SHAPES3D.file, "w") as file:
        file["images"], file["labels"] = images, values
    return images, values


def test_the_published_sizes():
    assert (DSPRITES.n, SHAPES3D.n) == (737_280, 480_000)
    for name, grid in (("dsprites", DSPRITES), ("shapes3d", SHAPES3D)):
        assert TRAIN_IMAGES[name] == grid.n - round(grid.n / 10)


def test_sprites_have_their_true_factors_and_full_contrast(tmp_path):
    put_sprites(tmp_path)
    data = own.load_grid("dsprites", SMALL_SPRITES, tmp_path)
    assert list(data.test_factors) == [
        "shape",
        "scale",
        "orientation",
        "x",
        "y",
    ]  # color is constant
    assert (len(data.train_images), len(data.test_images)) == (324, 36)
    assert set(np.unique(data.train_images)) == {0, 255}
    np.testing.assert_array_equal(data.test_factors["shape"], 1 + data.test_labels / 2)
    together = np.concatenate([data.train_factors, data.test_factors])
    assert len(np.unique(together, axis=0)) == SMALL_SPRITES.n
    # the image that was lit is every second, in the order of the grid: y has five values
    lit = data.train_images[:, 0, 0] > 0
    index = np.zeros(len(lit), int)
    for name, size in list(SMALL_SPRITES.sizes.items())[1:]:
        place = np.round((data.train_factors[name].to_numpy() - 1) * (size - 1)).astype(int)
        index = index * size + place
    np.testing.assert_array_equal(lit, index % 2 == 1)


def test_shapes_are_colour_and_keep_their_factors(tmp_path):
    images, values = put_shapes(tmp_path)
    data = own.load_grid("shapes3d", SMALL_SHAPES, tmp_path)
    assert data.shape == (3, 8, 8, 4)
    where = {tuple(row): k for k, row in enumerate(values)}
    rows = [where[tuple(row)] for row in data.test_factors.to_numpy()]
    np.testing.assert_array_equal(data.test_images, images[rows])


def other_order(arrays):
    arrays["latents_values"] = arrays["latents_values"][::-1]


def fewer(arrays):
    arrays["imgs"] = arrays["imgs"][1:]


def one_value(arrays):
    arrays["latents_values"] = np.where(arrays["latents_values"] == 2, 1, arrays["latents_values"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (other_order, "shape has 3 values or another order"),
        (fewer, r"imgs are uint8 \(359, 8, 8\)"),
        (one_value, "shape has 2 values"),
        (lambda arrays: arrays.pop("latents_values"), "no array 'latents_values'"),
    ],
)
def test_another_grid_is_refused(tmp_path, change, message):
    put_sprites(tmp_path, change)
    with pytest.raises(DataError, match=message):
        own.load_grid("dsprites", SMALL_SPRITES, tmp_path)


def test_a_missing_file_is_said_with_its_name_and_place(tmp_path):
    with pytest.raises(DataError, match=rf"put its file {DSPRITES.file} into {tmp_path}/dsprites"):
        load_data("dsprites", tmp_path)


def test_a_file_of_another_kind_and_a_missing_library_are_one_line(tmp_path, monkeypatch):
    (tmp_path / SHAPES3D.file).write_bytes(b"no HDF5")
    with pytest.raises(DataError, match="is not the published file"):
        own.load_grid("shapes3d", SMALL_SHAPES, tmp_path)
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(UsageError, match=r"pip install 'vae-study\[shapes3d\]'"):
        factor_grids.convert_grid(tmp_path / SHAPES3D.file, SMALL_SHAPES, tmp_path)

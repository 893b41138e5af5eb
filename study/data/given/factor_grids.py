"""dSprites and 3D Shapes: published files that a user has, verified by their grid of factors.

Every combination of the factors' values is one image, in the order of the grid: what a file says of
its images must be that grid, whole.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from study.config.errors import UsageError, reason
from study.data.converted import Known, Pictures, convert, hashed, held_out, in_pieces
from study.data.dataset import DataError, DataShape
from study.data.given.arrays import Npz

Table = npt.NDArray[np.float64]


class FactorGrid(NamedTuple):
    """A published file: its name, its factors with the number of values of each, its images."""

    file: str
    sizes: dict[str, int]  # the last varies fastest
    shape: DataShape  # classes: of the factor `shape`
    read: Callable[[Path, "FactorGrid", Path], None]  # file, grid -> arrays in a folder

    @property
    def n(self) -> int:
        """Number of images."""
        return int(np.prod(list(self.sizes.values())))


def _dsprites(path: Path, grid: FactorGrid, into: Path) -> None:
    with Npz(path) as npz:  # `metadata` is pickled, and never read
        images = npz.header("imgs")
        if images.shape != (grid.n, *grid.shape.image[1:]) or images.dtype != np.uint8:
            raise DataError(_other(path, f"imgs are {images.dtype} {images.shape}"))
        values = npz.read("latents_values")
        pieces = (piece * np.uint8(255) for piece in npz.pieces("imgs"))
        _write(path, grid, into, values, pieces)


def _shapes3d(path: Path, grid: FactorGrid, into: Path) -> None:
    try:
        import h5py
    except ImportError:
        raise UsageError(
            f"{path} is read with h5py: python -m pip install 'vae-study[shapes3d]'"
        ) from None
    try:
        with h5py.File(path, "r") as file:
            images, labels = file["images"], file["labels"]
            wanted = (grid.n, *grid.shape.image[1:], grid.shape.channels)
            if images.shape != wanted or images.dtype != np.uint8:
                raise DataError(_other(path, f"images are {images.dtype} {images.shape}"))
            size = int(np.prod(images.shape[1:]))
            pieces = in_pieces(lambda start, stop: images[start:stop], grid.n, size)
            _write(path, grid, into, labels[:], pieces)
    except (OSError, KeyError) as error:
        raise DataError(_other(path, reason(error))) from None


DSPRITES = FactorGrid(
    "dsprites_ndarray_co1sh3sc6or2x32_64x64.npz",
    {"color": 1, "shape": 3, "scale": 6, "orientation": 40, "x": 32, "y": 32},
    DataShape(1, 64, 64, 3),
    _dsprites,
)
SHAPES3D = FactorGrid(
    "3dshapes.h5",
    {"floor_hue": 10, "wall_hue": 10, "object_hue": 10, "scale": 8, "shape": 4, "orientation": 15},
    DataShape(3, 64, 64, 4),
    _shapes3d,
)


def convert_grid(path: Path, grid: FactorGrid, into: Path) -> dict[str, Any]:
    """Write the arrays of a published file into a folder.

    Returns:
        What `open_converted` wants of a conversion.

    Raises:
        DataError: it is not the published file.
        UsageError: a library is missing that reads it.
    """
    grid.read(path, grid, into)
    return {"n_classes": grid.shape.n_classes, "factors": _varied(grid)}


def _varied(grid: FactorGrid) -> list[str]:
    return [name for name, size in grid.sizes.items() if size > 1]


def _write(
    path: Path, grid: FactorGrid, into: Path, values: Table, pieces: Iterator[Pictures]
) -> None:
    places = np.indices(list(grid.sizes.values())).reshape(len(grid.sizes), -1).T
    _require_grid(path, grid, values, places)
    table = pd.DataFrame(values, columns=list(grid.sizes))[_varied(grid)]
    known = Known(places[:, list(grid.sizes).index("shape")], table)
    rows = held_out(hashed(np.arange(grid.n)))
    shape = (grid.shape.height, grid.shape.width)
    convert(
        into, str(path), shape if grid.shape.channels == 1 else (*shape, 3), pieces, rows, known
    )


def _require_grid(
    path: Path, grid: FactorGrid, values: Table, places: npt.NDArray[np.int64]
) -> None:
    """The value of a factor is a rising function of its place on the grid, and of nothing else."""
    if values.shape != places.shape or values.dtype.kind not in "iuf":
        raise DataError(_other(path, f"its factors are {values.dtype} {values.shape}"))
    for k, (name, size) in enumerate(grid.sizes.items()):
        levels = np.unique(values[:, k])
        if len(levels) != size or not np.array_equal(levels[places[:, k]], values[:, k]):
            raise DataError(_other(path, f"{name} has {len(levels)} values or another order"))


def _other(path: Path, seen: str) -> str:
    return f"{path} is not the published file ({' '.join(seen.split())}): download it again"

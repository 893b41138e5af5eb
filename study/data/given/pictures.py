"""A folder of pictures: its subfolders are the labels, as in torchvision's ImageFolder.

A folder without subfolders has no labels. Subfolders `train` and `test`, and no others, are a given
split, each a folder of this kind.
"""

import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from study.config.errors import reason
from study.config.own_data import pictures_in
from study.data.converted import (
    SPLITS,
    Ints,
    Known,
    Pictures,
    Rows,
    convert,
    hashed_names,
    held_out,
)
from study.data.dataset import MOST_CLASSES, DataError

SIDE = 64  # pixels; smaller pictures that are all of one size stay as they are
GREY = {"1", "L"}
AT_ONCE = 256  # pictures that are read before they are written
NAMED = 3  # unreadable pictures that the message names


class Listing(NamedTuple):
    """The pictures of a folder and what their names say."""

    folder: Path
    files: list[Path]
    classes: list[str]  # sorted; [""] where there are no labels
    labels: Ints  # (n,)
    rows: Rows


class Look(NamedTuple):
    """What all pictures become."""

    height: int
    width: int
    grey: bool

    @property
    def shape(self) -> tuple[int, ...]:
        """(height, width), or (height, width, 3)."""
        return (self.height, self.width) if self.grey else (self.height, self.width, 3)


def list_pictures(folder: Path) -> Listing:
    """The pictures of a folder, their labels and their split, by their names alone.

    Raises:
        DataError: there are too few, or some are beside the subfolders of the others.
    """
    files = pictures_in(folder)
    if len(files) < 2:
        raise DataError(
            f"{folder} has {len(files)} pictures: training and testing need at least 2 (.png, .jpg,"
            " .bmp, .ppm, .pgm, .tif, .webp)"
        )
    names = [file.relative_to(folder).parts for file in files]
    split = {parts[0] for parts in names if len(parts) > 1} == set(SPLITS)
    inner = [parts[1:] if split else parts for parts in names]
    of = [parts[0] if len(parts) > 1 else "" for parts in inner]
    classes = sorted(set(of))
    if (len(classes) > 1 and "" in classes) or (split and any(len(parts) == 1 for parts in names)):
        loose = next(file for file, label in zip(files, of, strict=True) if not label)
        raise DataError(f"{folder}: {loose} is not in a class folder as the others are: move it")
    if len(classes) > MOST_CLASSES:
        raise DataError(f"{folder} has {len(classes)} subfolders: at most {MOST_CLASSES} classes")
    number = {name: k for k, name in enumerate(classes)}
    rows = held_out(hashed_names(["/".join(parts) for parts in names]))
    if split:
        tests = np.array([parts[0] == "test" for parts in names])
        order = np.concatenate(rows)  # no class first
        rows = Rows(order[~tests[order]], order[tests[order]])
    return Listing(folder, files, classes, np.array([number[name] for name in of]), rows)


def look_of(listing: Listing) -> Look:
    """The size of all pictures if they have one, of at most 64 x 64 pixels; else 64 x 64.

    They are grey if all are. Only the beginning of each file is read.

    Raises:
        DataError: some cannot be read, or are too large; counts and names them.
    """
    sizes, modes, failures = set(), set(), []
    for file in listing.files:
        try:
            with _open(file) as image:
                sizes.add(image.size)
                modes.add(image.mode)
        except Exception as error:  # whatever PIL's readers raise
            failures.append((file, error))
    _require_none(listing, failures)
    width, height = next(iter(sizes)) if len(sizes) == 1 else (SIDE, SIDE)
    if max(width, height) > SIDE:
        width = height = SIDE
    return Look(height, width, modes <= GREY)


def n_classes(listing: Listing) -> int:
    """Number of classes; 0 where the pictures have no labels."""
    return len(listing.classes) if len(listing.classes) > 1 else 0


def convert_pictures(folder: Path, into: Path) -> dict[str, Any]:
    """Write the arrays of a folder of pictures into another.

    Returns:
        What `open_converted` wants of a conversion.

    Raises:
        DataError: as `list_pictures` and `look_of`.
    """
    listing = list_pictures(folder)
    look = look_of(listing)
    pieces = _pieces(listing, look)
    convert(into, str(folder), look.shape, pieces, listing.rows, Known(listing.labels))
    n = n_classes(listing)
    return {"n_classes": n, "class_names": listing.classes[:n]}


def _pieces(listing: Listing, look: Look) -> Iterator[Pictures]:
    failures = []
    for start in range(0, len(listing.files), AT_ONCE):
        read = []
        for file in listing.files[start : start + AT_ONCE]:
            try:
                read.append(_read(file, look))
            except Exception as error:  # whatever PIL's readers raise
                failures.append((file, error))
        if not failures:
            yield np.stack(read)
    _require_none(listing, failures)


def _read(file: Path, look: Look) -> Pictures:
    """One picture, cut in the middle to the shape of all and resized to their size."""
    with _open(file) as image:
        upright = ImageOps.exif_transpose(image).convert("L" if look.grey else "RGB")
        if upright.size != (look.width, look.height):
            upright = ImageOps.fit(upright, (look.width, look.height))
        return np.asarray(upright, np.uint8)


def _open(file: Path) -> Image.Image:
    """A picture of 8 bits a channel and of a sane size.

    Raises:
        ValueError: it has other values than bytes.
        Exception: what PIL raises, its warning of too many pixels among them.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        image = Image.open(file)
    if image.mode[0] in "IF":
        image.close()
        raise ValueError(f"mode {image.mode} has more than 8 bits per channel")
    return image


def _require_none(listing: Listing, failures: Sequence[tuple[Path, Exception]]) -> None:
    if failures:
        first = [(file.relative_to(listing.folder), error) for file, error in failures[:NAMED]]
        named = "; ".join(f"{file} ({_why(error)})" for file, error in first)
        more = f"; and {len(failures) - NAMED} more" if len(failures) > NAMED else ""
        raise DataError(
            f"{listing.folder}: {len(failures)} of {len(listing.files)} pictures cannot be read:"
            f" {named}{more}"
        )


def _why(error: Exception) -> str:
    return "no picture" if isinstance(error, UnidentifiedImageError) else reason(error)

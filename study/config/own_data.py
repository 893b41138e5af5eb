"""Data of the user's own, named in a configuration by the path of a file or folder.

A run names the version of its content too, `birds.npz@1a2b3c`: a changed file is another data set.
"""

import hashlib
import re
from functools import lru_cache
from pathlib import Path

from study.config.errors import UsageError, reason

PICTURES = {".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}
"""Names of pictures end so; torchvision's ImageFolder takes the same."""

_VERSION = re.compile(r"@[0-9a-f]{6}$")


def is_data_path(name: str) -> bool:
    """Whether a value of `data` is the path of a file or folder: it has a `/`, or ends in .npz."""
    return "/" in name or path_of(name).suffix == ".npz"


def path_of(name: str) -> Path:
    """The path in `path/to/birds.npz@1a2b3c`, as the user gave it."""
    return Path(_VERSION.sub("", name))


def version_of(name: str) -> str:
    """The version in `path/to/birds.npz@1a2b3c`, "" where there is none."""
    found = _VERSION.search(name)
    return found.group()[1:] if found else ""


def from_anywhere(name: str) -> str:
    """A data set's name that means the same in every folder: a path is made absolute."""
    if not is_data_path(name):
        return name
    version = version_of(name)
    return f"{path_of(name).expanduser().absolute()}{f'@{version}' if version else ''}"


def short_name(name: str) -> str:
    """`birds_1a2b3c` of `path/to/birds.npz@1a2b3c`: for ids, which are names of folders."""
    plain = re.sub(r"\W+", "_", path_of(name).absolute().stem)
    return "_".join(filter(None, [plain, version_of(name)]))


def with_content(name: str) -> str:
    """`path/to/birds.npz@1a2b3c` of `path/to/birds.npz`, by its content here.

    A path that has a version stays as it is, and so does one that leads nowhere: loading it will
    say so.
    """
    if version_of(name):
        return name
    try:
        return f"{name}@{content_hash(path_of(name))[:6]}"
    except UsageError:
        return name


def pictures_in(folder: Path) -> list[Path]:
    """All pictures in a folder and those below it, by name; hidden ones are left out."""
    paths = (path for path in folder.rglob("*") if path.suffix.lower() in PICTURES)
    names = [path.relative_to(folder) for path in paths if path.is_file()]
    return [folder / name for name in sorted(names) if not any(p[0] == "." for p in name.parts)]


def content_hash(path: Path) -> str:
    """SHA-256 of a file; of a folder, that of its pictures' names and contents.

    Each process reads the content once, and again where a size or a time of writing has changed.

    Raises:
        UsageError: there is neither, or it cannot be read.
    """
    path = path.expanduser()
    try:
        files = pictures_in(path) if path.is_dir() else [path]
        stats = [file.stat() for file in files]
        state = tuple((str(f), s.st_size, s.st_mtime_ns) for f, s in zip(files, stats, strict=True))
        return _hash(path, state)
    except OSError as error:
        raise UsageError(f"cannot read data {path}: {reason(error)}") from None


@lru_cache(maxsize=8)
def _hash(path: Path, state: tuple[tuple[str, int, int], ...]) -> str:
    def of_file(name: str) -> str:
        with open(name, "rb") as file:  # noqa: PTH123
            return hashlib.file_digest(file, "sha256").hexdigest()

    if not path.is_dir():
        return of_file(state[0][0])
    whole = hashlib.sha256()
    for name, _, _ in state:
        whole.update(f"{Path(name).relative_to(path).as_posix()}\0{of_file(name)}\n".encode())
    return whole.hexdigest()

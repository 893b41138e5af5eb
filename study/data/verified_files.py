"""Files of a data set in a folder, each verified by the SHA-256 of the original."""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from study.config.errors import user_path
from study.data.dataset import DataError

LOCK_TIMEOUT_S = 1200.0  # longer than the slowest fetch by another process

Sums = Mapping[str, str]  # file name -> SHA-256 of the original


def data_dir(given: Path | None = None) -> Path:
    """The folder for the data: `given` (--data-dir), else $STUDY_DATA, else the user's cache."""
    if given is not None:
        return user_path(given)
    if named := os.environ.get("STUDY_DATA"):
        return user_path(named)
    cache = Path(os.environ.get("XDG_CACHE_HOME", ""))
    # A relative XDG_CACHE_HOME is to be ignored, says the XDG Base Directory Specification.
    return (cache if cache.is_absolute() else Path.home() / ".cache") / "vae-study"


def place_of(name: str, files: Iterable[str], folder: Path | None = None) -> Path:
    """Where a data set's files lie: the folder of its name in `data_dir(folder)`.

    Where one of them, raw or as .gz, lies in `data_dir(folder)` itself, as earlier versions had
    them, it is that.
    """
    folder = data_dir(folder)
    packed = (f"{file}.gz" for file in files)
    flat = any((folder / file).exists() for file in [*files, *packed])
    return folder if flat else folder / name


def ensure(
    folder: Path, sums: Sums, name: str, make: Callable[[list[str]], None], again: str
) -> None:
    """Make sure that a data set's files lie in a folder.

    Files that are there are verified, never overwritten. Several processes may ask at once: one
    makes, the others wait.

    Args:
        folder: of the files.
        sums: of all files.
        name: of the data set, for errors.
        make: puts those that are missing there.
        again: what happens to a damaged file that is deleted: "fetched", "drawn".

    Raises:
        DataError: a file is damaged, or the folder cannot be used.
    """
    with keeping(folder, name):
        if not missing(folder, sums, name, again):  # no lock: the folder may be read-only
            return
    with locked(folder, name):
        if lacking := missing(folder, sums, name, again):
            make(lacking)


@contextmanager
def locked(folder: Path, name: str) -> Iterator[None]:
    """A folder, made where it is missing, while no other process writes to it.

    Raises:
        DataError: it cannot be used; `name` says for which data.
    """
    with keeping(folder, name):
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lock", timeout=LOCK_TIMEOUT_S):
            yield


@contextmanager
def keeping(folder: Path, name: str) -> Iterator[None]:
    """What the system says against keeping data in a folder, as one line.

    Raises:
        DataError: it said something; `name` says which data.
    """
    try:
        yield
    except OSError as error:
        raise DataError(
            f"cannot keep {name} in {folder} ({error}): "
            "choose another folder with --data-dir or $STUDY_DATA"
        ) from error


def missing(folder: Path, sums: Sums, name: str, again: str) -> list[str]:
    """Files not in `folder`; those that are there are verified.

    Raises:
        DataError: a file is not the original.
    """
    lacking = []
    for file in sums:
        if digest := sha256_of(folder / file):
            require_original(sums[file], digest, folder / file, name, again)
        else:
            lacking.append(file)
    return lacking


def inspect(folder: Path, sums: Sums) -> dict[str, str]:
    """Each file's name -> "verified", "damaged" or "missing"; nothing is fetched or changed."""
    return {
        file: {None: "missing", original: "verified"}.get(sha256_of(folder / file), "damaged")
        for file, original in sums.items()
    }


def sha256_of(path: Path) -> str | None:
    """SHA-256 of a file; None where there is none."""
    if not path.exists():
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def require_original(original: str, seen: str, path: Path, name: str, again: str) -> None:
    """Refuse a file whose SHA-256 is not that of the original.

    Raises:
        DataError: names the file and both sums.
    """
    if seen != original:
        raise DataError(
            f"{path} is not the original {name} file: SHA-256 is {seen}, expected {original}; "
            f"delete or move it, and it will be {again} again"
        )


def write_whole(path: Path, raw: bytes) -> None:
    """Write whole or not at all. Called under the lock: the name of the part is ours alone."""
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def short_hash(sums: Sums) -> str:
    """One short name for all files, for a study's provenance."""
    return hashlib.sha256("".join(sums.values()).encode()).hexdigest()[:12]

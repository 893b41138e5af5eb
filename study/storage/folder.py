"""A folder on any filesystem that pyarrow reads: the only way that results reach a disk.

pyarrow.fs reaches the stores. Added is what it lacks: a local write that is whole after a crash
(fsspec renames at best, without fsync), many reads at once, no credentials in a name.
"""

import os
import re
import shutil
import uuid
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from pyarrow import NativeFile, fs
from pyarrow.lib import ArrowInvalid

from study.config.errors import StudyError, UsageError, user_path

DAMAGED = ".damaged"  # behind the name of a file that was set aside
_PART = re.compile(r"\..+\.[0-9a-f]{32}")  # of a file that is being written
READERS = 32  # files that are fetched at once from an object store


class Folder:
    """A local path, or a URI such as s3://bucket/prefix; pickled as its location alone.

    Credentials come from the environment, as the store's own tools read them.

    Raises:
        UsageError: the URI is of no kind that pyarrow reads, or holds credentials, which would
            end up in the study's own files.
        StudyError: the store does not answer.
    """

    def __init__(self, location: str | Path) -> None:
        self.location = str(location).removeprefix("file://")
        if "://" in self.location:
            self.location = self.location.rstrip("/")
            uri = urlsplit(self.location)
            if "@" in uri.netloc:
                raise UsageError(
                    f"{uri.scheme}://...@{uri.netloc.rpartition('@')[2]}{uri.path}: leave the"
                    " credentials out and give them in the environment"
                )
            query = f"?{uri.query}" if uri.query else ""
            self._fs, root = _filesystem(f"{uri.scheme}://{uri.netloc}", query)
            self._path = root.rstrip("/") + uri.path.rstrip("/")
        else:
            self.location = self._path = str(user_path(self.location))
            self._fs = fs.LocalFileSystem()

    def __reduce__(self) -> tuple[type["Folder"], tuple[str]]:
        return Folder, (self.location,)

    def __truediv__(self, name: str) -> "Folder":
        if self.is_local:
            return Folder(f"{self.location.rstrip('/')}/{name}")
        base, question, query = self.location.partition("?")
        return Folder(f"{base.rstrip('/')}/{name}{question}{query}")

    def __str__(self) -> str:
        return self.location

    @property
    def is_local(self) -> bool:
        return isinstance(self._fs, fs.LocalFileSystem)

    @property
    def name(self) -> str:
        return str(self._path.rsplit("/", 1)[-1])

    def exists(self, name: str = "") -> bool:
        """Whether a file or folder of this name is here; without a name, whether this folder is."""
        path = f"{self._path}/{name}" if name else self._path
        return bool(self._fs.get_file_info(path).type != fs.FileType.NotFound)

    def names(self) -> list[str]:
        """Names of the files and folders in this one, sorted; none where it does not exist."""
        selector = fs.FileSelector(self._path, allow_not_found=True)
        return sorted(info.base_name for info in self._fs.get_file_info(selector))

    def folders(self) -> list[str]:
        """Names of the folders in this one, sorted; none where it does not exist."""
        selector = fs.FileSelector(self._path, allow_not_found=True)
        entries = self._fs.get_file_info(selector)
        return sorted(info.base_name for info in entries if info.type == fs.FileType.Directory)

    def stamps(self, within: str = "") -> dict[str, tuple[int, int]]:
        """The files here, by name, with what changes when one is written: time in ns, and size.

        Args:
            within: instead, the file of this name in every folder here, by the folder's name.
        """
        if within and self.is_local:
            paths = [f"{self._path}/{name}/{within}" for name in self.folders()]
            infos = self._fs.get_file_info(paths)
        else:  # a store lists a thousand objects at once, whatever their folders
            selector = fs.FileSelector(self._path, allow_not_found=True, recursive=bool(within))
            infos = self._fs.get_file_info(selector)
        return {
            info.path.rsplit("/", 2)[-2] if within else info.base_name: (info.mtime_ns, info.size)
            for info in infos
            if info.type == fs.FileType.File and info.base_name == (within or info.base_name)
        }

    def read(self, name: str) -> bytes:
        """The whole of one file.

        Raises:
            OSError: it is not there or cannot be read (FileNotFoundError where it is missing).
            StudyError: it is a folder.
        """
        path = f"{self._path}/{name}"
        try:
            with self._fs.open_input_stream(path) as stream:
                return bytes(stream.read())
        except OSError:
            if self._fs.get_file_info(path).type == fs.FileType.Directory:
                raise StudyError(f"{self}/{name} is a folder: move it away") from None
            raise

    def read_all(self, names: Iterable[str]) -> list[bytes | None]:
        """Many files, several at a time; None for one that is not there, b"" for a folder."""

        def read(name: str) -> bytes | None:
            try:
                return self.read(name)
            except FileNotFoundError:
                return None
            except StudyError:
                return b""

        if self.is_local:
            return [read(name) for name in names]
        with ThreadPoolExecutor(READERS) as pool:
            return list(pool.map(read, names))

    def write(self, name: str, data: bytes) -> None:
        """Write one file so that a reader, or a crash, sees the old content or the new, whole.

        An object store replaces an object at once when its upload ends; a local file is written
        beside and renamed.
        """
        if not self.is_local:
            with self._output(name) as stream:
                stream.write(data)
            return
        with self.writing(name) as path:
            path.write_bytes(data)

    @contextmanager
    def writing(self, name: str) -> Iterator[Path]:
        """A local path to write one file at, which is here, whole, when the context ends well."""
        if not self.is_local:
            with TemporaryDirectory() as folder:
                yield (path := Path(folder) / "file")
                with path.open("rb") as file, self._output(name) as stream:
                    shutil.copyfileobj(file, stream, 2**20)
            return
        target = Path(self._path, name)
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
        try:
            yield beside
            with beside.open("rb") as file:
                os.fsync(file.fileno())
            beside.replace(target)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise

    def _output(self, name: str) -> NativeFile:
        return self._fs.open_output_stream(f"{self._path}/{name}")

    def set_aside(self, name: str) -> None:
        """Rename a file, so that it is no longer in the way; the one set aside before is lost."""
        if self.is_local:
            Path(self._path, name).replace(Path(self._path, name + DAMAGED))
        else:
            self._fs.move(f"{self._path}/{name}", f"{self._path}/{name}{DAMAGED}")

    def clear(self) -> None:
        """Delete what writers that were killed have left half written in this folder."""
        for name in self.names() if self.is_local else ():
            if _PART.fullmatch(name):
                self.delete(name)

    def delete(self, name: str) -> None:
        """Remove one file, if it is there."""
        with suppress(FileNotFoundError):
            self._fs.delete_file(f"{self._path}/{name}")

    def delete_all(self) -> None:
        """Remove this folder with everything in it, if it is there."""
        if self.exists():
            self._fs.delete_dir(self._path)


@lru_cache
def _filesystem(root: str, query: str) -> tuple[fs.FileSystem, str]:
    """One client a store and process: to make one costs as much as to read several files."""
    try:
        filesystem, path = fs.FileSystem.from_uri(root + query)
    except (ArrowInvalid, NotImplementedError) as error:
        raise UsageError(f"{root}{query} is not a location that can be read: {error}") from None
    except OSError as error:
        raise StudyError(f"cannot reach {root}{query}: {error}") from None
    return filesystem, path

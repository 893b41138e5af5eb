"""A folder on any filesystem that pyarrow reads: the only way that results reach a disk."""

import os
import uuid
from pathlib import Path

from pyarrow import fs


class Folder:
    """A local path, or a URI such as s3://bucket/prefix; pickled as its location alone."""

    def __init__(self, location: str | Path) -> None:
        self.location = str(location).rstrip("/")
        if "://" in self.location:
            self._fs, self._path = fs.FileSystem.from_uri(self.location)
        else:
            self.location = self._path = str(Path(location).expanduser().absolute())
            self._fs = fs.LocalFileSystem()

    def __reduce__(self) -> tuple[type["Folder"], tuple[str]]:
        return Folder, (self.location,)

    def __truediv__(self, name: str) -> "Folder":
        base, question, query = self.location.partition("?")
        return Folder(f"{base}/{name}{question}{query}")

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

    def read(self, name: str) -> bytes:
        """The whole of one file.

        Raises:
            OSError: it is not there or cannot be read (FileNotFoundError where it is missing).
        """
        with self._fs.open_input_stream(f"{self._path}/{name}") as stream:
            return bytes(stream.read())

    def write(self, name: str, data: bytes) -> None:
        """Write one file so that a reader, or a crash, sees the old content or the new, whole.

        An object store replaces an object at once when its upload ends; a local file is written
        beside and renamed.
        """
        if not self.is_local:
            with self._fs.open_output_stream(f"{self._path}/{name}") as stream:
                stream.write(data)
            return
        target = Path(self._path, name)
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
        try:
            with beside.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(target)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise

    def delete(self, name: str) -> None:
        """Remove one file, if it is there."""
        try:
            self._fs.delete_file(f"{self._path}/{name}")
        except FileNotFoundError:
            return

    def delete_all(self) -> None:
        """Remove this folder with everything in it, if it is there."""
        if self.exists():
            self._fs.delete_dir(self._path)

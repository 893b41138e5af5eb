"""Files that hold the SHA-256 of themselves: a reader knows whether they are as they were written.

The digits stand behind `MARK`, and are zeros while the sum is taken, as in the header of a tar
archive: no second file that could be lost or be of another moment. Parquet's own checksums are of
its pages alone; a flipped bit beside these would be read.
"""

import hashlib
import io
import mmap
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field

from study.config.errors import StudyError

MARK = "vae-study-sha256:"
UNSEALED = MARK + "0" * 64
"""What a file holds, once, where its checksum is to stand."""
_MARK = MARK.encode()
Checksum = Annotated[str, Field(pattern=f"^{MARK}[0-9a-f]{{64}}$")]


def seal(content: bytes) -> bytes:
    """The content of a file with its checksum in the place of `UNSEALED`."""
    digest = hashlib.sha256(content).hexdigest()
    return content.replace(UNSEALED.encode(), f"{MARK}{digest}".encode(), 1)


def verify(content: bytes, file: str) -> None:
    """Look whether a file is as it was written; one without a checksum, of an older version, is.

    Raises:
        StudyError: it is not; names the file.
    """
    start = content.find(_MARK)
    if start < 0:
        return
    end = start + len(UNSEALED)
    sealed = seal(content[:start] + UNSEALED.encode() + content[end:])
    if sealed != content:
        raise StudyError(f"{file} is damaged or was edited: its checksum does not match")


def parquet_file(table: pa.Table) -> bytes:
    """A table as a Parquet file, sealed; its pages have Parquet's own checksums as well."""
    buffer = io.BytesIO()
    _write(buffer, table.schema, [table])
    return seal(buffer.getvalue())


def write_parquet(path: Path, schema: pa.Schema, parts: Iterable[pa.Table]) -> None:
    """As `parquet_file`, but of parts, into a file: it never has the whole in memory."""
    _write(path, schema, parts)
    with path.open("r+b") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        with mmap.mmap(file.fileno(), 0) as content:
            start = content.find(UNSEALED.encode()) + len(MARK)
            content[start : start + len(digest)] = digest.encode()


def _write(file: Path | io.BytesIO, schema: pa.Schema, parts: Iterable[pa.Table]) -> None:
    floats = [field.name for field in schema if pa.types.is_floating(field.type)]
    with pq.ParquetWriter(
        file,
        schema,
        compression="zstd",
        use_dictionary=[name for name in schema.names if name not in floats],
        use_byte_stream_split=floats,  # with zstd, epochs take half of what they took
        write_page_checksum=True,
    ) as writer:
        for part in parts:
            writer.write_table(part)
        writer.add_key_value_metadata({"checksum": UNSEALED})


def parquet_table(content: bytes, file: str, needed: pa.Schema | None = None) -> pa.Table:
    """The table of a Parquet file.

    Args:
        content: of the file.
        file: its name, for errors.
        needed: columns that it must have.

    Raises:
        StudyError: it is damaged; names the file.
    """
    verify(content, file)
    try:
        parquet = pq.ParquetFile(io.BytesIO(content), page_checksum_verification=True)
        if not (parquet.metadata.metadata or {}).get(b"checksum", _MARK).startswith(_MARK):
            raise ValueError("its checksum cannot be read")
        table = parquet.read(use_threads=False)  # one that meets damage would end the process
        table.validate(full=True)
        table.select(needed.names if needed else []).cast(needed or pa.schema([]))
    except Exception as error:  # of damage every part of Arrow has its own
        raise StudyError(f"{file} is damaged: {' '.join(str(error).split())}") from None
    return table

"""One table of a study, written and read."""

import io
from collections.abc import Iterable

import pandas as pd
import pyarrow as pa

from study.config.errors import StudyError, reason
from study.config.run import RunConfig
from study.storage.checksums import parquet_file, parquet_table, write_parquet
from study.storage.folder import Folder
from study.storage.tables.schemas import CONFIG, NEEDED, TABLES, column_of, schemas_of

Tables = dict[str, pd.DataFrame]  # by name: trials, epochs, latents

CSV_ROWS = 1_000  # longer tables are parquet alone


def write_tables(study: Folder, tables: Tables) -> None:
    """Write each table as parquet and as CSV."""
    schemas = schemas_of(map(str, tables["epochs"]), tables["trials"]["hidden"])
    for name, table in tables.items():
        write_table(study, name, table, schemas[name])


def write_table(study: Folder, name: str, table: pd.DataFrame, schema: pa.Schema | None) -> None:
    """Write one table as `name`.parquet; a short one also as `name`.csv, to look at.

    The CSV has nine digits and no lists. A table that outgrows `CSV_ROWS` loses it.
    """
    typed = pa.Table.from_pandas(table, schema=schema, preserve_index=False)
    lists = [field.name for field in typed.schema if pa.types.is_list(field.type)]
    study.write(f"{name}.parquet", parquet_file(typed))
    if len(table) <= CSV_ROWS:
        shown = table.drop(columns=lists).to_csv(index=False, float_format="%.9g")
        study.write(f"{name}.csv", shown.encode())
    else:
        study.delete(f"{name}.csv")


def write_in_parts(
    study: Folder, name: str, parts: Iterable[pd.DataFrame], schema: pa.Schema
) -> None:
    """Write a table that is too long for a CSV, and may not fit in memory."""
    with study.writing(f"{name}.parquet") as path:
        write_parquet(path, schema, (pa.Table.from_pandas(part, schema=schema) for part in parts))
    study.delete(f"{name}.csv")


def read_tables(study: Folder) -> Tables:
    """The tables that a study has so far; none for a study that has not begun.

    Raises:
        StudyError: a table is damaged; names the file.
    """
    return {name: read_table(study, name) for name in TABLES if has_table(study, name)}


def has_table(study: Folder, name: str) -> bool:
    """Whether a study has this table."""
    return study.exists(f"{name}.parquet")


def read_table(study: Folder, name: str) -> pd.DataFrame:
    """One table; trials that are older than a field of the configuration get its default.

    Raises:
        StudyError: it is missing or damaged; names the file.
    """
    try:
        content = study.read(f"{name}.parquet")
    except FileNotFoundError:
        raise StudyError(f"{study} has no table {name}.parquet") from None
    try:
        table = parquet_table(content, f"{study}/{name}.parquet", NEEDED.get(name))
    except StudyError as error:
        raise StudyError(f"{error}; delete it and repeat the command that wrote it") from None
    return with_defaults(frame_of(table)) if name == "trials" else frame_of(table)


def read_result(folder: Folder, name: str, command: str) -> pd.DataFrame | None:
    """A table that a command has made of a study; None where it has not.

    Args:
        folder: where `write_table` wrote it; an older version left a CSV alone, without a checksum.
        name: of the table.
        command: that writes it, for errors.

    Raises:
        StudyError: it is damaged; names the file and the command.
    """
    try:
        if has_table(folder, name):
            file = f"{folder}/{name}.parquet"
            return frame_of(parquet_table(folder.read(f"{name}.parquet"), file))
        file = f"{folder}/{name}.csv"
        return pd.read_csv(io.BytesIO(folder.read(f"{name}.csv")))
    except FileNotFoundError:
        return None
    except StudyError as error:
        raise StudyError(f"{error}; delete it and repeat {command}") from None
    except ValueError as error:
        raise StudyError(
            f"{file} is damaged: {reason(error)}; delete it and repeat {command}"
        ) from None


def with_defaults(trials: pd.DataFrame) -> pd.DataFrame:
    """Trials of an older version: what their configuration did not have yet was the default."""
    defaults = RunConfig().model_dump()
    missing = float("nan")  # a number, so that a column of it can be joined to one of numbers
    columns = {
        column_of(name): missing if defaults[name] is None else defaults[name] for name in CONFIG
    }
    return trials.assign(**{k: value for k, value in columns.items() if k not in trials})


def frame_of(table: pa.Table) -> pd.DataFrame:
    """A table as pandas has it; whole numbers that may be missing stay whole."""
    frame: pd.DataFrame = table.to_pandas()
    name = "active_latents"  # missing where a run failed in its first epoch; of several, a mean
    if name in frame and pa.types.is_integer(table.schema.field(name).type):
        frame[name] = frame[name].astype("Int64")
    return frame

"""The tables of a study: built from the records of its runs, written and read."""

from study.storage.tables.epochs import epoch_row
from study.storage.tables.files import (
    CSV_ROWS,
    Tables,
    has_table,
    read_result,
    read_table,
    read_tables,
    write_table,
    write_tables,
)
from study.storage.tables.from_records import build_tables, write_study_tables
from study.storage.tables.schemas import (
    AXIS_FIELDS,
    EPOCHS,
    LATENTS,
    TABLES,
    TRIALS,
    column_of,
)

__all__ = [
    "AXIS_FIELDS",
    "CSV_ROWS",
    "EPOCHS",
    "LATENTS",
    "TABLES",
    "TRIALS",
    "Tables",
    "build_tables",
    "column_of",
    "epoch_row",
    "has_table",
    "read_result",
    "read_table",
    "read_tables",
    "write_study_tables",
    "write_table",
    "write_tables",
]

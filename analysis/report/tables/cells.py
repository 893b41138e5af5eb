"""What tables of the report are made of: cells with their text and what they sort by."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import pandas as pd

from analysis.statistics.wording import interval
from study.storage.axes import in_words

NOTHING = "–"

Row = Mapping[Any, Any]


class Cell(NamedTuple):
    """A cell: what is read, and what its column is sorted by (None last)."""

    text: str
    sort: float | str | None = None
    strong: bool = False


class Table(NamedTuple):
    """A table of the page; its first column names the rows."""

    name: str  # its id in the page
    caption: str
    columns: list[str]
    rows: list[list[Cell]]
    notes: str = ""  # what else its columns say, folded away

    @property
    def numeric(self) -> list[bool]:
        """Whether each column holds numbers, and is set flush right."""
        return [
            any(isinstance(row[place].sort, float | int) for row in self.rows)
            for place in range(len(self.columns))
        ]


CellOf = Callable[[Row], Cell]


def table(
    name: str, caption: str, rows: pd.DataFrame, columns: dict[str, CellOf], notes: str = ""
) -> Table:
    """A row of cells for each row of a frame, without the columns that have nothing to tell.

    Args:
        name: its id in the page.
        caption: what is seen, and how to read it.
        rows: as they stand in the table.
        columns: heading -> the cell of a row.
        notes: what only some readers ask for.
    """
    records = rows.to_dict("records")
    cells = {heading: [cell(row) for row in records] for heading, cell in columns.items()}
    kept = {
        heading: column
        for heading, column in cells.items()
        if not records or any(cell.text != NOTHING for cell in column)
    }
    whole = [list(row) for row in zip(*kept.values(), strict=True)]
    return Table(name, caption, list(kept), whole, notes)


def words(key: str) -> CellOf:
    """Cells that say what stands in a column; a dash where nothing does."""
    return lambda row: Cell(text(row.get(key)) or NOTHING)


def words_of_axes(row: Row) -> Cell:
    """The cell of a configuration, in words; in a row that has its axes."""
    return Cell(in_words(row))


def numbers(key: str, form: str = ".3f", strong: str = "") -> CellOf:
    """Cells of numbers; bold where the column `strong` is true."""
    return lambda row: number(row.get(key), form, strong=bool(strong and row[strong]))


def estimates(key: str, star: str = "") -> CellOf:
    """Cells of a value with its interval; starred where the column `star` is true."""

    def cell(row: Row) -> Cell:
        if pd.isna(row.get(key)):
            return Cell(NOTHING)
        shown = interval(row, key)
        return Cell(shown.replace(" [", "* [") if star and row[star] else shown, float(row[key]))

    return cell


def flags(key: str) -> CellOf:
    """Cells that say yes, or nothing."""
    return lambda row: Cell("yes" if row[key] else "", int(row[key]))


def number(value: Any, form: str = ".3f", *, strong: bool = False) -> Cell:
    """A number as its format says, with a true minus; a dash where there is none."""
    if pd.isna(value):
        return Cell(NOTHING)
    return Cell(f"{float(value):{form}}".replace("-", "−"), float(value), strong)


def text(value: Any) -> str:
    """What a cell of a table says; "" where it says nothing."""
    return "" if value is None or value != value else str(value)

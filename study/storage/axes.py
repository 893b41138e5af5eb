"""Which keys of the configuration a study varies, and what its configurations are called.

A configuration is a run without its seed: seeds alone are ever pooled. J, beta and conditioning are
axes of every study, and so is any other key in which its runs differ. A table of configurations has
a column for each axis, and its rows are named by all of them; what all runs share is said once.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from study.config.belongs import KEYS, left_out
from study.config.run import AXES, PARTS, RunConfig, plain
from study.storage.tables import column_of

STANDARD = [key for key in AXES if key != "seed"]
CONDITIONING = {"none": "no labels", "label": "labels", "prior": "labels in the prior"}
DEFAULTS = {
    column_of(key): value for key, value in RunConfig().identity().items() if key not in AXES
}
"""The columns of trials that can be further axes, and what they are in the paper."""
PART_COLUMNS = [column_of(part) for part in PARTS]


def other_axes(trials: pd.DataFrame) -> list[str]:
    """Columns besides the standard axes that are not the default, for some run or for all."""
    known = [column for column in DEFAULTS if column in trials]
    return [column for column in known if not _is(trials[column], DEFAULTS[column]).all()]


def varied(trials: pd.DataFrame) -> list[str]:
    """The study's other axes: those of `other_axes` in which its runs differ."""
    return [column for column in other_axes(trials) if trials[column].nunique(dropna=False) > 1]


def axes_in(table: pd.DataFrame) -> list[str]:
    """Columns of the axes that a table of configurations has."""
    return [*STANDARD, *(column for column in DEFAULTS if column in table)]


def with_axes(table: pd.DataFrame, trials: pd.DataFrame) -> pd.DataFrame:
    """A table that has a column `run`, and a column for each of the study's other axes."""
    more = varied(trials)
    return table.merge(trials[["run", *more]], on="run", how="left") if more else table


def as_in_the_paper(trials: pd.DataFrame) -> pd.DataFrame:
    """The runs that differ from the paper in the standard axes and the seed alone.

    The paper never trained its eq. 7, labels in the prior.
    """
    return _where(trials[trials["conditioning"] != "prior"], DEFAULTS)


def made_alike(trials: pd.DataFrame) -> pd.DataFrame:
    """Runs made of the same parts as those of `alike`: their costs can be compared."""
    columns = [column for column in PART_COLUMNS if column in trials]
    return _where(trials, alike(trials).iloc[0], columns) if len(trials) else trials


def alike(trials: pd.DataFrame) -> pd.DataFrame:
    """Runs that differ in the standard axes and the seed alone, so that these can be compared.

    They are the paper's where there are any, and else those like the run that is most like them.
    """
    paper = as_in_the_paper(trials)
    if len(paper) or trials.empty:
        return paper
    apart = sum(~_is(trials[column], DEFAULTS[column]) for column in other_axes(trials))
    return _where(trials, trials.iloc[int(np.argmin(apart))])


def in_words(row: Mapping[Any, Any]) -> str:
    """A configuration as people say it: `J = 10, β = 4, labels, learning rate 0.003`.

    Args:
        row: the axes of its study.
    """
    kind = row["conditioning"]
    words = [f"J = {row['latent_dim']}"]
    words += [] if pd.isna(row["beta"]) else [f"β = {_value(row['beta'])}"]
    words += [] if kind == "none" else [CONDITIONING.get(kind, kind)]
    return ", ".join([*words, *others_of(row)])


def words_of(table: pd.DataFrame) -> list[str]:
    """The configuration of every row of a table of configurations as people say it."""
    return [in_words(row) for row in table[axes_in(table)].to_dict("records")]


def others_in_words(table: pd.DataFrame, columns: Sequence[str]) -> pd.Series:
    """`learning rate 0.003, optimiser adam` for every row, of these other axes; "" without any."""
    if not columns:  # of none, the first pandas 3 has no records
        return pd.Series("", table.index, dtype=str)
    rows = table[list(columns)].to_dict("records")
    return pd.Series([", ".join(others_of(row)) for row in rows], table.index, dtype=str)


def axis_in_words(column: str) -> str:
    """`learning rate` of `learning_rate`."""
    return column.removesuffix("_kind").replace("_", " ")


def others_of(row: Mapping[Any, Any]) -> list[str]:
    """The other axes of a configuration in words: `["learning rate 0.003"]`.

    A key that does not belong to its parts is missing there, and not spoken of; nor is a part that
    is the paper's, where other configurations name theirs, or a key that is its part's default.
    """
    axes = [name for name in DEFAULTS if name in row and not pd.isna(row[name])]
    axes = [name for name in axes if name not in PART_COLUMNS or row[name] != DEFAULTS[name]]
    axes = [name for name in axes if not (name in KEYS and row[name] == _of_part(name, row))]
    return [f"{axis_in_words(name)} {_value(row[name])}" for name in axes]


def _of_part(name: str, row: Mapping[Any, Any]) -> Any:
    """What a key is that ids do not name either; None where the row does not say its part."""
    part = column_of(KEYS[name].part)
    return left_out(name, str(row[part])) if part in row else None


def _value(value: Any) -> str:
    return plain(float(value)) if isinstance(value, float) else str(value)


def _where(
    trials: pd.DataFrame,
    values: Mapping[str, Any] | pd.Series,
    columns: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Runs that have these values in some columns, by default in all other axes."""
    same = pd.Series(True, trials.index)
    for column in other_axes(trials) if columns is None else columns:
        same &= _is(trials[column], values[column])
    return trials[same]


def _is(column: pd.Series, value: Any) -> pd.Series:
    """Where a column has this value; a missing one is like another missing one."""
    if pd.isna(value):
        return column.isna()
    return column == (value if pd.api.types.is_numeric_dtype(column) else str(value))

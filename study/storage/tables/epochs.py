"""The rows of the table of epochs."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from study.config.run import AXES
from study.losses import figures
from study.storage.records import History
from study.storage.tables.files import frame_of

RUNS_AT_ONCE = 256  # whose rows are in memory together


def epoch_row(beta: Any, epoch: Mapping[str, Any]) -> dict[str, Any]:
    """All figures of one epoch, or of many, by the columns of the table; nats per image.

    Args:
        beta: the weight of the KL; of many epochs, an array.
        epoch: epoch, active_latents, and after `train_` and `test_` the terms of the loss: recon,
            kl and whatever others it has; of many epochs, arrays of each.
    """
    row = {"epoch": epoch["epoch"], "active_latents": epoch["active_latents"]}
    for split in ("train_", "test_"):
        terms = {
            name.removeprefix(split): value
            for name, value in epoch.items()
            if name.startswith(split)
        }
        derived = figures(terms, beta)
        row |= {split + name: value for name, value in {**terms, **derived}.items()}
    return row


def epoch_frames(
    histories: Mapping[str, History],
    axes: Mapping[str, Mapping[str, Any]],
    old: pd.DataFrame,
    order: Sequence[str],
    schema: pa.Schema,
) -> Iterator[pd.DataFrame]:
    """The rows of the table of epochs, some runs at a time.

    Args:
        histories: run id -> its epochs.
        axes: run id -> its axes, beta among them.
        old: rows of other runs.
        order: all run ids, in the order of the table.
        schema: of the table.
    """
    kept = dict(iter(old.groupby("run", sort=False))) if len(old) else {}

    def columns_of(run: str) -> tuple[str, ...]:
        return tuple(histories[run].names) if run in histories else ()

    for start in range(0, len(order), RUNS_AT_ONCE):
        parts = []
        for columns, alike in groupby(order[start : start + RUNS_AT_ONCE], columns_of):
            if columns:
                parts.append(_rows({run: histories[run] for run in alike}, axes))
            else:
                parts += [kept[run] for run in alike if run in kept]
        if parts:
            frame = pd.concat(parts, ignore_index=True).reindex(columns=schema.names)
            yield frame_of(pa.Table.from_pandas(frame, schema=schema, preserve_index=False))


def _rows(histories: Mapping[str, History], axes: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """The rows of runs whose epochs have the same columns."""
    n_epochs = [len(history) for history in histories.values()]
    values = np.concatenate([history.values for history in histories.values()]).T
    names = next(iter(histories.values())).names
    repeated = {"run": np.repeat(list(histories), n_epochs)}
    for axis in AXES:
        repeated[axis] = np.repeat([axes[run][axis] for run in histories], n_epochs)
    rows = epoch_row(repeated["beta"], dict(zip(names, values, strict=True)))
    return pd.DataFrame({**repeated, **rows})

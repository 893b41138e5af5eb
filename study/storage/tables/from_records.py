"""The tables of a study, from the records of its runs.

A row whose run folder is gone, as in a clone that holds the tables alone, stays as it is.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, get_args

import pandas as pd
import pyarrow as pa

from study.config.run import AXES, RunConfig, in_a_cell
from study.storage.folder import Folder
from study.storage.records import Record, as_history
from study.storage.tables.epochs import epoch_frames, epoch_row
from study.storage.tables.files import (
    CSV_ROWS,
    Tables,
    frame_of,
    with_defaults,
    write_in_parts,
    write_table,
)
from study.storage.tables.schemas import CONFIG, column_of, schemas_of


class _Content(NamedTuple):
    """What the tables of a study are to hold."""

    trials: pd.DataFrame
    latents: pd.DataFrame
    epochs: Iterator[
        pd.DataFrame
    ]  # some runs at a time: those of a large study do not fit in memory
    n_epochs: int  # rows of all
    schemas: dict[str, pa.Schema]


def build_tables(records: Mapping[str, Record], old: Tables) -> Tables:
    """Tables of all records, with the rows of the old tables for runs that have no record."""
    content = _content(records, old)
    return Tables(trials=content.trials, epochs=_whole(content), latents=content.latents)


def write_study_tables(study: Folder, records: Mapping[str, Record], old: Tables) -> None:
    """Write what `build_tables` builds, without ever holding the epochs of a large study."""
    content = _content(records, old)
    schemas = content.schemas
    if content.n_epochs > CSV_ROWS:
        write_in_parts(study, "epochs", content.epochs, schemas["epochs"])
    else:
        write_table(study, "epochs", _whole(content), schemas["epochs"])
    write_table(study, "latents", content.latents, schemas["latents"])
    write_table(study, "trials", content.trials, schemas["trials"])


def _whole(content: _Content) -> pd.DataFrame:
    """The table of epochs in one piece."""
    parts = list(content.epochs) or [frame_of(content.schemas["epochs"].empty_table())]
    return pd.concat(parts, ignore_index=True)


def _content(records: Mapping[str, Record], old: Tables) -> _Content:
    kept = {name: table[~table["run"].isin(list(records))] for name, table in old.items()}
    histories = {run: as_history(record["epochs"]) for run, record in records.items()}
    terms = dict.fromkeys(name for history in histories.values() for name in history.names)
    axes = {run: {axis: one["config"][axis] for axis in AXES} for run, one in records.items()}
    rows = [{"run": run, **axes[run], **_trial_row(one)} for run, one in records.items()]
    hidden = [row["hidden"] for row in rows]
    hidden += list(old["trials"]["hidden"]) if "trials" in old else []
    schemas = schemas_of([*terms, *map(str, old.get("epochs", ()))], hidden)
    if schemas["trials"].field("hidden").type == pa.string():
        rows = [{**row, "hidden": str(row["hidden"])} for row in rows]
        if "hidden" in kept.get("trials", ()):
            kept["trials"] = kept["trials"].astype({"hidden": str})
    if "trials" in kept:
        kept["trials"] = with_defaults(kept["trials"])
    trials = _joined(kept.get("trials"), rows, schemas["trials"])
    latents = [
        {"run": run, **axes[run], "latent": number, "kl": kl, "mean_variance": variance}
        for run, one in records.items()
        for number, (kl, variance) in enumerate(
            zip(one["latent_kl"], one["latent_mean_variance"], strict=True), start=1
        )
    ]
    old_epochs = kept.get("epochs", pd.DataFrame())
    n_epochs = len(old_epochs) + sum(map(len, histories.values()))
    frames = epoch_frames(histories, axes, old_epochs, list(trials["run"]), schemas["epochs"])
    return _Content(
        trials, _joined(kept.get("latents"), latents, schemas["latents"]), frames, n_epochs, schemas
    )


def _joined(
    kept: pd.DataFrame | None, rows: list[dict[str, Any]], schema: pa.Schema
) -> pd.DataFrame:
    """Old rows and new ones, in the order of the axes."""
    table = frame_of(pa.Table.from_pylist(rows, schema=schema))
    if kept is not None and len(kept):
        table = pd.concat([kept, table], ignore_index=True) if len(table) else kept
    order = [*sorted(AXES, key=lambda axis: axis != "conditioning"), "run"]
    order += [column for column in ("latent",) if column in table]
    table = table.sort_values(order, key=_in_order, ignore_index=True)
    return table.reindex(columns=schema.names)


def _in_order(column: pd.Series) -> pd.Series:
    """What a column is sorted by: conditioning as RunConfig lists it, none first."""
    kinds = get_args(RunConfig.model_fields["conditioning"].annotation)
    return column.map(kinds.index) if column.name == "conditioning" else column


def _trial_row(record: Record) -> dict[str, Any]:
    config = RunConfig().model_dump() | record["config"]  # a record may lack a newer field
    row: dict[str, Any] = {column_of(name): in_a_cell(config[name]) for name in CONFIG}
    row |= {key: record[key] for key in ("state", "error", "node", "device", "engine", "seconds")}
    row["epochs"] = len(record["epochs"])
    if not record["epochs"]:
        return row
    last = epoch_row(record["config"]["beta"], record["epochs"][-1])
    row |= {name.removeprefix("test_"): value for name, value in last.items() if name != "epoch"}
    if record["recon_at_mean"] is not None:
        row["recon_at_mean"] = record["recon_at_mean"]
        row["neg_elbo_at_mean"] = record["recon_at_mean"] + row["kl"]
    return row

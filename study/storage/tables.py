"""The tables of a study: their schemas; built from the records of its runs, written and read.

A row whose run folder is gone, as in a clone that holds the tables alone, stays as it is.
"""

from collections.abc import Iterable
from typing import Annotated, Any, get_args, get_origin

import pandas as pd
import pyarrow as pa

from study.config.belongs import KEYS
from study.config.errors import StudyError
from study.config.run import AXES, PARTS, RunConfig, in_a_cell
from study.losses import figures
from study.storage.checksums import parquet_file, parquet_table
from study.storage.folder import Folder
from study.storage.records import Record

Tables = dict[str, pd.DataFrame]  # by name: trials, epochs, latents

CSV_ROWS = 1_000  # longer tables are parquet alone


def _field(name: str, kind: pa.DataType, unit: str = "") -> pa.Field:
    return pa.field(name, kind, metadata={"unit": unit} if unit else None)


def _term(name: str) -> pa.Field:
    return _field(name, pa.float64(), "nats per image")


def _terms(prefix: str) -> list[pa.Field]:
    nats = [_term(prefix + name) for name in ("recon", "kl", "objective", "neg_elbo")]
    shares = [
        _field(prefix + name, pa.float64(), "fraction")
        for name in ("kl_fraction", "kl_fraction_raw")
    ]
    return nats + shares


def _config_field(name: str) -> pa.Field:
    """The column of a field of RunConfig."""
    kinds = {int: pa.int64(), float: pa.float64()}
    annotation = RunConfig.model_fields[name].annotation
    options = [*map(_plain_type, get_args(annotation)), annotation]  # of `int | None`, int
    kind = next((kinds[option] for option in options if option in kinds), pa.string())
    return _field(column_of(name), kind, _UNITS.get(name, ""))


def _plain_type(annotation: Any) -> Any:
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def column_of(name: str) -> str:
    """The column of trials that holds a field of RunConfig."""
    return "objective_kind" if name == "objective" else name  # `objective` is a figure


_UNITS = {
    **dict.fromkeys(("kl_warmup_epochs", "checkpoint_every", "capacity_epochs"), "epochs"),
    "capacity": "nats",
}
# Not of the configuration are the columns `epochs`, which counts those trained, and `engine`, which
# says what was made of the precision, the compilation and the pack that were asked for.
_CONFIG = [
    name for name in RunConfig.model_fields if name not in {*AXES, "epochs", "compile", "pack"}
]
_OF_PARTS = [name for name in KEYS if RunConfig.model_fields[name].default is None]
_LATER = (*PARTS, "precision", *_OF_PARTS)  # columns that came after the others: they stand last
AXIS_FIELDS = [_field("run", pa.string()), *map(_config_field, AXES)]

TRIALS = pa.schema(
    [
        *AXIS_FIELDS,
        _field("state", pa.string()),
        _field("error", pa.string()),
        _field("epochs", pa.int64()),
        *_terms(""),
        _field("active_latents", pa.int64()),
        _term("recon_at_mean"),
        _term("neg_elbo_at_mean"),
        *_terms("train_"),
        *[_config_field(name) for name in _CONFIG if name not in _LATER],
        _field("node", pa.string()),
        _field("device", pa.string()),
        _field("engine", pa.string()),
        _field("seconds", pa.float64(), "s"),
        *map(_config_field, _LATER),
    ]
)
EPOCHS = pa.schema(
    [
        *AXIS_FIELDS,
        _field("epoch", pa.int64()),
        *_terms("train_"),
        *_terms("test_"),
        _field("active_latents", pa.int64()),
    ]
)
LATENTS = pa.schema(
    [
        *AXIS_FIELDS,
        _field("latent", pa.int64(), "counts from 1, as the paper does"),
        _term("kl"),
        _field("mean_variance", pa.float64()),
    ]
)
TABLES = {"trials": TRIALS, "epochs": EPOCHS, "latents": LATENTS}


def _texts(*names: str) -> pa.Schema:
    return pa.schema([_field(name, pa.string()) for name in names])


NEEDED = {
    "trials": _texts("run", "state"),
    "epochs": _texts("run").append(_field("epoch", pa.int64())),
    "latents": _texts("run"),
    "scores": _texts("run", "basis", "score", "key"),
    "controls": _texts("control", "of", "key"),
    "udr": _texts("configuration"),
    "ranking": _texts("configuration"),
    "alignment": _texts("run", "basis", "property", "key"),
    "knobs": _texts("run", "property", "key"),
    "reconstruction": _texts("run", "key"),
}
"""What a table of any version has, by the table's name."""


def build_tables(records: dict[str, Record], old: Tables) -> Tables:
    """Tables of all records, with the rows of the old tables for runs that have no record."""
    rows: dict[str, list[dict[str, Any]]] = {"trials": [], "epochs": [], "latents": []}
    for run, record in records.items():
        axes = {"run": run, **{axis: record["config"][axis] for axis in AXES}}
        rows["trials"].append({**axes, **_trial_row(record)})
        rows["epochs"] += [{**axes, **epoch_row(axes["beta"], epoch)} for epoch in record["epochs"]]
        rows["latents"] += [
            {**axes, "latent": number, "kl": kl, "mean_variance": variance}
            for number, (kl, variance) in enumerate(
                zip(record["latent_kl"], record["latent_mean_variance"], strict=True), start=1
            )
        ]
    columns = dict.fromkeys(name for row in rows["epochs"] for name in row)
    hidden = [row["hidden"] for row in rows["trials"]]
    hidden += list(old["trials"]["hidden"]) if "trials" in old else []
    schemas = _schemas([*columns, *map(str, old.get("epochs", ()))], hidden)
    if schemas["trials"].field("hidden").type == pa.string():
        rows["trials"] = [{**row, "hidden": str(row["hidden"])} for row in rows["trials"]]
    tables = Tables()
    for name, schema in schemas.items():
        table = _frame(pa.Table.from_pylist(rows[name], schema=schema))
        if name in old and len(kept := old[name][~old[name]["run"].isin(list(records))]):
            if name == "trials":
                text = schema.field("hidden").type == pa.string()
                kept = _with_defaults(kept).astype({"hidden": str} if text else {})
            table = pd.concat([kept, table], ignore_index=True) if len(table) else kept
        extra = [column for column in ("epoch", "latent") if column in table]
        order = [*sorted(AXES, key=lambda axis: axis != "conditioning"), "run", *extra]
        table = table.sort_values(order, key=_in_order, ignore_index=True)
        tables[name] = table.reindex(columns=schema.names)
    return tables


def _in_order(column: pd.Series) -> pd.Series:
    """What a column is sorted by: conditioning as RunConfig lists it, none first."""
    kinds = get_args(RunConfig.model_fields["conditioning"].annotation)
    return column.map(kinds.index) if column.name == "conditioning" else column


def _schemas(epoch_columns: Iterable[str], hidden: Iterable[Any]) -> dict[str, pa.Schema]:
    """The schema of each table; terms of a loss besides recon and kl are its last columns.

    Hidden units are numbers, and text, as in `500x200`, where a run has several hidden layers.
    """
    terms = [
        name.removeprefix("test_")
        for name in epoch_columns
        if name.startswith("test_") and name not in EPOCHS.names
    ]
    terms = list(dict.fromkeys(terms))
    both = [prefix + term for prefix in ("train_", "test_") for term in terms]
    more = {"epochs": both, "trials": [name.removeprefix("test_") for name in both]}
    schemas = {
        name: pa.schema([*schema, *map(_term, more.get(name, []))])
        for name, schema in TABLES.items()
    }
    if any(isinstance(units, str) for units in hidden):
        place = TRIALS.get_field_index("hidden")
        text = TRIALS.field(place).with_type(pa.string())
        schemas["trials"] = schemas["trials"].set(place, text)
    return schemas


def write_tables(study: Folder, tables: Tables) -> None:
    """Write each table as parquet and as CSV."""
    schemas = _schemas(map(str, tables["epochs"]), tables["trials"]["hidden"])
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
    return _with_defaults(_frame(table)) if name == "trials" else _frame(table)


def epoch_row(beta: float, epoch: dict[str, Any]) -> dict[str, Any]:
    """All figures of one epoch, by the columns of the table; nats per image.

    Args:
        beta: the weight of the KL.
        epoch: epoch, active_latents, and after `train_` and `test_` the terms of the loss: recon,
            kl and whatever others it has.
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


def _trial_row(record: Record) -> dict[str, Any]:
    config = RunConfig().model_dump() | record["config"]  # a record may lack a newer field
    row: dict[str, Any] = {column_of(name): in_a_cell(config[name]) for name in _CONFIG}
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


def _with_defaults(trials: pd.DataFrame) -> pd.DataFrame:
    """Trials of an older version: what their configuration did not have yet was the default."""
    defaults = RunConfig().model_dump()
    missing = float("nan")  # a number, so that a column of it can be joined to one of numbers
    columns = {
        column_of(name): missing if defaults[name] is None else defaults[name] for name in _CONFIG
    }
    return trials.assign(**{k: value for k, value in columns.items() if k not in trials})


def _frame(table: pa.Table) -> pd.DataFrame:
    frame: pd.DataFrame = table.to_pandas()
    name = "active_latents"  # missing where a run failed in its first epoch; of several, a mean
    if name in frame and pa.types.is_integer(table.schema.field(name).type):
        frame[name] = frame[name].astype("Int64")
    return frame

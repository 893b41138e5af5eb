"""What a study leaves behind: a record a run, and the tables' schemas; read and write.

A run's record (JSON) is written beside its checkpoints; the tables are built from the records.
A row whose run folder is gone, as in a clone that holds the tables alone, stays as it is.
"""

import io
import json
from typing import Any, Literal, TypedDict

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from study.config.errors import StudyError
from study.config.run import RunConfig
from study.losses.terms import figures
from study.storage.folder import Folder

RECORD = "record.json"
WEIGHTS = "weights.pt"
STUDY = "study.yaml"
State = Literal["waiting", "begun", "done", "failed"]


class Record(TypedDict):
    """Everything that a run has to tell, as plain values."""

    config: dict[str, Any]
    state: State
    error: str | None
    epochs: list[dict[str, float]]  # train.EpochRecord
    recon_at_mean: float | None  # test set, z = posterior mean; once done
    latent_kl: list[float]  # test set, nats; once done
    latent_mean_variance: list[float]
    node: str
    device: str
    engine: str  # precision and compilation
    seconds: float  # spent training and evaluating, over all attempts


def _field(name: str, kind: pa.DataType, unit: str = "") -> pa.Field:
    return pa.field(name, kind, metadata={"unit": unit} if unit else None)


def _terms(prefix: str) -> list[pa.Field]:
    nats = [
        _field(prefix + name, pa.float64(), "nats per image")
        for name in ("recon", "kl", "objective", "neg_elbo")
    ]
    shares = [
        _field(prefix + name, pa.float64(), "fraction")
        for name in ("kl_fraction", "kl_fraction_raw")
    ]
    return nats + shares


_AXES = [
    _field("run", pa.string()),
    _field("latent_dim", pa.int64()),
    _field("beta", pa.float64()),
    _field("conditioning", pa.string()),
    _field("seed", pa.int64()),
]
TRIALS = pa.schema(
    [
        *_AXES,
        _field("state", pa.string()),
        _field("error", pa.string()),
        _field("epochs", pa.int64()),
        *_terms(""),
        _field("active_latents", pa.int64()),
        _field("recon_at_mean", pa.float64(), "nats per image"),
        _field("neg_elbo_at_mean", pa.float64(), "nats per image"),
        *_terms("train_"),
        _field("hidden", pa.int64()),
        _field("batch_size", pa.int64()),
        _field("optimiser", pa.string()),
        _field("learning_rate", pa.float64()),
        _field("train_images", pa.int64()),
        _field("kl_warmup_epochs", pa.int64(), "epochs"),
        _field("checkpoint_every", pa.int64(), "epochs"),
        _field("node", pa.string()),
        _field("device", pa.string()),
        _field("engine", pa.string()),
        _field("seconds", pa.float64(), "s"),
    ]
)
EPOCHS = pa.schema(
    [
        *_AXES,
        _field("epoch", pa.int64()),
        *_terms("train_"),
        *_terms("test_"),
        _field("active_latents", pa.int64()),
    ]
)
LATENTS = pa.schema(
    [
        *_AXES,
        _field("latent", pa.int64(), "counts from 1, as the paper does"),
        _field("kl", pa.float64(), "nats per image"),
        _field("mean_variance", pa.float64()),
    ]
)
TABLES = {"trials": TRIALS, "epochs": EPOCHS, "latents": LATENTS}


class Tables(dict[str, pd.DataFrame]):
    """The tables of a study by name: trials, epochs, latents."""


def runs_folder(study: Folder) -> Folder:
    """Where the folders of the runs lie."""
    return study / "runs"


def read_record(run: Folder) -> Record | None:
    """The record of one run; None where it has none.

    Raises:
        StudyError: it does not parse; names the file.
    """
    try:
        return _parse(run.read(RECORD), f"{run}/{RECORD}")
    except FileNotFoundError:
        return None


def read_records(study: Folder) -> dict[str, Record]:
    """The records of all runs that have one, by run id.

    Raises:
        StudyError: one does not parse; names the file.
    """
    folder = runs_folder(study)
    names = folder.names()
    contents = folder.read_all(f"{name}/{RECORD}" for name in names)
    return {
        name: _parse(content, f"{folder}/{name}/{RECORD}")
        for name, content in zip(names, contents, strict=True)
        if content is not None
    }


def _parse(content: bytes, source: str) -> Record:
    try:
        record: Record = json.loads(content)
    except ValueError as error:
        raise StudyError(f"{source} is damaged: {error}; delete that folder") from None
    return record


def write_record(run: Folder, record: Record) -> None:
    """Replace the record of one run, at once."""
    run.write(RECORD, json.dumps(record).encode())


def new_record(config: RunConfig, state: State, error: str | None = None) -> Record:
    """The record of a run that has trained no epoch yet."""
    return Record(
        config=config.model_dump(),
        state=state,
        error=error,
        epochs=[],
        recon_at_mean=None,
        latent_kl=[],
        latent_mean_variance=[],
        node="",
        device="",
        engine="",
        seconds=0.0,
    )


def is_done(record: Record | None, config: RunConfig) -> bool:
    """Whether a run has all the epochs that the configuration asks for."""
    return bool(record and record["state"] == "done" and len(record["epochs"]) >= config.epochs)


def build_tables(records: dict[str, Record], old: Tables) -> Tables:
    """Tables of all records, with the rows of the old tables for runs that have no record."""
    rows: dict[str, list[dict[str, Any]]] = {"trials": [], "epochs": [], "latents": []}
    for run, record in records.items():
        axes = {"run": run, **{key.name: record["config"][key.name] for key in _AXES[1:]}}
        rows["trials"].append({**axes, **_trial_row(record)})
        rows["epochs"] += [{**axes, **epoch_row(axes["beta"], epoch)} for epoch in record["epochs"]]
        rows["latents"] += [
            {**axes, "latent": number, "kl": kl, "mean_variance": variance}
            for number, (kl, variance) in enumerate(
                zip(record["latent_kl"], record["latent_mean_variance"], strict=True), start=1
            )
        ]
    tables = Tables()
    for name, schema in TABLES.items():
        table = _frame(pa.Table.from_pylist(rows[name], schema=schema))
        if name in old and len(kept := old[name][~old[name]["run"].isin(list(records))]):
            if name == "trials" and "kl_warmup_epochs" not in kept:  # of an older version
                kept = kept.assign(kl_warmup_epochs=RunConfig().kl_warmup_epochs)
            table = pd.concat([kept, table], ignore_index=True) if len(table) else kept
        extra = [column for column in ("epoch", "latent") if column in table]
        order = ["conditioning", "latent_dim", "beta", "seed", "run", *extra]
        ascending = [column != "conditioning" for column in order]  # none before label
        tables[name] = table.sort_values(order, ascending=ascending, ignore_index=True)
    return tables


def write_tables(study: Folder, tables: Tables) -> None:
    """Write each table as parquet and as CSV."""
    for name, table in tables.items():
        write_table(study, name, table, TABLES[name])


def write_table(study: Folder, name: str, table: pd.DataFrame, schema: pa.Schema | None) -> None:
    """Write one table as `name`.parquet; and as `name`.csv to look at: nine digits, no lists."""
    buffer = io.BytesIO()
    typed = pa.Table.from_pandas(table, schema=schema, preserve_index=False)
    pq.write_table(typed, buffer)
    lists = [field.name for field in typed.schema if pa.types.is_list(field.type)]
    study.write(f"{name}.parquet", buffer.getvalue())
    shown = table.drop(columns=lists).to_csv(index=False, float_format="%.9g")
    study.write(f"{name}.csv", shown.encode())


def read_tables(study: Folder) -> Tables:
    """The tables that a study has so far; none for a study that has not begun.

    Raises:
        StudyError: a table is damaged; names the file.
    """
    return Tables({name: read_table(study, name) for name in TABLES if has_table(study, name)})


def has_table(study: Folder, name: str) -> bool:
    """Whether a study has this table."""
    return study.exists(f"{name}.parquet")


def read_table(study: Folder, name: str) -> pd.DataFrame:
    """One table.

    Raises:
        StudyError: it is missing or damaged; names the file.
    """
    try:
        return _frame(pq.read_table(io.BytesIO(study.read(f"{name}.parquet"))))
    except FileNotFoundError:
        raise StudyError(f"{study} has no table {name}.parquet") from None
    except pa.ArrowInvalid as error:
        raise StudyError(
            f"{study}/{name}.parquet is damaged: {error}; delete it and repeat the command that"
            " wrote it"
        ) from None


def read_study(study: Folder) -> dict[str, Any]:
    """What study.yaml says; an empty mapping where there is none."""
    try:
        content = yaml.safe_load(study.read(STUDY))
    except FileNotFoundError:
        return {}
    except yaml.YAMLError as error:
        raise StudyError(f"{study}/{STUDY} is damaged: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        return {}
    if "sittings" in content:  # as versions before 0.2 wrote it
        content["invocations"] = content.pop("sittings")
    return content


def write_study(study: Folder, content: dict[str, Any]) -> None:
    """Replace study.yaml."""
    study.write(STUDY, yaml.safe_dump(content, sort_keys=False, allow_unicode=True).encode())


def _trial_row(record: Record) -> dict[str, Any]:
    config = RunConfig().model_dump() | record["config"]  # a record may lack a newer field
    row: dict[str, Any] = {name: config[name] for name in TRIALS.names if name in config}
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


def epoch_row(beta: float, epoch: dict[str, float]) -> dict[str, float]:
    """All figures of one epoch, by the columns of the table; nats per image."""
    row = {"epoch": epoch["epoch"], "active_latents": epoch["active_latents"]}
    for split in ("train_", "test_"):
        terms = {name: epoch[split + name] for name in ("recon", "kl")}
        derived = figures(**terms, beta=beta)
        row |= {split + name: value for name, value in {**terms, **derived}.items()}
    return row


def _frame(table: pa.Table) -> pd.DataFrame:
    frame: pd.DataFrame = table.to_pandas()
    name = "active_latents"  # missing where a run failed in its first epoch; of several, a mean
    if name in frame and pa.types.is_integer(table.schema.field(name).type):
        frame[name] = frame[name].astype("Int64")
    return frame

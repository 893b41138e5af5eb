"""The columns of each table, their types and units."""

from collections.abc import Iterable
from typing import Annotated, Any, get_args, get_origin

import pyarrow as pa

from study.config.belongs import KEYS
from study.config.run import AXES, PARTS, RunConfig


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
CONFIG = [
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
        *[_config_field(name) for name in CONFIG if name not in _LATER],
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


def schemas_of(epoch_columns: Iterable[str], hidden: Iterable[Any]) -> dict[str, pa.Schema]:
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

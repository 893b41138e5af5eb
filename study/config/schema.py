"""JSON schemas of grid and search files, for editors; `python -m study.config.schema` writes them.

Generated from the models that read the files; what a schema cannot say (such as which values go
together) is left to the reading.
"""

import json
from typing import Any

from study.config.grid import CONFIGS, METRICS, UNION
from study.config.run import RunConfig
from study.config.search import Budget, Search
from study.config.space import NUMBERS, SEARCHABLE, Range

Schema = dict[str, Any]
OWN_METRICS: Schema = {
    "description": "your own metrics, each as `package.module:NAME`, scored with the others",
    "type": "array",
    "items": {"type": "string", "pattern": ":"},
    "uniqueItems": True,
}
BESIDE = ("default", "description")  # of a key, whether it holds a value or an axis
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def grid_schema() -> Schema:
    """Of a grid: keys of a run, each a value or a list of different ones, and `union`."""
    keys = {key: _axis(value, single=True) for key, value in _run_keys().items()}
    member = {"type": "object", "properties": keys, "additionalProperties": False}
    union = {
        "description": "the grid is the union of these products; each also has the keys outside",
        "type": "array",
        "items": member,
        "minItems": 1,
    }
    return {
        "$schema": DIALECT,
        "title": "A grid of runs",
        **member,
        "properties": {**keys, UNION: union, METRICS: OWN_METRICS},
    }


def search_schema() -> Schema:
    """Of a search: its space, objectives and budget, and the values that all its runs share."""
    own, keys = Search.model_json_schema()["properties"], _run_keys()
    axes = {name: _axis(keys[name], span=name in NUMBERS) for name in SEARCHABLE}
    space = {"type": "object", "properties": axes, "additionalProperties": False}
    properties = {
        "space": {**space, "minProperties": 1},
        "objectives": {**_untitled(own["objectives"]), "uniqueItems": True},
        "budget": {
            **_plain(Budget.model_json_schema()),
            "anyOf": [{"required": ["trials"]}, {"required": ["hours"]}],
        },
        "sampler": _untitled(own["sampler"]),
        "pruner": _untitled(own["pruner"]),
        METRICS: OWN_METRICS,
        **{key: _without(value, "array") for key, value in keys.items()},
        "seed": _axis(keys["seed"], single=True),
    }
    return {
        "$schema": DIALECT,
        "title": "A search",
        "type": "object",
        "properties": properties,
        "required": ["space", "objectives", "budget"],
        "additionalProperties": False,
    }


def schema_files() -> dict[str, str]:
    """Name in `configs/` -> content, of both schemas."""
    schemas = {"grid.schema.json": grid_schema(), "search.schema.json": search_schema()}
    return {name: json.dumps(schema, indent=1) + "\n" for name, schema in schemas.items()}


def _run_keys() -> dict[str, Schema]:
    properties = RunConfig.model_json_schema()["properties"]
    return {key: _without(_untitled(value), "null") for key, value in properties.items()}


def _without(value: Schema, kind: str) -> Schema:
    """A key's schema without one of its forms: what is not given is null, a list is an axis."""
    if "anyOf" not in value:
        return value
    forms = [form for form in value["anyOf"] if form.get("type") != kind]
    rest = {key: content for key, content in value.items() if key != "anyOf"}
    if rest.get("default", "") is None:
        del rest["default"]
    return {**(forms[0] if len(forms) == 1 else {"anyOf": forms}), **rest}


def _axis(value: Schema, *, single: bool = False, span: bool = False) -> Schema:
    """A list of different values; or a single one, or a range of them."""
    one = {key: content for key, content in value.items() if key not in BESIDE}
    forms: list[Schema] = [{"type": "array", "items": one, "minItems": 1, "uniqueItems": True}]
    if single:
        forms.insert(0, _without(one, "array"))
    elif span:
        forms.insert(0, _plain(Range.model_json_schema()))
    beside = BESIDE if single else ("description",)
    return {"anyOf": forms, **{key: value[key] for key in beside if key in value}}


def _plain(model: Schema) -> Schema:
    """A model's schema without pydantic's titles."""
    properties = {key: _untitled(value) for key, value in model["properties"].items()}
    return {**_untitled(model), "properties": properties}


def _untitled(schema: Schema) -> Schema:
    return {key: value for key, value in schema.items() if key != "title"}


if __name__ == "__main__":
    for name, content in schema_files().items():
        (CONFIGS / name).write_text(content)

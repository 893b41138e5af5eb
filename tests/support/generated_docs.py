"""The parts of the docs that are made from the code; run this file to write them anew.

    python tests/support/generated_docs.py

A part stands between `<!-- generated: NAME -->` and `<!-- end -->`; the rest of a page is written
by hand.
"""

import ast
import re
import runpy
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from study.config.belongs import KEYS
from study.config.run import RunConfig
from study.data.load import SOURCES
from study.losses.objectives import OBJECTIVES
from study.models.likelihoods import LIKELIHOODS
from study.models.networks import NETWORKS
from study.models.priors import PRIORS

ROOT = Path(__file__).parents[2]
ROOMS: dict[str, str] = runpy.run_path(str(ROOT / "tests/system/test_rooms.py"))["ROOMS"]

SHIPPED = {
    "data": SOURCES,
    "network": NETWORKS,
    "prior": PRIORS,
    "likelihood": LIKELIHOODS,
    "objective": OBJECTIVES,
}


class Part(NamedTuple):
    """A generated part of a page."""

    page: str  # from the root
    name: str
    lines: Callable[[], Iterator[str]]


def key_table() -> Iterator[str]:
    """Every key of a grid file: default, values allowed, meaning."""
    yield "| key | default | values | meaning |"
    yield "|---|---|---|---|"
    properties = RunConfig.model_json_schema()["properties"]
    for key, field in RunConfig.model_fields.items():
        names = SHIPPED.get(key)
        values = _allowed({"enum": list(names)} if names else properties[key])
        own = ", or [your own](#your-own-code)" if names else ""
        row = (f"`{key}`", _default(key, field.default), values + own, str(field.description))
        yield f"| {' | '.join(row)} |"


def room_tree() -> Iterator[str]:
    """One line a room, by package."""
    yield "```text"
    for package in ("study", "analysis"):
        yield f"{package}/"
        for room, job in ROOMS.items():
            if room.startswith(f"{package}."):
                yield f"  {_shown(room):<17} {job}"
    yield "```"


def file_tree() -> Iterator[str]:
    """One line a file, by room: the first sentence of its docstring."""
    for room, job in ROOMS.items():
        package, folder = room.partition(".")[0], ROOT / room.replace(".", "/")
        yield f"**`{package}/{_shown(room)}`**: {job}"
        yield ""
        for file in sorted(folder.rglob("*.py")):
            if not file.stem.startswith("__"):
                yield f"- `{file.relative_to(folder)}`: {_first_sentence(file)}"
        yield ""


def _shown(room: str) -> str:
    name = room.partition(".")[2]
    return f"{name}/" if (ROOT / room.replace(".", "/")).is_dir() else f"{name}.py"


def _first_sentence(file: Path) -> str:
    text = ast.get_docstring(ast.parse(file.read_text())) or ""
    paragraph = " ".join(text.split("\n\n")[0].split())
    return re.split(r"(?<!et al)\.(?: |$)", paragraph)[0]


def _default(key: str, value: Any) -> str:
    """The default of a key, or those that it has with several values of a part."""
    if value is not None:
        return f"`{_plain(value)}`"
    parts = KEYS[key].defaults.items()
    return ", ".join(f"`{part}`: `{_plain(default)}`" for part, default in parts)


def _plain(value: Any) -> str:
    """A value as YAML writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value).removesuffix(".0")


def _allowed(schema: dict[str, Any]) -> str:
    """The values that a JSON schema allows, in words."""
    if "anyOf" in schema:
        options = [option for option in schema["anyOf"] if option.get("type") != "null"]
        return " or ".join(map(_allowed, options))
    if "const" in schema or "enum" in schema:
        values = schema.get("enum", [schema.get("const")])
        return ", ".join(f"`{_plain(value)}`" for value in values)
    kind = {"integer": "whole number", "number": "number", "string": "text", "array": "list"}
    limits = {
        "minimum": "at least",
        "exclusiveMinimum": "above",
        "maximum": "at most",
        "exclusiveMaximum": "below",
    }
    bounds = [f"{words} {_plain(schema[key])}" for key, words in limits.items() if key in schema]
    if schema["type"] == "array":
        return f"list of such, {schema['minItems']} or more"
    return " ".join([kind[schema["type"]], ", ".join(bounds)]).strip()


PARTS = [
    Part("docs/grids.md", "keys", key_table),
    Part("docs/contributing.md", "rooms", room_tree),
    Part("docs/contributing.md", "files", file_tree),
]


def up_to_date(part: Part) -> str:
    """The whole page with its part written anew.

    Raises:
        ValueError: the page has no place for it.
    """
    text = (ROOT / part.page).read_text()
    whole = re.compile(rf"(<!-- generated: {part.name} -->\n).*?(\n<!-- end -->)", re.DOTALL)
    if not whole.search(text):
        raise ValueError(f"{part.page} has no '<!-- generated: {part.name} -->'")
    body = "\n".join(part.lines()).strip("\n")
    return whole.sub(lambda found: f"{found[1]}\n{body}\n{found[2]}", text)


def main() -> int:
    """Write every part; returns the exit status."""
    for part in PARTS:
        (ROOT / part.page).write_text(up_to_date(part))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""A YAML file -> the list of run configurations: axes x seeds, no duplicates; pure."""

import itertools
import math
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from study.config.belongs import TRAIN_IMAGES, all_images
from study.config.errors import (
    Source,
    UsageError,
    nearest,
    repeated,
    shown,
    unknown_key,
    user_path,
)
from study.config.own_code import is_import_path
from study.config.own_data import is_data_path, with_content
from study.config.run import HOW, RunConfig, run_config

UNION, METRICS = "union", "metrics"
NUMBERS = {"tag:yaml.org,2002:int", "tag:yaml.org,2002:float"}
ODD_NUMBER = re.compile(r"^[-+]?0[0-9]|:")  # read as few would expect
SLACK = 10  # values that stand in no letter, such as an empty one
MOST_RUNS = 100_000  # of one grid
SEARCHES = "search-"  # names of the searches in `configs/` begin so
_PLACES = (Path(__file__).parents[2] / "configs", Path(__file__).parents[1] / "configs")
CONFIGS = next((place for place in _PLACES if place.is_dir()), _PLACES[0])  # a checkout, a wheel


def find_grid(name: str, search: bool = False) -> Path:
    """The file of a grid, or of a search: a path to a YAML file, or the name of one in `configs/`.

    Raises:
        UsageError: there is none; lists those there are.
    """
    kind = "search" if search else "grid"
    if Path(name).suffix in {".yaml", ".yml"}:
        if not user_path(name).is_file():
            raise UsageError(f"{kind} file {name!r} does not exist")
        return Path(name).expanduser()
    known = known_names(search)
    if name not in known:
        hint = nearest(name, known)
        raise UsageError(f"unknown {kind} {name!r}{hint}; there are: {', '.join(known)}")
    return CONFIGS / f"{name}.yaml"


def read_text(path: Path) -> str:
    """The text of a YAML file.

    Raises:
        UsageError: it cannot be read, or is no text in UTF-8; names it.
    """
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not UTF-8 text; the first bad byte is {error.start}") from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None


def known_names(search: bool = False) -> list[str]:
    """The grids in `configs/`, or the searches."""
    stems = sorted(file.stem for file in CONFIGS.glob("*.yaml"))
    return [stem for stem in stems if stem.startswith(SEARCHES) == search]


def read_grid(
    text: str,
    source: str,
    overrides: dict[str, Any] | None = None,
    options: dict[str, str] | None = None,
    count_train: Callable[[str], int] = all_images,
) -> list[RunConfig]:
    """Every run of a grid, in the order of the file, each once.

    Every key is a field of RunConfig; a list is an axis, anything else a constant. `union` may
    hold a list of such mappings: the grid is then the union of their products, each on top of
    the keys outside.

    Args:
        text: the YAML.
        source: what to call it in errors, e.g. its file name.
        overrides: values that replace the file's, in every member of the union.
        options: of an override's key, the option that gave it, for errors; `--set` where not said.
        count_train: how many training images a data set of the user's own has; all are taken
            where the grid does not say how many.

    Raises:
        UsageError: it does not parse, or a key, value or axis is bad; names `source`, or the
            option.
    """
    content = read_mapping(text, source, "grid")
    origin = Source(source, dict.fromkeys(overrides or {}, "--set") | (options or {}))
    content.pop(METRICS, None)
    members = content.pop(UNION, [{}])
    if not (isinstance(members, list) and members and all(isinstance(m, dict) for m in members)):
        raise UsageError(f"{source}: {UNION} must be a list of mappings, got {shown(members)}")
    products = [{**content, **member, **(overrides or {})} for member in members]
    n = sum(math.prod(len(_axis(value)) for value in axes.values()) for axes in products)
    if n > MOST_RUNS:
        raise UsageError(
            f"{source}: these axes make {n:,} runs, and a grid may have at most {MOST_RUNS:,}: use"
            " fewer values"
        )
    runs = [run for axes in products for run in _product(axes, origin, count_train)]
    unique = list(dict.fromkeys(runs))
    seedless = {run.model_copy(update={"seed": 0}) for run in unique}  # what seeds repeat
    if len({run.run_id for run in seedless}) < len(seedless):
        raise UsageError(
            f"{origin.of(*HOW)}: runs that are otherwise the same, or differ only in the seed, must"
            " have the same epochs, checkpoint_every, compile and pack: give each one value"
        )
    return unique


def read_metrics(text: str, source: str) -> list[str]:
    """The user's own metrics that a grid or search file names.

    Raises:
        UsageError: they are no list of `package.module:NAME`; names `source`.
    """
    names = read_mapping(text, source, "study").get(METRICS, [])
    if not (isinstance(names, list) and all(is_import_path(str(name)) for name in names)):
        raise UsageError(
            f"{source}: {METRICS} must be a list of package.module:NAME, got {shown(names)}"
        )
    return list(dict.fromkeys(names))


def read_mapping(text: str, source: str, kind: str) -> dict[str, Any]:
    """The mapping that a YAML file holds; `kind` names what it should be."""
    content = _parse(text, source)
    if not isinstance(content, dict):
        raise UsageError(f"{source}: a {kind} is a mapping of keys to values, got {shown(content)}")
    return content


def parse_overrides(pairs: list[str]) -> dict[str, Any]:
    """`["epochs=20", "beta=[1, 4]"]` as a mapping; values are YAML.

    Raises:
        UsageError: a pair is not of the form KEY=VALUE, or its value is not YAML.
    """
    overrides = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not (key and equals):
            raise UsageError(f"--set takes KEY=VALUE, got {pair!r}")
        overrides[key.strip()] = _parse(value, f"--set {pair}")
    return overrides


def _product(
    axes: dict[str, Any], source: Source, count_train: Callable[[str], int]
) -> list[RunConfig]:
    for key, values in axes.items():
        if key not in RunConfig.model_fields:
            message = unknown_key(str(key), list(RunConfig.model_fields))
            raise UsageError(f"{source.of(key)}: {message}")
        if values == []:
            raise UsageError(f"{source.of(key)}: axis {key!r} is empty; give it at least one value")
    if "data" in axes:  # its content is looked at once, not once a run
        axes = {**axes, "data": [_with_content(name) for name in _axis(axes["data"])]}
    lists = [_axis(value) for value in axes.values()]
    runs = [
        run_config(_with_all_images(dict(zip(axes, values, strict=True)), count_train), source)
        for values in itertools.product(*lists)
    ]
    for key, values in zip(axes, lists, strict=True):
        if len({getattr(run, key) for run in runs}) < len(values):
            raise UsageError(f"{source.of(key)}: {repeated(key, values)}")
    return runs


def _with_all_images(values: dict[str, Any], count_train: Callable[[str], int]) -> dict[str, Any]:
    """Values of a run, with as many training images as its data set has, if it is an own one."""
    data = values.get("data")
    if "train_images" in values or not isinstance(data, str) or data in TRAIN_IMAGES:
        return values
    own = is_import_path(data) or is_data_path(data)  # anything else is a mistake, worded later
    return {**values, "train_images": count_train(data)} if own else values


def _with_content(data: Any) -> Any:
    return with_content(data) if isinstance(data, str) and is_data_path(data) else data


def _axis(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _parse(text: str, source: str) -> Any:
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if node is None:
            return None
        if _size(node, {}, len(text)) > len(text) + SLACK:
            raise ValueError("its aliases (*) expand to more values than the file has")
        return loader.construct_document(node)
    except RecursionError:
        raise UsageError(f"{source}: not valid YAML: it is nested too deeply") from None
    except Exception as error:  # of a value that is none YAML's types have an error each
        raise UsageError(f"{source}: not valid YAML: {' '.join(str(error).split())}") from None


def _size(node: yaml.Node, known: dict[int, int], most: int) -> int:
    """How many values a node has with its aliases written out.

    Args:
        node: of the parsed file.
        known: sizes by id, of nodes that were met before.
        most: what a node counts for that is a part of itself.

    Raises:
        ValueError: a mapping has a key twice; a number is octal (010) or counts in sixties (1:30).
    """
    if id(node) in known:
        return known[id(node)]
    if isinstance(node, yaml.ScalarNode) and node.tag in NUMBERS and ODD_NUMBER.search(node.value):
        raise ValueError(
            f"{shown(node.value)} would be read as"
            f" {yaml.safe_load(node.value)!r}: write it as a decimal number, or in quotes"
        )
    known[id(node)] = most + SLACK
    inner = [] if isinstance(node, yaml.ScalarNode) else node.value
    if isinstance(node, yaml.MappingNode):
        keys = [key.value for key, _ in inner if isinstance(key, yaml.ScalarNode)]
        key, times = Counter(keys).most_common(1)[0] if keys else ("", 0)
        if times > 1:
            raise ValueError(f"key {shown(key)} appears {times} times in one mapping")
        inner = itertools.chain.from_iterable(inner)
    known[id(node)] = 1 + sum(_size(one, known, most) for one in inner)
    return known[id(node)]

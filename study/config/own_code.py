"""The user's own code, named in a configuration as `package.module:name`.

A run names its version too, `package.module:name@1a2b3c`: an edited file is another model.
"""

import hashlib
import importlib
import importlib.util
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from study.config.errors import UsageError, nearest

T = TypeVar("T")


def is_import_path(name: str) -> bool:
    """Whether a value of a configuration names code of the user's own."""
    return ":" in name and "/" not in name  # which is the path of a file


def own_code(values: Iterable[object]) -> set[str]:
    """Those values of a configuration that name code of the user's own."""
    return {value for value in values if isinstance(value, str) and is_import_path(value)}


def with_version(path: str) -> str:
    """`package.module:name@1a2b3c` of `package.module:name`, by the file as it is here.

    The version is the first six hex digits of the SHA-256 of the module's file. A path that has one
    stays as it is, and so does one whose module is not found: loading it will say so.
    """
    if "@" in path:
        return path
    try:
        spec = importlib.util.find_spec(path.partition(":")[0])
        return f"{path}@{_version(spec.origin)}" if spec and spec.origin else path
    except Exception:  # of a package that it is in, whatever that raises
        return path


def load_object(path: str) -> Any:
    """What `package.module:name` names, or `package.module:name@1a2b3c` in that version.

    Raises:
        UsageError: the module cannot be imported, has no such name, or is of another version; one
            line.
    """
    named, _, version = path.partition("@")
    module_name, _, name = named.partition(":")
    try:
        module = importlib.import_module(module_name)
    except Exception as error:  # a SyntaxError as well as a module that is not there
        raise UsageError(
            f"cannot import {named}: {type(error).__name__}: {error}; its folder must be on"
            " PYTHONPATH, on every node"
        ) from error
    if not hasattr(module, name):
        raise UsageError(f"cannot import {named}: {module.__file__} has no {name!r}")
    if version and (here := _version(module.__file__)) != version:
        raise UsageError(
            f"{path} has changed: {module.__file__} is now {here}, and an edited file counts as"
            " another model; use the same file on every node, or restore the old one"
        )
    return getattr(module, name)


def _version(file: str | None) -> str:
    return hashlib.sha256(Path(str(file)).read_bytes()).hexdigest()[:6]


def resolve(key: str, name: str, known: Mapping[str, T]) -> T:
    """What a name of the configuration stands for: one that is listed, or the user's own code.

    Args:
        key: of the configuration, for the message.
        name: its value, or `package.module:name`.
        known: what this package ships.

    Raises:
        UsageError: there is none of that name.
    """
    if is_import_path(name):
        own: T = load_object(name)
        return own
    if name not in known:
        paths = " the path of an .npz file, or of a folder as ./NAME," if key == "data" else ""
        raise UsageError(
            f"unknown {key} {name!r}{nearest(name, list(known))}; there are: {', '.join(known)},"
            f"{paths} and your own code as package.module:function"
        )
    return known[name]


@contextmanager
def blamed_on(key: str, name: str) -> Iterator[None]:
    """Whatever error the code of a part raises, as one line that names the part.

    Raises:
        UsageError: there was one.
    """
    try:
        yield
    except UsageError:
        raise
    except Exception as error:
        raise UsageError(f"{key} {name} failed: {type(error).__name__}: {error}") from error

"""The user's own code, named in a configuration as `package.module:name`."""

import importlib
from collections.abc import Mapping
from typing import Any, TypeVar

from study.config.errors import UsageError, nearest

T = TypeVar("T")


def is_import_path(name: str) -> bool:
    """Whether a value of a configuration names code of the user's own."""
    return ":" in name


def load_object(path: str) -> Any:
    """What `package.module:name` names.

    Raises:
        UsageError: the module cannot be imported, or has no such name; one line.
    """
    module_name, _, name = path.partition(":")
    try:
        module = importlib.import_module(module_name)
    except Exception as error:  # a SyntaxError as well as a module that is not there
        raise UsageError(
            f"cannot import {path}: {type(error).__name__}: {error}; its folder must be on"
            " PYTHONPATH, on every node"
        ) from error
    if not hasattr(module, name):
        raise UsageError(f"cannot import {path}: {module.__file__} has no {name!r}")
    return getattr(module, name)


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
        raise UsageError(
            f"unknown {key} {name!r}{nearest(name, list(known))}; there are: {', '.join(known)},"
            " and package.module:function of your own"
        )
    return known[name]

"""The errors that a user can cause, and how they are worded."""

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:  # slow to import, and every command imports this
    from pydantic import ValidationError


SHOWN = 200  # letters of a value in a message


class UsageError(ValueError):
    """The request cannot be carried out as written: one line for the user, exit status 2."""


class StudyError(RuntimeError):
    """The request was sound and something else failed: one line for the user, exit status 1."""


class Source(NamedTuple):
    """Where values come from, for errors: a file, and options that replace some of its values."""

    file: str
    options: Mapping[str, str] = MappingProxyType({})  # key -> the option that gave its value

    def of(self, *keys: str) -> str:
        """What to name in an error about these keys: the first option among them, or the file."""
        return next((self.options[key] for key in keys if key in self.options), self.file)


def reason(error: Exception) -> str:
    """What went wrong, in one line; of a file, what the system says alone: one cause, one line."""
    if isinstance(error, StudyError):
        return " ".join(str(error).split())
    message = getattr(error, "strerror", None) or error
    return " ".join(f"{type(error).__name__}: {message}".split())


def user_path(given: str | Path) -> Path:
    """A path as a user gives it, absolute, with `~` and `~name` resolved.

    Raises:
        UsageError: it cannot be: there is no such user, the working directory was deleted, or no
            file can bear that name.
    """
    try:
        path = Path(given).expanduser().absolute()
        str(path).encode()
    except (OSError, RuntimeError, UnicodeError) as error:
        raise UsageError(f"{str(given)!r} cannot be used as a path: {error}") from None
    return path


def nearest(word: str, known: list[str]) -> str:
    """' (did you mean ...?)' for the known word closest to a mistyped one, or ''."""
    lowered = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word.lower(), lowered, n=1)
    return f" (did you mean {lowered[close[0]]!r}?)" if close else ""


def unknown_key(key: str, known: list[str]) -> str:
    """One line on a key that nothing reads."""
    hint = nearest(key, known) or f"; known keys: {', '.join(known)}"
    return f"unknown key {key!r}{hint}"


def shown(value: object) -> str:
    """A value as a message shows it, which may be as long as a file."""
    try:
        text = repr(value)
    except ValueError:  # Python writes no number of more than 4,300 digits
        return "a number with thousands of digits"
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def repeated(key: str, values: Sequence[object]) -> str:
    """One line on a list that holds a value twice."""
    return f"{key}: {shown(values)} repeats a value; the values of a list must differ"


def explain(error: "ValidationError", known: list[str]) -> str:
    """The first of pydantic's complaints as one line; known: the keys that there are."""
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return unknown_key(key, known)
    message = first["msg"].removeprefix("Value error, ").removeprefix("Input ")
    return f"{key} {message}, got {shown(first['input'])}" if key else message

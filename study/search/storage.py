"""Where a search is stored, and whether another invocation may go on with it.

`search.db` in the study's folder is an ordinary SQLite storage of Optuna, which `optuna-dashboard`
opens as it is; $OPTUNA_STORAGE names another database, for a folder that is not local.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import optuna
from optuna.exceptions import StorageInternalError
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from study.config.errors import StudyError, UsageError
from study.config.run import HOW
from study.config.search import Search
from study.storage.folder import Folder

DATABASE = "search.db"
NAME = "search"  # in the folder's own database: a folder may be renamed, or copied elsewhere
STORAGE_VARIABLE = "OPTUNA_STORAGE"  # as Optuna's own command line reads it


@contextmanager
def database_errors(study: Folder) -> Iterator[None]:
    """What a database says when it fails, as one line.

    Raises:
        StudyError: the database could not be read or written.
    """
    try:
        yield
    except Exception as error:  # Tune wraps what its callbacks raise
        cause: BaseException | None = error
        while cause and not isinstance(cause, SQLAlchemyError | StorageInternalError):
            cause = cause.__cause__ or cause.__context__
        if cause is None:
            raise
        first = str(cause.__cause__ or cause).splitlines()[0]
        raise StudyError(
            f"the database of the search in {study} failed: {first}; what was trained is intact;"
            " repeat the same command to continue"
        ) from None


def forget(study: Folder) -> None:
    """Delete what a database elsewhere has of a folder that is thrown away."""
    url, name = place(study)
    if STORAGE_VARIABLE in os.environ and stored(storage := _open(url), name):
        optuna.delete_study(study_name=name, storage=storage)


def open_storage(study: Folder) -> tuple[optuna.storages.RDBStorage, str]:
    """The storage of a study's search, made where there is none, and the search's name in it.

    Raises:
        UsageError: as `place`, or what is named is no database.
    """
    url, name = place(study)
    return _open(url), name


def place(study: Folder) -> tuple[str, str]:
    """Where a study's search is stored, and under which name.

    Raises:
        UsageError: the folder is not local and no database is named.
    """
    if url := os.environ.get(STORAGE_VARIABLE):
        return url, str(study)
    if not study.is_local:
        raise UsageError(
            f"a search in {study} needs a database: set ${STORAGE_VARIABLE} to its URL"
        )
    return f"sqlite:///{study.location}/{DATABASE}", NAME


def _open(url: str) -> optuna.storages.RDBStorage:
    """A storage by its URL, which may hold a password and so is in no message.

    Raises:
        UsageError: the URL is of no database that can be reached from here.
    """
    try:
        # Each connection is closed after its use: a pool would keep some until the process ends.
        return optuna.storages.RDBStorage(url, engine_kwargs={"poolclass": NullPool})
    except (ImportError, ValueError, ArgumentError) as error:
        first = str(error).splitlines()[0]
        raise UsageError(f"${STORAGE_VARIABLE} cannot be used: {first}") from None


def stored(storage: optuna.storages.BaseStorage, name: str) -> dict[str, Any]:
    """A stored search, as `Search.to_dict`; nothing where there is none."""
    try:
        number = storage.get_study_id_from_name(name)
    except KeyError:
        return {}
    content: dict[str, Any] = storage.get_study_user_attrs(number).get("search", {})
    return content


def require_same(study: Folder, stored: dict[str, Any], search: Search) -> None:
    """A search goes on only where its values remain comparable; ranges and budget may change.

    Raises:
        UsageError: it does not; says what differs.
    """
    if not stored:
        return
    ours, theirs = _fixed(search.to_dict()), _fixed(stored)
    default = "as it is by default"
    for key in sorted(ours.keys() | theirs.keys()):
        if ours.get(key) != theirs.get(key):
            raise UsageError(
                f"{study} was searched with {key} {theirs.get(key, default)}, not"
                f" {ours.get(key, default)}: give another --name, or --fresh to start over"
            )


def _fixed(content: dict[str, Any]) -> dict[str, Any]:
    """What may not change under a search: all but how it trains, and the ends of its ranges."""
    fixed = {key: value for key, value in content["constants"].items() if key not in HOW}
    fixed |= {key: _kind(axis) for key, axis in content["space"].items()}
    epochs, seeds = content["constants"]["epochs"], content.get("seeds", [0])
    return fixed | {"objectives": content["objectives"], "epochs": epochs, "seed": seeds}


def _kind(axis: Any) -> Any:
    """What Optuna never lets change of a parameter: its choices, or whether its range is log."""
    if isinstance(axis, list):
        return axis
    return "in a log range" if axis.get("log") else "in a range"

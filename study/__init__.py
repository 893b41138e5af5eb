"""Hyperparameter studies of variational autoencoders, distributed by Ray Tune."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from study.cli.from_python import run as run

__all__ = ["run"]


def __getattr__(name: str) -> Any:
    """`study.run` when it is asked for: its imports are slow, and most modules need none."""
    if name != "run":
        raise AttributeError(f"module 'study' has no attribute {name!r}")
    from study.cli.from_python import run

    return run

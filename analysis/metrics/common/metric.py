"""What the project knows of a score, in one record; whoever adds one writes it and lists it."""

import importlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, NamedTuple


class Part(NamedTuple):
    """A further figure of the same computation; `<metric>_<name>` is its row.

    The result holds it as `name`, its interval as `name_interval` and, where it is known
    beforehand, what chance gives as `name_chance`.
    """

    name: str
    label: str
    interval: str = ""  # what its interval is over, where that is not what the score's is over


class Metric(NamedTuple):
    """A score: its name, its function, and how it is used.

    The function takes posterior means (n, n_latents) and what they are compared with, as
    `target` says, then the settings and a seed by name. It returns a named tuple with `score`,
    `interval` (95%), `saturated` and `protocol` (JSON values), and where they apply `chance` and
    `converged`. Higher scores are better.
    """

    name: str  # of its rows and columns; part of their keys
    label: str  # for people
    function: Callable[..., Any]
    settings: Mapping[str, Any] = {}
    target: Literal["factors", "classes", "run"] = (
        "factors"  # (n, n_factors), (n,), another's codes
    )
    ranks: bool = True  # a measure of disentanglement, with a column in the ranking
    n_repeats: int = 1  # splits and draws of a run; several are averaged, the interval over them
    floor: Mapping[str, Any] = {}  # settings for rotated codes, of which eight are averaged
    draws_votes: bool = False  # from images that share a factor's value, and its class within one
    every_basis: bool = True  # on principal and independent components as well as on the latents
    on_pixels: bool = True  # on raw pixels too; False where that would take too long
    parts: tuple[Part, ...] = ()
    bounds: tuple[float, float] = (0.0, 1.0)
    min_factors: int = 1  # 2 where it tells factors apart


def labels(metrics: Iterable[Metric]) -> dict[str, str]:
    """The label of every row that metrics have, by its name."""
    return {
        name: label
        for metric in metrics
        for name, label in [
            (metric.name, metric.label),
            *((f"{metric.name}_{part.name}", part.label) for part in metric.parts),
        ]
    }


def load_metric(path: str) -> Metric:
    """The record of a user's own metric, `package.module:NAME`.

    Raises:
        ValueError: the path leads to no record; one line, which says why.
    """
    module, _, name = path.partition(":")
    if not (module and name):
        raise ValueError(f"your own metric is named as package.module:NAME, got {path!r}")
    try:
        metric = getattr(importlib.import_module(module), name)
    except Exception as error:  # a SyntaxError as well as a module that is not there
        reason = " ".join(str(error).split())
        raise ValueError(
            f"cannot import metric {path}: {type(error).__name__}: {reason}; its folder must be on"
            " PYTHONPATH, on every node"
        ) from error
    if not isinstance(metric, Metric):
        raise ValueError(
            f"metric {path} is a {type(metric).__name__}, expected an analysis.metrics.Metric"
        )
    return metric


def with_own(metrics: Iterable[Metric], own: Iterable[Metric]) -> tuple[Metric, ...]:
    """Metrics and a user's own beside them.

    Raises:
        ValueError: two rows would bear one name, or a metric compares runs.
    """
    every = tuple(metrics)
    for metric in own:
        taken = set(labels(every)) & set(labels([metric]))
        if taken:
            raise ValueError(f"a metric named {min(taken)!r} exists already: choose another name")
        if metric.target not in {"factors", "classes"}:
            raise ValueError(
                f"metric {metric.name!r} has target {metric.target!r}: use 'factors' or 'classes'"
            )
        every = (*every, metric)
    return every

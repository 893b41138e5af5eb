"""What each network, prior and objective costs: its step beside the default one."""

import statistics
from collections.abc import Iterable
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from study.cli.bench.measure import engine_step, take_turns
from study.config.run import RunConfig, run_config
from study.losses.objectives import OBJECTIVES
from study.models.likelihoods import LIKELIHOODS
from study.models.networks import NETWORKS
from study.models.priors import PRIORS
from study.training.engine_selection import select_engine

SECONDS = 60.0
BURST = 5  # a step of some takes 20 times as long as the default one
SHIPPED: dict[str, Iterable[str]] = {
    "network": NETWORKS,
    "prior": PRIORS,
    "conditioning": ("none", "label", "prior"),
    "objective": OBJECTIVES,
    "likelihood": LIKELIHOODS,
}


def alternatives() -> dict[str, RunConfig]:
    """The default run, and runs in which one part is another, by `key: value`."""
    default = RunConfig()
    others = {
        f"{key}: {value}": run_config({key: value}, "bench")
        for key, values in SHIPPED.items()
        for value in values
        if value != getattr(default, key)
    }
    return {"default": default, **others}


def costs() -> dict[str, Any]:
    """Milliseconds of an eager step of each, and its ratio to the default one's, on one core.

    In the precision that runs would have here. The steps take turns, and a ratio is the median
    over the turns.
    """
    runs = alternatives()
    bf16 = select_engine(runs.values(), torch.device("cpu")).bf16(runs["default"])
    steps = {name: engine_step(run, bf16) for name, run in runs.items()}
    times = take_turns(steps, SECONDS, BURST)
    return {
        "precision": "bf16" if bf16 else "fp32",
        "ms_per_step": {name: statistics.median(v) * 1e3 for name, v in times.items()},
        "to_default": {
            name: statistics.median(a / b for a, b in zip(v, times["default"], strict=True))
            for name, v in times.items()
        },
    }


def show_costs(measured: dict[str, Any], console: Console) -> None:
    """Print them as a table."""
    title = f"cost of each alternative part; eager, {measured['precision']}"
    table = Table(
        "part", "ms per step", "relative to default", box=None, title=title, title_justify="left"
    )
    for name, ratio in measured["to_default"].items():
        table.add_row(name, f"{measured['ms_per_step'][name]:.2f}", f"{ratio:.2f}")
    console.print(table)

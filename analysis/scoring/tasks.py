"""The jobs that a score cache lists, as Ray tasks of one core each."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import ray
import torch
from ray.exceptions import RayError
from threadpoolctl import threadpool_limits

from analysis.metrics import Udr
from analysis.scoring.cache import Jobs, ScoreCache
from analysis.scoring.evaluation import Unit, Value
from analysis.scoring.targets import (
    Codes,
    ScoreTarget,
    Setup,
    measure_control,
    measure_pair,
    measure_run,
)
from analysis.study import Study
from study.storage.folder import Folder

WRITE_EVERY_S = 10.0

RunValues = tuple[list[Value], list[Value]]  # of the run, and of its shuffled control


def work(
    jobs: Jobs,
    cache: ScoreCache,
    say: Callable[[str], None],
    advance: Callable[[str, int, int], None],
) -> dict[str, str]:
    """Do all jobs over the connected Ray and enter their rows; returns who failed and why."""
    shared, folder = ray.put(cache.setup), str(cache.study.folder)
    control_task, pair_task = ray.remote(_control_task), ray.remote(_pair_task)
    run_task: Any = ray.remote(num_returns=2)(_run_task)
    encoded: dict[str, Any] = {}
    pending: dict[Any, tuple[str, Callable[[Any], None]]] = {}
    for target, units in jobs.controls:  # first: raw pixels are the longest task
        name = f"{target.control} {target.of}".strip()
        rows = control_task.remote(target, shared, units)
        pending[rows] = name, partial(cache.add, target.control, target.of)
    for run, both_units in jobs.runs.items():
        rows, encoded[run] = run_task.remote(folder, run, shared, *both_units)
        pending[rows] = run, partial(_enter_run, cache, run)
    for a, b in jobs.pairs:
        pair = pair_task.remote(encoded[a], encoded[b])
        pending[pair] = f"{a} with {b}", partial(_enter_pair, cache, a, b)

    failed: dict[str, str] = {}
    total = len(pending)
    advance("scoring", 0, total)
    while pending:
        ready, _ = ray.wait(list(pending), num_returns=1)
        name, enter = pending.pop(ready[0])
        try:
            enter(ray.get(ready[0]))
        except RayError as error:
            failed[name] = _reason(error)
        cache.write(every_s=WRITE_EVERY_S)
        if name in failed:
            say(f"{name} failed")
        advance("scoring", total - len(pending), total)
    return failed


def _enter_run(cache: ScoreCache, run: str, values: RunValues) -> None:
    cache.add("", run, values[0])
    cache.add("shuffled", run, values[1])


def _enter_pair(cache: ScoreCache, a: str, b: str, udr: Udr) -> None:
    low, high = udr.interval
    row = {"value": udr.score, "low": low, "high": high, "saturated": udr.saturated}
    cache.add_pair(a, b, {**row, "protocol": json.dumps(udr.protocol)})


def _run_task(
    folder: str, run: str, setup: Setup, units: list[Unit], shuffled_units: list[Unit]
) -> tuple[RunValues, Codes]:
    with _one_thread():
        study = Study(Folder(folder))
        own, by_chance, encoded = measure_run(study, run, setup, units, shuffled_units)
    return (own, by_chance), encoded


def _control_task(target: ScoreTarget, setup: Setup, units: list[Unit]) -> list[Value]:
    with _one_thread():
        return measure_control(target, setup, units)


def _pair_task(a: Codes, b: Codes) -> Udr:
    with _one_thread():
        return measure_pair(a, b)


def _one_thread() -> threadpool_limits:
    """A task has one core: more threads would only wait for each other."""
    torch.set_num_threads(1)
    return threadpool_limits(limits=1)


def _reason(error: Exception) -> str:
    """Why a task failed, in one line."""
    cause = getattr(error, "cause", None) or error
    lines = [line.strip() for line in str(cause).splitlines() if line.strip()]
    return f"{type(cause).__name__}: {lines[0] if lines else 'no reason'}"

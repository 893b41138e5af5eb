"""The loops of `study bench`, in turns; times are medians, ratios are medians over the turns."""

import statistics
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from study.cli.bench.baselines import IMAGES, Step, floor, in_memory, pythae, usual
from study.config.grid import find_grid, read_grid
from study.config.run import RunConfig
from study.data.shipped.mnist import SHAPE
from study.data.shipped.mnist_sources import N_TRAIN
from study.data.splits import random_data, splits
from study.data.verified_files import data_dir
from study.execution.stages import duration
from study.training.compiled import CompileError, load_update, step_shape
from study.training.evaluation import evaluate
from study.training.hardware import device_name, processor
from study.training.pack import Pack
from study.training.step import Batch
from study.training.trainer import Trainer

BURST = 20
EVAL_IMAGES = 1_000
SECONDS = 40.0
AT_LEAST = (
    ("against the usual loop", "usual", "compiled bf16", 5.0),
    ("against the same in memory, fp32", "in memory fp32", "compiled bf16", 2.5),
    ("against pythae", "pythae", "compiled bf16", 3.0),
    ("without bf16, against the usual loop", "usual", "compiled fp32", 1.8),
)
AT_MOST = (
    ("over its products and optimiser", "compiled bf16", "floor bf16", 1.5),
    ("J = 200 over J = 10", "compiled bf16, J = 200", "compiled bf16", 1.5),
)


def steps_on_cpu() -> dict[str, Any]:
    """Milliseconds a step of every loop on one core, ratios, and what the grids would take."""
    loops = {
        "usual": usual(),
        "in memory fp32": in_memory(bf16=False),
        "in memory bf16": in_memory(bf16=True),
        "eager fp32": engine_step(RunConfig()),
        "eager bf16": engine_step(RunConfig(), bf16=True),
    }
    if theirs := pythae():
        loops["pythae"] = theirs
    loops |= _compiled_loops()
    loops["floor bf16"], loops["floor fp32"] = floor(torch.bfloat16), floor(torch.float32)
    times = take_turns(loops, SECONDS, BURST)
    ms = {name: statistics.median(values) * 1e3 for name, values in times.items()}

    def ratio(slow: str, fast: str) -> float | None:
        if slow not in times or fast not in times:
            return None
        return statistics.median(a / b for a, b in zip(times[slow], times[fast], strict=True))

    ours = ("eager fp32", "eager bf16", "compiled fp32", "compiled bf16")
    best = min((name for name in ours if name in ms), key=ms.__getitem__)
    return {
        "processor": processor(),
        "torch": torch.__version__,
        "ms_per_step": {name: round(value, 3) for name, value in ms.items()},
        "at_least": {name: (ratio(slow, fast), n) for name, slow, fast, n in AT_LEAST},
        "at_most": {name: (ratio(slow, fast), n) for name, slow, fast, n in AT_MOST},
        "grids": {name: _grid_seconds(name, ms[best] / 1e3) for name in ("paper", "full")},
    }


def packs_on_gpu(grid: str, epochs: int) -> dict[str, Any]:
    """Seconds that a grid takes in packs on one GPU, from a few epochs after one to warm up."""
    device = torch.device("cuda")
    runs = read_grid(find_grid(grid).read_text(), grid)
    train, test = splits(random_data(SHAPE, N_TRAIN, EVAL_IMAGES), N_TRAIN, device)
    by_j: dict[int, list[RunConfig]] = {}
    for run in runs:
        by_j.setdefault(run.latent_dim, []).append(run)
    seconds = 0.0
    for members in by_j.values():
        trainers = [Trainer(run, SHAPE, device, bf16=True) for run in members]
        pack = Pack(trainers)
        for epoch in range(1 + epochs):
            if epoch == 1:
                torch.cuda.synchronize()
                start = time.perf_counter()
            pack.train_epoch(train)
            for trainer in trainers:
                trainer.finish_epoch(test)
        torch.cuda.synchronize()
        seconds += (time.perf_counter() - start) / epochs * members[0].epochs
    return {"device": device_name(device), "grid": grid, "runs": len(runs), "seconds": seconds}


def engine_step(config: RunConfig, bf16: bool = False, cache: Path | None = None) -> Step:
    """A step of our own on MNIST's shape: eager, or compiled where there is a cache."""
    trainer = Trainer(config, SHAPE, torch.device("cpu"), bf16)
    if cache:
        trainer.update = load_update(step_shape(config, SHAPE, bf16), cache)
    data = random_data(SHAPE, IMAGES, EVAL_IMAGES)
    split = splits(data, IMAGES, trainer.device)[0].for_classes(trainer.model.n_classes)

    def batches() -> Iterator[Batch]:
        while True:
            for rows in torch.randperm(IMAGES).view(-1, config.batch_size):
                images, labels = split.images.index_select(0, rows), split.labels(rows)
                yield Batch(images, labels, torch.randn(config.batch_size, config.latent_dim))

    stream = batches()
    return lambda: trainer.update(trainer.engine_state, next(stream), trainer.scalars)


def _compiled_loops() -> dict[str, Step]:
    """Compiled into the cache of the data, two at a time; none where there is no compiler."""
    wanted = {
        "compiled bf16": (RunConfig(), True),
        "compiled fp32": (RunConfig(), False),
        "compiled bf16, J = 200": (RunConfig(latent_dim=200), True),
    }
    cache = data_dir() / "compiled"
    try:
        with ThreadPoolExecutor(2) as pool:
            shapes = [step_shape(config, SHAPE, bf16) for config, bf16 in wanted.values()]
            list(pool.map(lambda shape: load_update(shape, cache), shapes))
    except CompileError as error:
        print(f"study bench: cannot compile on this machine: {error}", file=sys.stderr)
        return {}
    return {name: engine_step(config, bf16, cache) for name, (config, bf16) in wanted.items()}


def take_turns(loops: dict[str, Step], seconds: float, burst: int) -> dict[str, list[float]]:
    """Seconds a step of every loop, a value a turn of `burst` steps; warm-up discarded.

    Of this thread alone, which does all the work: what other programs take is not in them.
    """
    times: dict[str, list[float]] = {name: [] for name in loops}
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or not all(times.values()):
        for name, step in loops.items():
            for _ in range(3):  # bring its weights back into the cache
                step()
            start = time.thread_time()
            for _ in range(burst):
                step()
            times[name].append((time.thread_time() - start) / burst)
    return times


def _grid_seconds(name: str, step: float) -> float:
    """Seconds on all cores of this machine: the steps, and an evaluation an epoch."""
    runs = read_grid(find_grid(name).read_text(), name)
    trainer = Trainer(RunConfig(), SHAPE, torch.device("cpu"), bf16=True)
    _, test = splits(random_data(SHAPE, 1, EVAL_IMAGES), 1, trainer.device)
    start = time.perf_counter()
    evaluate(trainer.model, test, bf16=True)
    evaluation = (time.perf_counter() - start) * 10_000 / len(test.images)
    one_core = sum(run.epochs * (run.steps_per_epoch * step + evaluation) for run in runs)
    return one_core / (torch.multiprocessing.cpu_count() or 1)


def show(times: dict[str, Any], console: Console) -> None:
    """Print what was measured, and what it means for the grids."""
    if "device" in times:
        line = f"{times['device']}: {times['grid']} ({times['runs']} runs) would train in"
        console.print(f"{line} {duration(times['seconds'])}")
        return
    table = Table("loop", "ms per step", box=None, title=times["processor"], title_justify="left")
    for name, value in times["ms_per_step"].items():
        table.add_row(name, f"{value:.2f}")
    console.print(table)
    for key, what, sign in (
        ("at_least", "speed-up", "at least"),
        ("at_most", "time, relative:", "at most"),
    ):
        for name, (value, target) in times[key].items():
            seen = "not measured here" if value is None else f"{value:.2f}"
            console.print(f"{what} {name}: {seen} (target: {sign} {target:g})")
    for name, seconds in times["grids"].items():
        console.print(f"the {name} grid would take about {duration(seconds)} on this machine")

"""How long runs would take on this machine, from a few measured steps."""

import os
import time
from collections.abc import Iterable
from typing import NamedTuple

import torch

from study.config.run import RunConfig
from study.data import describe_data
from study.data.splits import random_data, splits
from study.models import gains_by_compiling
from study.training.compiled import OF_WEIGHTS
from study.training.engine_selection import EngineSelection, select_engine
from study.training.evaluation import evaluate
from study.training.hardware import best_device
from study.training.trainer import Trainer

STEPS = 20
EVAL_IMAGES = 1_000
TEST_IMAGES = 10_000
PACK_SHARE = 0.0065  # of the eager step on a GPU, for each run of a pack: 0.028 of 4.5 ms (H100)
COMPILED_SHARE = {True: 0.57, False: 0.8}  # of the eager step, by bf16; on a Zen 4 core, J = 10


class Estimate(NamedTuple):
    """How long runs would take on this machine."""

    seconds: float  # one after the other
    at_once: int  # how many of them it trains at a time


def estimate(
    todo: Iterable[tuple[RunConfig, int]], runs: Iterable[RunConfig], cpus_per_run: float
) -> Estimate:
    """Measure a few steps of each kind of run.

    Args:
        todo: runs, each with the epochs that it lacks.
        runs: all that are asked for, which decide on the engine.
        cpus_per_run: as many threads does a run get.
    """
    device, threads = best_device(), torch.get_num_threads()
    torch.set_num_threads(max(1, int(cpus_per_run)))
    engine = select_engine(runs, device)
    measured: dict[tuple[object, ...], float] = {}
    total = 0.0
    for run, epochs in todo:
        same = OF_WEIGHTS | {"conditioning", "seed", "epochs", "learning_rate", "checkpoint_every"}
        shape = (run.conditioning, *run.model_dump(exclude=same).values())
        if shape not in measured:
            measured[shape] = _epoch_seconds(run, engine, device)
        total += epochs * measured[shape]
    torch.set_num_threads(threads)
    cpus = int((os.cpu_count() or 1) // cpus_per_run)
    return Estimate(total, max(1, torch.cuda.device_count() if device.type == "cuda" else cpus))


def _epoch_seconds(config: RunConfig, engine: EngineSelection, device: torch.device) -> float:
    """Seconds of one epoch of a run, measured on random images in one process.

    Trains `STEPS` eager steps after as many to warm up, and evaluates `EVAL_IMAGES` images. Where
    the step will be compiled, its time is taken as `COMPILED_SHARE` of the eager one's; on a GPU as
    `PACK_SHARE` of it.
    """
    short = config.model_copy(
        update={"epochs": 2, "train_images": STEPS * config.batch_size, "seed": 0}
    )
    shape, _ = describe_data(config.data)
    trainer = Trainer(short, shape, device, engine.bf16(config))
    noise = random_data(shape, short.train_images, EVAL_IMAGES)
    train, test = splits(noise, short.train_images, device)
    trainer.train_epoch(train)
    start = _clock(device)
    trainer.train_epoch(train)
    middle = _clock(device)
    evaluate(trainer.model, test)
    end = _clock(device)
    steps = (middle - start) / STEPS * config.steps_per_epoch
    if device.type == "cuda":
        steps *= PACK_SHARE
    elif engine.compiles(config) and gains_by_compiling(config):
        steps *= COMPILED_SHARE[engine.bf16(config)]
    return steps + (end - middle) / EVAL_IMAGES * TEST_IMAGES


def _clock(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()

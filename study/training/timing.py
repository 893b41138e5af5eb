"""How long runs would take on this machine, from a few measured steps."""

import time
from collections.abc import Iterable

import torch

from study.config.run import RunConfig
from study.data import describe_data
from study.data.splits import random_data, splits
from study.training.engine_selection import EngineSelection
from study.training.evaluation import evaluate
from study.training.trainer import Trainer

STEPS = 20
EVAL_IMAGES = 1_000
TEST_IMAGES = 10_000
COMPILED_SHARE = {True: 0.57, False: 0.8}  # of the eager step, by bf16; on a Zen 4 core, J = 10


def epoch_seconds(config: RunConfig, engine: EngineSelection, device: torch.device) -> float:
    """Seconds of one epoch of a run, measured on random images in one process.

    Trains `STEPS` eager steps after as many to warm up, and evaluates `EVAL_IMAGES` images. Where
    the step will be compiled, its time is taken as `COMPILED_SHARE` of the eager one's.
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
    if engine.compiles(config) and device.type == "cpu":
        steps *= COMPILED_SHARE[engine.bf16(config)]
    return steps + (end - middle) / EVAL_IMAGES * TEST_IMAGES


def total_seconds(
    todo: Iterable[tuple[RunConfig, int]], engine: EngineSelection, device: torch.device
) -> float:
    """Seconds of all runs one after the other; each with the epochs that it still lacks."""
    measured: dict[tuple[object, ...], float] = {}
    total = 0.0
    for run, epochs in todo:
        same = {"beta", "conditioning", "seed", "epochs", "learning_rate", "checkpoint_every"}
        shape = (run.conditioning, *run.model_dump(exclude=same).values())
        if shape not in measured:
            measured[shape] = epoch_seconds(run, engine, device)
        total += epochs * measured[shape]
    return total


def _clock(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()

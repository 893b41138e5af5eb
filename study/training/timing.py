"""How long runs would take on this machine, from a few measured steps."""

import time
from collections.abc import Iterable

import numpy as np
import torch

from study.config.run import N_CLASSES, RunConfig
from study.data.mnist import Mnist
from study.training.engine_selection import EngineSelection
from study.training.trainer import Trainer, evaluate, splits

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
    trainer = Trainer(short, device, engine.bf16(config))
    train, test = splits(random_images(short.train_images), short.train_images, device)
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
        shape = (run.n_classes, *run.model_dump(exclude=same).values())
        if shape not in measured:
            measured[shape] = epoch_seconds(run, engine, device)
        total += epochs * measured[shape]
    return total


def random_images(n_train: int) -> Mnist:
    """Noise in the shape of MNIST: it takes as long to train on."""
    random = np.random.default_rng(0)

    def images(n: int) -> np.ndarray:
        return random.integers(0, 256, (n, 28, 28), dtype=np.uint8)

    def labels(n: int) -> np.ndarray:
        return random.integers(0, N_CLASSES, n, dtype=np.uint8)

    return Mnist(images(n_train), labels(n_train), images(EVAL_IMAGES), labels(EVAL_IMAGES))


def _clock(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()

"""How long runs would take on this machine, from a few measured steps."""

import time
from collections.abc import Iterable

import numpy as np
import torch

from study.config import N_CLASSES, RunConfig
from study.data import Mnist
from study.train import Trainer, evaluate, splits

STEPS = 20
EVAL_IMAGES = 1_000
TEST_IMAGES = 10_000


def epoch_seconds(config: RunConfig, device: torch.device) -> float:
    """Seconds of one epoch of a run, measured on random images in one process.

    Trains `STEPS` steps after as many to warm up, and evaluates `EVAL_IMAGES` images.
    """
    short = config.model_copy(
        update={"epochs": 2, "train_images": STEPS * config.batch_size, "seed": 0}
    )
    trainer = Trainer(short, device)
    train, test = splits(_random_images(short.train_images), short, device)
    _clock(device)
    trainer.train_epoch(train, 1)
    start = _clock(device)
    trainer.train_epoch(train, 2)
    middle = _clock(device)
    evaluate(trainer.model, test)
    end = _clock(device)
    steps = (middle - start) / STEPS * config.steps_per_epoch
    return steps + (end - middle) / EVAL_IMAGES * TEST_IMAGES


def total_seconds(todo: Iterable[tuple[RunConfig, int]], device: torch.device) -> float:
    """Seconds of all runs one after the other; each with the epochs that it still lacks."""
    measured: dict[tuple[object, ...], float] = {}
    total = 0.0
    for run, epochs in todo:
        same = {"beta", "conditioning", "seed", "epochs", "learning_rate", "checkpoint_every"}
        shape = (run.n_classes, *run.model_dump(exclude=same).values())
        if shape not in measured:
            measured[shape] = epoch_seconds(run, device)
        total += epochs * measured[shape]
    return total


def _random_images(n_train: int) -> Mnist:
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

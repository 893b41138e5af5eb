"""The training loop: yields one record an epoch; knows neither Ray nor files."""

import math
from collections.abc import Iterator
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from study.config.errors import StudyError
from study.config.run import N_CLASSES, RunConfig
from study.data.mnist import Mnist
from study.losses.terms import bernoulli_nll_value, gaussian_kl
from study.models.vae import N_PIXELS, StackableVae, Vae
from study.training.step import Batch, Scalars, Update, eager_update, new_state

ACTIVE_NATS = 0.01  # a latent is active when its KL, averaged over the test set, exceeds this
EVAL_BATCH = 500  # 0.19 s for the test set in eager bf16, where batches of 1,000 took 0.21


class Diverged(StudyError):
    """Training reached a value that is not finite."""


class Split(NamedTuple):
    """Images and labels of one split on the device that trains."""

    images: Tensor  # (n, 784), uint8
    labels: Tensor  # (n, n_classes), one-hot

    def for_classes(self, n_classes: int) -> "Split":
        """The same images for a model conditioned on so many classes; 0: no label columns."""
        return Split(self.images, self.labels[:, :n_classes])


class EpochRecord(NamedTuple):
    """Figures of one epoch, nats per image.

    The train figures are running means over the epoch's batches, as training saw them; the test
    figures are of the whole test set after the epoch, one posterior sample an image.
    """

    epoch: int  # counts from 1
    train_recon: float
    train_kl: float
    test_recon: float
    test_kl: float
    active_latents: int


class Evaluation(NamedTuple):
    """A model on one split, in nats per image."""

    recon: float
    kl: Tensor  # (latent_dim,)
    mean_variance: Tensor  # (latent_dim,), variance over images of the posterior mean


class _Purpose(IntEnum):
    WEIGHTS = 0
    SHUFFLE = 1
    NOISE = 2
    TEST = 3


class Trainer:
    """A model, what its optimiser remembers, and how many epochs it has behind it."""

    def __init__(self, config: RunConfig, device: torch.device, bf16: bool = False) -> None:
        """Initial weights are those of the seed, on every device.

        Args:
            bf16: whether matrix products run in bf16; weights and optimiser state stay fp32.

        Shuffling is the same on every device; noise is drawn on the device that uses it.
        """
        self.config, self.device, self.bf16, self.epoch = config, device, bf16, 0
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(_seed(config.seed, 0, _Purpose.WEIGHTS))
            model = Vae(config.latent_dim, config.hidden, config.n_classes)
        self.model = model.to(device)
        self.engine_state = new_state(self.model, config.optimiser)
        kind = Vae if bf16 else StackableVae
        with torch.device("meta"):
            shape = kind(config.latent_dim, config.hidden, config.n_classes)
        self.update: Update = eager_update(shape, config.optimiser, bf16)  # or a compiled one
        self.scalars = Scalars(
            torch.tensor(config.beta, device=device),
            torch.tensor(config.learning_rate, device=device),
        )

    def state(self) -> dict[str, Any]:
        """What `restore` needs, besides the configuration."""
        engine = self.engine_state
        return {
            "epoch": self.epoch,
            "params": engine.params,
            "slots": engine.slots,
            "step": engine.step,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state; the epochs that follow are those of an undisturbed run."""
        self.epoch = state["epoch"]
        engine = self.engine_state
        engine.step.copy_(state["step"])
        both = [(engine.params, state["params"])]
        both += zip(engine.slots, state["slots"], strict=True)
        for ours, theirs in both:
            for name, value in ours.items():
                value.copy_(theirs[name])

    def run(self, train: Split, test: Split) -> Iterator[EpochRecord]:
        """Train from the present epoch to the last; one record an epoch.

        Raises:
            Diverged: a figure is not finite; names it, its value and the epoch.
        """
        while self.epoch < self.config.epochs:
            self.train_epoch(train)
            yield self.finish_epoch(test)

    def train_epoch(self, train: Split) -> None:
        """One pass over the train images; `engine_state.totals` tells of it."""
        train = train.for_classes(self.config.n_classes)
        self.warm_up()
        self.engine_state.totals.zero_()
        for rows, noise in zip(self.rows(), self.noise(), strict=True):
            # index_select copies whole rows: 0.02 ms, against 0.09 ms of images[rows]
            images, labels = (part.index_select(0, rows) for part in train)
            self.update(self.engine_state, Batch(images, labels, noise), self.scalars)

    def warm_up(self) -> None:
        """Set what weighs the KL in the next epoch; it rises linearly to the full beta.

        With a warm-up of 3 epochs: beta / 4, beta / 2, 3 beta / 4, then beta.
        """
        share = (self.epoch + 1) / (self.config.kl_warmup_epochs + 1)
        # not fill_, which refuses what fp32 cannot hold: such a run should diverge, and say so
        self.scalars.beta.copy_(torch.tensor(self.config.beta * min(1.0, share)))

    def rows(self) -> Tensor:
        """Which train images each batch of the next epoch holds, (steps, batch_size).

        The same for every run of a seed, on every device.
        """
        config = self.config
        generator = _generator(config.seed, self.epoch + 1, _Purpose.SHUFFLE, torch.device("cpu"))
        order = torch.randperm(config.train_images, generator=generator)
        used = config.steps_per_epoch * config.batch_size
        return order[:used].view(config.steps_per_epoch, config.batch_size).to(self.device)

    def noise(self) -> Tensor:
        """Noise of the posterior samples of the next epoch, (steps, batch_size, latent_dim)."""
        config = self.config
        generator = _generator(config.seed, self.epoch + 1, _Purpose.NOISE, self.device)
        size = (config.steps_per_epoch, config.batch_size, config.latent_dim)
        return torch.randn(size, generator=generator, device=self.device)

    def finish_epoch(self, test: Split) -> EpochRecord:
        """Evaluate on the test set and count the epoch.

        Raises:
            Diverged: a figure is not finite; names it, its value and the epoch.
        """
        self.epoch += 1
        recon, kl = (self.engine_state.totals / self.config.steps_per_epoch).tolist()
        generator = _generator(self.config.seed, self.epoch, _Purpose.TEST, self.device)
        size = (len(test.images), self.config.latent_dim)
        noise = torch.randn(size, generator=generator, device=self.device)
        evaluation = evaluate(self.model, test, noise, bf16=self.bf16)
        record = EpochRecord(
            epoch=self.epoch,
            train_recon=recon,
            train_kl=kl,
            test_recon=evaluation.recon,
            test_kl=float(evaluation.kl.sum()),
            active_latents=int((evaluation.kl > ACTIVE_NATS).sum()),
        )
        _require_finite(record)
        return record


def evaluate(
    model: Vae, split: Split, noise: Tensor | None = None, *, bf16: bool = False
) -> Evaluation:
    """ELBO terms of a whole split.

    Args:
        noise: (n_images, latent_dim) of the posterior samples; None: at the posterior mean.
        bf16: whether matrix products run in bf16; moves recon by about 0.004 nats.
    """
    split = split.for_classes(model.n_classes)
    recon, kl, means = [], [], []
    device = split.images.device.type
    with torch.inference_mode(), torch.autocast(device, torch.bfloat16, enabled=bf16):
        for start in range(0, len(split.images), EVAL_BATCH):
            rows = slice(start, start + EVAL_BATCH)
            pixels, label = split.images[rows].float() / 255, split.labels[rows]
            posterior = model.encode(pixels, label)
            latent = posterior.mean if noise is None else posterior.sample(noise[rows])
            recon.append(bernoulli_nll_value(model.decode(latent, label), pixels))
            kl.append(gaussian_kl(*posterior))
            means.append(posterior.mean)
    return Evaluation(
        recon=float(torch.cat(recon).double().mean()),
        kl=torch.cat(kl).double().mean(dim=0),
        mean_variance=torch.cat(means).double().var(dim=0, correction=0),
    )


def splits(data: Mnist, n_train: int, device: torch.device) -> tuple[Split, Split]:
    """The first `n_train` train images and the whole test set, with all label columns."""
    return (
        _split(data.train_images[:n_train], data.train_labels[:n_train], device),
        _split(data.test_images, data.test_labels, device),
    )


def _split(images: np.ndarray, labels: np.ndarray, device: torch.device) -> Split:
    flat = torch.from_numpy(images).view(len(images), N_PIXELS)
    one_hot = F.one_hot(torch.from_numpy(labels).long(), N_CLASSES).float()
    return Split(flat.to(device), one_hot.to(device))


def _generator(seed: int, epoch: int, purpose: _Purpose, device: torch.device) -> torch.Generator:
    return torch.Generator(device).manual_seed(_seed(seed, epoch, purpose))


def _seed(seed: int, epoch: int, purpose: _Purpose) -> int:
    """Independent streams for every (seed, epoch, purpose), so that an epoch replays alone."""
    return int(np.random.SeedSequence([seed, epoch, purpose]).generate_state(1, np.uint64)[0] >> 1)


def _require_finite(record: EpochRecord) -> None:
    for name, value in record._asdict().items():
        if not math.isfinite(value):
            raise Diverged(f"diverged in epoch {record.epoch}: {name} is {value}")

"""The training loop: yields one record an epoch; knows neither Ray nor files."""

import math
from collections.abc import Callable, Iterator
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from study.config import N_CLASSES, RunConfig, StudyError
from study.data import Mnist
from study.objective import Terms, bernoulli_nll, gaussian_kl, objective
from study.vae import N_PIXELS, Vae

ACTIVE_NATS = 0.01  # a latent is active when its KL, averaged over the test set, exceeds this
EVAL_BATCH = 1_000

OPTIMISERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adagrad": torch.optim.Adagrad,
    "adam": torch.optim.Adam,
    "sgd": torch.optim.SGD,
}


class Diverged(StudyError):
    """Training reached a value that is not finite."""


class Split(NamedTuple):
    """Images and labels of one split on the device that trains."""

    images: Tensor  # (n, 784), uint8
    labels: Tensor  # (n,), int64


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
    """A model, its optimiser and how many epochs it has behind it."""

    def __init__(self, config: RunConfig, device: torch.device) -> None:
        """Initial weights are those of the seed, on every device."""
        self.config, self.device, self.epoch = config, device, 0
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(_seed(config.seed, 0, _Purpose.WEIGHTS))
            model = Vae(config.latent_dim, config.hidden, config.n_classes)
        self.model = model.to(device)
        self.optimiser = OPTIMISERS[config.optimiser](
            self.model.parameters(), lr=config.learning_rate, fused=True
        )

    def state(self) -> dict[str, Any]:
        """What `restore` needs, besides the configuration."""
        return {
            "epoch": self.epoch,
            "model": self.model.state_dict(),
            "optimiser": self.optimiser.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state; the epochs that follow are those of an undisturbed run."""
        self.epoch = state["epoch"]
        self.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])

    def run(self, train: Split, test: Split) -> Iterator[EpochRecord]:
        """Train from the present epoch to the last; one record an epoch.

        Raises:
            Diverged: a figure is not finite; names it, its value and the epoch.
        """
        while self.epoch < self.config.epochs:
            epoch = self.epoch + 1
            recon, kl = self.train_epoch(train, epoch)
            noise = _noise(self.config, epoch, _Purpose.TEST, len(test.images))
            evaluation = evaluate(self.model, test, noise.to(self.device))
            self.epoch = epoch
            record = EpochRecord(
                epoch=epoch,
                train_recon=recon,
                train_kl=kl,
                test_recon=evaluation.recon,
                test_kl=float(evaluation.kl.sum()),
                active_latents=int((evaluation.kl > ACTIVE_NATS).sum()),
            )
            _require_finite(record)
            yield record

    def train_epoch(self, train: Split, epoch: int) -> tuple[float, float]:
        """Running means of recon and kl over one epoch."""
        config, size = self.config, self.config.batch_size
        order = batches(config, epoch).to(self.device)
        noise = _noise(config, epoch, _Purpose.NOISE, config.steps_per_epoch * size)
        noise = noise.to(self.device).view(config.steps_per_epoch, size, config.latent_dim)
        total = torch.zeros(2, dtype=torch.float64, device=self.device)
        for rows, step_noise in zip(order, noise, strict=True):
            pixels, label = _batch(train, rows, config.n_classes)
            terms = terms_of(self.model, pixels, step_noise, label)
            recon, kl = terms.recon.mean(), terms.kl.sum(dim=1).mean()
            self.optimiser.zero_grad()
            objective(recon, kl, config.beta).backward()  # type: ignore[no-untyped-call]
            self.optimiser.step()
            total += torch.stack([recon.detach(), kl.detach()])
        recon_mean, kl_mean = (total / config.steps_per_epoch).tolist()
        return recon_mean, kl_mean


def terms_of(model: Vae, pixels: Tensor, noise: Tensor, label: Tensor | None) -> Terms:
    """Both ELBO terms of a batch, from one posterior sample an image."""
    logits, posterior = model(pixels, noise, label)
    return Terms(bernoulli_nll(logits, pixels), gaussian_kl(*posterior))


def evaluate(model: Vae, split: Split, noise: Tensor | None = None) -> Evaluation:
    """ELBO terms of a whole split.

    Args:
        noise: (n_images, latent_dim) of the posterior samples; None: at the posterior mean.
    """
    recon, kl, means = [], [], []
    with torch.inference_mode():
        for start in range(0, len(split.images), EVAL_BATCH):
            rows = torch.arange(start, min(start + EVAL_BATCH, len(split.images)))
            pixels, label = _batch(split, rows.to(split.images.device), model.n_classes)
            posterior = model.encode(pixels, label)
            latent = posterior.mean if noise is None else posterior.sample(noise[rows])
            recon.append(bernoulli_nll(model.decode(latent, label), pixels))
            kl.append(gaussian_kl(*posterior))
            means.append(posterior.mean)
    return Evaluation(
        recon=float(torch.cat(recon).double().mean()),
        kl=torch.cat(kl).double().mean(dim=0),
        mean_variance=torch.cat(means).double().var(dim=0, correction=0),
    )


def splits(data: Mnist, config: RunConfig, device: torch.device) -> tuple[Split, Split]:
    """The train images that the configuration asks for, and the whole test set."""
    n = config.train_images
    return (
        _split(data.train_images[:n], data.train_labels[:n], device),
        _split(data.test_images, data.test_labels, device),
    )


def batches(config: RunConfig, epoch: int) -> Tensor:
    """Rows of an epoch's batches, (steps, batch_size): the same for every run of a seed."""
    generator = _generator(config.seed, epoch, _Purpose.SHUFFLE)
    order = torch.randperm(config.train_images, generator=generator)
    used = config.steps_per_epoch * config.batch_size
    return order[:used].view(config.steps_per_epoch, config.batch_size)


def _split(images: np.ndarray, labels: np.ndarray, device: torch.device) -> Split:
    flat = torch.from_numpy(images).view(len(images), N_PIXELS)
    return Split(flat.to(device), torch.from_numpy(labels).long().to(device))


def _batch(split: Split, rows: Tensor, n_classes: int) -> tuple[Tensor, Tensor | None]:
    pixels = split.images[rows].float() / 255
    if not n_classes:
        return pixels, None
    return pixels, F.one_hot(split.labels[rows], N_CLASSES).float()


def _noise(config: RunConfig, epoch: int, purpose: _Purpose, n: int) -> Tensor:
    generator = _generator(config.seed, epoch, purpose)
    return torch.randn(n, config.latent_dim, generator=generator)


def _generator(seed: int, epoch: int, purpose: _Purpose) -> torch.Generator:
    return torch.Generator().manual_seed(_seed(seed, epoch, purpose))


def _seed(seed: int, epoch: int, purpose: _Purpose) -> int:
    """Independent streams for every (seed, epoch, purpose), so that an epoch replays alone."""
    return int(np.random.SeedSequence([seed, epoch, purpose]).generate_state(1, np.uint64)[0] >> 1)


def _require_finite(record: EpochRecord) -> None:
    for name, value in record._asdict().items():
        if not math.isfinite(value):
            raise Diverged(f"diverged in epoch {record.epoch}: {name} is {value}")

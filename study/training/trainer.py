"""The training loop of one run: an epoch at a time; knows neither Ray nor files."""

import math
from enum import IntEnum
from typing import Any

import numpy as np
import torch
from torch import Tensor

from study.config.errors import StudyError
from study.config.run import RunConfig
from study.data.dataset import DataShape
from study.data.splits import Split
from study.losses import discriminator, find_objective, objective_weights
from study.models import Terms, build_model, can_stack, current_names
from study.training.evaluation import Cost, evaluate
from study.training.step import (
    Batch,
    Recipe,
    Scalars,
    Update,
    eager_update,
    named_terms,
    new_state,
)

ACTIVE_NATS = 0.01  # a latent is active when its KL, averaged over the test set, exceeds this


class Diverged(StudyError):
    """Training reached a value that is not finite."""


class _Purpose(IntEnum):
    WEIGHTS = 0
    SHUFFLE = 1
    NOISE = 2
    TEST = 3
    OBJECTIVE = 4
    START = 5


class Trainer:
    """A model, what its optimiser remembers, and how many epochs it has behind it."""

    def __init__(
        self, config: RunConfig, data: DataShape, device: torch.device, bf16: bool = False
    ) -> None:
        """Initial weights are those of the seed, on every device.

        Shuffling is the same on every device; noise is drawn on the device that uses it.

        Args:
            config: what to train.
            data: shape of the images.
            device: what trains.
            bf16: whether matrix products run in bf16; weights and optimiser state stay fp32.
        """
        self.config, self.data, self.device, self.bf16, self.epoch = config, data, device, bf16, 0
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(_seed(config.seed, 0, _Purpose.WEIGHTS))
            self.model = build_model(config, data).to(device)
            torch.manual_seed(_seed(config.seed, 0, _Purpose.OBJECTIVE))
            self.discriminator = discriminator(config)
        if self.discriminator is not None:
            self.discriminator.to(device)
        self.engine_state = new_state(
            self.model, config.optimiser, config.objective, self.discriminator
        )
        self.update: Update = eager_update(self.recipe(stackable=not bf16))  # or a compiled one
        weights = objective_weights(config)
        self.scalars = Scalars(
            {name: torch.tensor(value, device=device) for name, value in weights.items()},
            torch.tensor(config.learning_rate, device=device),
            torch.tensor(float(config.train_images), device=device),
        )

    def start_from(self, train: Split) -> None:
        """Show the train images to a prior that starts from some; before the first epoch."""
        if self.epoch == 0 and (start := getattr(self.model.prior, "start_from", None)):
            split = train.for_classes(self.model.n_classes)
            cpu = torch.device("cpu")
            start(*split, _generator(self.config.seed, 0, _Purpose.START, cpu))

    def state(self) -> dict[str, Any]:
        """What `restore` needs, besides the configuration."""
        params, slots, step, _ = self.engine_state
        return {"epoch": self.epoch, "params": params, "slots": slots, "step": step}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state; the epochs that follow are those of an undisturbed run."""
        self.epoch = state["epoch"]
        engine = self.engine_state
        engine.step.copy_(state["step"])
        saved = [state["params"], *state["slots"]]
        for ours, theirs in zip([engine.params, *engine.slots], saved, strict=True):
            theirs = current_names(theirs)
            for name, value in ours.items():
                value.copy_(theirs[name])

    def train_epoch(self, train: Split) -> None:
        """One pass over the train images; `engine_state.totals` tells of it."""
        train = train.for_classes(self.model.n_classes)
        self.warm_up()
        for total in self.engine_state.totals.values():
            total.zero_()
        for rows, noise in zip(self.rows(), self.noise(), strict=True):
            # index_select copies whole rows: 0.02 ms, against 0.09 ms of images[rows]
            images = train.images.index_select(0, rows)
            self.update(self.engine_state, Batch(images, train.labels(rows), noise), self.scalars)

    def warm_up(self) -> None:
        """Set what weighs the KL in the next epoch; it rises linearly to the full beta.

        With a warm-up of 3 epochs: beta / 4, beta / 2, 3 beta / 4, then beta.
        """
        share = (self.epoch + 1) / (self.config.kl_warmup_epochs + 1)
        # not fill_, which refuses what fp32 cannot hold: such a run should diverge, and say so
        self.scalars.weights["beta"].copy_(torch.tensor(self.config.beta * min(1.0, share)))

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

    def finish_epoch(self, test: Split) -> dict[str, Any]:
        """Evaluate on the test set and count the epoch.

        Returns:
            The epoch's number, from 1; its terms by name in nats per image, `train_recon` and so
            on; and the number of active latents, None for a prior without a KL by latent. The
            train figures are running means over the epoch's batches, as training saw them; the
            test figures are of the whole test set after the epoch, one posterior sample an image.

        Raises:
            Diverged: a figure is not finite; names it, its value and the epoch.
        """
        self.epoch += 1
        steps = self.config.steps_per_epoch
        train = {f"train_{name}": float(t / steps) for name, t in self.engine_state.totals.items()}
        generator = _generator(self.config.seed, self.epoch, _Purpose.TEST, self.device)
        size = (len(test.images), self.config.latent_dim)
        noise = torch.randn(size, generator=generator, device=self.device)
        evaluation = evaluate(self.model, test, noise, bf16=self.bf16, cost=self._cost())
        record: dict[str, Any] = {"epoch": self.epoch, **train}
        record |= {f"test_{name}": value for name, value in evaluation.terms().items()}
        _require_finite(record)
        kl = evaluation.kl_by_latent
        record["active_latents"] = None if kl is None else int((kl > ACTIVE_NATS).sum())
        return record

    def recipe(self, *, stackable: bool) -> Recipe:
        """The step that trains this run.

        Args:
            stackable: whether it is of the form that rounds alike for one model and for each of a
                stack, where the network has such a form.
        """
        model, config, other = self.model, self.config, self.discriminator
        if stackable and can_stack(config):
            with torch.device("meta"):
                model = build_model(config, self.data, stackable=True)
                other = discriminator(config)
        return Recipe(model, config.optimiser, config.objective, self.bf16, other)

    def _cost(self) -> Cost | None:
        """What the test set is also measured by; None where recon and kl tell it.

        As in training: an estimate over a batch depends on how many images that has, and on how
        many there are.
        """
        if "objective" not in self.engine_state.totals:
            return None
        objective, discriminate = find_objective(self.config.objective), self.discriminator
        step, (weights, _, n_images) = self.engine_state.step, self.scalars

        def of_batch(terms: Terms, noise: Tensor) -> Tensor:
            logit = None if discriminate is None else discriminate(terms.latent)[0]
            with torch.autocast(noise.device.type, enabled=False):  # as in a step
                return objective(named_terms(terms, noise, step, n_images, logit), weights)

        return Cost(of_batch, self.config.batch_size)


def _generator(seed: int, epoch: int, purpose: _Purpose, device: torch.device) -> torch.Generator:
    return torch.Generator(device).manual_seed(_seed(seed, epoch, purpose))


def _seed(seed: int, epoch: int, purpose: _Purpose) -> int:
    """Independent streams for every (seed, epoch, purpose), so that an epoch replays alone."""
    return int(np.random.SeedSequence([seed, epoch, purpose]).generate_state(1, np.uint64)[0] >> 1)


def _require_finite(record: dict[str, float]) -> None:
    for name, value in record.items():
        if not math.isfinite(value):
            raise Diverged(f"diverged in epoch {record['epoch']}: {name} is {value}")

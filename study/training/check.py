"""What can be known of runs before the first one trains: that their parts exist and fit."""

import math
from collections.abc import Iterable

import torch

from study.config.errors import UsageError
from study.config.own_code import blamed_on
from study.config.run import PARTS, RunConfig
from study.data import DataShape, describe_data
from study.losses import discriminator, find_objective, objective_weights
from study.models import build_model, check_model
from study.training.step import named_terms

FEW = 4  # images


def check_runs(runs: Iterable[RunConfig]) -> None:
    """Build each kind of run once, and look at its shapes.

    Raises:
        UsageError: a part is unknown, cannot be imported, fails, or gives a wrong shape; or the
            data set has fewer training images than are asked for, or no labels to condition on.
    """
    kinds: dict[tuple[object, ...], RunConfig] = {}
    for run in runs:
        _, n_train = describe_data(run.data)
        if run.train_images > n_train:
            raise UsageError(
                f"train_images must be at most {n_train} for data {run.data},"
                f" got {run.train_images}"
            )
        check_labels([run.conditioning], run.data)
        key = (run.latent_dim, run.hidden, run.conditioning, *(getattr(run, k) for k in PARTS))
        kinds.setdefault(key, run)
    for run in kinds.values():
        shape, _ = describe_data(run.data)
        check_model(run, shape)
        _check_objective(run, shape)


def check_labels(conditionings: Iterable[str], data: str) -> None:
    """Refuse to condition on the labels of a data set without any.

    Raises:
        UsageError: one of the kinds of conditioning wants labels, and there are none.
    """
    wanting = [kind for kind in conditionings if kind != "none"]
    if wanting and not describe_data(data)[0].n_classes:
        raise UsageError(
            f"conditioning: {wanting[0]} needs labels, and data {data} has none: use"
            " conditioning: none"
        )


def _check_objective(run: RunConfig, shape: DataShape) -> None:
    """Take the cost of a few random images, and its gradient."""
    objective, model = find_objective(run.objective), build_model(run, shape)
    random = torch.Generator().manual_seed(0)
    pixels = torch.rand(FEW, shape.n_pixels, generator=random)
    noise = torch.randn(FEW, run.latent_dim, generator=random)
    label = torch.zeros(FEW, model.n_classes)
    logit = None if discriminator(run) is None else torch.zeros(FEW)
    one = torch.tensor(1.0)
    weights = {name: torch.tensor(value) for name, value in objective_weights(run).items()}
    with blamed_on("objective", run.objective):
        terms = named_terms(model(pixels, noise, label), noise, one, one, logit)
        cost = objective(terms, weights)
        given = tuple(cost.shape)
        if given == ():
            torch.autograd.grad(cost, list(model.parameters()), allow_unused=True)
    if given != ():
        raise UsageError(f"objective {run.objective} gave {given}, expected one number, ()")
    if not math.isfinite(value := cost.item()):
        raise UsageError(
            f"objective {run.objective} gave {value} for {FEW} random images and an untrained model"
        )

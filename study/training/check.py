"""What can be known of runs before the first one trains: that their parts exist and fit."""

from collections.abc import Iterable

import torch

from study.config.errors import UsageError
from study.config.run import PARTS, RunConfig
from study.data import DataShape, describe_data
from study.losses import find_objective
from study.models import build_model, check_model
from study.training.step import named_terms


def check_runs(runs: Iterable[RunConfig]) -> None:
    """Build each kind of run once, and look at its shapes.

    Raises:
        UsageError: a part is unknown, cannot be imported, fails, or gives a wrong shape; or the
            data set has fewer training images than are asked for.
    """
    kinds: dict[tuple[object, ...], RunConfig] = {}
    for run in runs:
        _, n_train = describe_data(run.data)
        if run.train_images > n_train:
            raise UsageError(
                f"train_images must be at most {n_train} for data {run.data},"
                f" got {run.train_images}"
            )
        key = (run.latent_dim, run.hidden, run.conditioning, *(getattr(run, k) for k in PARTS))
        kinds.setdefault(key, run)
    for run in kinds.values():
        shape, _ = describe_data(run.data)
        check_model(run, shape)
        _check_objective(run, shape)


def _check_objective(run: RunConfig, shape: DataShape) -> None:
    objective, model = find_objective(run.objective), build_model(run, shape)
    label = torch.zeros(2, model.n_classes)
    pixels, noise = torch.zeros(2, shape.n_pixels), torch.zeros(2, run.latent_dim)
    try:
        with torch.no_grad():
            terms = model(pixels, noise, label)
            cost = objective(named_terms(terms), {"beta": torch.tensor(run.beta)})
    except Exception as error:  # whatever the user's code raises
        name = type(error).__name__
        raise UsageError(f"objective {run.objective} failed: {name}: {error}") from error
    if tuple(cost.shape) != ():
        raise UsageError(
            f"objective {run.objective} gave {tuple(cost.shape)}, expected one number, ()"
        )

"""Small models of MNIST's shape, and runs of them without files."""

import torch

from study.config.run import RunConfig
from study.data.shipped.mnist import SHAPE
from study.models import build_model
from study.training.step import Recipe

CPU = torch.device("cpu")


def small_config(latent_dim=3, hidden=8, n_classes=0, **more):
    conditioning = "label" if n_classes else "none"
    return RunConfig(latent_dim=latent_dim, hidden=hidden, conditioning=conditioning, **more)


def small_model(latent_dim=3, hidden=8, n_classes=0, stackable=False):
    return build_model(small_config(latent_dim, hidden, n_classes), SHAPE, stackable=stackable)


def recipe(model, optimiser="adagrad", bf16=False):
    return Recipe(model, optimiser, "beta", bf16)


def train(trainer, images, test):
    """Train to the last epoch; returns the records."""
    records = []
    while trainer.epoch < trainer.config.epochs:
        trainer.train_epoch(images)
        records.append(trainer.finish_epoch(test))
    return records

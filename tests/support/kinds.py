"""A run of every kind: in each, one part is not the default. Small, for packs of a few."""

from study.cli.bench.parts import SHIPPED
from study.config.run import RunConfig, run_config

KINDS = [{}] + [
    {key: value}
    for key, values in SHIPPED.items()
    for value in values
    if value != RunConfig.model_fields[key].default
]
SMALL = {"latent_dim": 4, "hidden": 32, "train_images": 1000, "epochs": 2, "precision": "fp32"}
DESCENT = {"optimiser": "sgd", "learning_rate": 1e-4}
"""Adagrad's first steps have the learning rate's size whatever the gradient's: rounding shows."""


def name_of(kind):
    return "-".join(kind.values()) or "default"


def configs(kind, **more):
    """Two seeds, and the classes on or off where the kind leaves that open."""
    small = SMALL | DESCENT | kind | more
    if kind.get("network") == "conv":
        del small["hidden"]
    if kind.get("objective") == "factor":
        small["discriminator_hidden"] = 16
    if kind.get("prior") == "vamp":
        small["prior_components"] = 20
    conditionings = [kind["conditioning"]] if "conditioning" in kind else ["none", "label"]
    return [
        run_config(small | {"seed": seed, "conditioning": conditioning}, "test")
        for conditioning in conditionings
        for seed in (0, 1)
    ]

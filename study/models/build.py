"""The only place where a model is made: what a configuration names, for images of one shape."""

from functools import partial
from typing import Any

import torch

from study.config.errors import UsageError
from study.config.own_code import resolve
from study.config.run import RunConfig
from study.data.dataset import DataShape
from study.models.likelihoods import LIKELIHOODS
from study.models.networks import NETWORKS, STACKABLE
from study.models.priors import PRIORS
from study.models.vae import Vae, encode


def build_model(config: RunConfig, data: DataShape, *, stackable: bool = False) -> Vae:
    """The untrained model of a run.

    Args:
        config: names network, prior and likelihood.
        data: shape of the images, and how many classes they have.
        stackable: whether weights and batches may have a first axis of models; `can_stack` tells
            whether a network has such a form.

    Raises:
        UsageError: a name is unknown, or the user's own code cannot be imported.
    """
    n_labels = data.n_classes if config.conditioning == "label" else 0
    network: Any = resolve("network", config.network, STACKABLE if stackable else NETWORKS)
    modules = network(data, config.latent_dim, n_labels, config)
    own_encode = partial(encode, modules[0], data)
    prior = resolve("prior", config.prior, PRIORS)(data, config.latent_dim, config, own_encode)
    likelihood = resolve("likelihood", config.likelihood, LIKELIHOODS)()
    return Vae(modules, prior, likelihood, data, config.latent_dim, n_labels)


def can_stack(config: RunConfig) -> bool:
    """Whether runs of this network can be trained as one stacked computation."""
    return config.network in STACKABLE


def check_model(config: RunConfig, data: DataShape) -> None:
    """Build a run's model once and look at the shapes that come out of it.

    Raises:
        UsageError: it cannot be built, or a shape is wrong; names the part and both shapes.
    """
    images, latent = torch.zeros(2, *data.image), torch.zeros(2, config.latent_dim)
    expected = {"encode": (2, 2 * config.latent_dim), "decode": (2, *data.image)}
    try:
        model = build_model(config, data)
        label = torch.zeros(2, model.n_classes) if model.n_classes else None
        with torch.no_grad():
            outputs = {
                "encode": model.encoder(images, label),
                "decode": model.decoder(latent, label),
            }
    except UsageError:
        raise
    except Exception as error:  # whatever the user's code raises
        name = type(error).__name__
        raise UsageError(f"network {config.network} failed: {name}: {error}") from error
    for part, shape in expected.items():
        if (given := tuple(outputs[part].shape)) != shape:
            raise UsageError(f"network {config.network}: {part} gave {given}, expected {shape}")


def current_names(params: dict[str, Any]) -> dict[str, Any]:
    """Parameters by their present names; versions before 0.2 wrote `encoder_hidden.weight`."""
    return {
        name.replace("encoder_", "encoder.", 1).replace("decoder_", "decoder.", 1): value
        for name, value in params.items()
    }

"""The only place where a model is made: what a configuration names, for images of one shape."""

from functools import partial
from typing import Any

from study.config.own_code import blamed_on, resolve
from study.config.run import RunConfig
from study.data.dataset import DataShape
from study.models.likelihoods import LIKELIHOODS
from study.models.networks import AS_FAST_EAGER, NETWORKS, STACKABLE
from study.models.priors import PRIORS, STACKABLE_PRIORS
from study.models.vae import Vae, encode


def build_model(config: RunConfig, data: DataShape, *, stackable: bool = False) -> Vae:
    """The untrained model of a run.

    Args:
        config: names network, prior and likelihood.
        data: shape of the images, and how many classes they have.
        stackable: whether weights and batches may have a first axis of models; `can_stack` tells
            whether a network has such a form.

    Raises:
        UsageError: a name is unknown, or the user's own code cannot be imported, or fails.
    """
    n_classes = data.n_classes if config.conditioning != "none" else 0
    n_seen = n_classes if config.conditioning == "label" else 0  # by the decoder
    networks, priors = (STACKABLE, STACKABLE_PRIORS) if stackable else (NETWORKS, PRIORS)
    network: Any = resolve("network", config.network, networks)
    with blamed_on("network", config.network):
        encoder, decoder = network(data, config.latent_dim, n_classes, config)
        if n_seen != n_classes:
            decoder = network(data, config.latent_dim, n_seen, config)[1]
    make_prior = resolve("prior", config.prior, priors)
    with blamed_on("prior", config.prior):
        prior = make_prior(data, config.latent_dim, config, partial(encode, encoder, data))
    likelihood = resolve("likelihood", config.likelihood, LIKELIHOODS)()
    return Vae((encoder, decoder), prior, likelihood, data, config.latent_dim, n_classes, n_seen)


def can_stack(config: RunConfig) -> bool:
    """Whether runs of this network and this prior can be trained as one stacked computation."""
    return config.network in STACKABLE and config.prior in STACKABLE_PRIORS


def gains_by_compiling(config: RunConfig) -> bool:
    """Whether a compiled step of this network is faster; of one's own it is taken to be."""
    return config.network not in AS_FAST_EAGER


def current_names(params: dict[str, Any]) -> dict[str, Any]:
    """Parameters by their present names; versions before 0.2 wrote `encoder_hidden.weight`."""
    return {
        name.replace("encoder_", "encoder.", 1).replace("decoder_", "decoder.", 1): value
        for name, value in params.items()
    }

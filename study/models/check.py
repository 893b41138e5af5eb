"""What comes out of a model's parts, looked at once before anything trains."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from study.config.errors import UsageError
from study.config.own_code import blamed_on
from study.config.run import RunConfig
from study.data.dataset import DataShape
from study.models.build import build_model
from study.models.posterior import Posterior

N = 2  # images


def check_model(config: RunConfig, data: DataShape) -> None:
    """Build a run's model and call each function of its parts once, on black images.

    Raises:
        UsageError: a part fails, gives another shape than it should or a number that is not
            finite; names the part, the function and both shapes.
    """
    model, n_latents = build_model(config, data), config.latent_dim
    images, latent = torch.zeros(N, *data.image), torch.zeros(N, n_latents)
    classes = torch.zeros(N, dtype=torch.long)
    label = F.one_hot(classes, model.n_classes).float() if model.n_classes else None
    seen = label if model.decoder_classes else None
    encoder, decoder, prior = model.encoder, model.decoder, model.prior
    random = torch.Generator().manual_seed(0)

    network, name = ("network", config.network), ("prior", config.prior)
    _check(*network, "encode", (N, 2 * n_latents), lambda: encoder(images, label))
    _check(*network, "decode", (N, *data.image), lambda: decoder(latent, seen))
    _check(*name, "log_prob", (N,), lambda: prior.log_prob(latent, label))
    _check(*name, "sample", (N, n_latents), lambda: prior.sample(N, label, random))
    if kl := getattr(prior, "kl_by_latent", None):
        posterior = Posterior(latent, latent)
        _check(*name, "kl_by_latent", (N, n_latents), lambda: kl(posterior, label))


def _check(
    key: str, name: str, function: str, expected: tuple[int, ...], call: Callable[[], Tensor]
) -> None:
    with blamed_on(key, name), torch.no_grad():
        output = call()
        shape = tuple(output.shape)
    if shape != expected:
        raise UsageError(f"{key} {name}: {function} gave {shape}, expected {expected}")
    if not output.isfinite().all():
        odd = output[~output.isfinite()][0].item()
        raise UsageError(f"{key} {name}: {function} gave {odd} before any training")

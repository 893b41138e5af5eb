"""One training step: the ELBO's gradient and the optimiser's rule, as a function of plain tensors.

The same step runs eagerly, compiled (study/compiled.py) and stacked over many models
(study/pack.py). Weights and the optimiser's state stay fp32; with bf16 only the matrix products
run in it, by autocast.

Tried, in milliseconds a step on one Zen 4 core (J = 10, batch 100), and not kept:
torch.optim outside the compiled step, 7.4 against 5.0; persistent bf16 copies of the weights, 3.98
against 3.90; weights padded to multiples of 32, within 5%; max_autotune, cpp_wrapper and a flat
parameter buffer, within noise; BCE written with softplus, 0.74 for that kernel against 0.17;
images[rows], 0.093 against 0.018 of index_select; torch.func.grad in eager mode, 13.3 against 8.6
of autograd.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.func import functional_call, grad

from study.losses.terms import bernoulli_nll, gaussian_kl, objective
from study.models.vae import Vae

Params = dict[str, Tensor]
ADAGRAD_EPS, ADAM_EPS, ADAM_BETAS = 1e-10, 1e-8, (0.9, 0.999)  # torch.optim's defaults


class Batch(NamedTuple):
    """What one step sees; a pack stacks its members along a new first axis."""

    images: Tensor  # (batch, 784), uint8
    labels: Tensor  # (batch, n_classes), one-hot; no columns where unconditioned
    noise: Tensor  # (batch, latent_dim), standard normal


class Scalars(NamedTuple):
    """What differs between runs of one shape; tensors, so that all share one compiled step."""

    beta: Tensor  # (), or (members,)
    learning_rate: Tensor  # ()


class State(NamedTuple):
    """All that a step changes, in place; fp32."""

    params: Params  # the module's own memory
    slots: list[Params]  # what the optimiser remembers of each parameter
    step: Tensor  # (), steps taken
    totals: Tensor  # (2,) or (members, 2): recon and kl, summed over the epoch's batches


Update = Callable[[State, Batch, Scalars], None]
Rule = Callable[[Tensor, Tensor, list[Tensor], Tensor, Tensor], None]


def adagrad(param: Tensor, grad: Tensor, slots: list[Tensor], step: Tensor, lr: Tensor) -> None:
    """Adagrad without decay. Source: Duchi et al. 2011."""
    (squares,) = slots
    squares.addcmul_(grad, grad)
    param.addcdiv_(grad, squares.sqrt().add_(ADAGRAD_EPS).div_(lr), value=-1)


def adam(param: Tensor, grad: Tensor, slots: list[Tensor], step: Tensor, lr: Tensor) -> None:
    """Adam. Source: Kingma & Ba 2015, arXiv:1412.6980, algorithm 1."""
    mean, square = slots
    first, second = ADAM_BETAS
    mean.lerp_(grad, 1 - first)
    square.mul_(second).addcmul_(grad, grad, value=1 - second)
    denominator = (square / (1 - second**step)).sqrt() + ADAM_EPS
    param.sub_(lr * (mean / (1 - first**step)) / denominator)


def sgd(param: Tensor, grad: Tensor, slots: list[Tensor], step: Tensor, lr: Tensor) -> None:
    """Plain stochastic gradient descent."""
    param.sub_(lr * grad)


RULES: dict[str, tuple[Rule, int]] = {"adagrad": (adagrad, 1), "adam": (adam, 2), "sgd": (sgd, 0)}


def new_state(model: Vae, optimiser: str) -> State:
    """The state of a model that has taken no step; its params are the model's memory."""
    params = {name: value.detach() for name, value in model.named_parameters()}
    device = next(iter(params.values())).device
    slots = [
        {name: torch.zeros_like(value) for name, value in params.items()}
        for _ in range(RULES[optimiser][1])
    ]
    return State(params, slots, torch.zeros((), device=device), torch.zeros(2, device=device))


def eager_update(model: Vae, optimiser: str, bf16: bool) -> Update:
    """A step by autograd, as a reader of a tutorial knows it.

    Args:
        model: gives the shape alone; the weights are those of the state. Where state and batch
            have a first axis of members, their steps are independent of each other.
    """
    rule = RULES[optimiser][0]

    def update(state: State, batch: Batch, scalars: Scalars) -> None:
        leaves = {name: value.detach().requires_grad_() for name, value in state.params.items()}
        cost, both = _cost(model, leaves, batch, scalars.beta, bf16)
        grads = torch.autograd.grad(cost, list(leaves.values()))
        with torch.no_grad():
            _apply(rule, state, dict(zip(leaves, grads, strict=True)), scalars)
            state.totals.add_(both)

    return update


def functional_update(model: Vae, optimiser: str, bf16: bool) -> Update:
    """The same step without autograd's graph, to be compiled."""
    rule = RULES[optimiser][0]

    def update(state: State, batch: Batch, scalars: Scalars) -> None:
        gradient = grad(lambda p: _cost(model, p, batch, scalars.beta, bf16), has_aux=True)
        grads, both = gradient(state.params)
        _apply(rule, state, grads, scalars)
        state.totals.add_(both)

    return torch.no_grad()(update)


def _cost(
    model: Vae, params: Params, batch: Batch, beta: Tensor, bf16: bool
) -> tuple[Tensor, Tensor]:
    """The objective, summed over members, and each member's mean recon and kl, (..., 2)."""
    pixels = batch.images.to(batch.noise.dtype) / 255
    with torch.autocast(batch.images.device.type, torch.bfloat16, enabled=bf16):
        logits, posterior = functional_call(model, params, (pixels, batch.noise, batch.labels))
    recon = bernoulli_nll(logits, pixels).mean(dim=-1)
    kl = gaussian_kl(*posterior).sum(dim=-1).mean(dim=-1)
    return objective(recon, kl, beta).sum(), torch.stack([recon, kl], dim=-1).detach()


def _apply(rule: Rule, state: State, grads: Params, scalars: Scalars) -> None:
    state.step.add_(1)
    for name, param in state.params.items():
        slots = [slot[name] for slot in state.slots]
        rule(param, grads[name], slots, state.step, scalars.learning_rate)

"""One training step: the objective's gradient and the optimiser's rule, on plain tensors.

The same step runs eagerly, compiled (compiled.py) and stacked over many models (pack.py). Weights
and the optimiser's state stay fp32; with bf16 only the matrix products run in it, by autocast.

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

from study.losses import Objective, find_objective
from study.models import Terms, Vae

Params = dict[str, Tensor]
ADAGRAD_EPS, ADAM_EPS, ADAM_BETAS = 1e-10, 1e-8, (0.9, 0.999)  # torch.optim's defaults


class Batch(NamedTuple):
    """What one step sees; a pack stacks its members along a new first axis."""

    images: Tensor  # (batch, n_pixels), uint8
    labels: Tensor  # (batch, n_classes), one-hot; no columns where unconditioned
    noise: Tensor  # (batch, latent_dim), standard normal


class Scalars(NamedTuple):
    """What differs between runs of one shape; tensors, so that all share one compiled step."""

    weights: dict[str, Tensor]  # of the objective, by name: beta; () or (members,) each
    learning_rate: Tensor  # ()


class State(NamedTuple):
    """All that a step changes, in place; fp32."""

    params: Params  # the module's own memory
    slots: list[Params]  # what the optimiser remembers of each parameter
    step: Tensor  # (), steps taken
    totals: dict[str, Tensor]  # terms by name, summed over the epoch's batches; () or (members,)

    def tensors(self) -> list[Tensor]:
        """All of them, in the order of the fields."""
        slots = [value for slot in self.slots for value in slot.values()]
        return [*self.params.values(), *slots, self.step, *self.totals.values()]


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


class Recipe(NamedTuple):
    """What a step does besides its tensors; the same for all runs of one shape."""

    model: Vae  # gives the shape alone; the weights are those of the state
    optimiser: str
    objective: str
    bf16: bool


def new_state(model: Vae, optimiser: str, objective: str) -> State:
    """The state of a model that has taken no step; its params are the model's memory."""
    params = {name: value.detach() for name, value in model.named_parameters()}
    device = next(iter(params.values())).device
    slots = [
        {name: torch.zeros_like(value) for name, value in params.items()}
        for _ in range(RULES[optimiser][1])
    ]
    totals = {name: torch.zeros((), device=device) for name in reported_terms(objective)}
    return State(params, slots, torch.zeros((), device=device), totals)


def reported_terms(objective: str) -> list[str]:
    """The terms that every epoch reports; the cost itself where recon and kl do not give it."""
    return ["recon", "kl"] if objective == "beta" else ["recon", "kl", "objective"]


def eager_update(recipe: Recipe) -> Update:
    """A step by autograd, as a reader of a tutorial knows it.

    Where state and batch have a first axis of members, their steps are independent of each other.
    """
    rule = RULES[recipe.optimiser][0]
    objective = find_objective(recipe.objective)

    def update(state: State, batch: Batch, scalars: Scalars) -> None:
        leaves = {name: value.detach().requires_grad_() for name, value in state.params.items()}
        cost, terms = _cost(recipe, objective, leaves, batch, scalars.weights)
        grads = torch.autograd.grad(cost, list(leaves.values()))
        with torch.no_grad():
            _apply(rule, state, dict(zip(leaves, grads, strict=True)), scalars)
            _add(state.totals, terms)

    return update


def functional_update(recipe: Recipe) -> Update:
    """The same step without autograd's graph, to be compiled."""
    rule = RULES[recipe.optimiser][0]
    objective = find_objective(recipe.objective)

    def update(state: State, batch: Batch, scalars: Scalars) -> None:
        gradient = grad(lambda p: _cost(recipe, objective, p, batch, scalars.weights), has_aux=True)
        grads, terms = gradient(state.params)
        _apply(rule, state, grads, scalars)
        _add(state.totals, terms)

    return torch.no_grad()(update)


def _cost(
    recipe: Recipe, objective: Objective, params: Params, batch: Batch, weights: dict[str, Tensor]
) -> tuple[Tensor, dict[str, Tensor]]:
    """The objective, summed over members, and each member's terms, (...,)."""
    pixels = batch.images.to(batch.noise.dtype) / 255
    with torch.autocast(batch.images.device.type, torch.bfloat16, enabled=recipe.bf16):
        inputs = (pixels, batch.noise, batch.labels)
        terms = named_terms(functional_call(recipe.model, params, inputs))
    cost = objective(terms, weights)
    reported = {"recon": terms["recon"], "kl": terms["kl"], "objective": cost}
    return cost.sum(), {name: value.detach() for name, value in reported.items()}


def named_terms(terms: Terms) -> dict[str, Tensor]:
    """A batch's terms as objectives read them: recon and kl are means over images."""
    return {
        "recon": terms.recon.mean(dim=-1),
        "kl": terms.kl.mean(dim=-1),
        "mean": terms.posterior.mean,
        "logvar": terms.posterior.logvar,
        "latent": terms.latent,
    }


def _add(totals: dict[str, Tensor], terms: dict[str, Tensor]) -> None:
    for name, total in totals.items():
        total.add_(terms[name])


def _apply(rule: Rule, state: State, grads: Params, scalars: Scalars) -> None:
    state.step.add_(1)
    for name, param in state.params.items():
        slots = [slot[name] for slot in state.slots]
        rule(param, grads[name], slots, state.step, scalars.learning_rate)

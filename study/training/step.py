"""One training step: the objective's gradient and the optimiser's rule, on plain tensors.

The same step runs eagerly, compiled (compiled.py) and stacked over many models (pack.py). Weights
and the optimiser's state stay fp32; with bf16 only the matrix products run in it, by autocast.

Tried, in milliseconds a step on one Zen 4 core (J = 10, batch 100), and not kept:
torch.optim outside the compiled step, 7.4 against 5.0; persistent bf16 copies of the weights, 3.98
against 3.90; weights padded to multiples of 32, within 5%; max_autotune, cpp_wrapper and a flat
parameter buffer, within noise; BCE written with softplus, 0.74 for that kernel against 0.17;
images[rows], 0.093 against 0.018 of index_select; torch.func.grad in eager mode, 13.3 against 8.6
of autograd; Adam as its paper writes it, a new tensor an operation, 57 for five million weights
against 9.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad

from study.losses import Objective, discriminator_loss, find_objective, permuted
from study.models import Terms, Vae

Params = dict[str, Tensor]
ADAGRAD_EPS, ADAM_EPS, ADAM_BETAS = 1e-10, 1e-8, (0.9, 0.999)  # torch.optim's defaults
DISCRIMINATOR_RATE, DISCRIMINATOR_BETAS = 1e-4, (0.5, 0.9)  # Kim & Mnih 2018, appendix A
OF_OBJECTIVE = "objective."  # before the names of a discriminator's parameters


class Batch(NamedTuple):
    """What one step sees; a pack stacks its members along a new first axis."""

    images: Tensor  # (batch, n_pixels), uint8
    labels: Tensor  # (batch, n_classes), one-hot; no columns where unconditioned
    noise: Tensor  # (batch, latent_dim), standard normal


class Scalars(NamedTuple):
    """What differs between runs of one shape; tensors, so that all share one compiled step."""

    weights: dict[str, Tensor]  # of the objective, by name; () or (members,) each
    learning_rate: Tensor  # ()
    n_images: Tensor  # (), training images


class State(NamedTuple):
    """All that a step changes, in place; fp32."""

    params: Params  # the modules' own memory; `objective.` stands before a discriminator's
    slots: list[Params]  # what the optimiser remembers of each parameter; some need fewer
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


def adam(
    param: Tensor,
    grad: Tensor,
    slots: list[Tensor],
    step: Tensor,
    lr: Tensor | float,
    betas: tuple[float, float] = ADAM_BETAS,
) -> None:
    """Adam. Source: Kingma & Ba 2015, arXiv:1412.6980, algorithm 1."""
    mean, square = slots
    first, second = betas
    mean.lerp_(grad, 1 - first)
    square.mul_(second).addcmul_(grad, grad, value=1 - second)
    per_rate = _kept((1 - first**step) / lr)
    denominator = square.sqrt().mul_(_kept(per_rate / (1 - second**step).sqrt()))
    param.addcdiv_(mean, denominator.add_(_kept(ADAM_EPS * per_rate)), value=-1)


def _kept(number: Tensor) -> Tensor:
    """The same number, stored by the compiler, which else takes its powers for every 16 weights.

    Milliseconds for two million weights on a Zen 4 core: 1.1, else 2.7; torch's fused Adam 1.6.
    """
    return number.as_strided((), ())


def sgd(param: Tensor, grad: Tensor, slots: list[Tensor], step: Tensor, lr: Tensor) -> None:
    """Plain stochastic gradient descent."""
    param.sub_(lr * grad)


def discriminators(
    param: Tensor, grad: Tensor, slots: list[Tensor], step: Tensor, lr: Tensor
) -> None:
    """Adam with a rate and averages of its own, whatever the run's are."""
    adam(param, grad, slots, step, DISCRIMINATOR_RATE, DISCRIMINATOR_BETAS)


RULES: dict[str, tuple[Rule, int]] = {"adagrad": (adagrad, 1), "adam": (adam, 2), "sgd": (sgd, 0)}


class Recipe(NamedTuple):
    """What a step does besides its tensors; the same for all runs of one shape."""

    model: Vae  # gives the shape alone; the weights are those of the state
    optimiser: str
    objective: str
    bf16: bool
    discriminator: nn.Module | None = None  # of the objective; its shape alone, too


def new_state(
    model: Vae, optimiser: str, objective: str, discriminator: nn.Module | None = None
) -> State:
    """The state of a model that has taken no step; its params are the modules' memory."""
    params = {name: value.detach() for name, value in model.named_parameters()}
    device = next(iter(params.values())).device
    if discriminator is not None:
        own = discriminator.named_parameters()
        params |= {OF_OBJECTIVE + name: value.detach() for name, value in own}
    n_slots = {name: _rule(optimiser, name)[1] for name in params}
    slots = [
        {name: torch.zeros_like(value) for name, value in params.items() if n_slots[name] > place}
        for place in range(max(n_slots.values()))
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
    objective = find_objective(recipe.objective)

    def update(state: State, batch: Batch, scalars: Scalars) -> None:
        leaves = {name: value.detach().requires_grad_() for name, value in state.params.items()}
        loss, terms = _loss(recipe, objective, leaves, batch, scalars, state.step)
        grads = torch.autograd.grad(loss, list(leaves.values()))
        with torch.no_grad():
            _apply(recipe, state, dict(zip(leaves, grads, strict=True)), scalars)
            _add(state.totals, terms)

    return update


def functional_update(recipe: Recipe) -> Update:
    """The same step without autograd's graph, to be compiled."""
    objective = find_objective(recipe.objective)

    def update(state: State, batch: Batch, scalars: Scalars) -> None:
        gradient = grad(
            lambda p: _loss(recipe, objective, p, batch, scalars, state.step), has_aux=True
        )
        grads, terms = gradient(state.params)
        _apply(recipe, state, grads, scalars)
        _add(state.totals, terms)

    return torch.no_grad()(update)


def _loss(
    recipe: Recipe,
    objective: Objective,
    params: Params,
    batch: Batch,
    scalars: Scalars,
    step: Tensor,
) -> tuple[Tensor, dict[str, Tensor]]:
    """What a step descends, summed over members, and each member's terms, (...,).

    That is the objective, to which the discriminator's weights are fixed, and the discriminator's
    loss, to which the latents are: one gradient has both.
    """
    model, own = _by_module(params)
    pixels = batch.images.to(batch.noise.dtype) / 255
    logit, seen = None, None
    with torch.autocast(batch.images.device.type, torch.bfloat16, enabled=recipe.bf16):
        inputs = (pixels, batch.noise, batch.labels)
        terms = functional_call(recipe.model, model, inputs)
        if recipe.discriminator is not None:
            both = (terms.latent, permuted(terms.latent.detach(), batch.noise))
            logit, seen = functional_call(recipe.discriminator, own, both)
    named = named_terms(terms, batch.noise, step, scalars.n_images, logit)
    cost = objective(named, scalars.weights)
    reported = {"recon": named["recon"], "kl": named["kl"], "objective": cost}
    loss = cost if seen is None else cost + discriminator_loss(seen)
    return loss.sum(), {name: value.detach() for name, value in reported.items()}


def named_terms(
    terms: Terms, noise: Tensor, step: Tensor, n_images: Tensor, logit: Tensor | None = None
) -> dict[str, Tensor]:
    """A batch's terms as objectives read them: recon and kl are means over images.

    Args:
        terms: of the batch.
        noise: of its samples, (..., batch, latent_dim).
        step: steps taken before, ().
        n_images: training images, ().
        logit: of the objective's discriminator, (..., batch), where it has one.
    """
    named = {
        "recon": terms.recon.mean(dim=-1),
        "kl": terms.kl.mean(dim=-1),
        "mean": terms.posterior.mean,
        "logvar": terms.posterior.logvar,
        "latent": terms.latent,
        "noise": noise,
        "step": step,
        "n_images": n_images,
    }
    return named if logit is None else {**named, "logit": logit}


def _add(totals: dict[str, Tensor], terms: dict[str, Tensor]) -> None:
    for name, total in totals.items():
        total.add_(terms[name])


def _apply(recipe: Recipe, state: State, grads: Params, scalars: Scalars) -> None:
    state.step.add_(1)
    for name, param in state.params.items():
        rule, n_slots = _rule(recipe.optimiser, name)
        slots = [slot[name] for slot in state.slots[:n_slots]]
        rule(param, grads[name], slots, state.step, scalars.learning_rate)


def _rule(optimiser: str, name: str) -> tuple[Rule, int]:
    """The rule of a parameter, and how many slots it needs."""
    return (discriminators, 2) if name.startswith(OF_OBJECTIVE) else RULES[optimiser]


def _by_module(params: Params) -> tuple[Params, Params]:
    """Parameters of the model and of the discriminator, by their names there."""
    model = {name: value for name, value in params.items() if not name.startswith(OF_OBJECTIVE)}
    own = {name.removeprefix(OF_OBJECTIVE): params[name] for name in params if name not in model}
    return model, own

"""Many runs of one shape trained as one stacked computation.

On a GPU one such model leaves the chip idle: launching its small kernels takes longer than running
them. A pack runs each kernel once for all its members, whose weights, batches, betas and seeds
differ. Between epochs every member is an ordinary Trainer: it evaluates, saves and fails alone.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from study.data.splits import Split
from study.training.cuda_graph import captured_update
from study.training.step import Batch, Params, State, eager_update
from study.training.trainer import Trainer

GATHERED = 40_000_000  # bytes of images for several steps at once: on a GPU each launch costs time


class Pack:
    """Members that take their epochs together, and the stack of their states.

    Members share shape, optimiser, learning rate and epoch. Conditioned and unconditioned ones
    mix: with labels that are zero, an unconditioned model's label columns get no gradient and
    stay zero, so that it is the conditioned model of the same weights.
    """

    def __init__(self, members: Sequence[Trainer]) -> None:
        self.members = list(members)
        first = self.members[0]
        widest = max(self.members, key=lambda member: member.model.n_classes)
        self._n_classes = widest.model.n_classes
        sizes = {name: value.shape for name, value in widest.engine_state.params.items()}
        self.state = _stack([member.engine_state for member in self.members], sizes)
        self._scalars = first.scalars._replace(weights=_stacked_weights(self.members))
        recipe = widest.recipe(stackable=True)
        for module in (recipe.model, recipe.discriminator):
            if module is not None:
                module.to_empty(device=first.device)  # its shape alone is used
        on_gpu = first.device.type == "cuda"
        self._update = captured_update(recipe) if on_gpu else eager_update(recipe)

    def train_epoch(self, train: Split) -> None:
        """One epoch of every member; afterwards each is as if it had trained alone."""
        for total in self.state.totals.values():
            total.zero_()
        for member in self.members:
            member.warm_up()
        for name, weights in _stacked_weights(self.members).items():
            self._scalars.weights[name].copy_(weights)
        rows = torch.stack([member.rows() for member in self.members], dim=1)
        noise = torch.stack([member.noise() for member in self.members], dim=1)
        labelled = [float(member.model.n_classes > 0) for member in self.members]
        mask = torch.tensor(labelled, device=rows.device)[:, None, None]
        train = train.for_classes(self._n_classes)
        at_once = max(1, GATHERED // (rows[0].numel() * train.images.shape[1]))
        for start in range(0, len(rows), at_once):
            some = rows[start : start + at_once]
            images, labels = train.images[some], train.labels(some) * mask
            for batch in map(Batch, images, labels, noise[start:]):  # (members, batch_size, ...)
                self._update(self.state, batch, self._scalars)
        for index, member in enumerate(self.members):
            _unstack(self.state, index, member.engine_state)


def _stacked_weights(members: Sequence[Trainer]) -> dict[str, Tensor]:
    """Each weight of the objective, (members,)."""
    names = members[0].scalars.weights
    return {name: torch.stack([m.scalars.weights[name] for m in members]) for name in names}


def _stack(states: list[State], sizes: dict[str, torch.Size]) -> State:
    """Copies of the members' tensors, stacked and widened to these sizes.

    What a member lacks, as the labels of pseudo-inputs where it is unconditioned, is zero.
    """

    def widened(value: Tensor | None, size: torch.Size) -> Tensor:
        if value is None:
            return torch.zeros(size, device=states[0].step.device)
        return F.pad(value, (0, size[-1] - value.shape[-1]))

    def stack(dicts: Sequence[Params]) -> Params:
        return {
            name: torch.stack([widened(d.get(name), sizes[name]) for d in dicts])
            for name in dict.fromkeys(name for d in dicts for name in d)
        }

    return State(
        params=stack([state.params for state in states]),
        slots=[stack(slot) for slot in zip(*(state.slots for state in states), strict=True)],
        step=states[0].step.clone(),
        totals={
            name: torch.stack([state.totals[name] for state in states]) for name in states[0].totals
        },
    )


def _unstack(stacked: State, index: int, member: State) -> None:
    """Copy one member's part back into its own tensors, without the columns it does not have."""
    member.step.copy_(stacked.step)
    for name, total in member.totals.items():
        total.copy_(stacked.totals[name][index])
    both = [(member.params, stacked.params), *zip(member.slots, stacked.slots, strict=True)]
    for ours, theirs in both:
        for name, value in ours.items():
            value.copy_(theirs[name][index][..., : value.shape[-1]])

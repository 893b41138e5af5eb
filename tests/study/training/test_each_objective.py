"""Training by each objective: steps, packs, resumption, reports."""

import pytest
import torch
from small_models import CPU, train
from torch.nn import functional as F

from study.config.errors import UsageError
from study.config.run import RunConfig
from study.data.shipped.mnist import SHAPE
from study.data.splits import splits
from study.losses import OBJECTIVES, find_objective
from study.models import build_model
from study.training.check import check_runs
from study.training.compiled import load_update, step_shape
from study.training.engine_selection import packs
from study.training.pack import Pack
from study.training.step import Batch, functional_update, named_terms
from study.training.trainer import Diverged, Trainer

SWEEPS = {
    "beta": {"beta": [1.0, 4.0]},
    "annealed": {"capacity": [5.0, 25.0], "gamma": [1000.0, 10.0], "capacity_epochs": [1, 3]},
    "tc": {"beta": [1.0, 6.0]},
    "factor": {"gamma": [10.0, 40.0]},
    "dip1": {"lambda_od": [1.0, 10.0]},
    "dip2": {"lambda_od": [1.0, 10.0]},
}


def config(objective, index=0, **more):
    weights = {name: values[index] for name, values in SWEEPS[objective].items()}
    if objective == "factor":
        weights["discriminator_hidden"] = 16
    small = {"latent_dim": 4, "hidden": 32, "train_images": 1000, "epochs": 3} | more
    return RunConfig(objective=objective, **weights, **small)


@pytest.fixture(scope="module")
def parts(mnist):
    return splits(mnist, 1000, CPU)


def batches(n, images, size=100):
    random = torch.Generator().manual_seed(0)
    for k in range(n):
        rows = slice(k * size, (k + 1) * size)
        noise = torch.randn(size, 4, generator=random)
        yield Batch(images.images[rows], images.for_classes(0).labels(rows), noise)


def test_all_that_ship_are_tested():
    assert set(SWEEPS) == set(OBJECTIVES)


def logits(critic, latent):
    """Of a discriminator's layers, by torch's own autograd."""
    *hidden, output = critic.layers
    for linear in hidden:
        latent = F.leaky_relu(linear(latent), 0.2)
    return output(latent).squeeze(-1)


def test_factor_takes_two_steps_as_two_optimisers_would(parts):
    """Kim & Mnih 2018, algorithm 2: each step's gradients are of the same weights."""
    ours, theirs = (Trainer(config("factor"), SHAPE, CPU) for _ in range(2))
    model, critic = theirs.model, theirs.discriminator
    vae_step = torch.optim.Adagrad(model.parameters(), lr=0.01)
    critic_step = torch.optim.Adam(critic.parameters(), lr=1e-4, betas=(0.5, 0.9))
    for batch in batches(5, parts[0]):
        ours.update(ours.engine_state, batch, ours.scalars)
        pixels = batch.images.float() / 255
        terms = model(pixels, batch.noise, None)
        kl = terms.posterior.mean**2 + terms.posterior.logvar.exp() - terms.posterior.logvar - 1
        tc = logits(critic, terms.latent).mean()
        cost = terms.recon.mean() + 0.5 * kl.sum(dim=1).mean() + 10 * tc
        real, other = terms.latent.detach().split(50)
        order = batch.noise[:50].argsort(dim=0)
        permuted = torch.stack([other[order[:, j], j] for j in range(4)], dim=1)
        told = torch.cat([logits(critic, real), logits(critic, permuted)])
        loss = F.binary_cross_entropy_with_logits(told, torch.arange(100).lt(50).float())
        gradient = torch.autograd.grad(cost, list(model.parameters()), retain_graph=True)
        critics = torch.autograd.grad(loss, list(critic.parameters()))
        for parameter, value in zip(model.parameters(), gradient, strict=True):
            parameter.grad = value
        for parameter, value in zip(critic.parameters(), critics, strict=True):
            parameter.grad = value
        vae_step.step()
        critic_step.step()
    for one, other in ((ours.model, model), (ours.discriminator, critic)):
        for mine, wanted in zip(one.parameters(), other.parameters(), strict=True):
            torch.testing.assert_close(mine, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("objective", SWEEPS)
def test_the_step_to_be_compiled_is_the_eager_one(objective, parts):
    one, other = (Trainer(config(objective), SHAPE, CPU) for _ in range(2))
    other.update = functional_update(other.recipe(stackable=False))
    for batch in batches(5, parts[0]):
        for trainer in (one, other):
            trainer.update(trainer.engine_state, batch, trainer.scalars)
    states = [trainer.engine_state for trainer in (one, other)]
    for mine, wanted in zip(*(state.tensors() for state in states), strict=True):
        torch.testing.assert_close(mine, wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("objective", sorted(set(SWEEPS) - {"beta"}))
def test_the_compiled_step_is_the_eager_one(objective, parts, tmp_path):
    """Compiled for one run's weights and taken by another's."""
    one, other = (Trainer(config(objective, 1), SHAPE, CPU) for _ in range(2))
    other.update = load_update(step_shape(config(objective, 0), SHAPE, False), tmp_path)
    assert step_shape(config(objective, 0), SHAPE, False) == step_shape(
        config(objective, 1), SHAPE, False
    )
    for batch in batches(5, parts[0]):
        for trainer in (one, other):
            trainer.update(trainer.engine_state, batch, trainer.scalars)
    states = [trainer.engine_state for trainer in (one, other)]
    for mine, wanted in zip(*(state.tensors() for state in states), strict=True):
        torch.testing.assert_close(mine, wanted, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("objective", SWEEPS)
def test_members_of_a_pack_train_as_they_would_alone(objective, parts):
    configs = [config(objective, k, seed=k, pack=2) for k in (0, 1)]
    assert len(packs(configs, on_gpu=False)) == 1
    alone, together = ([Trainer(c, SHAPE, CPU) for c in configs] for _ in range(2))
    pack = Pack(together)
    for _ in range(2):
        pack.train_epoch(parts[0])
        for trainer in alone:
            trainer.train_epoch(parts[0])
        records = [[t.finish_epoch(parts[1]) for t in trainers] for trainers in (alone, together)]
        for want, got in zip(*records, strict=True):
            assert got == pytest.approx(want, rel=1e-4)
    for one, other in zip(alone, together, strict=True):
        for name, value in one.engine_state.params.items():
            gap = (value - other.engine_state.params[name]).norm() / value.norm()
            assert gap < 1e-4, (one.config.run_id, name)


@pytest.mark.parametrize("objective", ["factor", "annealed"])
def test_a_resumed_run_is_bit_identical(objective, parts):
    whole = Trainer(config(objective), SHAPE, CPU)
    records = train(whole, *parts)
    first = Trainer(config(objective, epochs=1), SHAPE, CPU)
    early = train(first, *parts)
    second = Trainer(config(objective), SHAPE, CPU)
    second.restore(first.state())
    assert early + train(second, *parts) == records
    for one, other in zip(whole.engine_state.tensors(), second.engine_state.tensors(), strict=True):
        assert torch.equal(one, other)


def test_a_discriminator_is_in_the_checkpoint_and_not_in_the_weights(parts):
    trainer = Trainer(config("factor"), SHAPE, CPU)
    own = [f"objective.{name}" for name, _ in trainer.discriminator.named_parameters()]
    state = trainer.state()
    assert len(own) == 14
    assert set(own) <= set(state["params"])
    assert [sum(name in slots for name in own) for slots in state["slots"]] == [14, 14]
    plain = build_model(RunConfig(latent_dim=4, hidden=32), SHAPE)
    assert set(trainer.model.state_dict()) == set(plain.state_dict())


def test_the_model_starts_as_that_of_any_other_objective():
    one, other = Trainer(config("factor"), SHAPE, CPU), Trainer(config("beta"), SHAPE, CPU)
    for mine, theirs in zip(one.model.parameters(), other.model.parameters(), strict=True):
        assert torch.equal(mine, theirs)


@pytest.mark.parametrize("objective", sorted(set(SWEEPS) - {"beta"}))
def test_the_test_set_is_measured_by_batches_as_training_is(objective, parts):
    trainer = Trainer(config(objective, epochs=1), SHAPE, CPU)
    (record,) = train(trainer, *parts)
    assert {"train_objective", "test_objective"} <= set(record)
    step = torch.tensor(10.0)
    assert trainer.engine_state.step == step
    noise = torch.Generator()  # any noise: means over 100 batches are close
    costs = []
    for rows in torch.arange(10_000).view(100, 100):
        sample = torch.randn(100, 4, generator=noise)
        terms = trainer.model(parts[1].images[rows].float() / 255, sample)
        logit = trainer.discriminator(terms.latent)[0] if trainer.discriminator else None
        named = named_terms(terms, sample, step, torch.tensor(1000.0), logit)
        costs.append(find_objective(objective)(named, trainer.scalars.weights).item())
    assert record["test_objective"] == pytest.approx(sum(costs) / 100, rel=2e-3)


def test_the_capacity_is_that_of_the_step(parts):
    """After 10 of 30 steps a third of its 300 nats, above the KL of every batch."""
    run = config("annealed", 1, epochs=1).model_copy(update={"capacity": 300.0})
    (record,) = train(Trainer(run, SHAPE, CPU), *parts)
    want = record["test_recon"] + run.gamma * (100 - record["test_kl"])
    assert record["test_objective"] == pytest.approx(want, rel=1e-6)


def test_an_objective_that_turns_nan_fails_in_one_line(parts):
    run = RunConfig(latent_dim=4, train_images=1000, objective="own_objectives:goes_wrong_later")
    with pytest.raises(Diverged, match="diverged in epoch 1: train_recon is nan"):
        train(Trainer(run, SHAPE, CPU), *parts)


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("never_finite", r"objective own_objectives:never_finite gave nan for 4 random images"),
        ("of_another_shape", r"own_objectives:of_another_shape gave \(4,\), expected one number"),
    ],
)
def test_an_objective_is_looked_at_before_the_first_run(name, complaint):
    with pytest.raises(UsageError, match=complaint):
        check_runs([RunConfig(objective=f"own_objectives:{name}")])


def test_every_shipped_objective_passes_the_check():
    check_runs(config(objective) for objective in SWEEPS)

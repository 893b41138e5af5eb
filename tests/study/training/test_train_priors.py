"""Training with each prior: one run, resumed, in a pack, compiled."""

import pytest
import torch
from small_models import CPU, train

from study.config.run import RunConfig
from study.data.shipped.mnist import SHAPE
from study.data.splits import splits
from study.training.compiled import load_update, step_shape
from study.training.evaluation import evaluate
from study.training.pack import Pack
from study.training.trainer import Trainer

KINDS = {
    "mixture": {"prior": "mixture", "prior_components": 20},
    "vamp": {"prior": "vamp", "prior_components": 20},
    "vamp with labels": {"prior": "vamp", "prior_components": 20, "conditioning": "label"},
    "flow": {"prior": "flow"},
    "by class": {"conditioning": "prior"},
    "continuous Bernoulli": {"likelihood": "continuous_bernoulli"},
    "Gaussian": {"likelihood": "gaussian"},
}
ESTIMATED = {"mixture", "vamp", "vamp with labels", "flow"}
every_kind = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(scope="module")
def parts(mnist):
    return splits(mnist, 1_000, CPU)


def trainer_of(kind, parts, **more):
    config = {"latent_dim": 4, "hidden": 32, "train_images": 1_000, "epochs": 3} | KINDS[kind]
    trainer = Trainer(RunConfig(**{**config, **more}), SHAPE, CPU)
    trainer.start_from(parts[0])
    return trainer


def weights_of(trainer):
    return {name: value.clone() for name, value in trainer.model.state_dict().items()}


@every_kind
def test_training_lowers_the_negative_elbo_and_moves_the_prior(kind, parts):
    trainer = trainer_of(kind, parts)
    before = weights_of(trainer)
    records = train(trainer, *parts)
    costs = [record["test_recon"] + record["test_kl"] for record in records]
    assert costs == sorted(costs, reverse=True)
    after = trainer.model.state_dict()
    learned = [name for name in after if name.startswith(("prior.", "likelihood."))]
    assert all(not torch.equal(before[name], after[name]) for name in learned)
    assert bool(learned) == (kind != "continuous Bernoulli")


@every_kind
def test_a_resumed_run_is_bit_identical(kind, parts):
    whole, first = trainer_of(kind, parts), trainer_of(kind, parts, epochs=1)
    records, early = train(whole, *parts), train(first, *parts)
    second = Trainer(whole.config, SHAPE, CPU)
    second.restore(first.state())
    second.start_from(parts[0])  # which has begun: it stays as it is
    assert early + train(second, *parts) == records
    ours, theirs = weights_of(whole), weights_of(second)
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.parametrize("kind", sorted(ESTIMATED))
def test_the_kl_is_a_mean_of_estimates_and_none_by_latent(kind, parts):
    trainer = trainer_of(kind, parts, epochs=1)
    (record,) = train(trainer, *parts)
    assert record["active_latents"] is None
    assert record["test_kl"] > 0
    noise = torch.randn(10_000, 4, generator=torch.Generator().manual_seed(5))
    other = evaluate(trainer.model, parts[1], noise)
    assert other.kl_by_latent is None
    assert other.kl == pytest.approx(record["test_kl"], abs=0.2)  # another sample an image
    assert other.kl != record["test_kl"]


def test_pseudo_inputs_are_drawn_by_the_seed(parts):
    one, again = trainer_of("vamp", parts), trainer_of("vamp", parts, beta=4.0)
    other = trainer_of("vamp", parts, seed=1)
    assert torch.equal(one.model.prior.logits, again.model.prior.logits)
    assert not torch.equal(one.model.prior.logits, other.model.prior.logits)
    images = (parts[0].images.float() / 255).clamp(0.01, 0.99)
    started = torch.sigmoid(one.model.prior.logits.detach())
    assert torch.cdist(started, images).min(dim=1).values.max() < 0.05  # others are 5 away


def members(kind, size, parts):
    """Every beta, several seeds; both conditionings where they mix."""
    mixed = kind not in ("by class", "vamp with labels")
    more = [{"beta": [1, 4, 10][i % 3], "seed": i // 2, "epochs": 1} for i in range(size)]
    kinds = [{"conditioning": ["none", "label"][i % 2]} if mixed else {} for i in range(size)]
    return [trainer_of(kind, parts, **one, **two) for one, two in zip(more, kinds, strict=True)]


@every_kind
def test_members_of_a_pack_train_as_they_would_alone(kind, parts):
    """To 1e-4, over ten steps."""
    alone, together = members(kind, 4, parts), members(kind, 4, parts)
    for trainer in alone:
        trainer.train_epoch(parts[0])
    Pack(together).train_epoch(parts[0])
    for one, other in zip(alone, together, strict=True):
        for name, value in one.engine_state.params.items():
            gap = (value - other.engine_state.params[name]).norm() / value.norm()
            assert gap < 1e-4, (one.config.run_id, name)
        want, got = (trainer.finish_epoch(parts[1]) for trainer in (one, other))
        assert [want.pop("active_latents") is None, got.pop("active_latents") is None] == [
            kind in ESTIMATED
        ] * 2
        assert got == pytest.approx(want, rel=1e-5)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("compiled")


@pytest.mark.slow
@every_kind
def test_the_compiled_step_agrees_with_the_eager_one(kind, parts, cache):
    """One step by plain descent in fp32, so that weights differ by the gradients alone."""
    eager, compiled = (trainer_of(kind, parts, epochs=1, optimiser="sgd") for _ in range(2))
    compiled.update = load_update(step_shape(compiled.config, SHAPE, bf16=False), cache)
    for trainer in (eager, compiled):
        trainer.train_epoch(parts[0])
    for name, value in eager.engine_state.params.items():
        other = compiled.engine_state.params[name]
        torch.testing.assert_close(other, value, rtol=1e-3, atol=1e-4)
    want, got = (trainer.finish_epoch(parts[1]) for trainer in (eager, compiled))
    assert got["train_kl"] == pytest.approx(want["train_kl"], rel=1e-3)

import math

import pytest
import torch
from small_models import CPU, recipe, small_model
from torch.distributions import Bernoulli, Normal, kl_divergence

from study.config.run import RunConfig
from study.data.shipped.mnist import SHAPE
from study.data.splits import splits
from study.training.compiled import load_update, step_shape
from study.training.pack import Pack
from study.training.step import Batch, Scalars, eager_update, functional_update, new_state
from study.training.trainer import Trainer


def example(n_classes, dtype=torch.float32, batch=5, latent_dim=3):
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (batch, 784), dtype=torch.uint8, generator=generator)
    labels = torch.eye(10, dtype=dtype)[:batch, :n_classes]
    noise = torch.randn(batch, latent_dim, generator=generator, dtype=dtype)
    return Batch(images, labels, noise)


def scalars(beta=4.0, rate=0.01):
    return Scalars({"beta": torch.tensor(beta)}, torch.tensor(rate), torch.tensor(1000.0))


def cost_of(model, batch, beta):
    """The objective by torch.distributions, a second opinion."""
    pixels = batch.images.to(batch.noise.dtype) / 255
    mean, logvar = model.encode(pixels, batch.labels)
    scale = (0.5 * logvar).exp()
    logits = model.decode(mean + scale * batch.noise, batch.labels)
    nll = -Bernoulli(logits=logits, validate_args=False).log_prob(pixels).sum(dim=1)
    kl = kl_divergence(Normal(mean, scale), Normal(0.0, 1.0)).sum(dim=1)
    return (nll + beta * kl).mean()


@pytest.mark.parametrize("n_classes", [0, 10])
@pytest.mark.parametrize("make", [eager_update, functional_update])
@pytest.mark.parametrize("stackable", [False, True])
def test_a_steps_gradient_agrees_with_finite_differences(stackable, make, n_classes):
    """With rate 1, plain descent moves every weight by its gradient."""
    model = small_model(n_classes=n_classes, stackable=stackable).double()
    batch, state = example(n_classes, torch.float64), new_state(model, "sgd", "beta")
    before = {name: value.clone() for name, value in state.params.items()}
    make(recipe(model, "sgd"))(state, batch, scalars(rate=1.0))
    gradient = {name: before[name] - value for name, value in state.params.items()}

    def cost():
        return cost_of(model, batch, 4.0).item()

    for name, value in state.params.items():
        value.copy_(before[name])
    for name, value in state.params.items():
        flat, step = value.view(-1), 1e-6
        for place in (0, flat.numel() // 2, flat.numel() - 1):
            flat[place] += step
            above = cost()
            flat[place] -= 2 * step
            below = cost()
            flat[place] += step
            got = gradient[name].reshape(-1)[place].item()
            assert got == pytest.approx((above - below) / (2 * step), rel=1e-4, abs=1e-6), name


@pytest.mark.parametrize(
    ("name", "torchs"),
    [("adagrad", torch.optim.Adagrad), ("adam", torch.optim.Adam), ("sgd", torch.optim.SGD)],
)
def test_the_rules_agree_with_torch(name, torchs):
    ours, theirs = small_model(), small_model()
    theirs.load_state_dict(ours.state_dict())
    state, batch = new_state(ours, name, "beta"), example(0)
    update, optimiser = eager_update(recipe(ours, name)), torchs(theirs.parameters(), lr=0.01)
    for _ in range(3):
        update(state, batch, scalars(beta=1.0))
        optimiser.zero_grad()
        cost_of(theirs, batch, 1.0).backward()
        optimiser.step()
    for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
    assert state.step == 3


def test_adagrads_first_step_has_the_size_of_the_rate():
    model = small_model()
    state = new_state(model, "adagrad", "beta")
    before = [p.detach().clone() for p in model.parameters()]
    eager_update(recipe(model))(state, example(0), scalars(rate=0.01))
    for old, new in zip(before, model.parameters(), strict=True):
        moved = (new - old).abs().detach()
        assert moved[moved > 0] == pytest.approx(0.01, rel=1e-2)


def test_the_stackable_model_is_the_same_model():
    plain, stackable = small_model(n_classes=10), small_model(n_classes=10, stackable=True)
    stackable.load_state_dict(plain.state_dict())
    batch = example(10)
    pixels = batch.images.float() / 255
    one, other = (model(pixels, batch.noise, batch.labels) for model in (plain, stackable))
    torch.testing.assert_close(tuple(one), tuple(other))


def member(index, **more):
    """Every beta, both conditionings, several seeds."""
    return RunConfig(
        latent_dim=4,
        beta=[1, 4, 10, 2, 20][index % 5],
        conditioning=["none", "label"][index % 2],
        seed=index // 2,
        epochs=1,
        **more,
    )


@pytest.mark.parametrize("size", [2, 5, 10])
def test_members_of_a_pack_train_as_they_would_alone(size, mnist):
    """The bound is 1e-4; on the machines seen, all are equal to the last bit."""
    configs = [member(index, hidden=100, train_images=6_000) for index in range(size)]
    alone, together = ([Trainer(config, SHAPE, CPU) for config in configs] for _ in range(2))
    train, test = splits(mnist, 6_000, CPU)
    for trainer in alone:
        trainer.train_epoch(train)
    Pack(together).train_epoch(train)
    for one, other in zip(alone, together, strict=True):
        for name, value in one.engine_state.params.items():
            gap = (value - other.engine_state.params[name]).norm() / value.norm()
            assert gap < 1e-4, (one.config.run_id, name)
        want = one.finish_epoch(test)
        assert {k: v for k, v in other.finish_epoch(test).items() if k != "active_latents"} == (
            pytest.approx({k: v for k, v in want.items() if k != "active_latents"}, rel=1e-5)
        )


def test_members_of_a_pack_of_conv_train_as_they_would_alone(mnist):
    configs = [member(index, network="conv", train_images=1_000) for index in range(3)]
    alone, together = ([Trainer(config, SHAPE, CPU) for config in configs] for _ in range(2))
    train, _ = splits(mnist, 1_000, CPU)
    for trainer in alone:
        trainer.train_epoch(train)
    Pack(together).train_epoch(train)
    for one, other in zip(alone, together, strict=True):
        for name, value in one.engine_state.params.items():
            gap = (value - other.engine_state.params[name]).norm() / value.norm()
            assert gap < 1e-4, (one.config.run_id, name)


def test_members_of_a_pack_warm_up_each_by_itself(mnist):
    configs = [member(i, hidden=20, train_images=1_000, kl_warmup_epochs=2) for i in (1, 2)]
    alone, together = ([Trainer(config, SHAPE, CPU) for config in configs] for _ in range(2))
    train, test = splits(mnist, 1_000, CPU)
    pack = Pack(together)
    for _ in range(3):
        pack.train_epoch(train)
        for trainer in together:
            trainer.finish_epoch(test)
        for trainer in alone:
            trainer.train_epoch(train)
            trainer.finish_epoch(test)
    for one, other in zip(alone, together, strict=True):
        for name, value in one.engine_state.params.items():
            torch.testing.assert_close(other.engine_state.params[name], value)


def test_absent_label_columns_of_a_member_stay_zero(mnist):
    train, _ = splits(mnist, 1_000, CPU)
    configs = [member(index, hidden=20, train_images=1_000) for index in (0, 1)]
    pack = Pack([Trainer(config, SHAPE, CPU) for config in configs])
    pack.train_epoch(train)
    weights = pack.state.params["encoder.hidden.weight"]
    assert weights.shape == (2, 20, 794)
    assert (weights[0, :, 784:] == 0).all()
    assert (weights[1, :, 784:] != 0).any()


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("compiled")


@pytest.mark.slow
@pytest.mark.parametrize("bf16", [False, True])
def test_the_compiled_step_follows_the_reference_over_an_epoch(bf16, mnist, cache):
    """Mean over two seeds of the test objective: within 0.1 nat of eager fp32."""
    train, test = splits(mnist, 60_000, CPU)
    gaps = []
    for seed in (0, 1):
        config = RunConfig(epochs=1, seed=seed)
        reference, fast = Trainer(config, SHAPE, CPU), Trainer(config, SHAPE, CPU, bf16)
        fast.update = load_update(step_shape(config, SHAPE, bf16), cache)
        records = []
        for trainer in (reference, fast):
            trainer.train_epoch(train)
            records.append(trainer.finish_epoch(test))
        want, got = (record["test_recon"] + record["test_kl"] for record in records)
        gaps.append(got - want)
    assert abs(sum(gaps) / 2) < 0.1, gaps
    state = fast.engine_state
    tensors = [*state.params.values(), *state.slots[0].values(), *state.totals.values()]
    assert {tensor.dtype for tensor in tensors} == {torch.float32}


@pytest.mark.slow
def test_a_compiled_step_refuses_another_batch_size(cache):
    update = load_update(step_shape(RunConfig(), SHAPE, True), cache)
    model = small_model(10, 500)
    with pytest.raises(ValueError, match=r"compiled for images \(100, 784\), got \(5, 784\)"):
        update(new_state(model, "adagrad", "beta"), example(0, latent_dim=10), scalars())


def test_nothing_falls_back_to_eager_in_silence(tmp_path, monkeypatch, caplog):
    from study.execution.resumable_run import Run
    from study.storage.folder import Folder

    monkeypatch.setenv("CXX", "/no/such/compiler")
    run = Run(member(0), SHAPE, Folder(tmp_path), CPU, bf16=False)
    run.compile(tmp_path / "compiled")
    assert "trains without compilation" in caplog.text
    assert "/no/such/compiler" in run.record["engine"]
    assert run.record["engine"].startswith("fp32, eager (not compiled: ")
    assert not math.isnan(run.trainer.epoch)

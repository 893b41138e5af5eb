import math

import pytest
import torch
from small_models import CPU, small_model, train

from study.config.run import RunConfig
from study.data.shipped.mnist import SHAPE
from study.data.splits import splits
from study.training.evaluation import evaluate
from study.training.trainer import Diverged, Trainer

SMALL = RunConfig(latent_dim=4, hidden=32, train_images=1000, epochs=3)
CONV = RunConfig(network="conv", latent_dim=4, train_images=1000, epochs=3)


@pytest.fixture(scope="module")
def parts(mnist):
    return splits(mnist, SMALL.train_images, CPU)


def trained(config, parts):
    trainer = Trainer(config, SHAPE, CPU)
    return trainer, train(trainer, *parts)


def same_weights(one, other):
    ours, theirs = one.model.state_dict(), other.model.state_dict()
    return all(torch.equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.parametrize("conditioning", ["none", "label"])
@pytest.mark.parametrize("small", [SMALL, CONV], ids=["mlp", "conv"])
def test_training_on_real_digits_lowers_the_objective(parts, small, conditioning):
    _, records = trained(small.model_copy(update={"conditioning": conditioning}), parts)
    assert [record["epoch"] for record in records] == [1, 2, 3]
    costs = [record["test_recon"] + record["test_kl"] for record in records]
    assert costs == sorted(costs, reverse=True)
    assert costs[-1] < 784 * math.log(2) / 2  # an untrained decoder is at about 784 log 2


@pytest.mark.parametrize("small", [SMALL, CONV], ids=["mlp", "conv"])
def test_a_resumed_run_is_bit_identical(parts, small):
    whole, records = trained(small, parts)
    first, early = trained(small.model_copy(update={"epochs": 1}), parts)
    second = Trainer(small, SHAPE, CPU)
    second.restore(first.state())
    assert early + train(second, *parts) == records
    assert same_weights(second, whole)


def test_seeds_differ_and_repeat(parts):
    one, _ = trained(SMALL, parts)
    again, _ = trained(SMALL, parts)
    other, _ = trained(SMALL.model_copy(update={"seed": 1}), parts)
    assert same_weights(one, again)
    assert not same_weights(one, other)


def test_all_runs_of_a_seed_see_the_same_batches():
    other = SMALL.model_copy(update={"beta": 9.0, "latent_dim": 7, "conditioning": "label"})
    one, two = Trainer(SMALL, SHAPE, CPU), Trainer(other, SHAPE, CPU)
    rows = one.rows()
    assert torch.equal(rows, two.rows())
    assert torch.equal(rows.flatten().sort().values, torch.arange(1000))
    one.epoch = 1
    assert not torch.equal(rows, one.rows())


def test_one_adagrad_step_by_hand(parts):
    """Adagrad's first step moves every weight by lr against the sign of its gradient."""
    config = SMALL.model_copy(update={"train_images": 100, "epochs": 1})
    trainer = Trainer(config, SHAPE, CPU)
    before = {name: value.clone() for name, value in trainer.model.named_parameters()}
    train(trainer, *parts)
    for name, value in trainer.model.named_parameters():
        moved = (value - before[name]).abs().detach()
        assert moved[moved > 0] == pytest.approx(0.01, rel=1e-2), name


def test_evaluation_covers_every_image_once(parts):
    model, test = small_model(4, 32), parts[1]
    part = evaluate(model, test)
    sides = [slice(0, 2_500), slice(2_500, 10_000)]
    parts = [type(test)(test.images[rows], test.classes[rows], test.one_hot) for rows in sides]
    halves = [evaluate(model, side) for side in parts]
    want = 0.25 * halves[0].recon + 0.75 * halves[1].recon
    assert part.recon == pytest.approx(want, rel=1e-6)


def test_a_silent_latent_is_not_active(parts):
    model = small_model(4, 32)
    with torch.no_grad():
        for row in (0, 4):  # mean and log-variance of the first latent
            model.encoder.output.weight[row] = 0
            model.encoder.output.bias[row] = 0
    evaluation = evaluate(model, parts[1])
    assert evaluation.kl_by_latent[0] == 0
    assert evaluation.mean_variance[0] == 0
    assert (evaluation.kl_by_latent[1:] > 0).all()


def test_divergence_names_the_epoch_and_the_value(parts):
    config = SMALL.model_copy(update={"optimiser": "sgd", "learning_rate": 1e6})
    with pytest.raises(Diverged, match=r"diverged in epoch 1: train_recon is (nan|inf)"):
        trained(config, parts)


def test_the_generator_of_the_caller_is_left_alone():
    torch.manual_seed(3)
    want = torch.rand(1)
    torch.manual_seed(3)
    Trainer(SMALL, SHAPE, CPU)
    assert torch.equal(torch.rand(1), want)


def test_kl_warms_up_linearly_to_the_full_beta(parts):
    config = SMALL.model_copy(update={"beta": 8.0, "kl_warmup_epochs": 3, "epochs": 5})
    trainer, weights = Trainer(config, SHAPE, CPU), []
    for _ in range(config.epochs):
        trainer.train_epoch(parts[0])
        weights.append(trainer.scalars.weights["beta"].item())
        trainer.finish_epoch(parts[1])
    assert weights == [2.0, 4.0, 6.0, 8.0, 8.0]


def test_an_epoch_of_the_warm_up_is_one_of_a_smaller_beta(parts):
    warm = SMALL.model_copy(update={"beta": 8.0, "kl_warmup_epochs": 1, "epochs": 1})
    one, _ = trained(warm, parts)
    other, _ = trained(SMALL.model_copy(update={"beta": 4.0, "epochs": 1}), parts)
    full, _ = trained(SMALL.model_copy(update={"beta": 8.0, "epochs": 1}), parts)
    assert same_weights(one, other)
    assert not same_weights(one, full)


def test_a_run_resumed_in_its_warm_up_goes_on_with_it(parts):
    warm = SMALL.model_copy(update={"beta": 8.0, "kl_warmup_epochs": 4})
    whole, _ = trained(warm, parts)
    first, _ = trained(warm.model_copy(update={"epochs": 1}), parts)
    second = Trainer(warm, SHAPE, CPU)
    second.restore(first.state())
    train(second, *parts)
    assert same_weights(whole, second)

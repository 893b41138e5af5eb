"""What trials are valued by: the same figures as the tables', on images that trained nothing."""

import numpy as np
import pytest
import torch
from small_models import small_model

from analysis import metrics
from analysis.factors.image_set import ImageSet, Sample
from analysis.representations.encode import encode
from analysis.scoring.held_out import DIRECTIONS, held_out, on_test_set, values
from study.config.run import RunConfig
from study.data.shipped.mnist import SHAPE
from study.data.splits import splits
from study.training.evaluation import evaluate
from study.training.trainer import Trainer

CPU = torch.device("cpu")
CONFIG = RunConfig(latent_dim=4, hidden=16, beta=3, train_images=500, epochs=1)


@pytest.fixture(scope="module")
def pair(mnist):
    """Two seeds, hardly trained."""
    train, _ = splits(mnist, CONFIG.train_images, CPU)
    runs = []
    for seed in (0, 1):
        config = CONFIG.model_copy(update={"seed": seed})
        trainer = Trainer(config, SHAPE, CPU)
        trainer.train_epoch(train)
        runs.append((config, trainer.model))
    return runs


@pytest.fixture(scope="module")
def some(mnist):
    """A few held-out images, with factors that are easy to have."""
    images, digits = mnist.train_images[-400:], mnist.train_labels[-400:].astype(np.int64)
    grey = images.reshape(400, -1).mean(axis=1)
    factors = np.stack([np.digitize(grey, np.quantile(grey, [0.25, 0.5, 0.75])), digits % 3], 1)
    return ImageSet.of(images, Sample(factors, digits, factors.astype(float)))


def test_costs_follow_from_the_two_terms(pair, some):
    recon, bound, cost = values(pair[:1], ["recon", "neg_elbo", "objective"], some)
    kl = bound - recon
    assert kl > 0
    assert cost == pytest.approx(recon + 3 * kl)  # beta is the full one


def test_bounds_with_labels_are_of_image_and_label(mnist, some):
    config = CONFIG.model_copy(update={"conditioning": "label"})
    model = Trainer(config, SHAPE, CPU).model
    encoded = encode(model, some.images, some.sample.labels)
    of_images = encoded.recon.mean() + encoded.kl.mean()
    neg_elbo, elbo, cost = values([(config, model)], ["neg_elbo", "elbo", "objective"], some)
    assert neg_elbo - of_images == pytest.approx(np.log(10), abs=1e-3)
    assert elbo == pytest.approx(-neg_elbo, abs=1)  # other samples
    assert cost == pytest.approx(encoded.recon.mean() + 3 * encoded.kl.mean(), rel=1e-5)


def test_terms_agree_with_those_of_training(pair, mnist):
    """At 10,000 images the one posterior sample differs by little."""
    (value,) = on_test_set(pair[:1], ["neg_elbo"])
    config, model = pair[0]
    _, test = splits(mnist, config.train_images, CPU)
    noise = torch.randn(10_000, 4, generator=torch.Generator().manual_seed(3))
    want = evaluate(model, test, noise)
    assert value == pytest.approx(want.recon + want.kl, abs=0.5)


def test_the_held_out_images_are_the_last_of_the_training_set(pair, mnist):
    _, model = pair[0]
    encoded = encode(model, mnist.train_images[50_000:], mnist.train_labels[50_000:])
    want = encoded.recon.mean() + encoded.kl.mean()
    assert held_out(pair[:1], ["neg_elbo"]) == [pytest.approx(want)]
    assert held_out(pair[:1], ["neg_elbo"]) != on_test_set(pair[:1], ["neg_elbo"])


def test_a_score_is_that_of_the_codes(pair, some):
    codes = encode(pair[0][1], some.images, some.sample.labels).mean
    want = metrics.mig(codes, some.sample.factors).score
    assert values(pair[:1], ["mig"], some) == [pytest.approx(want)]


def test_values_are_means_over_seeds_and_come_in_the_order_asked(pair, some):
    names = ["mig", "neg_elbo"]
    one, other = (values([run], names, some) for run in pair)
    assert values(pair, names, some) == pytest.approx([(a + b) / 2 for a, b in zip(one, other, strict=True)])  # fmt: skip  # noqa: E501
    assert values(pair, names[::-1], some) == values(pair, names, some)[::-1]


def test_runs_that_are_the_same_agree_more_than_two_seeds(pair, some):
    (twins,) = values([pair[0], pair[0]], ["udr"], some)
    (seeds,) = values(pair, ["udr"], some)
    assert twins > seeds


def test_the_same_model_has_the_same_values(pair, some):
    names = ["neg_elbo", "iwae", "mig", "factor_vae", "udr"]
    assert values(pair, names, some) == values(pair, names, some)


def test_every_objective_has_a_value(pair, some):
    found = dict(zip(DIRECTIONS, values(pair, list(DIRECTIONS), some), strict=True))
    assert np.isfinite(list(found.values())).all(), found
    assert found["iwae"] >= found["elbo"]
    assert found["elbo"] == pytest.approx(-found["neg_elbo"], abs=1)  # other samples


def test_a_model_that_broke_has_no_value(some):
    model = small_model(4, 16)
    with torch.no_grad():
        model.encoder.output.bias[:] = float("nan")
    with pytest.raises(ValueError, match="are NaN or infinite"):
        values([(CONFIG, model)], ["mig"], some)

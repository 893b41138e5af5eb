import numpy as np
import pytest
import torch
from small_models import small_model

from analysis.representations.encode import bounds, encode
from study.config.run import RunConfig
from study.data.mnist import SHAPE
from study.data.splits import splits
from study.training.evaluation import evaluate
from study.training.trainer import Trainer

CPU = torch.device("cpu")
N = 1_500  # more than one batch


@pytest.fixture(scope="module")
def digits(mnist):
    return mnist.test_images[:N], mnist.test_labels[:N]


def model_of(**settings):
    config = RunConfig(hidden=16, **settings)
    return config, Trainer(config, SHAPE, CPU).model


@pytest.mark.parametrize("conditioning", ["none", "label"])
def test_encoding_agrees_with_the_evaluation_of_training(mnist, conditioning):
    config, model = model_of(latent_dim=3, conditioning=conditioning)
    noise = torch.randn(10_000, 3, generator=torch.Generator().manual_seed(4))
    want = evaluate(model, splits(mnist, config.train_images, CPU)[1], noise)
    ours = encode(model, mnist.test_images, mnist.test_labels, seed=4)
    assert ours.recon.mean() == pytest.approx(want.recon, rel=1e-6)
    np.testing.assert_allclose(ours.kl_by_latent.mean(axis=0), want.kl_by_latent, rtol=1e-5)
    np.testing.assert_allclose(ours.kl.mean(), want.kl, rtol=1e-5)
    np.testing.assert_allclose(ours.mean.var(axis=0), want.mean_variance, rtol=1e-4)
    assert ours.mean.shape == ours.logvar.shape == ours.kl_by_latent.shape == (10_000, 3)


def test_codes_do_not_depend_on_the_seed_and_recon_does(digits):
    _, model = model_of(latent_dim=3)
    one, again, other = (encode(model, *digits, seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one.recon, again.recon)
    np.testing.assert_array_equal(one.mean, other.mean)
    assert (one.recon != other.recon).any()


@pytest.mark.parametrize("conditioning", ["none", "label"])
def test_the_importance_weighted_bound_is_never_below_the_elbo(digits, conditioning):
    _, model = model_of(latent_dim=5, conditioning=conditioning)
    found = bounds(model, *digits, n_samples=5)
    assert (found.iwae >= found.elbo).all()
    one = bounds(model, *digits, n_samples=1)
    np.testing.assert_allclose(one.iwae, one.elbo)


def test_the_elbo_of_the_bounds_is_that_of_the_encoding(digits):
    _, model = model_of(latent_dim=5)
    encoded, found = encode(model, *digits), bounds(model, *digits, n_samples=50)
    want = -(encoded.recon + encoded.kl).mean()
    assert found.elbo.mean() == pytest.approx(want, abs=0.1)


def exact_log_likelihood(model, images):
    """log p(x) of a model with one latent, by quadrature over the prior."""
    grid = torch.linspace(-8, 8, 4_001, dtype=torch.float64)
    logits = model.double().decode(grid[:, None])
    pixels = torch.from_numpy(images.reshape(len(images), -1) / 255.0)
    log_p = pixels @ logits.T - torch.nn.functional.softplus(logits).sum(dim=1)
    log_prior = -0.5 * grid**2 - 0.5 * np.log(2 * np.pi)
    return (torch.logsumexp(log_p + log_prior, dim=1) + np.log(16 / 4_000)).detach().numpy()


def test_the_bound_tends_to_the_likelihood_of_a_model_that_can_be_integrated(digits):
    """A blunt posterior, so that the ELBO is far off and samples have to close the gap."""
    images, labels = digits[0][:20], digits[1][:20]
    torch.manual_seed(0)
    model = small_model(1, 16)
    with torch.no_grad():
        model.decoder.hidden.weight *= 0.5
    want = exact_log_likelihood(model, images)
    model = model.float()
    gaps = [(want - bounds(model, images, labels, n_samples=k).iwae).mean() for k in (1, 10, 4_000)]
    assert gaps[0] > gaps[1] > gaps[2]
    assert gaps[0] > 0.1
    assert abs(gaps[2]) < 0.01
    many = bounds(model, images, labels, n_samples=4_000)
    np.testing.assert_allclose(many.iwae, want, atol=0.2)


def test_refuses_mismatched_labels_and_no_samples(digits):
    _, model = model_of(latent_dim=2, conditioning="label")
    with pytest.raises(ValueError, match="got 1500 images and 3 labels: pass one an image"):
        encode(model, digits[0], digits[1][:3])
    with pytest.raises(ValueError, match="n_samples must be at least 1, got 0"):
        bounds(model, *digits, n_samples=0)

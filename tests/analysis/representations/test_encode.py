import numpy as np
import pytest
import torch
from small_models import small_model

from analysis.representations.encode import (
    bounds,
    decode,
    encode,
    posterior_means,
    prior_samples,
)
from study.config.run import RunConfig
from study.data.shipped.mnist import SHAPE
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


KINDS = {
    "mixture": {"prior": "mixture", "prior_components": 4},
    "vamp with labels": {"prior": "vamp", "prior_components": 4, "conditioning": "label"},
    "flow": {"prior": "flow"},
    "labels in the prior": {"conditioning": "prior"},
    "gaussian": {"likelihood": "gaussian"},
}
kinds = pytest.mark.parametrize("settings", KINDS.values(), ids=KINDS)


def planted(settings):
    """A small model whose prior is not as it began."""
    torch.manual_seed(1)
    _, model = model_of(latent_dim=2, **settings)
    with torch.no_grad():
        for value in model.prior.parameters():
            value += 0.1 * torch.randn(value.shape)
    return model


@kinds
def test_bounds_are_the_mean_and_the_log_mean_of_the_ratio_for_every_prior(digits, settings):
    """log p(x|z) + log p(z) - log q(z|x) of the same draws, by torch.distributions, in double."""
    model, images, labels = planted(settings), digits[0][:50], digits[1][:50]
    pixels = torch.from_numpy(images.reshape(50, -1) / np.float32(255))
    u = torch.nn.functional.one_hot(torch.from_numpy(labels.astype(int)), 10).float()
    u = u if model.n_classes else None
    generator = torch.Generator().manual_seed(0)
    ratios = []
    with torch.inference_mode():
        posterior = model.encode(pixels, u)
        q = torch.distributions.Normal(
            posterior.mean.double(), (posterior.logvar / 2).double().exp()
        )
        for _ in range(7):
            z = posterior.sample(torch.randn(50, 2, generator=generator))
            log_p = model.prior.log_prob(z, u).double() - model.likelihood.nll(
                model.decode(z, u), pixels
            )
            ratios.append(log_p - q.log_prob(z.double()).sum(dim=-1))
    ratios = torch.stack(ratios)
    found = bounds(model, images, labels, n_samples=7)
    np.testing.assert_allclose(found.elbo, ratios.mean(dim=0), rtol=1e-5)
    want = torch.logsumexp(ratios, dim=0) - np.log(7)
    np.testing.assert_allclose(found.iwae, want, rtol=1e-5)
    assert (found.iwae > found.elbo).all()


@kinds
def test_the_kl_of_the_whole_is_that_of_the_bounds_with_or_without_one_by_latent(digits, settings):
    model = planted(settings)
    encoded, found = encode(model, *digits), bounds(model, *digits, n_samples=50)
    assert found.elbo.mean() == pytest.approx(-(encoded.recon + encoded.kl).mean(), abs=0.5)
    factorises = settings.get("prior", "normal") == "normal"
    assert (encoded.kl_by_latent is not None) == factorises
    if factorises:
        np.testing.assert_allclose(encoded.kl_by_latent.sum(axis=1), encoded.kl, rtol=1e-5)


def test_the_decoder_of_a_model_with_labels_in_the_prior_sees_none(digits):
    model = planted({"conditioning": "prior"})
    codes = np.random.default_rng(0).normal(size=(10, 2))
    same = [decode(model, codes, np.full(10, digit)) for digit in (0, 7)]
    np.testing.assert_array_equal(*same)
    other = planted({"conditioning": "label"})
    assert (decode(other, codes, np.zeros(10)) != decode(other, codes, np.full(10, 7))).any()
    means = [posterior_means(model, digits[0][:5], np.full(5, digit)) for digit in (0, 7)]
    assert (means[0] != means[1]).any()  # the encoder does


def test_draws_of_the_prior_are_those_of_the_class(digits):
    """Of two classes the same noise; their means differ by what the prior says."""
    model = planted({"conditioning": "prior"})
    zero, seven = (prior_samples(model, 2_000, np.full(2_000, digit)) for digit in (0, 7))
    with torch.no_grad():
        mean, sd = model.prior.mean.numpy(), (model.prior.logvar / 2).exp().numpy()
    np.testing.assert_allclose(zero.mean(axis=0), mean[0], atol=0.1)
    np.testing.assert_allclose((zero - mean[0]) / sd[0], (seven - mean[7]) / sd[7], atol=1e-5)
    np.testing.assert_array_equal(prior_samples(model, 8)[7], prior_samples(model, 8, [7] * 8)[7])


def test_refuses_mismatched_labels_and_no_samples(digits):
    _, model = model_of(latent_dim=2, conditioning="label")
    with pytest.raises(ValueError, match="got 1500 images and 3 labels: pass one label per image"):
        encode(model, digits[0], digits[1][:3])
    with pytest.raises(ValueError, match="n_samples must be at least 1, got 0"):
        bounds(model, *digits, n_samples=0)

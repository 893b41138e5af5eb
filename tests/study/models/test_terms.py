import math

import pytest
import torch
from torch.distributions import Bernoulli, Normal, kl_divergence

from study.models.likelihoods import bernoulli_nll, bernoulli_nll_value
from study.models.posterior import Posterior
from study.models.priors import NormalPrior, gaussian_kl

both_forms = pytest.mark.parametrize("nll_of", [bernoulli_nll, bernoulli_nll_value])


def seeded(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def test_kl_of_known_gaussians():
    mean, logvar = torch.tensor([[0.0, 1.0, 0.0]]), torch.tensor([[0.0, 0.0, math.log(4.0)]])
    want = [[0.0, 0.5, 0.5 * (4 - 1 - math.log(4))]]  # by hand, eq. 4 of the paper
    torch.testing.assert_close(gaussian_kl(mean, logvar), torch.tensor(want))


def test_kl_agrees_with_torch():
    mean, logvar = seeded(2, 64, 10)
    want = kl_divergence(Normal(mean, (0.5 * logvar).exp()), Normal(0.0, 1.0))
    torch.testing.assert_close(gaussian_kl(mean, logvar), want)


def test_kl_is_never_negative_near_the_prior():
    logvar = seeded(1000, 10) * 1e-4
    assert (gaussian_kl(torch.zeros_like(logvar), logvar) >= 0).all()


@both_forms
def test_nll_agrees_with_torch(nll_of):
    logits, pixels = seeded(2, 8, 784)
    pixels = (pixels > 0).float()
    want = -Bernoulli(logits=logits).log_prob(pixels).sum(dim=1)
    torch.testing.assert_close(nll_of(logits, pixels), want)


@both_forms
def test_nll_of_grey_pixels_is_their_cross_entropy(nll_of):
    nll = nll_of(torch.zeros(1, 784), torch.full((1, 784), 0.3))
    assert nll.item() == pytest.approx(784 * math.log(2), rel=1e-6)


@both_forms
def test_nll_is_finite_at_extreme_logits(nll_of):
    logits = torch.tensor([[1e4, -1e4]])
    assert nll_of(logits, torch.tensor([[1.0, 0.0]])).item() == 0
    assert nll_of(logits, torch.tensor([[0.0, 1.0]])).item() == pytest.approx(2e4)


def test_the_fast_form_says_that_it_has_no_gradient():
    logits = torch.zeros(1, 784, requires_grad=True)
    with pytest.raises(RuntimeError, match="use bernoulli_nll"):
        bernoulli_nll_value(logits, torch.zeros(1, 784))


@both_forms
def test_nll_refuses_shapes_that_would_broadcast(nll_of):
    with pytest.raises(ValueError, match=r"logits \(2, 3\) and pixels \(1, 3\) differ"):
        nll_of(torch.zeros(2, 3), torch.zeros(1, 3))


def test_shapes_that_would_broadcast_are_refused():
    with pytest.raises(ValueError, match=r"mean \(2, 3\) and logvar \(1, 3\) differ"):
        gaussian_kl(torch.zeros(2, 3), torch.zeros(1, 3))


def test_the_normal_prior_agrees_with_torch():
    latent = seeded(16, 3)
    want = Normal(0.0, 1.0).log_prob(latent).sum(dim=1)
    torch.testing.assert_close(NormalPrior(3).log_prob(latent), want)


def test_samples_of_the_normal_prior_have_its_moments():
    drawn = NormalPrior(2).sample(20_000, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(drawn.mean(dim=0), torch.zeros(2), atol=0.03, rtol=0)
    torch.testing.assert_close(drawn.std(dim=0), torch.ones(2), atol=0.03, rtol=0)


def test_the_posterior_of_a_sample_agrees_with_torch():
    mean, logvar, noise = seeded(3, 8, 4)
    posterior = Posterior(mean, logvar)
    want = Normal(mean, (0.5 * logvar).exp()).log_prob(posterior.sample(noise)).sum(dim=1)
    torch.testing.assert_close(posterior.log_prob(noise), want, atol=1e-5, rtol=1e-5)

"""Likelihoods of grey values, which are densities; the Bernoulli's tests are in test_terms."""

import math

import pytest
import torch
from torch import nn
from torch.distributions import ContinuousBernoulli as TorchContinuousBernoulli
from torch.distributions import Normal

from study.config.run import RunConfig
from study.data.shipped.mnist import SHAPE
from study.models import build_model
from study.models.likelihoods import ContinuousBernoulli, Gaussian, log_normaliser

DENSITIES = pytest.mark.parametrize("make", [ContinuousBernoulli, Gaussian])
LOGITS = [-100.0, -20.0, -3.0, -0.26, -0.24, -1e-2, -1e-4, 1e-6, 0.1, 0.25, 1.0, 8.0, 50.0]


def seeded(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_the_continuous_bernoulli_agrees_with_torch():
    logits, pixels = 3 * seeded(8, 784), seeded(8, 784, seed=1).sigmoid()
    want = -TorchContinuousBernoulli(logits=logits.double()).log_prob(pixels.double()).sum(dim=1)
    ours = ContinuousBernoulli()
    for nll in (ours.nll, ours.nll_value):
        torch.testing.assert_close(nll(logits, pixels).double(), want, rtol=1e-5, atol=1e-3)
    mean = TorchContinuousBernoulli(logits=logits.double()).mean
    torch.testing.assert_close(ours.mean(logits).double(), mean, rtol=1e-5, atol=1e-6)


def test_at_a_half_the_continuous_bernoulli_is_uniform():
    ours, zero = ContinuousBernoulli(), torch.zeros(1, 1, requires_grad=True)
    nll = ours.nll(zero, torch.full((1, 1), 0.3))
    assert nll.item() == pytest.approx(0, abs=1e-6)
    (gradient,) = torch.autograd.grad(nll, zero)
    assert gradient.item() == pytest.approx(0.5 - 0.3, abs=1e-6)  # mean minus pixel
    assert ours.mean(zero).item() == 0.5


@pytest.mark.parametrize("logit", LOGITS)
def test_the_continuous_bernoulli_is_exact_at_every_logit(logit):
    """Value, gradient and mean in fp32 against the plain formulas in double, or their limit."""
    exact = torch.tensor(logit, dtype=torch.float64)
    x = exact.abs()
    want = torch.log(x / torch.tanh(x / 2))
    slope = torch.where(x > 1e-3, 1 / exact - 1 / torch.sinh(exact), exact / 6)
    mean = torch.where(x > 1e-3, -1 / torch.expm1(-exact) - 1 / exact, 0.5 + exact / 12)
    ours = torch.tensor(logit, requires_grad=True)
    got = log_normaliser(ours)
    (gradient,) = torch.autograd.grad(got, ours)
    assert got.item() == pytest.approx(want.item(), rel=1e-6)
    assert gradient.item() == pytest.approx(slope.item(), rel=1e-4, abs=1e-9)
    assert ContinuousBernoulli().mean(ours).item() == pytest.approx(mean.item(), rel=1e-5)


@DENSITIES
def test_a_density_of_one_pixel_integrates_to_one(make):
    """The continuous Bernoulli over [0, 1], the Gaussian over the line."""
    likelihood, n = make(), 20_001
    ends = (0.0, 1.0) if make is ContinuousBernoulli else (-3.0, 4.0)
    pixels = torch.linspace(*ends, n)[:, None]
    for logit in (-5.0, 0.01, 2.0):
        with torch.no_grad():
            density = torch.exp(-likelihood.nll(torch.full((n, 1), logit), pixels)).double()
            mean = likelihood.mean(torch.tensor(logit)).item()
        assert torch.trapezoid(density, pixels[:, 0].double()).item() == pytest.approx(1, abs=1e-4)
        first = torch.trapezoid(density * pixels[:, 0], pixels[:, 0].double()).item()
        assert first == pytest.approx(mean, abs=1e-4)


def test_the_gaussian_agrees_with_torch():
    output, pixels, likelihood = seeded(8, 784), seeded(8, 784, seed=1).sigmoid(), Gaussian()
    nn.init.constant_(likelihood.logvar, math.log(0.04))
    want = -Normal(output.sigmoid(), 0.2).log_prob(pixels).sum(dim=1)
    torch.testing.assert_close(likelihood.nll(output, pixels), want)
    torch.testing.assert_close(likelihood.nll_value(output, pixels), want)


def test_the_best_variance_is_the_mean_square_error():
    output, pixels, likelihood = seeded(8, 784), seeded(8, 784, seed=1).sigmoid(), Gaussian()
    error = (pixels - output.sigmoid()).square().mean().log()
    nn.init.constant_(likelihood.logvar, error.item())
    likelihood.nll(output, pixels).sum().backward()
    assert likelihood.logvar.grad.item() == pytest.approx(0, abs=1e-2)


@DENSITIES
def test_shapes_that_would_broadcast_are_refused(make):
    with pytest.raises(ValueError, match=r"\(2, 3\) and pixels \(1, 3\) differ"):
        make().nll(torch.zeros(2, 3), torch.zeros(1, 3))


def test_the_gaussians_variance_is_a_weight_of_the_model():
    model = build_model(RunConfig(likelihood="gaussian", hidden=8), SHAPE)
    assert model.state_dict()["likelihood.logvar"].shape == (1,)
    assert "likelihood.logvar" not in build_model(RunConfig(hidden=8), SHAPE).state_dict()

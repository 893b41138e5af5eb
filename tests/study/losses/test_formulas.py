"""Every objective against a plain transcription of its paper's formula, on random posteriors."""

import math

import pytest
import torch
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from study.losses import OBJECTIVES
from study.losses.total_correlation import total_correlation

M, J, N = 7, 3, 50
WEIGHTS = {
    "beta": {"beta": 4.0},
    "annealed": {"gamma": 1000.0, "capacity": 25.0, "capacity_steps": 200.0},
    "tc": {"beta": 6.0},
    "dip1": {"lambda_od": 5.0},
    "dip2": {"lambda_od": 5.0},
}


def posteriors(seed, members=()):
    """Random terms in double precision; recon and kl follow from the posteriors, by some rule."""
    random = torch.Generator().manual_seed(seed)
    shape = (*members, M, J)
    mean, logvar, noise = (
        torch.randn(shape, generator=random, dtype=torch.float64) for _ in range(3)
    )
    mean, logvar = mean.requires_grad_(), (logvar - 1).requires_grad_()
    return mean, logvar, noise


def terms_of(mean, logvar, noise, step=40):
    latent = mean + (logvar / 2).exp() * noise
    kl = 0.5 * (mean**2 + logvar.exp() - logvar - 1).sum(-1).mean(-1)
    recon = (latent**2).sum(-1).mean(-1)
    per_image = {"mean": mean, "logvar": logvar, "latent": latent, "noise": noise}
    count = {"step": torch.tensor(step).double(), "n_images": torch.tensor(N).double()}
    return {"recon": recon, "kl": kl, **per_image, **count}


def beta(terms, beta):
    return terms["recon"] + beta * terms["kl"]


def annealed(terms, gamma, capacity, capacity_steps):
    c = min(float(terms["step"]) / capacity_steps, 1.0) * capacity
    return terms["recon"] + gamma * abs(terms["kl"] - c)


def tc(terms, beta):
    """Appendix C.1, equation by equation, a loop a sum."""
    z, mean, scale = terms["latent"], terms["mean"], (terms["logvar"] / 2).exp()
    total = 0.0
    for i in range(M):
        q_z = sum(Normal(mean[m], scale[m]).log_prob(z[i]).sum().exp() for m in range(M)) / (N * M)
        log_marginals = 0.0
        for j in range(J):
            densities = [Normal(mean[m, j], scale[m, j]).log_prob(z[i, j]).exp() for m in range(M)]
            log_marginals = log_marginals + (sum(densities) / (N * M)).log()
        total = total + q_z.log() - log_marginals
    return terms["recon"] + terms["kl"] + (beta - 1) * total / M


def dip(terms, covariance, lambda_od, lambda_d):
    penalty = 0.0
    for i in range(J):
        for j in range(J):
            one = (covariance[i, j] - 1) ** 2 * lambda_d
            penalty = penalty + (one if i == j else covariance[i, j] ** 2 * lambda_od)
    return terms["recon"] + terms["kl"] + penalty


def dip1(terms, lambda_od):
    return dip(terms, torch.cov(terms["mean"].T, correction=0), lambda_od, 10 * lambda_od)


def dip2(terms, lambda_od):
    mean, variance = terms["mean"], terms["logvar"].exp()
    covariance = torch.cov(mean.T, correction=0) + torch.diag(variance.mean(0))
    return dip(terms, covariance, lambda_od, lambda_od)


PAPERS = {"beta": beta, "annealed": annealed, "tc": tc, "dip1": dip1, "dip2": dip2}


def ours(name, terms):
    weights = {key: torch.tensor(value).double() for key, value in WEIGHTS[name].items()}
    return OBJECTIVES[name](terms, weights)


@pytest.mark.parametrize("name", PAPERS)
@pytest.mark.parametrize("seed", range(3))
def test_value_and_gradient_are_those_of_the_papers_formula(name, seed):
    mean, logvar, noise = posteriors(seed)
    got = ours(name, terms_of(mean, logvar, noise))
    want = PAPERS[name](terms_of(mean, logvar, noise), **WEIGHTS[name])
    torch.testing.assert_close(got, want, rtol=1e-9, atol=1e-9)
    gradients = [torch.autograd.grad(cost, (mean, logvar)) for cost in (got, want)]
    torch.testing.assert_close(*gradients, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", PAPERS)
def test_each_member_of_a_pack_has_its_own_cost(name):
    mean, logvar, noise = posteriors(0, members=(4,))
    together = ours(name, terms_of(mean, logvar, noise))
    alone = [ours(name, terms_of(mean[k], logvar[k], noise[k])) for k in range(4)]
    torch.testing.assert_close(together, torch.stack(alone))


@pytest.mark.parametrize("name", ["tc", "dip1", "dip2"])
def test_the_order_of_the_images_does_not_matter(name):
    mean, logvar, noise = posteriors(0)
    order = torch.randperm(M, generator=torch.Generator().manual_seed(1))
    one, other = terms_of(mean, logvar, noise), terms_of(mean[order], logvar[order], noise[order])
    torch.testing.assert_close(ours(name, one), ours(name, other))


def exact_total_correlation(mean, logvar, latent):
    """Mean over latents of log q(z) - sum_j log q(z_j), q the mixture of all posteriors."""
    weights = Categorical(torch.ones(len(mean), dtype=torch.float64))
    scale = (logvar / 2).exp()
    joint = MixtureSameFamily(weights, Independent(Normal(mean, scale), 1)).log_prob(latent)
    for j in range(J):
        marginal = MixtureSameFamily(weights, Normal(mean[:, j], scale[:, j]))
        joint = joint - marginal.log_prob(latent[:, j])
    return joint.mean()


def test_weighted_sampling_over_all_images_is_exact_up_to_the_paper_s_constant():
    """With N = M each density is 1 / M of the exact one, whose sum over images has 1 / M alone."""
    mean, logvar, noise = posteriors(3)
    latent = mean + (logvar / 2).exp() * noise
    got = total_correlation(latent, mean, logvar, torch.tensor(M).double())
    want = exact_total_correlation(mean, logvar, latent)
    torch.testing.assert_close(got - (J - 1) * math.log(M), want)


def test_the_total_correlation_of_one_latent_is_zero():
    mean, logvar, noise = (part[:, :1] for part in posteriors(0))
    latent = mean + (logvar / 2).exp() * noise
    got = total_correlation(latent, mean, logvar, torch.tensor(N).double())
    torch.testing.assert_close(got, torch.zeros_like(got))


def test_the_capacity_rises_step_by_step_and_stays():
    """With a KL of 0 and no recon the cost is gamma C: by hand, of 10 nats over 4 steps."""
    weights = {"gamma": 2.0, "capacity": 10.0, "capacity_steps": 4.0}
    weights = {name: torch.tensor(value) for name, value in weights.items()}
    nothing = {"recon": torch.tensor(0.0), "kl": torch.tensor(0.0)}
    costs = [
        OBJECTIVES["annealed"]({**nothing, "step": torch.tensor(float(step))}, weights).item()
        for step in range(7)
    ]
    assert costs == [0, 5, 10, 15, 20, 20, 20]


def test_the_covariances_by_hand():
    """Two images: means (1, 1) and (-1, -1), so that all entries of Cov[mean] are 1."""
    mean = torch.tensor([[1.0, 1.0], [-1.0, -1.0]])
    logvar = torch.tensor([0.5, 2.0]).log().expand(2, 2)  # Cov[z] has 1.5 and 3 on its diagonal
    nothing = {"recon": torch.tensor(0.0), "kl": torch.tensor(0.0)}
    terms, weights = {**nothing, "mean": mean, "logvar": logvar}, {"lambda_od": torch.tensor(3.0)}
    assert OBJECTIVES["dip1"](terms, weights).item() == pytest.approx(3 * 2 + 30 * 0)
    assert OBJECTIVES["dip2"](terms, weights).item() == pytest.approx(3 * 2 + 3 * (0.25 + 4))

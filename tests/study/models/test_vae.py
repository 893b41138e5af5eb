import pytest
import torch
from small_models import small_model
from torch.distributions import Bernoulli

from study.models import Posterior


def n_parameters(model):
    return sum(parameter.numel() for parameter in model.parameters())


def test_parameters_counted_by_hand():
    j, h = 10, 500
    plain = (784 * h + h) + (h * 2 * j + 2 * j) + (j * h + h) + (h * 784 + 784)
    assert n_parameters(small_model(j, h)) == plain
    assert (
        n_parameters(small_model(j, h, n_classes=10)) == plain + 10 * h + 10 * h
    )  # 794 and J + 10 inputs


def test_shapes_and_label():
    model = small_model(n_classes=10)
    pixels, label = torch.rand(5, 784), torch.eye(10)[:5]
    terms = model(pixels, None, label)
    assert terms.recon.shape == terms.kl.shape == (5,)
    torch.testing.assert_close(terms.kl, terms.kl_by_latent.sum(dim=1))
    assert (
        terms.kl_by_latent.shape
        == terms.posterior.mean.shape
        == terms.posterior.logvar.shape
        == (5, 3)
    )
    torch.testing.assert_close(terms.latent, terms.posterior.mean)
    logits = model.decode(terms.posterior.mean, label)
    assert logits.shape == (5, 784)
    want = -Bernoulli(logits=logits, validate_args=False).log_prob(pixels).sum(dim=1)
    torch.testing.assert_close(terms.recon, want)


def test_a_sample_is_mean_plus_sigma_noise():
    posterior = Posterior(torch.tensor([[1.0]]), torch.tensor([[4.0]]).log())
    assert posterior.sample(torch.tensor([[3.0]])).item() == pytest.approx(1 + 2 * 3)


def test_a_label_where_none_belongs_is_refused():
    pixels, label = torch.rand(1, 784), torch.eye(10)[:1]
    with pytest.raises(ValueError, match="conditioned on 0 classes, got 10"):
        small_model().encode(pixels, label)
    with pytest.raises(ValueError, match="conditioned on 10 classes, got 0"):
        small_model(n_classes=10).decode(torch.zeros(1, 3))

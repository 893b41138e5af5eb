import pytest
import torch

from study.models.vae import Posterior, Vae


def n_parameters(model):
    return sum(parameter.numel() for parameter in model.parameters())


def test_parameters_counted_by_hand():
    j, h = 10, 500
    plain = (784 * h + h) + (h * 2 * j + 2 * j) + (j * h + h) + (h * 784 + 784)
    assert n_parameters(Vae(j, h)) == plain
    assert n_parameters(Vae(j, h, n_classes=10)) == plain + 10 * h + 10 * h  # 794 and J + 10 inputs


def test_shapes_and_label():
    model = Vae(latent_dim=3, hidden=8, n_classes=10)
    pixels, label = torch.rand(5, 784), torch.eye(10)[:5]
    logits, posterior = model(pixels, torch.zeros(5, 3), label)
    assert logits.shape == (5, 784)
    assert posterior.mean.shape == posterior.logvar.shape == (5, 3)
    torch.testing.assert_close(logits, model.decode(posterior.mean, label))


def test_a_sample_is_mean_plus_sigma_noise():
    posterior = Posterior(torch.tensor([[1.0]]), torch.tensor([[4.0]]).log())
    assert posterior.sample(torch.tensor([[3.0]])).item() == pytest.approx(1 + 2 * 3)


def test_a_label_where_none_belongs_is_refused():
    pixels, label = torch.rand(1, 784), torch.eye(10)[:1]
    with pytest.raises(ValueError, match="conditioned on 0 classes, got 10"):
        Vae(3, 8).encode(pixels, label)
    with pytest.raises(ValueError, match="conditioned on 10 classes, got 0"):
        Vae(3, 8, n_classes=10).decode(torch.zeros(1, 3))

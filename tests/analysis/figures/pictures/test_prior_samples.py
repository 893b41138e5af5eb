"""Draws from the prior."""

import numpy as np
import torch
from figure_samples import Show, digit_of, levels

from analysis.figures.pictures.prior_samples import prior_samples
from study.models.priors import NormalPrior


class Ones(NormalPrior):
    """A prior of the one latent vector (1, 1, 1)."""

    def sample(self, n, label=None, generator=None):
        return torch.ones(n, self.latent_dim)


def test_the_draws_are_those_of_the_models_own_prior():
    model = Show()
    model.prior = Ones(3)
    panel = prior_samples(model, "S", "ab", n=4)
    assert (panel.images[..., 0, :3] == levels(1)).all()


def test_a_conditional_model_draws_digit_by_digit_with_the_same_latents():
    panel = prior_samples(Show(10), "C", "0123456789", n=4)
    np.testing.assert_array_equal(digit_of(panel.images), np.tile(np.arange(10)[:, None], 4))
    assert (panel.images[..., 0, :3] == panel.images[:1, ..., 0, :3]).all()
    assert panel.rows == [str(digit) for digit in range(10)]
    plain = prior_samples(Show(), "S", "0123456789", n=4)
    assert plain.rows == []
    drawn = torch.randn(40, 3, generator=torch.Generator().manual_seed(0))
    np.testing.assert_array_equal(plain.images[..., 0, :3].reshape(40, 3), levels(drawn))


class ByClass(NormalPrior):
    """A prior whose latents are the class, and noise of a tenth."""

    def sample(self, n, label, generator):
        noise = torch.randn(n, self.latent_dim, generator=generator)
        return label.argmax(dim=1, keepdim=True) / 3 + noise / 10


def test_a_prior_with_labels_is_drawn_from_class_by_class_with_the_same_noise():
    """Its decoder sees no label: rows differ by the latents alone."""
    model = Show(10)
    model.prior, model.decoder_classes = ByClass(3), 0
    panel = prior_samples(model, "P", "0123456789", n=4)
    noise = torch.randn(4, 3, generator=torch.Generator().manual_seed(0)).numpy() / 10
    want = levels(np.arange(10)[:, None, None] / 3 + noise)
    np.testing.assert_allclose(panel.images[..., 0, :3], want, atol=1)
    assert panel.rows == [str(digit) for digit in range(10)]
    assert panel.images[..., 0, 10].max() == 0

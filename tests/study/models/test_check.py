"""What of a user's own parts is refused before anything trains."""

import sys

import pytest

from study.config.errors import UsageError
from study.config.run import RunConfig
from study.data.shipped.mnist import SHAPE
from study.models import check_model

OWN = """
import torch
from torch import nn

class Prior(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.n = n
    def log_prob(self, latent, label):
        return -latent.abs().sum(dim=-1)
    def sample(self, n, label, generator):
        return torch.zeros(n, self.n)

class ByLatent(Prior):
    def log_prob(self, latent, label):
        return -latent.abs()

class NotFinite(Prior):
    def log_prob(self, latent, label):
        return latent.sum(dim=-1).log() * 0

class TooMany(Prior):
    def sample(self, n, label, generator):
        return torch.zeros(n, self.n + 1)

class OfImages(Prior):
    def kl_by_latent(self, posterior, label):
        return posterior.mean.sum(dim=-1)

class Broken(Prior):
    def log_prob(self, latent, label):
        return label.sum()

def good(data, latent_dim, config, encode): return Prior(latent_dim)
def by_latent(data, latent_dim, config, encode): return ByLatent(latent_dim)
def not_finite(data, latent_dim, config, encode): return NotFinite(latent_dim)
def too_many(data, latent_dim, config, encode): return TooMany(latent_dim)
def of_images(data, latent_dim, config, encode): return OfImages(latent_dim)
def broken(data, latent_dim, config, encode): return Broken(latent_dim)
def nothing(data, latent_dim, config, encode): return None
def argument(latent_dim): return Prior(latent_dim)
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    (tmp_path / "own_prior.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop("own_prior", None)


def run(name):
    return RunConfig(latent_dim=3, hidden=8, prior=f"own_prior:{name}")


def test_a_prior_of_ones_own_needs_no_more_than_two_functions(own):
    check_model(run("good"), SHAPE)


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("by_latent", r"log_prob gave \(2, 3\), expected \(2,\)"),
        ("not_finite", r"log_prob gave nan before any training"),
        ("too_many", r"sample gave \(2, 4\), expected \(2, 3\)"),
        ("of_images", r"kl_by_latent gave \(2,\), expected \(2, 3\)"),
        ("broken", r"failed: AttributeError: 'NoneType' object has no attribute 'sum'"),
        ("nothing", r"failed: AttributeError: 'NoneType' object has no attribute 'log_prob'"),
        ("argument", r"failed: TypeError: argument\(\) takes 1 positional argument"),
    ],
)
def test_a_mistake_in_it_is_one_line_that_names_it(own, name, complaint):
    with pytest.raises(UsageError, match=f"prior own_prior:{name}:? {complaint}") as refused:
        check_model(run(name), SHAPE)
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize("prior", ["normal", "mixture", "vamp", "flow"])
@pytest.mark.parametrize("conditioning", ["none", "label"])
def test_what_ships_is_sound(prior, conditioning):
    check_model(RunConfig(hidden=8, prior=prior, conditioning=conditioning), SHAPE)


@pytest.mark.parametrize("likelihood", ["continuous_bernoulli", "gaussian"])
def test_labels_in_the_prior_go_with_every_likelihood(likelihood):
    check_model(RunConfig(hidden=8, conditioning="prior", likelihood=likelihood), SHAPE)

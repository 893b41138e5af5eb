"""Priors: answers by hand, laws that hold of every prior, and torch.distributions beside."""

import math

import pytest
import torch
from small_models import small_config, small_model
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal, kl_divergence
from torch.func import functional_call

from study.config.run import RunConfig
from study.data.shipped.mnist import SHAPE
from study.models import Posterior, build_model
from study.models.priors import ClassNormalPrior, NormalPrior
from study.models.priors.mixture import mixture_log_prob

KINDS = {
    "normal": {},
    "mixture": {"prior": "mixture", "prior_components": 5},
    "vamp": {"prior": "vamp", "prior_components": 5},
    "flow": {"prior": "flow"},
    "by class": {"conditioning": "prior"},
}
every_prior = pytest.mark.parametrize("kind", KINDS)
ESTIMATED = pytest.mark.parametrize("kind", ["mixture", "vamp", "flow"])


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def model_of(kind, latent_dim=2, stackable=False, seed=0, spread=0.1):
    """A model whose prior is somewhere in training: its parameters are moved at random."""
    torch.manual_seed(seed)
    model = build_model(
        RunConfig(latent_dim=latent_dim, hidden=8, **KINDS[kind]), SHAPE, stackable=stackable
    )
    with torch.no_grad():
        for index, parameter in enumerate(model.prior.parameters()):
            parameter += spread * randn(*parameter.shape, seed=index)
        if kind == "vamp":  # posteriors that are apart
            model.encoder.output.weight *= 5
    return model


def labels_of(model, n, digit=3):
    return torch.eye(10)[digit].expand(n, 10) if model.n_classes else None


def plane(half_width=9.0, step=0.05):
    """Points of a square grid over two latents, and the area of a cell."""
    line = torch.arange(-half_width, half_width, step)
    return torch.cartesian_prod(line, line), step**2


@every_prior
def test_the_density_integrates_to_one(kind):
    model, (points, area) = model_of(kind), plane()
    with torch.no_grad():
        density = model.prior.log_prob(points, labels_of(model, len(points))).exp()
    assert (density.double().sum() * area).item() == pytest.approx(1, abs=1e-3)


@every_prior
def test_samples_have_the_density(kind):
    """Moments and mean log-density of 40,000 draws against sums over the plane: within 5 errors."""
    model, (points, area) = model_of(kind), plane()
    n = 40_000
    with torch.no_grad():
        drawn = model.prior.sample(n, labels_of(model, n), torch.Generator().manual_seed(0))
        of_drawn = model.prior.log_prob(drawn, labels_of(model, n))
        of_points = model.prior.log_prob(points, labels_of(model, len(points)))

    def features(z, log_prob):
        x, y = z.double().T
        return torch.stack([x, y, x * x, x * y, y * y, log_prob.double()])

    want = (features(points, of_points) * of_points.double().exp() * area).sum(dim=1)
    got = features(drawn, of_drawn)
    errors = (got.mean(dim=1) - want).abs() / (got.std(dim=1) / math.sqrt(n))
    assert (errors < 5).all(), errors


@every_prior
def test_draws_repeat_by_their_seed(kind):
    model = model_of(kind)
    one, again, other = (
        model.prior.sample(7, labels_of(model, 7), torch.Generator().manual_seed(seed))
        for seed in (1, 1, 2)
    )
    assert one.shape == (7, 2)
    torch.testing.assert_close(one, again)
    assert (one != other).any()


def estimated(model, n=20_000):
    """Terms of one image, n times, each with its own sample."""
    pixels = torch.rand(1, 784, generator=torch.Generator().manual_seed(0)).expand(n, -1)
    with torch.no_grad():
        return model(pixels, randn(n, model.latent_dim), labels_of(model, n))


@pytest.mark.parametrize("kind", ["mixture", "flow"])
def test_the_estimated_kl_agrees_with_the_closed_form(kind):
    """A mixture of one N(0, I) and a flow at the identity are the standard normal."""
    more = {"prior_components": 1} if kind == "mixture" else {}
    model = build_model(RunConfig(latent_dim=4, hidden=8, prior=kind, **more), SHAPE)
    if kind == "mixture":
        torch.nn.init.zeros_(model.prior.mean)
    terms = estimated(model)
    assert terms.kl_by_latent is None
    want = NormalPrior(4).kl_by_latent(terms.posterior).sum(dim=1)[0]
    error = terms.kl.std() / math.sqrt(len(terms.kl))
    assert abs(terms.kl.mean() - want) < 4 * error
    latent = randn(50, 4)
    torch.testing.assert_close(model.prior.log_prob(latent), NormalPrior(4).log_prob(latent))


@ESTIMATED
def test_the_estimated_kl_is_that_of_an_integral(kind):
    """KL(q||p) of one image over the plane, with the prior far from normal."""
    model, (points, area) = model_of(kind), plane()
    terms = estimated(model, 40_000)
    mean, logvar = (part[0].double() for part in terms.posterior)
    log_q = Normal(mean, (0.5 * logvar).exp()).log_prob(points.double()).sum(dim=1)
    with torch.no_grad():
        log_p = model.prior.log_prob(points, None).double()
    want = (log_q.exp() * (log_q - log_p)).sum() * area
    assert abs(terms.kl.double().mean() - want) < 5 * terms.kl.std() / 200
    assert want > 0


@ESTIMATED
def test_at_the_posterior_mean_there_is_no_estimate(kind):
    terms = model_of(kind)(torch.rand(3, 784), None)
    assert terms.recon.isfinite().all()
    assert terms.kl.isnan().all()
    assert terms.kl_by_latent is None


def test_a_mixture_of_two_by_hand():
    """Weights 3 : 1, N(0, 1) and N(2, 0.25), at z = 1."""
    components = Posterior(torch.tensor([[0.0], [2.0]]), torch.tensor([[0.0], [math.log(0.25)]]))
    log_weight = torch.tensor([0.75, 0.25]).log()
    got = mixture_log_prob(torch.tensor([[1.0]]), log_weight, components)
    one, two = math.exp(-0.5), 2 * math.exp(-2)  # without 1 / sqrt(2 pi)
    want = math.log((0.75 * one + 0.25 * two) / math.sqrt(2 * math.pi))
    assert got.item() == pytest.approx(want, abs=1e-6)


@pytest.mark.parametrize("sd", [1.0, 0.1, 0.003])
@pytest.mark.parametrize("n_latents", [1, 10, 200])
def test_a_mixture_agrees_with_torch_also_where_its_components_are_narrow(sd, n_latents):
    mean = 3 * randn(50, n_latents)
    components = Posterior(mean, torch.full_like(mean, 2 * math.log(sd)))
    latent, logits = mean[:20] + sd * randn(20, n_latents, seed=1), randn(50, seed=2)
    parts = [Independent(Normal(mean.double(), components.logvar.double().mul(0.5).exp()), 1)]
    want = MixtureSameFamily(Categorical(logits=logits.double()), *parts).log_prob(latent.double())
    got = mixture_log_prob(latent, logits.log_softmax(0), components)
    torch.testing.assert_close(got.double(), want, atol=1e-4, rtol=1e-6)


def test_the_vamp_prior_is_the_mean_of_its_pseudo_inputs_posteriors():
    model = model_of("vamp")
    with torch.no_grad():
        mean, logvar = model.encode(torch.sigmoid(model.prior.logits))
        latent = randn(6, 2)
        each = Normal(mean, (0.5 * logvar).exp()).log_prob(latent[:, None]).sum(dim=2)
        got = model.prior.log_prob(latent)
    torch.testing.assert_close(got, each.exp().mean(dim=1).log(), atol=1e-5, rtol=1e-5)


def test_pseudo_inputs_start_as_training_images_with_their_labels():
    config = small_config(n_classes=10, prior="vamp", prior_components=40)
    prior = build_model(config, SHAPE).prior
    images = torch.arange(10, 70, dtype=torch.uint8)[:, None].expand(60, 784)
    classes, one_hot = torch.arange(60) % 10, torch.eye(10)
    prior.start_from(images, classes, one_hot, torch.Generator().manual_seed(0))
    pixels = torch.sigmoid(prior.logits.detach())
    rows = (pixels[:, 0] * 255).round().long() - 10
    assert len(rows.unique()) == 40
    torch.testing.assert_close(pixels, images[rows] / 255)
    torch.testing.assert_close(prior.labels.detach(), one_hot[classes[rows]])
    few = images[:7], classes[:7], one_hot
    prior.start_from(*few, torch.Generator().manual_seed(0))  # fewer than 40
    assert prior.logits.isfinite().all()
    assert len(prior.logits[:, 0].unique()) == 7
    white = 255 - images * 0
    prior.start_from(white, classes, one_hot, torch.Generator().manual_seed(0))  # all white
    torch.testing.assert_close(torch.sigmoid(prior.logits.detach()), torch.full((40, 784), 0.99))


def test_normals_by_class_agree_with_torch():
    model = model_of("by class", latent_dim=3)
    prior, digits = model.prior, torch.tensor([3, 1, 4, 1])
    label, posterior = torch.eye(10)[digits], Posterior(randn(4, 3), randn(4, 3, seed=1))
    theirs = Normal(prior.mean[digits], (0.5 * prior.logvar[digits]).exp())
    q = Normal(posterior.mean, (0.5 * posterior.logvar).exp())
    torch.testing.assert_close(prior.kl_by_latent(posterior, label), kl_divergence(q, theirs))
    latent = posterior.sample(randn(4, 3, seed=2))
    torch.testing.assert_close(prior.log_prob(latent, label), theirs.log_prob(latent).sum(dim=1))


def test_normals_by_class_start_as_the_standard_normal():
    posterior, label = Posterior(randn(4, 3), randn(4, 3, seed=1)), torch.eye(10)[:4]
    got = ClassNormalPrior(3, 10).kl_by_latent(posterior, label)
    torch.testing.assert_close(got, NormalPrior(3).kl_by_latent(posterior))


def test_normals_by_class_want_labels():
    with pytest.raises(ValueError, match="prior has 10 classes, got labels of 0"):
        ClassNormalPrior(3, 10).log_prob(torch.zeros(1, 3), None)
    with pytest.raises(ValueError, match="prior has 10 classes, got labels of 4"):
        ClassNormalPrior(3, 10).sample(1, torch.eye(4)[:1])


def test_the_decoder_of_equation_7_cannot_see_the_label():
    model, latent, eye = model_of("by class"), randn(5, 2), torch.eye(10)
    pictures = [model.decode(latent, eye[digit].expand(5, 10)) for digit in range(10)]
    assert all(torch.equal(pictures[0], picture) for picture in pictures)
    assert model.decoder.hidden.in_features == 2
    posteriors = [model.encode(torch.rand(1, 784), eye[[digit]]).mean for digit in (0, 1)]
    assert (posteriors[0] != posteriors[1]).any()
    seeing = small_model(2, n_classes=10)
    one, other = (seeing.decode(latent, eye[digit].expand(5, 10)) for digit in (0, 1))
    assert (one != other).any()


@every_prior
def test_members_of_a_stack_are_each_its_own_prior(kind):
    """Parameters and latents with a first axis of three, against each of the three alone."""
    three = [
        model_of(kind, latent_dim=3, stackable=True, seed=seed, spread=seed) for seed in (1, 2, 3)
    ]
    names = dict(three[0].named_parameters())
    stacked = {n: torch.stack([dict(m.named_parameters())[n] for m in three]) for n in names}
    pixels, noise = torch.rand(3, 5, 784), randn(3, 5, 3)
    labels = labels_of(three[0], 5)
    inputs = (pixels, noise, None if labels is None else labels.expand(3, 5, 10))
    together = functional_call(three[0], stacked, inputs)
    for index, model in enumerate(three):
        alone = model(pixels[index], noise[index], labels)
        torch.testing.assert_close(together.kl[index], alone.kl)
        torch.testing.assert_close(together.recon[index], alone.recon)

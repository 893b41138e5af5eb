"""Decoders in a real browser: the page's arithmetic against PyTorch's, and how long it takes."""

import numpy as np
import pytest
import torch
from browser import complaints
from explored import PLAIN
from explorer_page import Page
from torch import nn
from torch.distributions import ContinuousBernoulli

from analysis.report.explorer.board import Board, OnBoard
from analysis.report.explorer.contents import payload
from analysis.report.explorer.layers import ACTIVATIONS, run_layers
from analysis.report.explorer.networks import decoder_layers, encoder_layers, one_hot
from analysis.report.explorer.page import render
from analysis.report.explorer.weights import as_payload, deflated, layers_of, stored
from analysis.representations.encode import decode, posterior_means
from analysis.representations.traversal import scale_of
from study.config.run import RunConfig
from study.data.dataset import DataShape
from study.data.shipped.mnist import SHAPE
from study.models import build_model

COLOUR = DataShape(3, 64, 64, 4)
PICTURE_MS = 8
SEEN = {
    "conv": ({"network": "conv"}, SHAPE),
    "conv_label": ({"network": "conv", "conditioning": "label"}, SHAPE),
    "conv_colour": ({"network": "conv", "conditioning": "label"}, COLOUR),
    "conv_odd": ({"network": "conv"}, DataShape(1, 27, 18, 3)),
    "deep": ({"hidden": (64, 32, 20)}, SHAPE),
    "deep_label": ({"hidden": (64, 32), "conditioning": "label"}, SHAPE),
    "labels_in_prior": ({"conditioning": "prior", "hidden": 64}, SHAPE),
    "continuous_bernoulli": ({"likelihood": "continuous_bernoulli", "hidden": 64}, SHAPE),
    "gaussian": ({"likelihood": "gaussian", "network": "conv"}, SHAPE),
    "flow": ({"prior": "flow", "hidden": 64}, SHAPE),
    "vamp": ({"prior": "vamp", "prior_components": 5, "hidden": 64}, SHAPE),
    "mixture": ({"prior": "mixture", "prior_components": 5, "hidden": 64}, SHAPE),
}


def drawn(keys, shape):
    """A model that was not trained, of weights that make all shades of grey."""
    model = build_model(RunConfig(latent_dim=6, **keys), shape)
    generator = torch.Generator().manual_seed(0)
    for parameter in model.decoder.parameters():
        if parameter.dim() > 1:
            nn.init.kaiming_normal_(parameter, generator=generator)
        else:
            nn.init.normal_(parameter, std=0.3, generator=generator)
    return model.eval()


def opened(driver, folder, content, model):
    """The page with the decoder of a model in place of the first run's."""
    shape, run = model.data_shape, content["runs"][0]
    run = run | {"latent_dim": 6, "classes": model.n_classes, "starts": [[0.0] * 6] * 2}
    run |= {"decoder": as_payload(stored(decoder_layers(model)))}
    run |= {"encoder": as_payload(stored(encoder_layers(model)))}
    run |= {"bases": {"latent": run["bases"]["latent"]}}
    size = dict(zip(("channels", "height", "width"), shape.image, strict=True))
    images = {"images": "AAAA" * shape.n_pixels, "labels": [0, 1], "first": "0", "image": size}
    classes = [str(label) for label in range(shape.n_classes)]
    there = {"map": {**content["map"], "images": deflated([0], "u1")}, "drawing": False}
    shown = {**content, **images, **there, "classes": classes, "properties": [], "runs": [run]}
    (folder / "page.html").write_text(render(shown))
    page = Page(driver, f"file://{folder}/page.html")
    page.open()
    return page


@pytest.mark.parametrize("kind", SEEN)
def test_the_page_decodes_as_torch_does(driver, tmp_path, content, kind):
    """As the stored weights do, to five places; as the model does, within their rounding."""
    model = drawn(*SEEN[kind])
    n_classes = model.data_shape.n_classes
    codes = np.random.default_rng(0).normal(scale=1.5, size=(40, 6))
    page = opened(driver, tmp_path, content, model)
    obtained = page.js(
        "const [codes, nClasses] = arguments;"
        "const picture = (code, i) => panes[0].decoder.decode(code, i % nClasses);"
        "return codes.map((code, i) => Array.from(picture(code, i)))",
        codes.tolist(),
        n_classes,
    )
    labels = np.arange(40) % n_classes
    layers, label = stored(decoder_layers(model)), one_hot(labels, model.decoder_classes)
    of_layers = run_layers(layers_of(layers), torch.from_numpy(codes), label)
    np.testing.assert_allclose(obtained, of_layers, atol=1e-5)
    want = decode(model, codes, labels)
    want = (want if want.ndim == 3 else np.moveaxis(want, 3, 1)).reshape(40, -1)
    assert want.std() > 0.05  # or anything would agree
    assert np.abs(np.array(obtained) - want).max() < 0.05
    assert complaints(driver) == []


@pytest.mark.parametrize("kind", SEEN)
def test_the_page_encodes_as_torch_does(driver, tmp_path, content, kind):
    """As the stored weights do, to five places; as the model does, within their rounding."""
    model = drawn(*SEEN[kind])
    layers, shape = stored(encoder_layers(model)), model.data_shape
    generator = np.random.default_rng(0)
    rows = generator.integers(0, 256, (40, shape.n_pixels)) * generator.integers(0, 2, (40, 1))
    images = rows.astype(np.uint8).reshape(40, *shape.image)
    images = images[:, 0] if shape.channels == 1 else np.moveaxis(images, 1, 3)
    labels = np.arange(40) % shape.n_classes
    page = opened(driver, tmp_path, content, model)
    obtained = np.array(
        page.js(
            "const [rows, nClasses] = arguments; const encoder = encoderOf(panes[0].run);"
            "return rows.map((row, i) => Array.from(encoder.encode(row, i % nClasses)))",
            rows.tolist(),
            shape.n_classes,
        )
    )
    label = one_hot(labels, model.n_classes)
    of_layers = run_layers(layers_of(layers), torch.from_numpy(rows / 255), label)[:, :6]
    np.testing.assert_allclose(obtained, of_layers, atol=1e-5)
    want = posterior_means(model, images, labels)
    assert want.std() > 0.02  # or anything would agree
    assert np.abs(obtained - want).max() < 0.05
    assert complaints(driver) == []


def test_activations_agree_with_torch(driver, tmp_path, content):
    """The continuous Bernoulli's mean also where it is a difference of large numbers."""
    page = opened(driver, tmp_path, content, drawn(*SEEN["deep"]))
    values = np.concatenate([[0], np.geomspace(1e-9, 20, 50), -np.geomspace(1e-9, 20, 50)])
    logits = torch.from_numpy(values)
    torchs = {"linear": logits, "relu": logits.relu(), "tanh": logits.tanh()}
    torchs |= {"sigmoid": logits.sigmoid()}
    torchs |= {"continuous_bernoulli": ContinuousBernoulli(logits=logits).mean}
    for name, want in torchs.items():
        script = "return Array.from(ACTIVATIONS[arguments[0]](Float64Array.from(arguments[1])))"
        np.testing.assert_allclose(page.js(script, name, values.tolist()), want, atol=1e-6)
        np.testing.assert_allclose(ACTIVATIONS[name](logits), want, atol=1e-6)
    assert set(ACTIVATIONS) == set(torchs)


@pytest.mark.parametrize("kind", ["conv_label", "conv_colour"])
def test_a_convolutional_picture_is_fast(driver, tmp_path, content, kind):
    """In processor time of the page's one thread; the best of ten, as a shared core is slower."""
    page = opened(driver, tmp_path, content, drawn(*SEEN[kind]))
    driver.execute_cdp_cmd("Performance.enable", {})
    spent = []
    for _ in range(11):
        page.js("for (let i = 0; i < 20; i++) panes[0].pixelsOf(panes[0].codes)")
        metrics = driver.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
        spent.append({one["name"]: one["value"] for one in metrics}["ThreadTime"])
    driver.execute_cdp_cmd("Performance.disable", {})
    picture_ms = np.diff(spent) * 1000 / 20
    assert 0.1 < picture_ms.min() < (PICTURE_MS if kind == "conv_label" else 2 * PICTURE_MS)


@pytest.fixture
def by_class(driver, explored_study, tmp_path, monkeypatch):
    """The page of an untrained model whose labels are in the prior, and the model."""
    keys, shape = SEEN["labels_in_prior"]
    model = drawn(keys, shape)
    with torch.no_grad():
        model.prior.mean.copy_(torch.arange(60.0).reshape(10, 6) / 20 - 1.5)
        model.prior.logvar.fill_(-4)
    config, decoder = RunConfig(latent_dim=6, **keys), stored(decoder_layers(model))
    board = Board([OnBoard(PLAIN.run_id, model, config, {}, decoder, [])], {})
    monkeypatch.setattr(OnBoard, "configuration", "labels in the prior")
    (tmp_path / "page.html").write_text(render(payload(explored_study, board)))
    page = Page(driver, f"file://{tmp_path}/page.html")
    page.open()
    yield page, model
    assert complaints(driver) == []


def pick(page, digit):
    page.find(f'#digits label:has([value="{digit}"])').click()


def test_choosing_a_digit_moves_the_start_to_its_mean_in_the_prior(by_class):
    page, model = by_class
    means = model.prior.mean.detach().numpy()
    first = page.codes()
    own = page.js("return state.digit")
    assert np.abs(first - means[int(own)]).max() > 0.1  # it starts from an image
    for digit in (3, 8, int(own)):
        pick(page, digit)
        np.testing.assert_allclose(page.codes(), means[digit], atol=1e-4)
        want = decode(model, means[digit : digit + 1], [digit])[0]
        assert np.abs(page.picture() - 255 * want.ravel()).max() <= 255 * 0.03
    pick(page, 3)
    page.turn("latent")
    page.drag(page.sliders()[0], 1)
    moved = page.codes()
    page.open(page.js("return location.hash"))
    np.testing.assert_allclose(page.codes(), moved, atol=1e-3)
    page.find("#reset").click()
    np.testing.assert_allclose(page.codes(), means[3], atol=1e-4)
    page.find('#images label:has([value="0"])').click()
    assert np.abs(page.codes() - means[0]).max() > 0.1
    assert "mean in the prior" in page.find("#hint").text


def test_random_samples_are_of_the_digit_that_is_chosen(by_class):
    page, model = by_class
    means = model.prior.mean.detach().numpy()
    pick(page, 7)
    drawn = []
    for _ in range(5):
        page.find("#random").click()
        drawn.append(page.codes())
        assert page.js("return state.digit") == "7"
    spread = np.abs(np.array(drawn) - means[7]).max()
    assert 0 < spread < 5 * np.exp(-2)  # five standard deviations
    assert np.ptp(drawn, axis=0).max() > 0


def test_sliders_of_other_priors_are_in_standard_deviations(by_class, explored_study):
    page, model = by_class
    page.turn("latent")
    images = explored_study.images()
    scale = scale_of(model, images.test_images, images.test_labels)
    latent = page.js("return panes[0].rows[0].line.latent")
    page.drag(page.sliders()[0], -2)
    assert page.codes()[latent] == pytest.approx(
        scale.centre[latent] - 2 * scale.unit[latent], abs=1e-4
    )
    assert page.driver.find_element("css selector", ".says output").text == "\u22122.00 SD"
    assert "standard deviations of the codes" in page.find("#hint").text

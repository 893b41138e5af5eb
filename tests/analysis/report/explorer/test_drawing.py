"""A digit of one's own, drawn in a real browser: brought into MNIST's form, and encoded."""

import numpy as np
import pytest
from browser import complaints
from explored import LABEL, PLAIN
from explorer_page import Page
from selenium.webdriver import ActionChains

from analysis.report.explorer.page import render
from analysis.representations.encode import posterior_means


@pytest.fixture
def page(driver, tmp_path, content):
    (tmp_path / "explorer.html").write_text(render(content))
    page = Page(driver, f"file://{tmp_path}/explorer.html")
    page.open()
    yield page
    assert complaints(driver) == []


def draw(page, picture, scale=10, at=(0, 0)):
    """Put an enlarged picture on the pad and have it read."""
    page.js(
        "const [pixels, scale, [x, y]] = arguments; drawing.clear();"
        "pixels.forEach((grey, i) => { drawing.ink.fillStyle = `rgb(${grey} ${grey} ${grey})`;"
        "  const [column, row] = [i % 28, Math.floor(i / 28)];"
        "  if (grey) drawing.ink.fillRect(x + scale * column, y + scale * row, scale, scale) });"
        "drawing.read()",
        picture.ravel().tolist(),
        scale,
        list(at),
    )


@pytest.mark.parametrize(("scale", "at"), [(10, (0, 0)), (5, (100, 30))])
def test_a_digit_of_mnist_that_is_drawn_is_brought_back_to_itself(page, mnist, scale, at):
    """Larger, and half as large in a corner: its box, its grey and its place are MNIST's again."""
    for image in mnist.test_images[:12]:
        draw(page, image, scale, at)
        centred = np.array(page.js("return Array.from(drawing.pixels)"))
        assert np.abs(centred - image.ravel().astype(int)).max() <= 1


def test_a_drawn_digit_has_nearly_its_own_code(page, mnist, explored_study):
    model, _ = explored_study.model(LABEL.run_id)
    right = 0
    for image, label in zip(mnist.test_images[:20], mnist.test_labels[:20].tolist(), strict=True):
        draw(page, image)
        right += page.js("return drawing.label") == label
        page.js("drawing.menu.value = arguments[0];", str(label))
        page.js("drawing.menu.dispatchEvent(new Event('change'))")
        want = posterior_means(model, image[None], [label])[0]
        assert np.abs(page.codes() - want).max() < 0.1
        assert page.js("return state.digit") == str(label)
    assert right >= 14
    assert page.find(".origin").text == "Started from your drawing"


def test_a_drawing_goes_to_other_models_and_its_link_keeps_the_codes(page, explored_study, mnist):
    draw(page, mnist.test_images[7])
    page.js(
        "find('run').value = arguments[0]; find('run').dispatchEvent(new Event('change'))",
        PLAIN.run_id.replace("-seed0", ""),
    )
    model, _ = explored_study.model(PLAIN.run_id)
    want = posterior_means(model, mnist.test_images[7:8], mnist.test_labels[7:8])[0]
    assert np.abs(page.codes() - want).max() < 0.1
    codes, link = page.codes(), page.js("return location.hash")
    page.open(link)
    np.testing.assert_allclose(page.codes(), codes, atol=1e-3)


def test_a_hand_draws(page):
    before, pad = page.picture(), page.find(".pad")
    page.find("#to-draw").click()
    hand = ActionChains(page.driver).move_to_element_with_offset(pad, 0, -60).click_and_hold()
    hand.move_by_offset(0, 60).move_by_offset(0, 50).release().perform()
    pixels = np.array(page.js("return Array.from(drawing.pixels)")).reshape(28, 28)
    rows = np.flatnonzero(pixels.any(axis=1))
    assert (rows[0], rows[-1]) == (4, 23)  # 20 pixels, in the middle
    assert (page.picture() != before).any()
    page.find("#draw .clear").click()
    assert page.js("return drawing.pixels") is None


def test_a_model_without_an_encoder_says_so(driver, tmp_path, content):
    runs = [{**run, "encoder": [], "no_encoder": "has a GRU"} for run in content["runs"]]
    (tmp_path / "none.html").write_text(render({**content, "runs": runs}))
    page = Page(driver, f"file://{tmp_path}/none.html")
    page.open()
    assert "its encoder has a GRU" in page.find("#draw .note").text
    ActionChains(driver).click(page.find(".pad")).perform()
    assert page.js("return drawing.pixels") is None
    assert complaints(driver) == []

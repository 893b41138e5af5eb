"""What stands beside the sliders, in a real browser: the map and other seeds; the tour."""

import numpy as np
import pytest
import torch
from browser import complaints, requests
from explored import LABEL
from explorer_page import Page

from analysis.report.explorer.page import render
from analysis.representations.encode import posterior_means

ARROW_RIGHT, ENTER, ESCAPE, TAB = "\ue014", "\ue007", "\ue00c", "\ue004"


@pytest.fixture
def opened(driver, tmp_path):
    """Opens the page of a payload; complains of anything that the page complains of."""

    def open_page(content):
        (tmp_path / "explorer.html").write_text(render(content))
        page = Page(driver, f"file://{tmp_path}/explorer.html")
        page.open()
        return page

    yield open_page
    assert complaints(driver) == []
    assert requests(driver) == []


@pytest.fixture
def page(opened, content):
    return opened(content)


def click_on_map(page, image):
    page.js(
        "const [x, y] = map.pixel(map.places[arguments[0]]);"
        "const { left, top, width } = map.canvas.getBoundingClientRect();"
        "map.canvas.dispatchEvent(new MouseEvent('click', { bubbles: true,"
        "  clientX: left + x * width / MAP_SIZE, clientY: top + y * width / MAP_SIZE }))",
        image,
    )


def test_a_click_on_the_map_starts_from_that_image(page, explored_study, mnist):
    places = np.array(page.js("return map.places.map((place) => map.pixel(place))"))
    apart = np.linalg.norm(places[:, None] - places, axis=2) + 999 * np.eye(500)
    image = int(apart.min(axis=1).argmax())  # the loneliest: a click has whole pixels
    digit = image // 50  # there are 50 of each class, class by class
    click_on_map(page, image)
    model, _ = explored_study.model(LABEL.run_id)
    own = np.flatnonzero(mnist.test_labels == digit)[image % 50]
    want = posterior_means(model, mnist.test_images[[own]], [digit])[0]
    np.testing.assert_allclose(page.codes(), want, atol=1e-4)
    assert page.js("return state.digit") == str(digit)
    words = f"Started from image {image + 1} of the map, digit {digit}"
    assert page.find(".origin").text == words
    page.open(page.js("return location.hash"))
    np.testing.assert_allclose(page.codes(), want, atol=1e-4)


def test_the_ring_is_where_the_code_is(page):
    for turned in (None, 0.1):
        if turned:
            page.drag(page.sliders()[1], turned)
        page.js("frame()")
        place = page.js("return map.pixel(map.project(panes[0].codes))")
        ring = page.js("return [map.here.style.left, map.here.style.top].map(parseFloat)")
        np.testing.assert_allclose(np.array(ring) * 292 / 100, place, atol=0.1)
    line = page.js("return ['x1', 'y1', 'x2', 'y2'].map((one) => +map.way.getAttribute(one))")
    assert line[:2] != line[2:]


def test_the_keyboard_goes_over_the_map(page):
    page.js("map.canvas.focus()")
    canvas = page.find(".points")
    for key in (ARROW_RIGHT, ARROW_RIGHT, ENTER):
        canvas.send_keys(key)
    first, second = page.js("return [map.places[0][0], map.places[map.at][0]]")
    assert second > first
    assert page.js("return state.from") == f"map-{page.js('return map.at')}"


def test_between_two_pictures_is_a_straight_line(page, explored_study):
    start = page.codes()
    page.turn("between")
    page.find('#ends label:has([value="15"])').click()
    end = np.array(page.js("return panes[0].run.starts[15]"))
    for share in (0, 1, 0.25):
        page.drag(page.sliders()[0], share)
        np.testing.assert_allclose(page.codes(), start + share * (end - start), atol=1e-3)
    mixed = torch.zeros(1, 10)
    mixed[0, page.js("return panes[0].label")], mixed[0, 7] = 0.75, 0.25  # image 15 is a 7
    model, _ = explored_study.model(LABEL.run_id)
    with torch.inference_mode():
        logits = model.decode(torch.from_numpy(page.codes()[None]).float(), mixed)
        want = model.likelihood.mean(logits).numpy()[0]
    assert np.abs(page.picture() / 255 - want).max() < 0.06
    assert "straight line" in page.find("#hint").text
    page.open(page.js("return location.hash"))
    np.testing.assert_allclose(page.codes(), start + 0.25 * (end - start), atol=1e-3)
    click_on_map(page, 400)
    assert page.js("return state.to") == "map-400"
    page.drag(page.sliders()[0], 1)
    want = page.js("return Array.from(ImageMap.codesOf(panes[0].run, 400))")
    np.testing.assert_allclose(page.codes(), want, atol=1e-3)


def seeds_of(content):
    """A payload whose second run is the first one's twin, another seed, and whose third is not."""
    first, other = content["runs"]
    twin = {**first, "run": "twin", "seed": 1, "agreement": 0.25}
    third = {**other, "run": "third", "seed": 2, "group": first["group"]}
    return {**content, "runs": [{**first, "agreement": 0.25}, twin, third]}


def thumb(page, number):
    """Grey levels of a small picture, (784,)."""
    script = """
        frame(); seeds.draw(Infinity);
        return Array.from(seeds.thumbs[arguments[0]].context.getImageData(0, 0, 28, 28).data)
          .filter((_, i) => i % 4 == 0)
    """
    return np.array(page.js(script, number))


@pytest.mark.parametrize(("basis", "value"), [("knob", 0.1), ("latent", 2.5), ("ica", 2)])
def test_a_seed_that_agrees_draws_the_same_and_another_does_not(opened, content, basis, value):
    page = opened(seeds_of(content))
    page.turn(basis)
    before = thumb(page, 0)
    page.drag(page.sliders()[1], value)
    assert (page.picture() != before).any()
    np.testing.assert_allclose(thumb(page, 0), page.picture(), atol=1)
    assert np.abs(thumb(page, 1) - page.picture()).max() > 20
    assert "0.25" in page.find("#seeds .note").text
    words = page.find("#seeds button").text
    assert words.startswith("seed 1")
    assert ("rad" in words) == (basis == "knob")
    picture = page.picture()
    page.find("#seeds button").click()
    assert page.js("return state.run") == "twin"
    np.testing.assert_allclose(page.picture(), picture, atol=1)


def test_without_another_seed_there_is_none_to_show(page):
    assert not page.find("#seeds").is_displayed()


def test_the_tour_is_closed_once_and_opens_again(page):
    page.js("localStorage.clear()")
    page.open()
    tour = page.find("#tour")
    steps = tour.find_elements("css selector", "li button")
    assert len(steps) == 3
    steps[2].click()
    assert page.js("return document.querySelector('.pointed').id") == "beside"
    page.find("#tour-close").click()
    assert not tour.is_displayed()
    assert page.js("return document.querySelector('.pointed')") is None
    page.open()
    assert not page.find("#tour").is_displayed()
    page.find("#tour-open").send_keys(ENTER)
    assert page.find("#tour").is_displayed()
    page.driver.switch_to.active_element.send_keys(TAB)
    assert page.js("return document.activeElement.dataset.shows") == "panes"
    page.driver.switch_to.active_element.send_keys(ESCAPE)
    assert not page.find("#tour").is_displayed()

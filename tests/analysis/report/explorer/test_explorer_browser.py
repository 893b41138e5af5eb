"""The explorer in a real browser: what it decodes, measures and shows."""

import base64

import numpy as np
import pytest
from explored import DEAD, LABEL, N_IMAGES, PLAIN

from analysis.factors.morphometry import measure
from analysis.latent_effects.alignment import NAMES, PROPERTIES, some_of_every_digit
from analysis.latent_effects.tables import halves_of_every_digit
from analysis.representations.encode import decode, encode, grey_levels
from analysis.representations.traversal import PAPER_VALUES, aggregated_samples

ROUNDED = 0.06  # of a pixel, by weights in 6 to 8 bits; 0.05 on the samples that choose them
ARROW_RIGHT = "\ue014"


@pytest.mark.parametrize("config", [PLAIN, LABEL], ids=["plain", "label"])
def test_decodes_as_torch_does(page, study, config):
    codes = np.random.default_rng(0).normal(scale=1.5, size=(100, 6))
    digits = np.arange(100) % 10
    obtained = page.js(
        "const decoder = new Decoder(runs.get(arguments[0]));"
        "return arguments[1].map((codes, i) => Array.from(decoder.decode(codes, i % 10)))",
        config.run_id,
        codes.tolist(),
    )
    want = decode(study.model(config.run_id)[0], codes, digits).reshape(100, -1)
    assert np.abs(np.array(obtained) - want).max() < ROUNDED


def test_measures_as_python_does(page, study):
    codes = np.random.default_rng(1).normal(scale=1.5, size=(60, 6))
    model, _ = study.model(LABEL.run_id)
    pictures = grey_levels(decode(model, codes, np.arange(60) % 10))
    obtained = page.js(
        "return arguments[0].map((picture) => measure(Uint8Array.from(picture)))",
        pictures.reshape(60, -1).tolist(),
    )
    want = measure(pictures)
    for name, tolerance in {"slant_rad": 1e-3, "width_px": 1e-3, "thickness_px": 0.06}.items():
        assert np.abs([one[name] for one in obtained] - want[name]).max() < tolerance, name
    assert page.js("return measure(new Uint8Array(784))") is None


def test_half_precision_by_hand(page):
    """1, -2, the least subnormal, the largest number and 0, from IEEE 754's table of binary16."""
    bits = np.array([0x3C00, 0xC000, 0x0001, 0x7BFF, 0x0000], "<u2")
    obtained = page.js(
        "return Array.from(halves(bytesOf(arguments[0])))", base64.b64encode(bits).decode()
    )
    assert obtained == [1, -2, 2**-24, 65504, 0]


def test_the_first_screen_is_the_top_of_the_ranking_and_needs_no_scrolling(page):
    assert page.js("return state.run") == LABEL.run_id
    assert len(page.sliders()) == 3
    bottom = page.js("return document.querySelector('main').getBoundingClientRect().bottom")
    assert bottom <= 800
    assert page.js("return document.documentElement.scrollWidth <= innerWidth")


def held(study, run, knob):
    """Where a knob holds, rising."""
    rows = study.knobs.query(f"run == '{run}' and holds")
    return rows[rows["property"] == NAMES[PROPERTIES[knob]]].sort_values("asked")


KNOB = pytest.mark.parametrize("knob", [1, 2], ids=PROPERTIES[1:])  # of one epoch no other holds


@KNOB
def test_a_knob_ends_where_it_stops_being_true(page, study, knob):
    asked = [0, *held(study, LABEL.run_id, knob)["asked"]]
    slider = page.sliders()[knob]
    ends = [float(slider.get_attribute(name)) for name in ("min", "max")]
    assert ends == pytest.approx([min(asked), max(asked)])
    assert max(asked) > min(asked)  # or nothing here is tested


@KNOB
def test_a_knob_moves_the_codes_along_its_path(page, study, knob):
    start, slider = page.codes(), page.sliders()[knob]
    rows = held(study, LABEL.run_id, knob)
    for row in rows.to_dict("records"):
        page.drag(slider, row["asked"])
        np.testing.assert_allclose(page.codes(), start + row["shift"], atol=1e-4)
        page.drag(slider, row["asked"] / 4)  # between the start and the first place
        nearest = rows[rows["asked"] * row["asked"] > 0]
        first = nearest.loc[nearest["asked"].abs().idxmin()]
        if row["asked"] == first["asked"]:
            np.testing.assert_allclose(page.codes(), start + row["shift"] / 4, atol=1e-4)
    assert len(rows)


@KNOB
def test_asked_and_obtained_stand_beside_each_other(page, study, knob):
    column = PROPERTIES[knob]
    before, slider = page.picture(), page.sliders()[knob]
    turned = float(held(study, LABEL.run_id, knob)["asked"].iloc[-1])
    page.drag(slider, turned)
    pictures = np.stack([before, page.picture()]).astype(np.uint8).reshape(2, 28, 28)
    was, now = measure(pictures)[column]
    change = page.find(f'.meter[data-property="{NAMES[column]}"] .change').text
    assert float(change.replace("\u2212", "-")) == pytest.approx(now - was, abs=0.006)
    said = page.driver.find_elements("css selector", ".pane .says output")[knob].text
    words = said.replace("\u2212", "-").split()
    assert words[2:] == ["asked,", words[3], "obtained"]
    assert float(words[0]) == pytest.approx(turned, abs=0.006)
    assert float(words[3]) == pytest.approx(now - was, abs=0.006)


@KNOB
def test_a_knob_obtains_in_the_page_what_the_table_says(page, study, mnist, knob):
    """On the images that measured it, which are not those that fitted it."""
    column, rows = PROPERTIES[knob], held(study, LABEL.run_id, knob)
    few = some_of_every_digit(mnist.test_labels, N_IMAGES)
    chosen = few[halves_of_every_digit(mnist.test_labels[few])[1]]
    digits = mnist.test_labels[chosen]
    codes = encode(study.model(LABEL.run_id)[0], mnist.test_images[chosen], digits).mean
    obtained = page.js(
        "const [pane] = panes; const { line } = pane.rows[arguments[0]];"
        "return arguments[3].map((digit, i) => [0, ...arguments[2]].map((value) => {"
        "  const { codes } = moved(line, pointAt(Float64Array.from(arguments[4][i])), value);"
        "  return measure(levels(pane.decoder.decode(codes, digit)))[arguments[1]]"
        "}))",
        knob,
        column,
        rows["asked"].tolist(),
        digits.tolist(),
        codes.tolist(),
    )
    values = np.array(obtained)
    change = (values[:, 1:] - values[:, :1]).mean(axis=0)
    np.testing.assert_allclose(change, rows["obtained"], atol=0.03)


def test_what_is_shown_is_what_is_measured(page, study):
    page.drag(page.sliders()[1], 0.1)
    shown = measure(page.picture().astype(np.uint8).reshape(1, 28, 28)).iloc[0]
    for name in ("thickness", "slant", "width"):
        text = page.find(f'.meter[data-property="{name}"] output').text.replace("\u2212", "-")
        column = next(column for column in shown.index if column.startswith(name))
        assert float(text.split()[0]) == pytest.approx(shown[column], abs=0.006)
    digit = page.find("#digits input:checked").get_attribute("value")
    assert page.find(".picture").get_attribute("aria-label").startswith(f"Digit {digit} drawn by")


def test_arrow_keys_turn_a_slider_and_say_so(page):
    slider = page.sliders()[2]
    before = page.picture()
    slider.send_keys(ARROW_RIGHT)
    assert (page.picture() != before).any()
    value = slider.get_attribute("aria-valuetext")
    assert value.startswith("+")
    assert " px asked, " in value
    assert page.find(f'label[for="{slider.get_attribute("id")}"]').text == "Width"


def test_latents_are_sorted_and_the_dead_one_is_folded_away(page):
    page.turn("latent")
    assert page.find("summary").text == "1 latent that does not react"
    folded = page.find("details label")
    assert not folded.is_displayed()
    assert folded.get_attribute("textContent") == f"z{DEAD + 1}"
    page.find("summary").click()
    assert folded.is_displayed()


def test_latent_sliders_set_one_latent(page):
    page.turn("latent")
    start = page.codes()
    latent = page.js("return panes[0].rows[0].line.latent")
    page.drag(page.sliders()[0], -3)
    want = start.copy()
    want[latent] = -3
    np.testing.assert_allclose(page.codes(), want, atol=1e-6)
    mark = page.js("return parseFloat(panes[0].rows[0].element.querySelector('.own').style.left)")
    assert mark == pytest.approx(10 * (start[latent] + 5), abs=0.1)


def test_a_strip_shows_the_papers_values_and_sets_the_slider(page, study):
    page.turn("latent")
    page.js("panes[0].drawStrips(Infinity)")
    start, latent = page.codes(), page.js("return panes[0].rows[0].line.latent")
    codes = np.tile(start, (10, 1))
    codes[:, latent] = PAPER_VALUES
    digit = int(page.js("return state.digit"))
    want = grey_levels(decode(study.model(LABEL.run_id)[0], codes, np.full(10, digit)))
    strip = page.js(
        "return Array.from(panes[0].rows[0].context.getImageData(0, 0, 280, 28).data)"
        ".filter((_, i) => i % 4 == 0)"
    )
    pictures = np.array(strip).reshape(28, 10, 28).swapaxes(0, 1)
    assert np.abs(pictures - want.astype(int)).max() <= 255 * ROUNDED
    page.js(
        "const { strip } = panes[0].rows[0]; const { left, width } = strip.getBoundingClientRect();"
        "strip.dispatchEvent(new MouseEvent('click', { clientX: left + 0.85 * width }))"
    )
    assert page.codes()[latent] == pytest.approx(PAPER_VALUES[8])
    assert np.abs(page.picture() - pictures[8].ravel()).max() <= 1


def test_ica_sliders_read_and_move_along_their_component(page, study, mnist):
    page.turn("ica")
    table = study.alignment.query(f"run == '{LABEL.run_id}' and basis == 'ica'")
    number = int(page.find(".row label").text.split()[1])
    steps = np.stack(table.sort_values("direction")["vector"])
    model, _ = study.model(LABEL.run_id)
    centre = aggregated_samples(model, mnist.test_images, mnist.test_labels).mean(axis=0)
    start = page.codes()
    places = np.linalg.lstsq(steps.T, start - centre, rcond=None)[0]
    assert page.values()[0] == pytest.approx(places[number - 1], abs=1e-3)
    page.drag(page.sliders()[0], 2)
    want = start + (2 - places[number - 1]) * steps[number - 1]
    np.testing.assert_allclose(page.codes(), want, atol=1e-3)

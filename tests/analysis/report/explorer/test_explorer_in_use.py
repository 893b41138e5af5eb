"""The explorer in a real browser: its menus, its links, other pictures, and how it looks."""

import itertools
import shutil

import numpy as np
import pytest
import torch
from browser import complaints
from explored import LABEL, PLAIN
from explorer_page import Page

from analysis import open_study
from analysis.latent_effects.alignment import NAMES, PROPERTIES
from analysis.report.explorer import write_explorer
from analysis.report.explorer.board import choose
from analysis.report.explorer.contents import payload
from analysis.report.explorer.networks import N_SAMPLES
from analysis.report.explorer.page import render
from analysis.report.explorer.sliders import packed
from analysis.report.explorer.weights import deflated

FRAME_MS = 16


def held(study, run, knob):
    """Where a knob holds, rising."""
    rows = study.knobs.query(f"run == '{run}' and holds")
    return rows[rows["property"] == NAMES[PROPERTIES[knob]]].sort_values("asked")


def test_menus_change_the_picture(page):
    seen = [page.picture()]
    page.find('#digits label:has([value="8"])').click()
    seen.append(page.picture())
    page.find('#images label:has([value="1"])').click()
    assert page.js("return state.digit") == "0"  # the digit of the image
    seen.append(page.picture())
    page.js(
        "find('run').value = arguments[0]; find('run').dispatchEvent(new Event('change'))",
        PLAIN.run_id.replace("-seed0", ""),
    )
    seen.append(page.picture())
    assert all((one != other).any() for one, other in itertools.pairwise(seen))
    assert not page.find("#digits").is_displayed()  # it would change nothing


def test_two_configurations_move_together(page, study):
    page.open(f"#other={PLAIN.run_id}")
    assert len(page.driver.find_elements("css selector", ".pane")) == 2
    left, right = page.picture(0), page.picture(1)
    page.drag(page.sliders(0)[1], 0.1)
    assert page.values(0)[1] == pytest.approx(0.1, abs=1e-5)
    assert page.values(1)[1] == pytest.approx(0.1, abs=1e-5)
    assert (page.picture(0) != left).any()
    assert (page.picture(1) != right).any()
    page.drag(page.sliders(1)[1], 0.03)
    assert page.values(0)[1] == pytest.approx(0.03, abs=1e-5)
    rows = held(study, PLAIN.run_id, 1)
    row = rows[rows["asked"] > 0].iloc[0]
    start = np.array(page.js("return Array.from(panes[1].start)"))
    want = 0.03 / row["asked"] * row["shift"]
    np.testing.assert_allclose(page.codes(1) - start, want, atol=1e-4)


def test_lines_couple_by_property_and_then_by_place(page):
    script = """
        const lines = (text) => text.split(" ").map((property) => ({ property, sign: 1 }));
        return couple(lines(arguments[0]), lines(arguments[1]))
    """
    assert page.js(script, "thickness slant mixed", "slant mixed digit") == [1, 0, 2]
    assert page.js(script, "slant slant width", "width slant") == [1, -1, 0]
    assert page.js(script, "mixed none", "digit mixed none") == [0, 1]
    opposed = "return opposed({ property: 'slant', sign: 1 }, { property: arguments[0], sign: -1 })"
    assert page.js(opposed, "slant")
    assert not page.js(opposed, "width")


def test_a_link_brings_back_what_was_seen(page):
    page.open(f"#other={PLAIN.run_id}&turn=latent&from=3")
    page.drag(page.sliders()[1], 2.5)
    page.find('#digits label:has([value="6"])').click()
    link = page.js("return location.hash")
    seen = page.codes(0), page.codes(1), page.picture(0), page.picture(1)
    page.open(link)
    again = page.codes(0), page.codes(1), page.picture(0), page.picture(1)
    for one, other in zip(seen, again, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4 if len(one) == 6 else 1)
    assert page.js("return state.turn") == "latent"
    page.open("#run=nobody&digit=12&from=99&turn=&z=1:x_9:1_:")  # anything may stand in a link
    assert page.js("return state.run") == LABEL.run_id


def test_random_samples_are_of_the_prior_and_reset_returns_to_them(page, study):
    drawn = study.model(LABEL.run_id)[0].prior.sample(
        N_SAMPLES, None, torch.Generator().manual_seed(0)
    )
    page.open("#from=random-3")
    np.testing.assert_allclose(page.codes(), drawn[3], atol=1e-6)
    page.open(f"#from=random-{N_SAMPLES + 3}")  # links know no number of samples
    np.testing.assert_allclose(page.codes(), drawn[3], atol=1e-6)
    before = page.picture()
    page.find("#random").click()
    sample = page.picture()
    assert (sample != before).any()
    page.drag(page.sliders()[2], 1)
    assert (page.picture() != sample).any()
    page.find("#reset").click()
    assert (page.picture() == sample).all()
    page.open(page.js("return location.hash"))
    assert (page.picture() == sample).all()


@pytest.mark.parametrize("chance", [0, 0.5, 0.999])
def test_random_never_shows_the_same_sample_again(page, chance):
    """Whatever Math.random gives; the same number twice included."""
    page.open("#from=random-3")
    page.js("Math.random = () => arguments[0]", chance)
    seen = [tuple(page.codes())]
    for _ in range(3):
        page.find("#random").click()
        seen.append(tuple(page.codes()))
    assert all(one != other for one, other in itertools.pairwise(seen))


def test_the_saved_picture_is_enlarged_crisply(page):
    shown = page.picture().reshape(28, 28)
    pixels = page.js(
        "const canvas = enlarged();"
        "const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);"
        "return [canvas.width, Array.from(data).filter((_, i) => i % 4 == 0)]"
    )
    assert pixels[0] == 560
    np.testing.assert_array_equal(
        np.array(pixels[1]).reshape(560, 560), shown.repeat(20, 0).repeat(20, 1)
    )


def test_a_frame_is_fast(page, driver):
    """Decoding with 500 hidden units, measuring, painting, and the strips' share of a frame.

    In processor time of the page's one thread, which other programs on the machine do not change.
    """
    page.js("""
        const { decoder, pixels } = panes[0];
        const [hidden, output] = decoder.layers;
        const weight = (layer) => new Float32Array(layer.inputs * layer.outputs);
        Object.assign(hidden, { outputs: 500, bias: new Float32Array(500) });
        Object.assign(output, { inputs: 500 });
        Object.assign(hidden, { weight: weight(hidden) });
        Object.assign(output, { weight: weight(output) });
        output.bias = Float32Array.from(pixels, (grey) => (grey > 99 ? 3 : -3));
        window.frames60 = () => {
          for (let i = 0; i < 60; i++) {
            turned(panes[0], 0, (i - 30) / 300);
            frame();
          }
        }
    """)
    driver.execute_cdp_cmd("Performance.enable", {})
    spent = []
    for _ in range(4):
        page.js("frames60()")
        metrics = driver.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
        spent.append({one["name"]: one["value"] for one in metrics}["ThreadTime"])
    driver.execute_cdp_cmd("Performance.disable", {})
    frame_ms = np.diff(spent) * 1000 / 60
    assert 1 < np.median(frame_ms) < FRAME_MS, frame_ms


def test_narrow_wide_light_and_dark(page, driver):
    emulate = driver.execute_cdp_cmd
    try:
        for link in ("", "#turn=latent", "#turn=ica", f"#other={PLAIN.run_id}"):
            for width in (360, 768, 1600):
                size = {"width": width, "height": 780, "deviceScaleFactor": 1, "mobile": False}
                emulate("Emulation.setDeviceMetricsOverride", size)
                page.open(link)
                assert page.js("return document.documentElement.scrollWidth") <= width, link
        shades = []
        for scheme in ("light", "dark"):
            media = [{"name": "prefers-color-scheme", "value": scheme}]
            emulate("Emulation.setEmulatedMedia", {"features": media})
            colour = page.js("return getComputedStyle(document.body).backgroundColor")
            shades.append(int(colour.removeprefix("rgb(").split(",")[0]))
        assert shades[0] > 200
        assert shades[1] < 50
    finally:
        emulate("Emulation.setEmulatedMedia", {"features": []})
        size = {"width": 1280, "height": 800, "deviceScaleFactor": 1, "mobile": False}
        emulate("Emulation.setDeviceMetricsOverride", size)


def test_every_control_has_a_name(page):
    page.open(f"#turn=latent&other={PLAIN.run_id}")
    nameless = """
        return [...document.querySelectorAll("main input, main canvas.picture, header select,"
          + " .choices input, button")].filter((one) => !(one.labels?.[0]?.textContent.trim()
          || one.getAttribute("aria-label") || one.textContent.trim())).length
    """
    assert page.js(nameless) == 0
    assert page.js("return document.querySelectorAll('main input').length") == 12


def test_a_study_that_was_not_measured_says_so(driver, study, tmp_path):
    shutil.copytree(study.folder.location, tmp_path / "copy")
    bare = open_study(tmp_path / "copy")
    bare.folder.delete("alignment.parquet")
    write_explorer(bare)
    page = Page(driver, f"file://{bare.folder}/explorer.html")
    page.open()
    assert "has not been measured (study score does it)" in page.find("#hint").text
    assert page.js("return panes[0].element.dataset.basis") == "latent"
    assert page.find('#turns [value="knob"]').get_attribute("disabled")
    before = page.picture()
    page.drag(page.sliders()[0], 4)
    assert (page.picture() != before).any()
    assert complaints(driver) == []


def test_other_pictures_and_classes(driver, study, tmp_path):
    """Colours, 5 x 8 pixels, three classes by name, and no property that the page measures."""
    content = payload(study, choose(study))
    run = content["runs"][0]
    weight, bias = np.zeros((120, 2 + 3), "<f2"), np.full(120, -9, "<f2")
    weight[:40, 2], weight[40:80, 3], bias[80:] = 18, 18, 9  # the class makes it red or green
    layer = {"inputs": 5, "outputs": 120, "activation": "sigmoid"}
    layer |= {"weight": deflated(weight, "<f2"), "bias": deflated(bias, "<f2"), "step": 0}
    row = {"name": "z1", "latent": 0, "property": "", "text": "", "reacts": True, "sign": 0}
    row |= {"unit": "", "low": -5.0, "high": 5.0}
    run |= {
        "latent_dim": 2,
        "classes": 3,
        "decoder": [layer],
        "encoder": [],
        "no_encoder": "is not a chain",
        "starts": [[0.0, 0.0]] * 2,
    }
    run["bases"] = {"latent": {"rows": [row, row | {"name": "z2", "latent": 1}]}}
    run["bases"]["latent"]["unmeasured"] = True
    content |= {"drawing": False}
    content |= {"image": {"channels": 3, "height": 5, "width": 8}, "noun": "class"}
    content |= {"classes": ["coat", "bag", "shoe"], "labels": [0, 2], "first": "1"}
    content |= {"images": packed(np.arange(240), "u1"), "properties": [], "runs": [run]}
    (tmp_path / "other.html").write_text(render(content))
    page = Page(driver, f"file://{tmp_path}/other.html")
    page.open()
    assert page.js("return [panes[0].canvas.width, panes[0].canvas.height]") == [8, 5]
    assert [one.text for one in driver.find_elements("css selector", "#digits label")] == (
        content["classes"]
    )
    first_pixel = "frame(); return Array.from(panes[0].context.getImageData(0, 0, 1, 1).data)"
    assert page.js(first_pixel) == [0, 0, 255, 255]
    page.find('#digits label:has([value="0"])').click()
    assert page.js(first_pixel) == [255, 0, 255, 255]
    assert page.find(".picture").get_attribute("aria-label").startswith("Class coat drawn by ")
    assert driver.find_elements("css selector", ".meter") == []
    assert "Nothing measures these pictures" in page.find("#hint").text
    turns = driver.find_elements("css selector", "#turns label")
    assert [one.text for one in turns] == ["Latents", "Between two pictures"]
    assert driver.find_elements("css selector", "#draw") == []
    width, height = page.js("const {width, height} = document.querySelector('#images canvas')"
                            ".getBoundingClientRect(); return [width, height]")  # fmt: skip
    assert width / height == pytest.approx(8 / 5, rel=0.02)
    assert "Thickness" not in page.find("footer").text
    assert complaints(driver) == []


def test_pictures_without_labels(driver, study, tmp_path):
    content = payload(study, choose(study))
    for run in content["runs"]:
        run["classes"] = 0
        run["bases"] = {"latent": run["bases"]["latent"]}  # all that there is unmeasured
    content |= {"classes": {}, "n_classes": 0, "noun": "class", "properties": []}
    content |= {"labels": [0] * len(content["labels"])}
    (tmp_path / "none.html").write_text(render(content))
    page = Page(driver, f"file://{tmp_path}/none.html")
    page.open()
    assert not page.find("#digits").is_displayed()
    page.js("frame(); return true")
    assert page.find(".picture").get_attribute("aria-label").startswith("A picture drawn by ")
    image = driver.find_elements("css selector", "#images input")[1]
    assert image.get_attribute("aria-label") == "test image 2"
    page.find("#random").click()
    assert complaints(driver) == []

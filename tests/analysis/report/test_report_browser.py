"""The report as a browser shows it: from disk, by keyboard, dark, narrow and printed."""

import pytest
from browser import chromium, complaints, requests, resize, scheme
from selenium.webdriver.support.ui import WebDriverWait

from analysis.report.page import write_report

PLANTED = "<img src='http://127.0.0.1:9/x.png'><script>console.error('planted')</script>"
LUMINANCE = """
const [r, g, b] = getComputedStyle(document.querySelector(arguments[0]))[arguments[1]]
  .match(/\\d+/g).map(Number);
return (0.2126 * r + 0.7152 * g + 0.0722 * b) / 255;
"""


@pytest.fixture(scope="module")
def report(small_study):
    """Where the report of a small study lies: four configurations of one run each are done."""
    return "file://" + write_report(small_study)


@pytest.fixture(scope="module")
def opened(report):
    """The report in a browser, opened once: a page of five megabytes takes its time."""
    with chromium() as driver:
        scheme(driver, "light")
        load(driver, report)
        yield driver


@pytest.fixture
def page(opened):
    """The report, light, 1200 pixels wide."""
    resize(opened, 1200)
    scheme(opened, "light")
    return opened


def load(driver, report):
    driver.get(report)
    WebDriverWait(driver, 60).until(points)  # the plots' library is unpacked after the page loads


def points(page):
    return page.execute_script("return document.querySelectorAll('#scatter .point').length")


def press(page, key):
    from selenium.webdriver.common.action_chains import ActionChains

    ActionChains(page).send_keys(key).perform()


def focused(page, expression):
    return page.execute_script(f"return document.activeElement.{expression}")


def test_it_opens_from_disk_and_asks_for_nothing(page):
    assert page.title == "tiny: a study of variational autoencoders"
    assert points(page) == 4
    page.execute_script("document.getElementById('parallel-box').open = true")
    drawn = "return document.querySelectorAll('#parallel .y-axis').length"
    axes = WebDriverWait(page, 30).until(lambda page: page.execute_script(drawn))
    figures = ["active latents", "KL fraction", "−ELBO", "class read"]
    scores = ["DCI", "MIG", "FactorVAE", "Higgins", "ranking score"]
    assert axes == len(["J", "β", "labels", *figures, *scores])
    shown = "return [...document.images].every((image) => image.naturalWidth > 0)"
    assert page.execute_script(shown)
    assert complaints(page) == []
    assert requests(page) == []


def test_the_browser_itself_refuses_requests(page):
    requests(page)
    refused = "return fetch('http://127.0.0.1:9/').then(() => '', (error) => error.name)"
    assert page.execute_script(refused) == "TypeError"
    assert requests(page) == []
    assert any("Content Security Policy" in line for line in complaints(page))


def test_no_button_sends_the_plots_away(page):
    titles = "return [...document.querySelectorAll('.modebar-btn')].map((b) => b.dataset.title)"
    shown = page.execute_script(titles)
    assert shown.count("Download plot as a PNG") >= 2
    assert not any("share" in title.lower() or "cloud" in title.lower() for title in shown)


def test_a_table_is_sorted_by_keyboard_alone(page):
    from selenium.webdriver.common.keys import Keys

    press(page, Keys.TAB)
    assert focused(page, "textContent") == "Skip to the summary"
    assert focused(page, "getBoundingClientRect().left") >= 0  # it shows itself
    heading = "closest('#ranking-table thead th')?.textContent"
    for _ in range(60):
        press(page, Keys.TAB)
        if focused(page, heading) == "−ELBO, joint":
            break
    outline = "return getComputedStyle(document.activeElement).outlineStyle"
    assert page.execute_script(outline) == "solid"
    column = (
        "const place = document.activeElement.closest('th').cellIndex;"
        "return [...document.querySelectorAll('#ranking-table tbody tr')]"
        ".map((row) => row.cells[place].textContent)"
    )
    press(page, Keys.ENTER)
    assert focused(page, "closest('th').ariaSort") == "ascending"
    assert page.execute_script(column) == ["97.30", "100.00", "110.00", "130.00", "–", "–"]
    press(page, Keys.SPACE)
    assert focused(page, "closest('th').ariaSort") == "descending"
    assert page.execute_script(column) == ["130.00", "110.00", "100.00", "97.30", "–", "–"]


def test_names_are_sorted_by_the_numbers_in_them(page):
    page.execute_script("document.querySelector('#ranking-table th button').click()")
    names = page.execute_script(
        "return [...document.querySelectorAll('#ranking-table tbody th')]"
        ".map((cell) => cell.textContent.match(/β\\D*(\\d+)/)[1])"
    )
    assert names == ["1", "1", "2", "4", "10", "100"]


def test_the_plots_follow_what_is_chosen(page):
    from selenium.webdriver.support.ui import Select

    by_id = page.find_element
    Select(by_id("id", "across")).select_by_visible_text("β")
    ticks = page.execute_script(
        "return [...document.querySelectorAll('#scatter .xtick')].map((tick) => tick.textContent)"
    )
    assert ticks == ["1", "4", "10"]  # in even steps
    Select(by_id("id", "level")).select_by_value("run")
    assert points(page) == 4
    assert by_id("id", "across").get_attribute("value") == "beta"
    names = page.execute_script("return document.getElementById('scatter').data[0].text")
    assert "seed0" in names[0]


def test_the_filter_keeps_runs_by_their_names(page):
    from selenium.webdriver.support.ui import Select

    Select(page.find_element("id", "level")).select_by_value("run")
    box = page.find_element("id", "filter")
    curves = "return document.getElementById('curves').data.length"
    assert page.execute_script(curves) == 2 * 4  # train and test of each run
    box.send_keys("beta1 none")  # and not beta10
    assert (points(page), page.execute_script(curves)) == (1, 2)
    assert "1 of 4 runs" in page.find_element("id", "filter-note").text
    box.send_keys(" nothing")
    assert points(page) == 0
    assert "No run" in page.find_element("id", "picked").text
    box.clear()
    box.send_keys(" ")
    assert points(page) == 4


def test_a_point_leads_to_its_run(page):
    picked = (
        "document.getElementById('scatter').emit('plotly_click', {points: [{customdata:"
        " document.getElementById('scatter').data[0].customdata[2]}]});"
        "const run = document.getElementById('run').value;"
        "return [run, document.getElementById('curves').data"
        ".filter((line) => line.line.width > 2).map((line) => line.customdata[0])]"
    )
    run, thick = page.execute_script(picked)
    assert thick == [run, run]
    assert "its weights were not here" in page.find_element("id", "picked").text


def test_plots_have_labels_for_screen_readers(page):
    labels = (
        "return [...document.querySelectorAll('.plot')].map((plot) => plot.getAttribute("
        "'aria-label'))"
    )
    scatter, curves, parallel = page.execute_script(labels)
    assert scatter.startswith("Scatter plot of 4 ")
    assert "by epoch" in curves
    assert parallel


def test_the_ranking_fits_a_small_laptop(page):
    resize(page, 1280)
    fits = (
        "const box = document.getElementById('ranking-table').closest('.scroll');"
        "return box.scrollWidth <= box.clientWidth"
    )
    assert page.execute_script(fits)


def test_dark_is_dark_and_the_plots_follow(page):
    assert page.execute_script(LUMINANCE, "body", "backgroundColor") > 0.9
    assert page.execute_script(LUMINANCE, "#scatter .main-svg", "backgroundColor") > 0.9
    scheme(page, "dark")
    assert page.execute_script(LUMINANCE, "body", "backgroundColor") < 0.1
    assert page.execute_script(LUMINANCE, "body", "color") > 0.7
    redrawn = "return document.getElementById('scatter').layout.paper_bgcolor"
    assert page.execute_script(redrawn) == "#161718"
    assert page.execute_script(LUMINANCE, "#scatter .main-svg", "backgroundColor") < 0.1
    framed = "return getComputedStyle(document.querySelector('figure img')).filter"
    assert page.execute_script(framed) != "none"


def test_a_narrow_screen_is_not_overflowed(page, report):
    resize(page, 360)
    load(page, report)
    root = "document.documentElement"
    assert page.execute_script("return innerWidth") == 360
    long = "document.getElementById('run').append(new Option('J10-beta4-none-'.repeat(12)))"
    page.execute_script(long)
    assert page.execute_script(f"return {root}.scrollWidth <= {root}.clientWidth")
    wide = page.execute_script(
        "return [...document.querySelectorAll('main *')].filter((element) =>"
        " !element.closest('.scroll, svg') && element.getBoundingClientRect().right > innerWidth)"
        ".map((element) => element.outerHTML.slice(0, 80))"
    )
    assert wide == []


def test_print_unfolds_what_is_folded_and_is_light(page):
    scheme(page, "dark")
    folded = "return document.querySelectorAll('main details:not([open])').length"
    n_folded = page.execute_script(folded)
    assert n_folded > 0
    page.execute_script("dispatchEvent(new Event('beforeprint'))")
    assert page.execute_script(folded) == 0
    ground = "return document.getElementById('scatter').layout.paper_bgcolor"
    assert page.execute_script(ground) == "#fcfcfb"
    page.execute_script("dispatchEvent(new Event('afterprint'))")
    assert page.execute_script(folded) == n_folded
    assert page.execute_script(ground) == "#161718"


def test_the_recorder_sees_what_it_should():
    with chromium() as driver:
        driver.get(f"data:text/html,{PLANTED}")
        assert requests(driver) == ["http://127.0.0.1:9/x.png"]
        assert any("planted" in line for line in complaints(driver))

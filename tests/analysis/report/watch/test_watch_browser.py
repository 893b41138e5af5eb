"""The live page in Chromium: what it shows, how it follows, and that it asks nobody else."""

import pytest
from browser import chromium, complaints, requests, resize, scheme
from pages import finished, tiny, write_runs
from selenium.webdriver.support.ui import WebDriverWait

from analysis.report.watch.server import served
from study.storage.folder import Folder
from study.storage.progress import Progress, write_progress
from study.storage.records import new_record, runs_folder, write_record

PLANTED = "<img src=x onerror=\"document.title='planted'\"><b>bold</b>"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """One run done, one that failed with markup for a reason, one that runs."""
    folder = Folder(tmp_path_factory.mktemp("watched") / "small<b>")
    configs = [tiny(1.0), tiny(10.0), tiny(100.0)]
    running = {**finished(configs[1], 130.0), "state": "begun", "epochs": []}
    failed = new_record(configs[2], "failed", PLANTED)
    write_runs(folder, [finished(configs[0], 100.0), running, failed])
    folder.write("report.html", b"<title>Report</title><script>document.title = origin</script>")
    (folder / "figures").write(f"{PLANTED[:12]}.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>")
    return folder


@pytest.fixture(scope="module")
def page(folder):
    with served(folder, 0) as url, chromium() as driver:
        scheme(driver, "light")
        driver.get(url)
        until(driver, "document.querySelectorAll('#plot .scatterlayer .trace').length > 1")
        yield driver


def until(page, expression):
    return WebDriverWait(page, 60).until(lambda _: page.execute_script(f"return {expression}"))


def shown(page):
    """Run ids of the table, from the top; the cells leave out what all ids share."""
    names = page.find_elements("css selector", "td label span:last-child")
    return [name.get_attribute("title") for name in names]


def cells(page, run):
    row = page.find_elements("css selector", "tbody tr")[shown(page).index(run)]
    return [cell.text for cell in row.find_elements("css selector", "td")]


def text(page, selector):
    return page.find_element("css selector", selector).text


def test_it_shows_every_run_with_its_figures(page):
    assert cells(page, tiny(1.0).run_id)[1:7] == ["done", "3 / 3", "100.00", "80.00", "20.00", "4"]
    assert cells(page, tiny(100.0).run_id)[1] == "failed"
    assert "100.00 nats" in text(page, "#best")


def test_names_and_reasons_with_markup_are_text(page):
    assert PLANTED in text(page, "#failures")
    assert text(page, "h1") == "small<b>"
    assert page.find_elements("css selector", "#failures img, h1 b, #pictures img") == []
    assert "planted" not in page.title


def test_it_follows_a_study_without_being_loaded_again(page, folder):
    run, config = tiny(10.0).run_id, tiny(10.0)
    epochs = finished(config, 130.0)["epochs"]
    write_progress(folder, Progress("training", 4, 9, 100.0, running={run: epochs[:1]}))
    until(page, "document.getElementById('stage').textContent === 'training'")
    until(page, f"rows.get('{run}').epoch === 1")
    assert cells(page, run)[1:4] == ["running", "1 / 3", "130.00"]
    assert "4 of 9 epochs" in text(page, "#time")
    assert "about" in text(page, "#time")
    write_record(runs_folder(folder) / run, finished(config, 120.0))
    folder.delete("progress.json")
    until(page, f"rows.get('{run}').state === 'done'")
    assert cells(page, run)[1:4] == ["done", "3 / 3", "120.00"]
    assert text(page, "#stage") == "not running"  # one run has failed


def test_the_table_is_sorted_and_filtered(page):
    heads = page.find_elements("css selector", "th button")
    heads[0].click()
    runs = [tiny(beta).run_id for beta in (1.0, 10.0, 100.0)]
    assert shown(page) == runs  # as people count, not letter by letter
    heads[0].click()
    assert shown(page) == runs[::-1]
    heads[3].click()
    assert shown(page) == runs  # the failed run has no figure, and is last either way
    heads[3].click()
    assert shown(page) == [runs[1], runs[0], runs[2]]
    field = page.find_element("id", "filter")
    field.send_keys("beta10 done")
    assert shown(page) == [runs[1]]
    field.clear()
    page.execute_script("arguments[0].dispatchEvent(new Event('input'))", field)
    assert len(shown(page)) == 3


def test_a_marked_run_has_its_curve(page):
    def curves():
        return page.execute_script("return document.getElementById('plot').data.map(t => t.name)")

    run = tiny(10.0).run_id
    box = page.find_elements("css selector", "td input")[shown(page).index(run)]
    box.click()
    assert set(curves()[1:]) == {
        "J4-beta10-none-seed0"
    }  # the first is that of all the others, in grey
    box.click()
    assert set(curves()[1:]) == {"J4-beta1-none-seed0"}  # the best


def test_what_all_run_ids_share_is_said_once(page):
    assert cells(page, tiny(1.0).run_id)[0].strip() == "J4-beta1-none-seed0"
    assert "All have hidden16." in text(page, "#shared")


@pytest.mark.parametrize("width", [1200, 360])
@pytest.mark.parametrize("kind", ["light", "dark"])
def test_nothing_stands_out_of_the_page(page, width, kind):
    resize(page, width)
    scheme(page, kind)
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    until(page, f"({wide}) === 0")
    resize(page, 1200)


def test_nobody_else_is_asked_and_nothing_is_refused(page):
    home = page.current_url
    assert [url for url in requests(page) if not url.startswith(home)] == []
    assert complaints(page) == []


def test_a_page_of_the_study_has_an_origin_of_its_own(page):
    home = page.current_url
    page.get(home + "study/report.html")
    assert page.title == "null"
    page.get(home)


def test_a_server_that_has_ended_is_said_so(folder):
    with chromium() as driver:
        with served(folder, 0) as url:
            driver.get(url)
            until(driver, "rows.size === 3")
        until(driver, "!document.getElementById('away').hidden")
        assert "has stopped" in text(driver, "#away")
        assert "study watch" in text(driver, "#away")

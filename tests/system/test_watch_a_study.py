"""`study run --watch` in Chromium: a study in progress, from its start to Ctrl-C."""

import json
import re
import signal
import subprocess
import sys
from urllib.request import urlopen

import pytest
from browser import chromium, complaints
from selenium.webdriver.support.ui import WebDriverWait
from studies import finish, start, write_grid

from study.cli.main import main


@pytest.mark.slow
def test_the_page_follows_the_training_and_ends_with_it(tmp_path, mnist, capsys):
    grid = write_grid(tmp_path / "w.yaml", beta=[1, 4], epochs=100_000, checkpoint_every=50)
    driver = start(grid, tmp_path, "--watch")
    url = re.search(r"http://127\.0\.0\.1:\d+/", driver.stdout.readline())[0]
    with chromium() as page:

        def until(expression):
            return WebDriverWait(page, 200).until(lambda _: page.execute_script(expression))

        page.get(url)
        until("return [...rows.values()].filter((row) => row.state === 'running').length === 2")
        epoch = until("return Math.max(...[...rows.values()].map((row) => row.epoch))")
        until(f"return Math.max(...[...rows.values()].map((row) => row.epoch)) > {epoch}")
        until("return document.getElementById('plot').data.length >= 3")
        assert "epochs" in page.find_element("id", "time").text
        assert main(["status", str(tmp_path / "w")]) == 0
        assert "2 runs: 2 running\n" in capsys.readouterr().out
        assert complaints(page) == []
        driver.send_signal(signal.SIGINT)
        _, errors = finish(driver, status=130)
        assert errors.count("\n") == 1
        until("return !document.getElementById('away').hidden")
    assert not (tmp_path / "w" / "progress.json").exists()


def test_watch_shows_a_finished_study_until_ctrl_c(small_study):
    words = [sys.executable, "-m", "study", "watch", small_study.folder.location, "--port", "0"]
    server = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    url = re.search(r"http://127\.0\.0\.1:\d+/", server.stdout.readline())[0]
    with urlopen(url + "state") as answer:
        assert json.load(answer)["stage"] == ""
    server.send_signal(signal.SIGINT)
    output, errors = server.communicate(timeout=30)
    assert (server.returncode, output, errors) == (0, "the page is closed\n", "")


def test_without_the_library_one_line_says_which_command_installs_it(
    small_study, monkeypatch, capsys
):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    monkeypatch.delitem(sys.modules, "analysis.report.watch.server", raising=False)
    assert main(["watch", small_study.folder.location]) == 2
    errors = capsys.readouterr().err
    assert "pip install 'vae-study[watch]'" in errors
    assert errors.count("\n") == 1

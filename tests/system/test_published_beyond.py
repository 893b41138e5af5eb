"""`results/beyond`: whole, small, and told as its tables say."""

import re
from pathlib import Path

import pandas as pd
import pytest

from analysis import open_study
from analysis.paper.beyond.__main__ import beyond
from study.cli.main import carry_out
from study.config.grid import find_grid, read_grid
from study.storage.folder import Folder
from study.storage.tables import read_table

ROOT = Path(__file__).parents[2]
BEYOND = ROOT / "results" / "beyond"
STUDIES = ("beyond-mnist", "beyond-strokes", "beyond-longer", "beyond-found")
SEARCH = "search-beyond"
NEEDS_WEIGHTS = "agreement of seeds"
LIMIT = 12_000_000  # bytes
FIGURE = re.compile(r"-?\d\.\d{3}")


@pytest.mark.parametrize("name", STUDIES)
def test_every_run_of_its_grids_is_done_and_scored(name):
    study = open_study(BEYOND / name)
    asked = {config.run_id for config in read_grid(find_grid(name).read_text(), name)}
    assert set(study.trials.query("state == 'done'")["run"]) == asked
    assert set(study.scores["run"]) == asked


def test_every_complete_trial_of_its_search_is_scored():
    search = open_study(BEYOND / SEARCH)
    complete = search.search.query("state == 'complete'")["run"]
    assert set(search.scores["run"]) == set(complete)
    assert set(search.front["run"]) <= set(complete)


@pytest.mark.slow
def test_its_answers_are_those_of_its_tables(tmp_path, capsys):
    mnist, strokes, longer, found = (str(BEYOND / name) for name in STUDIES)
    words = [mnist, "--strokes", strokes, "--longer", longer, "--to", str(tmp_path)]
    words += ["--search", str(BEYOND / SEARCH), "--found", found]
    assert carry_out(beyond, "beyond", words) == 0, capsys.readouterr().err
    for name in ("answers", "runs", "longer"):
        written, again = (read_table(Folder(place), name) for place in (BEYOND, tmp_path))
        if name == "answers":
            rest = ~written["compared"].str.contains(NEEDS_WEIGHTS)
            written = written[rest].reset_index(drop=True)
        pd.testing.assert_frame_equal(written, again)


def test_each_figure_of_its_page_is_in_its_tables():
    answers = read_table(Folder(BEYOND), "answers")
    seen = {f"{value:.3f}" for value in answers[["value", "low", "high"]].to_numpy().ravel()}
    text = (BEYOND / "README.md").read_text()
    told = FIGURE.findall(text[text.index("1. ") : text.index("![")])
    assert len(told) > 20
    assert [figure for figure in told if figure not in seen] == []


def test_it_is_small_and_names_no_place_of_the_machine_that_made_it():
    files = [file for file in BEYOND.rglob("*") if file.is_file()]
    assert sum(file.stat().st_size for file in files) <= LIMIT
    for file in files:
        if file.suffix in {".yaml", ".csv", ".md"}:
            assert not re.search(r"/(?:home|root|tmp|work|Users)/", file.read_text()), file

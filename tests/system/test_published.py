"""The studies in the repository: whole, with few weights, and told as their tables say."""

import re
import shutil
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pytest
from half_weights import halve

from analysis import open_study
from analysis.paper.findings import findings
from analysis.paper.sensitivity import sensitivity
from analysis.paper.verdicts import by_claim, claims_table
from analysis.report.explorer.board import choose
from analysis.report.page import gather, render_readme
from study.config.errors import StudyError
from study.config.grid import find_grid, read_grid
from study.storage.folder import Folder
from study.storage.records import runs_folder

ROOT = Path(__file__).parents[2]
PAPER = ROOT / "results" / "paper"
ON_BOARD = {f"J10-beta{beta}-{kind}" for beta in (1, 10) for kind in ("none", "label")}


class Published(NamedTuple):
    grid: str
    seeds: list[int]
    epochs: int
    limit: int  # bytes, in git

    @property
    def folder(self):
        return ROOT / "results" / self.grid


STUDIES = [
    Published("paper", [0, 1, 2, 3, 4, 5, 6], 200, 25_000_000),
    Published("full", [0], 20, 10_000_000),
]
NOT_IN_GIT = {".svg", ".html", ".checkpoint"}
WRITTEN_AGAIN = re.compile(
    r"figure-.*\.csv|latent-space\.csv|latents\.csv|udr\.csv|run-pictures\.npz"
)


@pytest.fixture(scope="module", params=STUDIES, ids=lambda published: published.grid)
def published(request):
    return request.param


@pytest.fixture(scope="module")
def study(published):
    return open_study(published.folder)


def test_every_run_of_the_grid_is_done_and_scored(published, study):
    text = find_grid(published.grid).read_text()
    grid = read_grid(text, published.grid, {"seed": published.seeds})
    asked = {config.run_id for config in grid}
    done = study.trials.query("state == 'done'")
    assert set(done["run"]) == asked
    assert set(done["epochs"]) == {published.epochs}
    for table in (study.scores, study.alignment, study.reconstruction):
        assert set(table["run"]) == asked


def test_claims_and_findings_are_those_of_the_tables(published, study):
    tables = {"claims": claims_table, "sensitivity": sensitivity, "findings": findings}
    for part, table_of in tables.items():
        table = table_of(study)
        file = published.folder / f"{part}.csv"
        written = pd.read_csv(file, keep_default_na=False, na_values=[""])
        pd.testing.assert_frame_equal(written, table.replace("", None), check_dtype=False)


def test_its_readme_is_that_of_the_tables(published, study):
    assert (published.folder / "README.md").read_text() == render_readme(gather(study))


def test_the_page_on_the_paper_has_the_verdicts_and_figures_of_the_tables():
    text = (ROOT / "docs" / "paper.md").read_text()
    rows = re.findall(r"^\| `([A-Za-z-]+)` \|.*\| (.*) \| \**([a-z ]+)\** \|$", text, re.MULTILINE)
    claims = by_claim(pd.read_csv(PAPER / "claims.csv")).set_index("id")
    assert {name: verdict for name, _, verdict in rows} == claims["verdict"].to_dict()
    for name, seen, _ in rows:
        for figure in seen.replace("β", "beta").split("; "):
            assert figure in claims.loc[name, "observed"].split("; ")


def test_the_explorer_has_the_models_of_figures_1_and_7():
    on_board = [one.run for one in choose(open_study(PAPER)).runs]
    assert len(on_board) == 12
    assert {run.rpartition("-seed")[0] for run in on_board} == ON_BOARD


def test_what_needs_weights_names_the_run(study):
    run = study.trials["run"].iloc[-1]
    with pytest.raises(StudyError, match=f"the weights of {run} are not in .*: copy them from"):
        study.model(run)


def test_half_weights_are_those_of_the_run(explored_study, tmp_path):
    place = tmp_path / "small"
    shutil.copytree(str(explored_study.folder), place)
    run = explored_study.trials["run"].iloc[0]
    halve(runs_folder(Folder(place)) / run)
    whole, rounded = (study.model(run)[0] for study in (explored_study, open_study(place)))
    for value, half in zip(whole.parameters(), rounded.parameters(), strict=True):
        assert half.dtype == value.dtype
        assert half.equal(value.half().to(value.dtype))


def test_it_is_small_and_names_no_place_of_the_machine_that_made_it(published):
    files = [file for file in published.folder.rglob("*") if file.is_file()]
    kept = [file for file in files if file.suffix not in NOT_IN_GIT]
    kept = [file for file in kept if not file.name.startswith(".") and file.name != "lock.json"]
    kept = [file for file in kept if not WRITTEN_AGAIN.fullmatch(file.name)]
    assert sum(file.stat().st_size for file in kept) <= published.limit
    for file in kept:
        if file.suffix in {".yaml", ".csv", ".md", ".json"}:
            assert not re.search(r"/(?:home|root|tmp|work|Users)/", file.read_text()), file

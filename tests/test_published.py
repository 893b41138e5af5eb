"""The study in the repository: whole, without weights, and told as its tables say."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest

from analysis import open_study
from analysis.claims import claims_table
from analysis.findings import findings
from analysis.report import gather, render_readme
from study.config import StudyError
from study.grid import find_grid, read_grid

ROOT = Path(__file__).parent.parent
PAPER = ROOT / "results" / "paper"
LIMIT = 20_000_000  # bytes
ON_BOARD = {f"J10-beta{beta}-{kind}-seed0" for beta in (1, 10) for kind in ("none", "label")}


@pytest.fixture(scope="module")
def study():
    return open_study(PAPER)


def test_every_run_of_the_grid_is_done_and_scored(study):
    seeds = [int(seed) for seed in study.trials["seed"].unique()]
    grid = read_grid(find_grid("paper").read_text(), "paper", {"seed": seeds})
    asked = {config.run_id for config in grid}
    assert set(study.trials.query("state == 'done' and epochs == 200")["run"]) == asked
    for table in (study.scores, study.alignment, study.reconstruction):
        assert set(table["run"]) == asked


def test_claims_and_findings_are_those_of_the_tables(study):
    for name, table in (("claims", claims_table(study)), ("findings", findings(study))):
        written = pd.read_csv(PAPER / f"{name}.csv", keep_default_na=False, na_values=[""])
        pd.testing.assert_frame_equal(written, table.replace("", None), check_dtype=False)


def test_its_readme_is_that_of_the_tables(study):
    assert (PAPER / "README.md").read_text() == render_readme(gather(study))


def test_the_readme_has_the_verdicts_and_figures_of_the_tables():
    text = (ROOT / "README.md").read_text()
    rows = re.findall(r"^\| `([A-Za-z-]+)` \|.*\| (.*) \| \**([a-z ]+)\** \|$", text, re.MULTILINE)
    claims = pd.read_csv(PAPER / "claims.csv").set_index("id")
    assert {name: verdict for name, _, verdict in rows} == claims["verdict"].to_dict()
    for name, seen, _ in rows:
        for figure in seen.replace("β", "beta").split("; "):
            assert figure in claims.loc[name, "observed"].split("; ")


def test_the_explorer_has_the_models_of_figures_1_and_7():
    page = (PAPER / "explorer.html").read_text()
    content = json.loads(re.search(r'id="payload">(.*?)</script>', page, re.DOTALL)[1])
    assert {run["run"] for run in content["runs"]} == ON_BOARD


def test_what_needs_weights_names_the_run(study):
    run = study.trials["run"].iloc[-1]
    if study.has_weights(run):
        pytest.skip("the weights are here")
    with pytest.raises(StudyError, match=f"the weights of {run} are not in .*: copy them from"):
        study.model(run)


def test_it_is_small_and_names_no_place_of_the_machine_that_made_it():
    files = [file for file in PAPER.rglob("*") if file.is_file() and "runs" not in file.parts]
    published = [file for file in files if file.suffix != ".svg" and not file.name.startswith(".")]
    assert sum(file.stat().st_size for file in published) <= LIMIT
    for file in published:
        if file.suffix in {".yaml", ".csv", ".md", ".json"}:
            assert not re.search(r"/(?:home|root|tmp|work|Users)/", file.read_text()), file

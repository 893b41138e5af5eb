"""The code on README and docs runs as it stands there, and its YAML files are read."""

import sys

import numpy as np
import pytest
import yaml
from documented import PAGES, ROOT, blocks, name_of
from studies import train_here

from analysis.factors.image_set import Sample
from analysis.metrics import METRICS, with_own
from analysis.scoring.evaluation import Unit, unit_values
from analysis.scoring.held_out import DIRECTIONS
from study.config.grid import find_grid, read_grid
from study.config.run import RunConfig
from study.config.search import read_search
from study.data import load_data
from study.storage.folder import Folder
from study.training.check import check_runs

WITH_CODE = [page for page in PAGES if blocks(page, "python")]


@pytest.mark.parametrize("page", WITH_CODE, ids=name_of)
def test_every_python_block_of_a_page_runs(page, documented_results, monkeypatch):
    monkeypatch.chdir(documented_results)
    namespace = {}
    for block in blocks(page, "python"):
        source = "\n" * block.line + block.text  # errors name the line of the page
        exec(compile(source, name_of(page), "exec"), namespace)


def test_the_readme_has_an_example_for_a_notebook():
    *_, example = blocks(PAGES[0], "python")
    assert "open_study(" in example.text
    assert "study.model(" in example.text


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "yaml")], ids=name_of)
def test_every_yaml_block_of_a_page_is_a_grid_or_a_search(page):
    for block in blocks(page, "yaml"):
        if "space" in yaml.safe_load(block.text):
            assert read_search(block.text, name_of(page), DIRECTIONS).space
        else:
            assert read_grid(block.text, name_of(page))


def test_the_page_of_searches_names_every_objective():
    text = (ROOT / "docs/search.md").read_text()
    assert [name for name in DIRECTIONS if f"`{name}`" not in text] == []


@pytest.mark.parametrize(("page", "name"), [("grids", "paper"), ("search", "search-quick")])
def test_a_file_of_configs_stands_on_its_page_as_it_is(page, name):
    file = find_grid(name, search=name.startswith("search"))
    shown = [yaml.safe_load(block.text) for block in blocks(ROOT / f"docs/{page}.md", "yaml")]
    assert yaml.safe_load(file.read_text()) in shown


def test_the_code_of_ones_own_that_a_page_shows_can_be_trained(tmp_path, monkeypatch):
    shown = blocks(ROOT / "docs/grids.md", "python")
    (tmp_path / "own.py").write_text("\n\n".join(block.text for block in shown))
    monkeypatch.syspath_prepend(tmp_path)
    parts = {"data": "own:stripes", "network": "own:relu"}
    parts |= {"prior": "own:laplace", "objective": "own:fixed_rate"}
    quick = {"train_images": 2500, "epochs": 3, "hidden": 64}
    kinds = ("none", "label")
    configs = [RunConfig(**parts, **quick, conditioning=kind) for kind in kinds]
    check_runs(configs)
    study = train_here(Folder(tmp_path / "study"), configs, load_data("own:stripes"))
    assert list(study.trials["state"]) == ["done", "done"]
    assert study.trials["kl"].between(10, 20).all()  # "near 15 nats"
    del sys.modules["own"]


def test_the_score_of_ones_own_that_a_page_shows_is_computed_beside_the_others():
    shown = [block.text for block in blocks(ROOT / "docs/scoring.md", "python")]
    namespace = {}
    exec(next(text for text in shown if "Metric(" in text), namespace)
    factors = np.random.default_rng(0).integers(4, size=(500, 3))
    metrics = with_own(METRICS, [namespace["STRONGEST"]])
    units = [Unit("latent", "known", "all", name) for name in ("strongest", "mcc")]
    values = factors.astype(float)
    sample = Sample(factors, factors[:, 0], values)
    own, mcc = unit_values(values, sample, units, metrics=metrics)
    assert (own.score, own.value) == ("strongest", pytest.approx(1))  # codes are the factors
    assert mcc.value == pytest.approx(1)

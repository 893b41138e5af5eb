"""The grids of docs/beyond.md are what the page says, and every run of them is of one kind."""

import re
from pathlib import Path

import pandas as pd
import pytest

from analysis.paper.beyond.kinds import KINDS, kinds
from analysis.study import configuration
from study.config.grid import read_grid
from study.storage.tables import column_of

ROOT = Path(__file__).parents[4]
PAGE = (ROOT / "docs/beyond.md").read_text()
NAMES = ("mnist", "strokes", "longer")


def trials(name):
    path = ROOT / "configs" / f"beyond-{name}.yaml"
    runs = read_grid(path.read_text(), path.name)
    rows = [
        {"run": run.run_id} | {column_of(k): v for k, v in run.identity().items()} for run in runs
    ]
    return pd.DataFrame(rows).assign(epochs=[run.epochs for run in runs])


@pytest.mark.parametrize("name", NAMES)
def test_the_page_tells_the_size_of_each_study(name):
    table = trials(name)
    (row,) = re.findall(rf"^\| `beyond-{name}` \|.*$", PAGE, re.MULTILINE)
    cells = [cell.strip() for cell in row.split("|")]
    assert int(cells[3]) == configuration(table["run"]).nunique()
    assert int(cells[5]) == table["epochs"].unique().item()
    seeds = table["seed"].unique().tolist()
    assert cells[4] == (f"0 to {max(seeds)}" if len(seeds) > 2 else "0 and 1")


@pytest.mark.parametrize("name", NAMES)
def test_every_kind_is_trained_and_no_run_is_of_two(name):
    assert set(kinds(trials(name))) == set(KINDS)


def test_what_is_compared_on_both_data_sets_is_trained_on_both():
    both = [trials(name).query("latent_dim == 10") for name in ("mnist", "strokes")]
    keys = ["conditioning", "prior", "network", "objective_kind", "beta", "gamma", "capacity"]
    here, there = (set(map(tuple, t[[*keys, "lambda_od"]].astype(str).values)) for t in both)
    assert there <= here


def test_a_longer_run_is_one_of_the_shorter():
    short, long = (set(trials(name)["run"]) for name in ("mnist", "longer"))
    assert long <= short

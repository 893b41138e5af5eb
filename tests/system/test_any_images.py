"""Studies of colour, without labels, with known factors, of many classes, to their reports."""

import json
from pathlib import Path

import pytest

from study.cli.main import main

HERE = Path(__file__).parent


@pytest.fixture(autouse=True)
def _pictures(monkeypatch):
    monkeypatch.syspath_prepend(HERE / "own_parts")


def refused(tmp_path, capsys, command, **values):
    """What a command says of a file that it refuses, in one line, before it writes anything."""
    path = tmp_path / "any.yaml"
    path.write_text(json.dumps({"train_images": 300, **values}))  # JSON is YAML
    before = set(tmp_path.iterdir())
    where = ["--results", str(tmp_path / "results"), "--dry-run"]
    what = ["--grid", str(path)] if command == "run" else [str(path)]
    assert main([command, *what, *where]) == 2
    assert set(tmp_path.iterdir()) == before
    printed = capsys.readouterr().err
    assert printed.count("\n") == 1
    return printed


@pytest.mark.parametrize("conditioning", ["label", "prior"])
def test_labels_that_there_are_not_condition_nothing(tmp_path, capsys, conditioning):
    values = {"data": "pictures:colour", "conditioning": ["none", conditioning], "latent_dim": 2}
    printed = refused(tmp_path, capsys, "run", **values)
    assert f"conditioning: {conditioning} wants labels" in printed


@pytest.mark.parametrize(
    ("data", "objective", "complaint"),
    [
        ("colour", "digit_probe", "objective digit_probe reads labels"),
        ("factors", "digit_probe", "objective digit_probe reads labels"),
        ("colour", "mig", "objective mig compares codes with factors, and none are known"),
        ("two", "mig", "objective mig compares codes with factors, and none are known"),
    ],
)
def test_a_search_for_what_the_data_does_not_tell(tmp_path, capsys, data, objective, complaint):
    values = {"data": f"pictures:{data}", "objectives": [objective], "budget": {"trials": 2}}
    printed = refused(tmp_path, capsys, "search", space={"beta": [1, 4]}, **values)
    assert complaint in printed


def test_a_search_over_labels_that_there_are_not(tmp_path, capsys):
    values = {"data": "pictures:colour", "objectives": ["recon"], "budget": {"trials": 2}}
    space = {"conditioning": ["none", "label"]}
    assert "label wants labels" in refused(tmp_path, capsys, "search", space=space, **values)


def test_a_search_by_known_factors_is_planned(tmp_path, capsys):
    path = tmp_path / "any.yaml"
    values = {"data": "pictures:factors", "objectives": ["mig"], "budget": {"trials": 2}}
    path.write_text(json.dumps({"space": {"beta": [1, 4]}, "train_images": 300, **values}))
    assert main(["search", str(path), "--results", str(tmp_path / "results"), "--dry-run"]) == 0
    assert "for mig" in capsys.readouterr().out

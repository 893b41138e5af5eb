"""A data set, a network, a prior, an objective and a metric from outside, to the report."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from analysis import open_study

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
VERSION = hashlib.sha256((HERE / "own_parts" / "toy.py").read_bytes()).hexdigest()[:6]
GRID = {
    "data": "toy:data",
    "network": "toy:network",
    "prior": "laplace:prior",
    "objective": "toy:free_bits",
    "latent_dim": 3,
    "beta": [1, 4],
    "conditioning": ["none", "label"],
    "train_images": 600,
    "epochs": 2,
}


def study(tmp_path, *more, **changes):
    """`study run` on a grid of the toys, whose folder is on PYTHONPATH."""
    (tmp_path / "toy.yaml").write_text(json.dumps({**GRID, **changes}))  # JSON is YAML
    words = [sys.executable, "-m", "study.run", "--grid", "toy.yaml", "--results", "results"]
    path = os.pathsep.join([str(ROOT), str(HERE / "own_parts")])
    return subprocess.run(
        [*words, *more],
        capture_output=True,
        text=True,
        timeout=500,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path},
    )


def test_the_toys_are_small():
    lines = (HERE / "own_parts" / "toy.py").read_text().splitlines()
    assert len(lines) < 80


def test_a_study_of_ones_own_parts_from_training_to_its_report(tmp_path):
    done = study(tmp_path, metrics=["toy:LOUDEST"])
    assert done.returncode == 0, done.stdout + done.stderr
    opened = open_study(tmp_path / "results" / "toy")

    assert set(opened.trials["state"]) == {"done"}
    assert set(opened.trials["data"]) == {f"toy:data@{VERSION}"}
    # free bits: between recon + beta (kl - 1) and recon + beta kl, as some batches have under a nat
    trials = opened.trials
    price = trials["objective"] - (trials["recon"] + trials["beta"] * (trials["kl"] - 1))
    assert (price > -1e-3).all()
    assert (price < trials["beta"] + 1e-3).all()
    assert set(opened.scores["score"]) >= {"higgins", "mig", "loudest"}
    assert opened.ranking["loudest"].between(1 / 3, 1).all()
    assert opened.latents["kl"].isna().all()  # the prior of one's own tells none

    model_config = opened.config(opened.trials["run"][0])
    assert model_config.network == f"toy:network@{VERSION}"
    report = (tmp_path / "results" / "toy" / "report.html").read_text()
    for text in ("toy:data", "loudest"):
        assert text in report
    assert "MNIST" not in report
    figures = {path.stem for path in (tmp_path / "results" / "toy" / "figures").glob("*.png")}
    assert {"ranking", "prior-samples", "latent-space", "mutual-information"} <= figures


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"data": "toy:nothing"}, "toy.py has no 'nothing'"),
        ({"network": "nowhere:net"}, "cannot import nowhere:net: ModuleNotFoundError"),
        ({"network": "toy:bars"}, f"network toy:bars@{VERSION} failed"),
        ({"prior": "toy:bars"}, f"prior toy:bars@{VERSION} failed"),
        ({"objective": "toy:bars"}, f"objective toy:bars@{VERSION} failed"),
        ({"prior": "normol"}, "unknown prior 'normol' (did you mean 'normal'?)"),
        (
            {"train_images": 601},
            f"train_images must be at most 600 for data toy:data@{VERSION}, got 601",
        ),
    ],
)
def test_a_mistake_is_one_line_before_the_first_run(tmp_path, changes, complaint):
    done = study(tmp_path, "--dry-run", **changes)
    assert done.returncode == 2
    assert complaint in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "results").exists()

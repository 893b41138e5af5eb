"""A study trained from Python, through real Ray."""

import subprocess
import sys
import textwrap

import pytest
import yaml

from study import run
from study.config.errors import StudyError, UsageError

TINY = {
    "latent_dim": 2,
    "hidden": 8,
    "train_images": 400,
    "epochs": 2,
    "precision": "fp32",
    "compile": False,
}


@pytest.fixture(scope="module")
def results(tmp_path_factory, mnist):
    """A study of two runs that grew by one epoch and a run, trained by a process of its own."""
    results = tmp_path_factory.mktemp("python") / "results"
    script = f"""
    from study import run

    where = {{"name": "tiny", "results": {str(results)!r}, "scores": False}}
    first = run({TINY!r}, beta=[1, 4], **where)
    assert first.trials["epochs"].tolist() == [2, 2]
    more = run({TINY!r}, seeds=[0, 1], epochs=3, **where)
    print(repr(more))
    """
    words = [sys.executable, "-c", textwrap.dedent(script)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return results, done.stdout


def test_it_returns_the_study_which_grows(results):
    folder, printed = results
    assert printed.splitlines()[-1] == (
        f"<study {folder}/tiny: 3 runs (3 done) of 2 seeds; not scored yet: study score"
        f" {folder}/tiny>"
    )


def test_study_yaml_says_how_it_was_called(results):
    content = yaml.safe_load((results[0] / "tiny" / "study.yaml").read_text())
    first, second = content["invocations"]
    assert first["set"] == {"beta": [1, 4]}
    assert first["grid"] == TINY
    assert second["set"] == {"epochs": 3, "seed": [0, 1]}


@pytest.mark.parametrize(
    ("grid", "more", "message"),
    [
        (TINY, {}, "pass it to run.., as name='first'"),
        (TINY, {"name": "x", "bta": 4}, "unknown key 'bta' .did you mean 'beta'"),
        (TINY, {"name": "x", "epochs": 0}, "run.*: epochs"),
        ({"latent": 3}, {"name": "x"}, "the grid: unknown key 'latent'"),
        ("quik", {}, "unknown grid 'quik' .did you mean 'quick'"),
    ],
)
def test_mistakes_are_one_line_before_anything_is_trained(grid, more, message, tmp_path):
    with pytest.raises(UsageError, match=message):
        run(grid, results=tmp_path, **more)
    assert not list(tmp_path.iterdir())


def test_a_data_folder_that_cannot_be_used_is_said(tmp_path):
    (tmp_path / "data").write_text("a file")
    with pytest.raises(StudyError, match="choose another folder"):
        run(TINY, name="x", results=tmp_path / "results", data_dir=tmp_path / "data")

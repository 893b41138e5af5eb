"""Any bytes of any file of a finished study damaged: the same results, or a line that names it."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pages import write_alignment, write_scores
from studies import assert_same, run, train_here

from analysis import open_study
from study.cli.main import main
from study.config.errors import StudyError
from study.config.run import RunConfig
from study.execution.study_log import make_plan
from study.storage.folder import Folder
from study.storage.study_file import read_study, write_study

TINY = RunConfig(latent_dim=4, hidden=8, train_images=200, epochs=1)
CONFIGS = [TINY, TINY.model_copy(update={"beta": 4.0})]
TABLES = ("trials", "epochs", "latents", "scores", "udr", "ranking", "alignment")
READ = (".parquet", ".json", ".yaml", ".pt", ".checkpoint")
FEW = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory, mnist):
    """A study that is trained and scored."""
    place = tmp_path_factory.mktemp("whole") / "s"
    study = train_here(Folder(place), CONFIGS, mnist)
    names = [config.run_id for config in CONFIGS]
    write_study(study.folder, {"name": "s", "runs": names, "invocations": []})
    write_scores(study, dict(zip(names, (0.8, 0.9), strict=True)))
    write_alignment(study, names[0])
    return place


@pytest.fixture(scope="module")
def results(whole):
    """What is read of it: nothing is damaged."""
    seen = readings(whole)
    assert not any(isinstance(value, str) for value in seen.values())
    return seen


def of_model(study, run):
    weights = study.model(run)[0].state_dict()
    return np.concatenate([value.numpy().ravel() for value in weights.values()])


def readings(place):
    """Everything that is read of a study; in the place of what cannot be, the line that says so."""
    folder = Folder(place)
    readers = {"study.yaml": lambda: read_study(folder)}
    for name in TABLES:
        readers[name] = lambda name=name: getattr(open_study(place), name)
    for config in CONFIGS:
        readers[config.run_id] = lambda run=config.run_id: of_model(open_study(place), run)
    readers["plan"] = lambda: [make_plan(CONFIGS, folder).todo, make_plan(CONFIGS, folder).damaged]
    seen = {}
    for name, read in readers.items():
        try:
            seen[name] = read()
        except StudyError as error:
            seen[name] = str(error)
    return seen


def assert_same_or_named(seen, results, file):
    """What was read is as it was, or a single line names the file."""
    for name, before in results.items():
        now = seen[name]
        if isinstance(now, str):
            assert file in now
            assert len(now.splitlines()) == 1
        elif isinstance(before, pd.DataFrame):
            pd.testing.assert_frame_equal(now, before)
        elif name == "plan":
            assert now[0] == before[0] == []
            assert all(file in line for line in now[1].values())
        else:
            np.testing.assert_equal(now, before)


@st.composite
def damages(draw, files):
    """A file, and its content with some bytes changed, cut away or put in."""
    file = draw(st.sampled_from(files))
    content = file.read_bytes()
    start = draw(st.integers(0, len(content)))
    end = min(len(content), start + draw(st.sampled_from([0, 1, 3, 20, 500, 10**9])))
    more = draw(st.binary(max_size=8) | st.just(bytes(end - start)))
    return file, content[:start] + more + content[end:]


def damaged(data, place):
    """Damage one file of a study; its name, and what puts it back."""
    files = sorted(path for path in place.rglob("*") if path.suffix in READ)
    file, content = data.draw(damages(files))
    before = file.read_bytes()
    file.write_bytes(content)
    return str(file.relative_to(place)), lambda: file.write_bytes(before)


def check_readings(whole, results, data):
    name, put_back = damaged(data, whole)
    try:
        assert_same_or_named(readings(whole), results, name)
    finally:
        put_back()


@settings(max_examples=60, derandomize=True, **FEW)
@given(st.data())
def test_damage_is_named_or_changes_nothing(whole, results, data):
    check_readings(whole, results, data)


@pytest.mark.slow
@pytest.mark.timeout(1800)  # a fifth of a second each
@settings(max_examples=3000, **FEW)
@given(st.data())
def test_much_damage_is_named_or_changes_nothing(whole, results, data):
    check_readings(whole, results, data)


def test_damaged_runs_are_left_and_named_and_trained_again_where_asked(whole, tmp_path):
    grid = tmp_path / "s.yaml"
    axes = {"latent_dim": 4, "hidden": 8, "train_images": 200, "epochs": 1, "beta": [1, 4]}
    grid.write_text(json.dumps(axes))
    place = tmp_path / "s"
    shutil.copytree(whole, place)
    one, four = (place / "runs" / config.run_id for config in CONFIGS)
    text = (one / "record.json").read_text()
    (one / "record.json").write_text(text.replace('"state": "done"', '"state": "begun"'))
    shutil.copy(one / "weights.pt", four / "weights.pt")
    shutil.copy(place / "trials.parquet", place / ".x.0123456789abcdef0123456789abcdef")
    output, _ = run(grid, tmp_path, status=1)
    assert output.count("record.json is damaged or was edited") == 1
    assert "1 of 2 runs are done; nothing to train" in output
    assert not list(place.glob(".x.*"))
    output, _ = run(grid, tmp_path, "--repair")
    assert "weights.pt is damaged or of another run" in output
    assert "2 runs to train" in output
    assert_same(place, whole)
    assert (one / "record.json.damaged").exists()


def carried_out(command, whole, tmp_path, capsys):
    """The exit status of a command on a copy of a study, what it said, and the figures it drew."""
    place = tmp_path / command
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(whole, place)
    capsys.readouterr()
    status = main([command, str(place)])
    drawn = {path.name: path.read_bytes() for path in place.glob("figures/*.svg")}
    return status, "".join(capsys.readouterr()), drawn


@pytest.mark.slow
@pytest.mark.timeout(1800)  # scores are computed, and pages drawn, once for each damage
@pytest.mark.parametrize(
    ("command", "examples"),
    [("status", 20), ("claims", 10), ("score", 5), ("report", 4), ("explore", 4)],
)
def test_a_command_meets_damage_with_the_same_figures_or_a_line(
    whole, tmp_path, capsys, command, examples
):
    status, _, undisturbed = carried_out(command, whole, tmp_path, capsys)
    assert status == 0

    @settings(max_examples=examples, **FEW)
    @given(st.data())
    def check(data):
        name, put_back = damaged(data, whole)
        try:
            status, text, drawn = carried_out(command, whole, tmp_path, capsys)
        finally:
            put_back()
        assert status in {0, 1}
        assert "Traceback" not in text
        assert name in text or (status, drawn) == (0, undisturbed)

    check()

"""The command line on real MNIST, in a process of its own, through real Ray."""

import re
import signal
import subprocess
import time

import pandas as pd
import pytest
import torch
import yaml
from command_line import GRID, command, study

from analysis import open_study
from study.cli.main import train as main
from study.config.errors import StudyError


@pytest.fixture(scope="module")
def grid(tmp_path_factory, mnist):
    path = tmp_path_factory.mktemp("grid") / "tiny.yaml"
    path.write_text(GRID)
    return path


@pytest.fixture(scope="module")
def first(grid, tmp_path_factory):
    """A study of two runs, and what its command printed."""
    results = tmp_path_factory.mktemp("first") / "results"
    return results, study(grid, results)


def run_ids(results):
    return sorted(path.name for path in (results / "tiny" / "runs").iterdir())


def test_a_study_of_two_runs(first):
    results, done = first
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert re.search(r"\(2 of 2\)", done.stdout)
    trials = open_study(results / "tiny").trials
    assert trials["state"].tolist() == ["done", "done"]
    assert trials["objective"].tolist() == pytest.approx(trials["recon"] + trials.beta * trials.kl)
    assert trials["neg_elbo_at_mean"].lt(trials["neg_elbo"]).all()  # no sampling noise
    for cost in trials["objective"]:
        assert f"{cost:.2f}" in done.stdout


def test_what_a_study_leaves_behind(first):
    results, _ = first
    folder = results / "tiny"
    names = {path.name for path in folder.iterdir()}
    tables = {f"{name}.{kind}" for name in ("trials", "epochs", "latents") for kind in ("csv", "parquet")}  # fmt: skip  # noqa: E501
    assert names == tables | {"study.yaml", "runs", ".lock"}
    content = yaml.safe_load((folder / "study.yaml").read_text())
    assert content["runs"] == trial_names(folder)
    assert content["invocations"][0]["end"] >= content["invocations"][0]["start"]
    assert content["invocations"][0]["versions"]["torch"] == torch.__version__.partition("+")[0]
    epochs = open_study(folder).epochs
    assert epochs.groupby("run")["epoch"].apply(list).tolist() == [[1, 2], [1, 2]]


def trial_names(folder):
    return pd.read_csv(folder / "trials.csv")["run"].tolist()


def test_a_model_is_rebuilt_from_its_folder(first, mnist):
    results, _ = first
    opened = open_study(results / "tiny")
    run = opened.trials["run"][0]
    model, config = opened.model(run)
    pixels = torch.from_numpy(mnist.test_images.reshape(-1, 784)).float() / 255
    with torch.inference_mode():
        mean, logvar = model.encode(pixels)
    kl = 0.5 * (mean**2 + logvar.exp() - 1 - logvar).sum(dim=1).mean()
    assert kl.item() == pytest.approx(opened.trials["kl"][0], rel=1e-4)
    assert config.run_id == run
    with pytest.raises(StudyError, match=r"has no run 'J4-beta2'"):
        opened.model("J4-beta2")


def test_the_same_command_trains_nothing_again(first, grid):
    results, _ = first
    before = {path: path.stat().st_mtime_ns for path in results.rglob("*.checkpoint")}
    again = study(grid, results)
    assert again.returncode == 0, again.stderr
    assert "all 2 runs are done; nothing to train" in again.stdout
    assert before == {path: path.stat().st_mtime_ns for path in results.rglob("*.checkpoint")}


def test_a_larger_grid_trains_what_it_adds_and_tables_alone_count_as_done(first, grid, tmp_path):
    results, _ = first
    copy = tmp_path / "results" / "tiny"
    copy.mkdir(parents=True)
    for name in ("trials.parquet", "epochs.parquet", "latents.parquet", "study.yaml"):
        (copy / name).write_bytes((results / "tiny" / name).read_bytes())  # as in a clone
    grown = study(grid, copy.parent, "--set", "beta=[1, 4, 8]")
    assert grown.returncode == 0, grown.stderr
    assert "1 runs to train, 1 done" not in grown.stdout
    assert "2 done before" in grown.stdout
    assert len(run_ids(copy.parent)) == 1
    kept, old = open_study(copy), open_study(results / "tiny")
    pd.testing.assert_frame_equal(kept.epochs.iloc[: len(old.epochs)], old.epochs)
    assert kept.trials["beta"].tolist() == [1, 4, 8]
    with pytest.raises(StudyError, match=r"the weights of .* are not in"):
        kept.model(old.trials["run"][0])


def test_killed_and_repeated_ends_as_if_left_alone(grid, tmp_path):
    longer = ("--set", "epochs=6", "--set", "beta=2")
    results = tmp_path / "killed"
    words = [str(word) for word in command(grid, results, *longer)]
    with (tmp_path / "log").open("w") as log:
        driver = subprocess.Popen(words, stdout=log, stderr=log)
        wait_for_checkpoint(results)
        driver.send_signal(signal.SIGKILL)
        driver.wait()
    repeated = study(grid, results, *longer)
    assert repeated.returncode == 0, repeated.stderr
    alone = study(grid, tmp_path / "alone", *longer)
    assert alone.returncode == 0, alone.stderr
    one, other = (open_study(tmp_path / name / "tiny") for name in ("killed", "alone"))
    pd.testing.assert_frame_equal(one.epochs, other.epochs, check_exact=True)
    pd.testing.assert_frame_equal(one.latents, other.latents, check_exact=True)


def test_ctrl_c_keeps_what_is_done_and_says_how_to_go_on(grid, tmp_path):
    words = [str(word) for word in command(grid, tmp_path / "r", "--set", "epochs=100000")]
    driver = subprocess.Popen(
        words,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    wait_for_checkpoint(tmp_path, runs=2)  # else one of the two may still be waiting
    driver.send_signal(signal.SIGINT)
    _, errors = driver.communicate(timeout=60)
    assert driver.returncode == 130
    assert (
        errors == "study: interrupted; finished work is kept; repeat the same command to continue\n"
    )
    trials = open_study(tmp_path / "r" / "tiny").trials
    assert trials["state"].tolist() == ["begun", "begun"]
    assert (trials["epochs"] > 0).all()


def wait_for_checkpoint(folder, runs=1):
    deadline = time.monotonic() + 300
    while len({path.parent for path in folder.rglob("*.checkpoint")}) < runs:
        assert time.monotonic() < deadline, "no checkpoint in five minutes"
        time.sleep(0.02)


def test_a_failed_run_is_a_row_and_the_others_go_on(grid, tmp_path):
    broken = study(grid, tmp_path / "r", "--set", "optimiser=sgd", "--set", "learning_rate=[1e6, 1e-4]", "--set", "beta=1")  # fmt: skip  # noqa: E501
    assert broken.returncode == 1
    trials = open_study(tmp_path / "r" / "tiny").trials.set_index("learning_rate")
    assert trials["state"].to_dict() == {1e6: "failed", 1e-4: "done"}
    assert re.match(r"diverged in epoch 1: train_recon is (nan|inf)", trials["error"][1e6])
    assert "diverged in epoch 1" in broken.stdout


def test_fresh_says_what_it_throws_away(first, grid, tmp_path):
    results, _ = first
    copy = tmp_path / "results"
    subprocess.run(["cp", "-r", results, copy], check=True)
    fresh = study(grid, copy, "--fresh", "--set", "beta=1")
    assert fresh.returncode == 0, fresh.stderr
    assert "--fresh deletes" in fresh.stdout
    assert "2 runs, 4 epochs" in fresh.stdout
    assert len(run_ids(copy)) == 1


def test_dry_run_prints_the_runs_and_writes_nothing(grid, tmp_path, capsys):
    results = tmp_path / "results"
    assert main(["--grid", str(grid), "--results", str(results), "--dry-run"]) == 0
    printed = capsys.readouterr().out
    first = "".join(line.split()[0] for line in printed.splitlines()[1:4])  # folded
    assert first.startswith("J4-beta1-none-hidden32")
    assert "seed0" in first
    assert re.search(r"2 runs, 2 to train\. About [\d.]+ (s|min)", printed)
    assert not results.exists()


BAD = [
    (["--grid", "papre"], 2, "unknown grid 'papre' (did you mean 'paper'?); there are: "),
    (["--grid", "quick", "--set", "bets=1"], 2, "unknown key 'bets' (did you mean 'beta'?)"),
    (["--grid", "quick", "--set", "beta=-1"], 2, "beta should be greater than or equal to 0"),
    (["--grid", "quick", "--set", "beta=[]"], 2, "axis 'beta' is empty"),
    (["--grid", "quick", "--set", "epochs"], 2, "--set takes KEY=VALUE, got 'epochs'"),
    (["--grid", "quick", "--address", "nowhere"], 2, "--address takes HOST:PORT"),
    (["--grid", "quick", "--address", "127.0.0.1:9"], 1, "no Ray cluster answers at '127.0.0.1:9'"),
    (["--grid", "quick", "--results", "/dev/null/x"], 1, "cannot write to the results folder"),
]


@pytest.mark.parametrize(("words", "status", "message"), BAD, ids=lambda value: str(value)[:40])
def test_bad_input_is_one_line(words, status, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(words) == status
    printed = capsys.readouterr().err
    assert message in printed
    assert printed.startswith("study: ")
    assert printed.count("\n") == 1


def test_a_study_that_cannot_be_scored_says_how_to_try_again(first, grid, monkeypatch, capsys):
    def fail(*_):
        raise StudyError("no room")

    monkeypatch.setattr("analysis.pipeline.score_and_rank", fail)
    assert main(["--grid", str(grid), "--results", str(first[0])]) == 1
    printed = capsys.readouterr().out
    assert "could not score: no room; try again with study score" in printed
    assert main(["--grid", str(grid), "--results", str(first[0]), "--no-scores"]) == 0
    assert "could not score" not in capsys.readouterr().out


def test_of_many_runs_the_first_are_shown(first, grid, capsys, monkeypatch):
    monkeypatch.setattr("study.cli.training.SHOWN_TRIALS", 1)
    study_folder = first[0] / "tiny"
    assert main(["--grid", str(grid), "--results", str(first[0]), "--no-scores"]) == 0
    lines = capsys.readouterr().out.replace("\n", " ")
    assert "all 2 runs are done" in lines
    assert f"and 1 more; open_study('{study_folder}').trials has them all" in lines


def test_runs_that_wait_or_failed_early_are_shown(capsys):
    from rich.console import Console

    from study.config.run import RunConfig
    from study.execution.display import trials_table
    from study.storage.records import new_record
    from study.storage.tables import Tables, build_tables

    records = {
        "a": new_record(RunConfig(), "waiting"),
        "b": new_record(RunConfig(), "failed", "no"),
    }
    Console(width=140).print(trials_table(build_tables(records, Tables())["trials"]))
    printed = capsys.readouterr().out
    assert "0 (waiting)  waiting" in printed
    assert "0 (failed)       no" in printed


def test_costs_of_several_objectives_stand_in_no_table(capsys):
    from rich.console import Console

    from study.config.run import RunConfig
    from study.execution.display import trials_table
    from study.storage.records import new_record
    from study.storage.tables import Tables, build_tables

    terms = {"train_recon": 90.0, "train_kl": 20.0, "test_recon": 90.0, "test_kl": 20.0}
    cost = {"train_objective": 777.0, "test_objective": 777.0}
    for kinds, shown in ([["dip1"], True], [["dip1", "dip2"], False]):
        records = {kind: new_record(RunConfig(objective=kind), "done") for kind in kinds}
        for record in records.values():
            record["epochs"] = [{"epoch": 1, "active_latents": 3, **terms, **cost}]
        Console(width=140).print(trials_table(build_tables(records, Tables())["trials"]))
        printed = capsys.readouterr().out
        assert ("777.00" in printed) == shown
        assert "110.00" in printed


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--seeds", "a"], "takes whole numbers such as 0,1,2, got 'a'"),
        (["--cpus-per-run", "0"], "'--cpus-per-run': 0.0 is not in the range x>0"),
        (["--cpus-per-run", "nan"], "'--cpus-per-run': must be a finite number, got nan"),
        (["--max-failures", "-1"], "'--max-failures': -1 is not in the range x>=0"),
    ],
)
def test_bad_options_are_usage_errors(words, message, capsys):
    assert main(["--grid", "quick", *words]) == 2
    assert message in capsys.readouterr().err


def test_a_damaged_table_or_data_file_is_named(first, grid, tmp_path, capsys, mnist):
    copy = tmp_path / "results"
    subprocess.run(["cp", "-r", first[0], copy], check=True)
    (copy / "tiny" / "epochs.parquet").write_bytes(b"nothing")
    assert main(["--grid", str(grid), "--results", str(copy)]) == 1
    assert "epochs.parquet is damaged" in "".join(capsys.readouterr())
    assert (copy / "tiny" / "epochs.parquet").read_bytes() == b"nothing"

    data = tmp_path / "data"
    data.mkdir()
    (data / "t10k-labels-idx1-ubyte").write_bytes(b"nothing")
    words = ["--grid", str(grid), "--results", str(tmp_path / "r"), "--data-dir", str(data)]
    assert main(words) == 1
    assert "t10k-labels-idx1-ubyte" in capsys.readouterr().err

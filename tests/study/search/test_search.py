"""Searches as a person starts them: real Ray, real digits, small models."""

import json
import os
import signal

import pandas as pd
import pytest
from rich.console import Console
from studies import (
    epochs_saved,
    finish,
    records,
    run,
    start,
    trial_states,
    trial_workers,
    wait_for,
    write_grid,
)

from analysis import open_study
from analysis.scoring.held_out import DIRECTIONS
from study.cli.main import train as main
from study.config.errors import StudyError
from study.config.search import read_search
from study.search.runner import take_over
from study.storage import checkpoint
from study.storage.folder import Folder
from study.storage.records import new_record, runs_folder, write_record

SPACE = {
    "latent_dim": {"low": 2, "high": 5},
    "beta": {"low": 1, "high": 8, "log": True},
}


def write_search(path, **values):
    """A YAML file of a search over small, quick runs; the default objectives cost least."""
    search = {"space": SPACE, "objectives": ["neg_elbo", "recon"], "budget": {"trials": 4}}
    small = {"hidden": 16, "train_images": 500, "epochs": 2, "checkpoint_every": 1}
    engine = {"precision": "fp32", "compile": False}
    path.write_text(json.dumps({**search, **small, **engine, **values}))
    return path


def begin(search, results, *more):
    return start(search, results, *more, what="--search")


def do(search, results, *more, status=0):
    return finish(begin(search, results, *more), status)


def test_a_search_and_what_it_leaves_behind(tmp_path, mnist):
    """One trial in two diverges: it has its reason, and the search goes on."""
    values = {"space": {**SPACE, "learning_rate": [1e6, 1e-4]}, "optimiser": "sgd", "seed": 1}
    printed, complaint = do(write_search(tmp_path / "s.yaml", **values), tmp_path)
    assert complaint == ""
    assert "searching: 4 trials" in printed
    assert "What to use, from the" in printed

    study = open_study(tmp_path / "s")
    table = study.search.set_index("trial")
    kinds = table.groupby("learning_rate")["state"].unique().apply(list)
    assert kinds.to_dict() == {1e6: ["failed"], 1e-4: ["complete"]}
    failed = table[table["state"] == "failed"]
    assert failed["reason"].str.startswith("diverged in epoch 1: train_recon is ").all()
    assert sorted(trial_states(tmp_path / "s")) == sorted(
        {"failed": "FAIL", "complete": "COMPLETE"}[state] for state in table["state"]
    )
    assert set(table["run"]) == set(study.trials["run"]) == set(records(tmp_path / "s"))
    done = table[table["state"] == "complete"].merge(study.trials, on="run")
    assert (done["neg_elbo_x"] != done["neg_elbo_y"]).all()  # held-out and test images
    assert done["neg_elbo_x"].to_numpy() == pytest.approx(done["neg_elbo_y"], rel=0.1)
    names = {path.name for path in (tmp_path / "s").iterdir()}
    assert names >= {"search.db", "search.csv", "front.csv", "what-to-use.txt", "epochs.parquet"}

    again, _ = do(tmp_path / "s.yaml", tmp_path)
    assert "the budget is used up" in again
    pd.testing.assert_frame_equal(open_study(tmp_path / "s").search.set_index("trial"), table)

    grid = tmp_path / "front.yaml"
    words = ["--search", str(tmp_path / "s.yaml"), "--results", str(tmp_path)]
    assert main([*words, "--export-grid", str(grid), "--seeds", "0,1"]) == 0
    assert main(["--grid", str(grid), "--results", str(tmp_path), "--dry-run"]) == 0


@pytest.mark.slow
def test_killed_and_repeated(tmp_path, mnist):
    search = write_search(tmp_path / "s.yaml", epochs=30, budget={"trials": 5})
    study, finished, kills = tmp_path / "s", {}, 0
    while kills < 4:
        before = epochs_saved(study)
        driver = begin(search, tmp_path)
        wait_for(lambda was=before: epochs_saved(study) != was, driver)
        assert driver.poll() is None, "the search ended before it was killed four times"
        os.kill(driver.pid, signal.SIGKILL)
        driver.communicate()
        kills += 1
        for path in study.glob("runs/*/weights.pt"):
            finished.setdefault(path, path.stat().st_mtime_ns)
    assert "RUNNING" in trial_states(study)
    do(search, tmp_path)
    assert set(trial_states(study)) == {"COMPLETE", "FAIL"}
    table = open_study(study).search
    assert table["state"].value_counts()["complete"] == 5
    assert set(table["state"]) == {"complete", "interrupted"}
    complete = table[table["state"] == "complete"]
    assert complete["run"].is_unique
    assert set(table["run"]) <= {*complete["run"], ""}  # what was interrupted went on
    epochs = open_study(study).epochs.groupby("run")["epoch"].apply(list)
    assert epochs.tolist() == [list(range(1, 31))] * 5
    assert {path: path.stat().st_mtime_ns for path in finished} == finished


@pytest.mark.slow
def test_ctrl_c_leaves_no_trial_running(tmp_path, mnist):
    search = write_search(tmp_path / "s.yaml", epochs=100_000, budget={"trials": 2})
    driver = begin(search, tmp_path)
    wait_for(lambda: len(epochs_saved(tmp_path / "s")) == 2, driver)
    driver.send_signal(signal.SIGINT)
    finish(driver, status=130)
    assert trial_states(tmp_path / "s").count("RUNNING") == 0
    assert trial_states(tmp_path / "s").count("WAITING") == 2
    assert set(open_study(tmp_path / "s").search["state"]) == {"interrupted", "waiting"}


@pytest.mark.slow
def test_a_lost_worker_costs_no_trial(tmp_path, mnist):
    search = write_search(tmp_path / "s.yaml", epochs=40, budget={"trials": 2})
    driver = begin(search, tmp_path)
    wait_for(lambda: any(n > 3 for n in epochs_saved(tmp_path / "s").values()), driver)
    os.kill(trial_workers(driver.pid)[0], signal.SIGKILL)
    printed, _ = finish(driver)
    assert "its worker was lost; it continues from its last checkpoint" in printed
    assert trial_states(tmp_path / "s") == ["COMPLETE"] * 2


@pytest.mark.slow
def test_hopeless_trials_are_pruned(tmp_path, mnist):
    """A rate of 1e-7 learns nothing; two in three trials have it."""
    rates = {"beta": {"low": 1, "high": 8}, "learning_rate": [0.003, 1e-7, 2e-7]}
    one = {"objectives": ["neg_elbo"], "pruner": "asha", "optimiser": "adam"}
    search = write_search(tmp_path / "s.yaml", space=rates, epochs=9, budget={"trials": 8}, **one)
    do(search, tmp_path)
    study = open_study(tmp_path / "s")
    table = study.search.merge(study.trials[["run", "epochs"]], on="run")
    pruned = table[table["state"] == "pruned"]
    assert len(pruned) > 0
    assert set(pruned["epochs"]) <= {1, 3}
    best = study.front.iloc[0]
    assert best["pick"] == "lowest neg_elbo"
    assert best["learning_rate"] == 0.003


@pytest.mark.slow
def test_a_trial_of_two_seeds(tmp_path, mnist):
    both = {"objectives": ["udr", "neg_elbo"], "seed": [0, 1], "budget": {"trials": 2}}
    do(write_search(tmp_path / "s.yaml", **both), tmp_path)
    study = open_study(tmp_path / "s")
    assert len(study.trials) == 4
    assert study.search["run"].str.split().str.len().tolist() == [2, 2]
    assert study.search["udr"].between(0, 1).all()


@pytest.mark.slow
def test_a_search_starts_from_a_grid(tmp_path, mnist):
    same = {"hidden": 16, "train_images": 500, "epochs": 2}
    grid = write_grid(tmp_path / "g.yaml", latent_dim=[3, 4], beta=[2, 99], **same)
    run(grid, tmp_path)
    search = write_search(tmp_path / "s.yaml", budget={"trials": 1})
    printed, _ = do(search, tmp_path, "--from", tmp_path / "g")
    assert "2 of 4 runs in " in printed  # beta = 99 is none of the space
    assert "2 known trials from " in printed
    table = open_study(tmp_path / "s").search
    assert table["state"].tolist() == ["complete"] * 3
    assert (table["source"] != "").tolist() == [True, True, False]
    for name in table["run"][:2]:
        theirs, ours = (open_study(tmp_path / kind).weights(name) for kind in ("g", "s"))
        assert theirs == ours
        saved = sorted(path.name for path in (tmp_path / "s" / "runs" / name).glob("epoch-*"))
        assert saved == ["epoch-00002.checkpoint"]  # training would have saved the first one too


def test_runs_are_taken_over_only_where_a_trial_could_be_them(tmp_path):
    search = read_search(write_search(tmp_path / "s.yaml").read_text(), "s.yaml", DIRECTIONS)
    (fits,) = search.runs({"latent_dim": 3, "beta": 2.0})
    saw_the_judges = fits.model_copy(update={"train_images": 60_000})
    longer = fits.model_copy(update={"latent_dim": 4, "epochs": 5})
    unfinished = fits.model_copy(update={"latent_dim": 5})
    grid, study = Folder(tmp_path / "grid"), Folder(tmp_path / "study")
    for config in (fits, saw_the_judges, longer, unfinished):
        folder = runs_folder(grid) / config.run_id
        record = new_record(config, "begun" if config is unfinished else "done")
        terms = dict.fromkeys(("train_recon", "train_kl", "test_recon", "test_kl"), 1.0)
        record["epochs"] = [{"epoch": 1, "active_latents": 1, **terms}] * config.epochs
        checkpoint.save(folder, config.epochs, {})
        folder.write("weights.pt", b"weights")
        write_record(folder, record)
    known = take_over(search, grid, study, Console(quiet=True))
    assert known == [{"latent_dim": 3, "beta": 2.0}]
    assert runs_folder(study).names() == [fits.run_id]
    copied = runs_folder(study) / fits.run_id
    assert copied.names() == ["epoch-00002.checkpoint", "record.json", "weights.pt"]


def test_a_grid_without_known_trials_is_refused(tmp_path):
    search = read_search(write_search(tmp_path / "s.yaml").read_text(), "s.yaml", DIRECTIONS)
    empty = Folder(tmp_path / "grid")
    with pytest.raises(StudyError, match="has no runs to start from"):
        take_over(search, empty, Folder(tmp_path / "study"), Console(quiet=True))
    (config,) = search.runs({"latent_dim": 3, "beta": 2.0})
    other = config.model_copy(update={"hidden": 99})
    write_record(runs_folder(empty) / other.run_id, new_record(other, "done"))
    with pytest.raises(
        StudyError, match=r"no run in .* is a finished run .* hidden=16.*train the grid with"
    ):
        take_over(search, empty, Folder(tmp_path / "study"), Console(quiet=True))


S3 = "s3://bucket/results?region=us-east-1&scheme=http&endpoint_override=127.0.0.1:9"
BAD = [
    (["--search", "search-quik"], "unknown search 'search-quik' (did you mean 'search-quick'?)"),
    (["--search", "search-quick", "--set", "objectives=[migg]"], "unknown objective 'migg'"),
    (["--search", "search-quick", "--set", "pruner=asha"], "pruner asha needs a single objective"),
    (["--search", "search-quick", "--results", S3], "set $OPTUNA_STORAGE to its URL"),
]


@pytest.mark.parametrize(("words", "message"), BAD, ids=[message for _, message in BAD])
def test_bad_input_is_one_line(words, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OPTUNA_STORAGE", raising=False)
    assert main(words) == 2
    printed = capsys.readouterr().err
    assert message in printed
    assert printed.startswith("study: ")
    assert printed.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--grid", "quick", "--search", "search-quick"], "--grid is an option of study run"),
        (["--grid", "quick", "--from", "results/x"], "--from is an option of study search"),
        (["--search", "search-quick", "--pack", "2"], "--pack is an option of study run"),
    ],
)
def test_options_that_do_not_fit_are_usage_errors(words, message, capsys):
    assert main(words) == 2
    assert message in capsys.readouterr().err


def test_a_dry_run_of_a_search_trains_nothing(tmp_path, capsys):
    search = write_search(tmp_path / "s.yaml")
    results = tmp_path / "results"
    assert main(["--search", str(search), "--results", str(results), "--dry-run"]) == 0
    printed = capsys.readouterr().out
    assert "beta: 1 to 8, log" in printed
    assert "for neg_elbo, recon; sampler tpe, pruner none" in printed
    assert not results.exists()

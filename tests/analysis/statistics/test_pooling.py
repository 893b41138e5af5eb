"""Seeds are pooled where they have the same number of epochs."""

import pandas as pd
import pytest

from analysis.study import Study
from study.storage.folder import Folder
from study.storage.tables import write_table


@pytest.fixture
def study(tmp_path):
    """Two seeds extended to 400 epochs, one that the interrupted command never reached."""
    runs = [f"J10-beta{beta}-none-seed{seed}" for beta in (1, 4) for seed in (0, 1, 2)]
    trials = pd.DataFrame({"run": runs, "seed": [0, 1, 2] * 2, "state": "done"})
    trials["epochs"] = [400, 400, 200, 200, 200, 200]
    folder = Folder(tmp_path)
    write_table(folder, "trials", trials, None)
    write_table(folder, "latents", pd.DataFrame({"run": runs, "kl": range(6)}), None)
    pairs = {
        "configuration": "J10-beta1-none",
        "run_a": [runs[0], runs[0]],
        "run_b": [runs[1], runs[2]],
        "value": [0.5, 0.1],
    }
    write_table(folder, "udr", pd.DataFrame(pairs), None)
    return Study(folder)


def test_a_seed_shorter_than_the_others_of_its_configuration_is_not_finished(study):
    assert study.trials["state"].tolist() == ["done", "done", "begun", "done", "done", "done"]


def test_its_rows_stand_in_no_table_of_finished_runs(study):
    assert study.latents["kl"].tolist() == [0, 1, 3, 4, 5]
    assert study.udr["value"].tolist() == [0.5]


def test_failed_and_unfinished_runs_do_not_say_how_long_the_others_should_be(study):
    trials = study.trials.assign(
        state=["done", "failed", "begun", "done", "done", "done"],
        epochs=[200, 300, 400, 200, 200, 200],
    )
    write_table(study.folder, "trials", trials, None)
    study.forget("trials")
    assert study.trials["state"].tolist() == trials["state"].tolist()

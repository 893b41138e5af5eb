"""Fronts: volumes and picks known by hand, then laws, then Optuna as a second opinion."""

import io

import numpy as np
import optuna
import pandas as pd
import pytest
import yaml
from PIL import Image

from analysis.figures.search import save_search
from analysis.scoring.held_out import write_front
from analysis.statistics.dominance import hypervolume, non_dominated
from analysis.statistics.front import (
    as_grid,
    complete,
    front,
    history,
    importance,
    search_of,
    what_to_use,
)
from analysis.statistics.objectives import DIRECTIONS
from analysis.study import Study
from study.config.errors import StudyError
from study.config.grid import read_grid
from study.config.run import RunConfig
from study.config.search import read_search
from study.storage.folder import Folder
from study.storage.records import new_record, runs_folder, write_record
from study.storage.study_file import write_study
from study.storage.tables import write_table

TEXT = """
space:
  latent_dim: {low: 2, high: 9}
  beta: {low: 1, high: 16, log: true}
  conditioning: [none, label]
objectives: [neg_elbo, mig]
budget: {trials: 8}
epochs: 3
hidden: 16
"""
SEARCH = read_search(TEXT, "s.yaml", DIRECTIONS)


def trials(*values, **more):
    """Trials with these (neg_elbo, mig); the parameters are a function of their number."""
    rows = [
        {
            "trial": number,
            "run": f"run-{number}",
            "state": "complete",
            "latent_dim": 2 + number,
            "beta": float(1 + number),
            "conditioning": ["none", "label"][number % 2],
            "neg_elbo": float(cost),
            "mig": float(score),
            **more,
        }
        for number, (cost, score) in enumerate(values)
    ]
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("cost", "volume"),
    [
        ([[1, 1]], 4),
        ([[1, 2], [2, 1]], 3),  # two of 2, which share 1
        ([[1, 2], [2, 1], [2, 2]], 3),
        ([[3, 0], [0, 3], [4, 4]], 0),
        ([], 0),
    ],
)
def test_the_area_that_points_dominate(cost, volume):
    assert hypervolume(cost, [3, 3]) == volume


def test_the_volume_of_two_boxes_in_three_dimensions():
    assert hypervolume([[0, 0, 0]], [2, 3, 4]) == 24
    assert hypervolume([[0, 0, 1], [1, 1, 0]], [2, 2, 2]) == 4 + 2 - 1


def test_hypervolume_agrees_with_optunas():
    from optuna._hypervolume import compute_hypervolume

    rng = np.random.default_rng(0)
    for n_objectives in (1, 2, 3, 4):
        cost, limit = rng.random((30, n_objectives)), np.full(n_objectives, 1.1)
        want = compute_hypervolume(cost, limit)
        assert hypervolume(cost, limit) == pytest.approx(want)


def test_a_point_more_never_shrinks_the_volume():
    cost = np.random.default_rng(1).random((20, 3))
    volumes = [hypervolume(cost[:n], [1, 1, 1]) for n in range(21)]
    assert (np.diff(volumes) >= -1e-12).all()


def test_whom_no_other_beats():
    cost = np.array([[1.0, 3], [2, 2], [3, 1], [2, 3], [2, 2]])
    assert non_dominated(cost).tolist() == [True, True, True, False, True]  # equals stay
    bound_and_score = np.array([[100, -0.5], [110, -0.7], [120, -0.6], [130, -0.9], [110, -0.7]])
    assert non_dominated(bound_and_score).tolist() == [True, True, False, True, True]


def test_the_front_and_what_its_rows_are_best_at():
    table = front(trials((100, 0.1), (110, 0.3), (105, 0.28), (120, 0.2)), SEARCH)
    assert table["trial"].tolist() == [0, 2, 1]  # cheapest first
    assert table["pick"].tolist() == ["lowest neg_elbo", "balanced", "highest mig"]


def test_one_trial_may_be_best_at_everything():
    table = front(trials((100, 0.3), (110, 0.1)), SEARCH)
    assert table["pick"].tolist() == ["lowest neg_elbo and highest mig"]


def test_pruned_and_failed_trials_and_twins_take_no_part():
    table = pd.concat([trials((1, 1), state="pruned"), trials((100, 0.1)), trials((100, 0.1))])
    assert len(complete(table)) == 1
    assert front(table, SEARCH)["neg_elbo"].tolist() == [100]


def test_a_history_never_gets_worse():
    table = history(trials((100, 0.1), (90, 0.05), (95, 0.2), (120, 0.01)), SEARCH.objectives)
    best = table.groupby("objective", sort=False)["best"].apply(list)
    assert best["neg_elbo"] == [100, 90, 90, 90]
    assert best["mig"] == [0.1, 0.1, 0.2, 0.2]
    # From the worst, (120, 0.01): 20 x 0.09; 30 x 0.04 more below 0.05; and so on, by hand.
    areas = np.array([20 * 0.09, 20 * 0.09 + 10 * 0.04, 25 * 0.19 + 5 * 0.04, 25 * 0.19 + 5 * 0.04])
    assert best["hypervolume"] == pytest.approx(list(areas / areas[-1]))


def test_the_parameter_that_decides_is_the_important_one():
    rng = np.random.default_rng(0)
    table = trials(*[(0, 0)] * 8)
    table["neg_elbo"] = table["latent_dim"] * 10.0
    table["beta"], table["mig"] = rng.permutation(table["beta"]), 0.5
    shares = importance(table, SEARCH)
    assert set(shares["objective"]) == {"neg_elbo"}  # the other is constant
    assert shares.iloc[0]["parameter"] == "latent_dim"
    assert shares["share"].sum() == pytest.approx(1)
    assert importance(table.head(3), SEARCH).empty


@pytest.fixture
def study(tmp_path, monkeypatch):
    """A search's folder, as four trials would leave it, without any training."""
    folder = Folder(tmp_path / "found")
    values = [(100.0, 0.1), (110.0, 0.3), (105.0, 0.28), (120.0, 0.2)]
    table = trials(*values)
    table["beta"] = [1.0, 2.0, 4.0, 8.0]
    configs = [SEARCH.runs(row)[0] for row in table[list(SEARCH.space)].to_dict("records")]
    table["run"] = [config.run_id for config in configs]
    for config in configs:
        write_record(runs_folder(folder) / config.run_id, new_record(config, "done"))
        (runs_folder(folder) / config.run_id).write("weights.pt", b"")
    write_table(folder, "search", table, None)
    trained = pd.DataFrame({"run": table["run"], "state": "done"})
    write_table(folder, "trials", trained, None)
    write_study(folder, {"invocations": [{"search": SEARCH.to_dict()}, {"grid": "another"}]})
    measured = []

    def test_set(models, names, data_folder):
        measured.append(models)
        return [101.0, 0.11]

    monkeypatch.setattr("analysis.scoring.held_out.on_test_set", test_set)
    monkeypatch.setattr(Study, "model", lambda self, run: (None, self.config(run)))
    opened = Study(folder)
    write_front(opened, None)
    assert len(measured) == 3  # the front alone meets the test set
    write_front(opened, None)
    assert len(measured) == 3  # and once
    return opened


def test_the_front_is_told_in_plain_words(study):
    assert study.front["neg_elbo_test"].tolist() == [101.0] * 3
    assert what_to_use(study).splitlines() == [
        "What to use, from the Pareto front (3 of 4 trials):",
        "  lowest neg_elbo: J = 2, beta = 1, without labels: neg_elbo 100 (test 101), mig 0.1 (test 0.11)",  # noqa: E501
        "  balanced: J = 4, beta = 4, without labels: neg_elbo 105 (test 101), mig 0.28 (test 0.11)",  # noqa: E501
        "  highest mig: J = 3, beta = 2, with labels: neg_elbo 110 (test 101), mig 0.3 (test 0.11)",
    ]


def test_a_front_is_a_grid_that_can_be_trained_with_more_seeds(study):
    text = as_grid(study, [0, 1, 2])
    runs = read_grid(text, "front.yaml")
    assert len(runs) == 9
    assert {run.hidden for run in runs} == {16}
    assert {run.train_images for run in runs} == {50_000}
    found = set(study.front["run"])
    assert {run.run_id for run in runs if run.seed == 0} == found  # known where seed 0 was
    assert yaml.safe_load(text)["seed"] == [0, 1, 2]


def test_a_front_of_several_objectives_gives_each_its_own_keys(study, monkeypatch):
    text = TEXT.replace("space:", "space:\n  objective: [beta, factor]\n  gamma: [10, 100]")
    search = read_search(text, "s.yaml", DIRECTIONS)
    drawn = [
        {"objective": "beta", "beta": 2.0, "latent_dim": 2, "conditioning": "prior"},
        {"objective": "factor", "gamma": 100, "latent_dim": 3, "conditioning": "none"},
    ]
    configs = [search.runs(params)[0] for params in drawn]
    runs = [config.run_id for config in configs]
    rows = pd.DataFrame(drawn).rename(columns={"objective": "objective_kind"})
    rows = rows.assign(run=runs, trial=[0, 1], pick=["lowest neg_elbo", ""])
    study.__dict__["front"] = rows.assign(**dict.fromkeys(("neg_elbo", "mig"), 1.0))
    monkeypatch.setattr(Study, "config", lambda _, run: configs[runs.index(run)])
    write_study(study.folder, {"invocations": [{"search": search.to_dict()}]})
    again = read_grid(as_grid(study, [0]), "front.yaml")
    assert [run.run_id for run in again] == runs
    study.front[["neg_elbo_test", "mig_test"]] = 1.0
    words = what_to_use(study)
    assert "objective = beta" in words
    assert "with labels in the prior" in words
    assert "gamma" not in words


def test_figures_of_a_search(study):
    assert save_search(study) == 4
    names = {name for name in (study.folder / "figures").names() if name.endswith("png")}
    kinds = ("front", "history", "importance", "parallel")
    assert names == {f"search-{kind}.png" for kind in kinds}
    for name in names:
        with Image.open(io.BytesIO((study.folder / "figures").read(name))) as image:
            ink = np.asarray(image.convert("L")) < 250
        assert ink.any(axis=0).mean() > 0.8  # something in nearly every column and row
        assert ink.any(axis=1).mean() > 0.8


def test_a_grid_is_no_search(tmp_path):
    with pytest.raises(StudyError, match=r"is not a search: its study\.yaml describes none"):
        search_of(Folder(tmp_path))
    with pytest.raises(StudyError, match=r"is not a search: it has no front\.parquet"):
        Study(Folder(tmp_path)).front  # noqa: B018


def test_nothing_complete_is_nothing_to_use(study):
    empty = study.search.assign(state="failed")
    write_table(study.folder, "search", empty, None)
    study.forget("search")
    write_front(study, None)
    assert what_to_use(study) == "no trial is complete: there is nothing to recommend yet"
    with pytest.raises(StudyError, match="there is no front to export"):
        as_grid(study, [0])
    assert save_search(study) == 0


def test_optuna_reads_the_space_as_we_do():
    study = optuna.create_study()
    trial = study.ask(SEARCH.distributions())
    assert set(trial.params) == {"latent_dim", "beta", "conditioning"}
    assert isinstance(SEARCH.runs(trial.params)[0], RunConfig)

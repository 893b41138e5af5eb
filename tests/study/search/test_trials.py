"""What a search remembers, in a real SQLite file; nothing is trained here."""

import math

import optuna
import pytest
from optuna.trial import TrialState
from studies import optuna_storage, trial_states

from analysis.scoring.held_out import DIRECTIONS
from study.config.errors import StudyError, UsageError
from study.config.search import read_search
from study.search.storage import STORAGE_VARIABLE, database_errors, forget
from study.search.trials import Trials
from study.storage.folder import Folder

TEXT = """
space:
  latent_dim: {low: 2, high: 32}
  beta: {low: 1, high: 16, log: true}
objectives: [neg_elbo, mig]
budget: {trials: 4}
epochs: 9
"""


@pytest.fixture(autouse=True)
def _no_database_of_the_user(monkeypatch):
    monkeypatch.delenv(STORAGE_VARIABLE, raising=False)


def invocation(path, **overrides):
    """As a driver begins: with what an earlier one has left."""
    search = read_search(TEXT, "s.yaml", DIRECTIONS, overrides)
    trials = Trials(Folder(path), search, DIRECTIONS)
    trials.repair()
    return trials


def finish(trials, *, reason=None):
    """One trial, from asking to telling; its number."""
    number = trials.ask().trial.number
    if reason:
        trials.fail(number, reason)
    else:
        trials.complete(number, [100.0 + number, 0.1])
    return number


def test_a_budget_of_trials_is_asked_for_and_no_more(tmp_path):
    trials = invocation(tmp_path)
    assert [finish(trials) for _ in range(4)] == [0, 1, 2, 3]
    assert trials.ask() is None
    assert invocation(tmp_path).ask() is None  # nor the day after
    larger = invocation(tmp_path, budget={"trials": 5})
    assert finish(larger) == 4
    assert larger.ask() is None


def test_zombies_are_closed_and_asked_for_again_once(tmp_path):
    killed = invocation(tmp_path)
    finish(killed)
    lost = [killed.ask(), killed.ask()]
    assert trial_states(tmp_path) == ["COMPLETE", "RUNNING", "RUNNING"]

    after = invocation(tmp_path)
    assert trial_states(tmp_path) == ["COMPLETE", "FAIL", "FAIL", "WAITING", "WAITING"]
    again = [after.ask(), after.ask()]
    assert [one.runs for one in again] == [one.runs for one in lost]
    for one in again:
        after.complete(one.trial.number, [1.0, 0.5])
    assert finish(after) == 5  # the fourth: those that were lost count once
    assert after.ask() is None
    table = after.table()
    assert table["state"].tolist() == ["complete", *["interrupted"] * 2, *["complete"] * 3]
    assert table["run"].value_counts().tolist() == [2, 2, 1, 1]


def test_a_second_kill_lines_nothing_up_twice(tmp_path):
    invocation(tmp_path).ask()
    invocation(tmp_path)  # killed before it asked
    after = invocation(tmp_path)
    assert trial_states(tmp_path) == ["FAIL", "WAITING"]
    after.ask()
    invocation(tmp_path)
    assert trial_states(tmp_path) == ["FAIL", "FAIL", "WAITING"]


def test_killed_between_lining_up_and_closing(tmp_path, monkeypatch):
    invocation(tmp_path).ask()
    with monkeypatch.context() as patch:
        patch.setattr(optuna.Study, "tell", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            invocation(tmp_path)
    assert trial_states(tmp_path) == ["RUNNING", "WAITING"]
    invocation(tmp_path)
    assert trial_states(tmp_path) == ["FAIL", "WAITING"]


def test_a_trial_killed_while_it_was_asked_for_is_closed(tmp_path):
    trials = invocation(tmp_path)
    trials.study.ask()  # no parameter yet
    assert invocation(tmp_path).table()["state"].tolist() == ["interrupted"]
    assert trial_states(tmp_path) == ["FAIL"]


def test_a_failed_trial_has_its_reason_and_is_not_asked_again(tmp_path):
    trials = invocation(tmp_path)
    finish(trials, reason="diverged in epoch 1: train_recon is nan")
    row = invocation(tmp_path).table().iloc[0]
    assert row["state"] == "failed"
    assert row["reason"] == "diverged in epoch 1: train_recon is nan"
    assert math.isnan(row["neg_elbo"])
    assert invocation(tmp_path).left() == 3


def test_the_same_runs_are_not_trained_twice(tmp_path):
    trials = invocation(tmp_path, latent_dim=[2, 3], beta=1, budget={"trials": 12})
    seen = []
    while (open_trial := trials.ask()) is not None:
        seen.append(open_trial.runs[0].run_id)
        trials.complete(open_trial.trial.number, [float(open_trial.runs[0].latent_dim), 0.1])
    assert sorted(seen) == sorted(set(seen))
    table = trials.table()
    assert table["state"].tolist() == ["complete"] * 12
    assert (table["neg_elbo"] == table["latent_dim"]).all()


def test_a_search_ends_where_its_space_does(tmp_path):
    trials = invocation(tmp_path, latent_dim=[2, 3], beta=1, budget={"hours": 100})
    for _ in range(2):
        finish(trials)
    assert trials.ask() is None


def test_a_twin_of_a_trial_at_work_gets_its_outcome(tmp_path):
    one_run = {"latent_dim": [2], "beta": 1, "budget": {"trials": 3}}
    trials = invocation(tmp_path, **one_run)
    first = trials.ask()
    assert trials.ask() is None  # two twins wait
    trials.complete(first.trial.number, [7.0, 0.5])
    assert trials.table()["neg_elbo"].tolist() == [7.0] * 3
    assert trial_states(tmp_path) == ["COMPLETE"] * 3


def test_known_trials_come_first_and_on_top_of_the_budget(tmp_path):
    known = [{"latent_dim": 5, "beta": 2.0}, {"latent_dim": 6, "beta": 4.0}]
    trials = invocation(tmp_path)
    assert trials.enqueue(known, "results/grid") == 2
    assert trials.enqueue(known, "results/grid") == 0  # the same command again
    first = trials.ask()
    assert (first.runs[0].latent_dim, first.runs[0].beta) == (5, 2.0)

    after = invocation(tmp_path)  # killed meanwhile
    for _ in range(6):
        finish(after)
    assert after.ask() is None
    table = after.table()
    complete = table[table["state"] == "complete"]
    assert complete["source"].tolist().count("results/grid") == 2
    assert len(complete) == 6
    none = invocation(tmp_path / "..", budget={"trials": 0})
    assert none.ask() is None


def test_a_pruner_judges_by_what_earlier_sittings_saw(tmp_path):
    pruned = {"objectives": ["neg_elbo"], "pruner": "asha", "budget": {"trials": 9}}
    trials = invocation(tmp_path, **pruned)
    best = trials.ask().trial.number
    assert not trials.report(best, 1, 100.0)
    trials.complete(best, [90.0])
    for _ in range(2):
        number = trials.ask().trial.number
        assert trials.report(number, 1, 200.0)
        trials.prune(number)
    after = invocation(tmp_path, **pruned)
    number = after.ask().trial.number
    assert after.report(number, 1, 150.0)  # worse than the first
    lost = after.ask().trial.number
    assert not after.report(lost, 1, 50.0)

    last = invocation(tmp_path, **pruned)
    continued = [last.ask() for _ in range(2)][1].trial
    trial = last.study.get_trials(deepcopy=False)[continued.number]
    assert trial.intermediate_values == {1: 50.0}


def test_a_repeated_command_draws_other_trials(tmp_path):
    draws = []
    for _ in range(2):
        trials = invocation(tmp_path)
        draws.append(trials.ask().trial.params["beta"])
        trials.complete(len(draws) - 1, [1.0, 1.0])
    assert draws[0] != draws[1]


def test_hours_are_counted_over_sittings(tmp_path, monkeypatch):
    clock = iter(range(0, 10**9, 1800))  # half an hour goes by between any two looks
    monkeypatch.setattr("study.search.trials.time.monotonic", lambda: next(clock))
    hours = {"budget": {"hours": 1.0}}
    finish(invocation(tmp_path, **hours))
    second = invocation(tmp_path, **hours)
    assert second.left() == 1
    finish(second)
    assert second.left() == 0
    assert invocation(tmp_path, **hours).ask() is None


OTHERS = [
    (
        {"objectives": ["neg_elbo", "dci"]},
        "was searched with objectives ['neg_elbo', 'mig'], not ['neg_elbo', 'dci']",
    ),
    ({"epochs": 10}, "was searched with epochs 9, not 10"),
    ({"hidden": 50}, "was searched with hidden as it is by default, not 50"),
    ({"seed": 1}, "was searched with seed [0], not [1]"),
    ({"beta": 3}, "was searched with beta in a log range, not 3"),
    ({"beta": {"low": 1, "high": 16}}, "was searched with beta in a log range, not in a range"),
    ({"beta": [3, 4]}, "was searched with beta in a log range, not [3.0, 4.0]"),
]


def test_a_renamed_folder_goes_on(tmp_path):
    (tmp_path / "old").mkdir()
    finish(invocation(tmp_path / "old"))
    (tmp_path / "old").rename(tmp_path / "new")
    before = trial_states(tmp_path / "new")
    invocation(tmp_path / "new")
    assert before == trial_states(tmp_path / "new") == ["COMPLETE"]


@pytest.mark.parametrize(("overrides", "message"), OTHERS, ids=[str(bad) for bad, _ in OTHERS])
def test_another_search_in_the_folder_is_refused_and_nothing_overwritten(
    tmp_path, overrides, message
):
    finish(invocation(tmp_path))
    before = (tmp_path / "search.db").read_bytes()
    with pytest.raises(UsageError) as caught:
        invocation(tmp_path, **overrides)
    assert message in str(caught.value)
    assert "give another --name, or --fresh to start over" in str(caught.value)
    assert (tmp_path / "search.db").read_bytes() == before


def test_a_range_may_grow_and_the_sampler_change(tmp_path):
    finish(invocation(tmp_path))
    wider = invocation(tmp_path, beta={"low": 0.5, "high": 30, "log": True}, sampler="nsga2")
    assert finish(wider) == 1


def test_a_database_elsewhere(tmp_path, monkeypatch):
    url = f"sqlite:///{tmp_path}/shared.db"
    monkeypatch.setenv(STORAGE_VARIABLE, url)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        finish(invocation(tmp_path / name))
        assert not (tmp_path / name / "search.db").exists()
    stored = optuna_storage(url)
    names = [study.study_name for study in optuna.get_all_study_summaries(storage=stored)]
    assert names == [str(tmp_path / "a"), str(tmp_path / "b")]
    forget(Folder(tmp_path / "a"))
    assert optuna.get_all_study_names(storage=stored) == [str(tmp_path / "b")]


def test_a_database_that_cannot_be_used_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv(STORAGE_VARIABLE, "nothing")
    with pytest.raises(UsageError, match=r"^\$OPTUNA_STORAGE cannot be used: "):
        invocation(tmp_path)
    monkeypatch.delenv(STORAGE_VARIABLE)
    (tmp_path / "search.db").write_bytes(b"nothing at all" * 100)
    failed = pytest.raises(
        StudyError, match=r"database of the search in .* failed: .*not a database"
    )
    with failed, database_errors(Folder(tmp_path)):
        invocation(tmp_path)


def test_a_database_that_fails_while_tune_works_is_one_line(tmp_path):
    def as_tune_does():
        try:
            raise optuna.exceptions.StorageInternalError("the disk is full")
        except Exception as error:
            raise RuntimeError("a long traceback") from error

    with pytest.raises(StudyError, match="failed: the disk is full; "), database_errors(Folder(tmp_path)):  # fmt: skip  # noqa: E501
        as_tune_does()
    with pytest.raises(KeyError), database_errors(Folder(tmp_path)):
        {}["another error"]


def test_names_of_objectives_are_stored_for_the_dashboard(tmp_path):
    study = invocation(tmp_path).study
    assert study.metric_names == ["neg_elbo", "mig"]
    assert [direction.name for direction in study.directions] == ["MINIMIZE", "MAXIMIZE"]
    assert not [t for t in study.get_trials() if t.state is TrialState.RUNNING]


CONDITIONAL = """
space:
  objective: [beta, factor]
  beta: {low: 1, high: 16}
  gamma: {low: 1, high: 100}
objectives: [neg_elbo, mig]
budget: {trials: 6}
epochs: 9
"""


def test_trials_that_lack_keys_are_asked_for_again_and_stand_in_the_table(tmp_path):
    search = read_search(CONDITIONAL, "s.yaml", DIRECTIONS)
    killed = Trials(Folder(tmp_path), search, DIRECTIONS)
    lost = [killed.ask() for _ in range(6)]
    after = Trials(Folder(tmp_path), search, DIRECTIONS)
    after.repair()
    again = [after.ask() for _ in range(6)]
    assert [one.runs for one in again] == [one.runs for one in lost]
    table = after.table()
    of_beta = table["objective_kind"] == "beta"
    assert 0 < of_beta.sum() < len(table)
    assert (table["beta"].notna() == of_beta).all()
    assert (table["gamma"].isna() == of_beta).all()

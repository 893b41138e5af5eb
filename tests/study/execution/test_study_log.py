"""What a study has and lacks, and what an invocation leaves of it."""

import logging

import pytest

from study.config.errors import StudyError
from study.config.run import RunConfig
from study.execution.study_log import StudyLog, make_plan, require_unchanged
from study.storage.folder import Folder
from study.storage.records import new_record, runs_folder, write_record
from study.storage.study_file import read_study
from study.storage.tables import read_tables

ONE, FOUR = (RunConfig(latent_dim=2, beta=beta, epochs=3) for beta in (1, 4))


def epochs(n):
    terms = {"train_recon": 90.0, "train_kl": 20.0, "test_recon": 100.0, "test_kl": 25.0}
    return [{"epoch": number, "active_latents": 1, **terms} for number in range(1, n + 1)]


def save(study, run, n_epochs, state):
    record = {**new_record(run, state), "epochs": epochs(n_epochs)}
    write_record(runs_folder(study) / run.run_id, record)


def log_of(study, *runs):
    return StudyLog(study, make_plan(list(runs), study), {"grid": "tiny"})


@pytest.fixture
def study(tmp_path):
    return Folder(tmp_path / "s")


def test_a_new_study_lacks_everything(study):
    plan = make_plan([ONE, FOUR], study)
    assert plan.todo == [ONE, FOUR]
    assert plan.left() == [(ONE, 3), (FOUR, 3)]


def test_begun_and_failed_runs_go_on_and_a_done_one_does_when_more_epochs_are_asked_for(study):
    save(study, ONE, 3, "done")
    save(study, FOUR, 2, "failed")
    assert make_plan([ONE, FOUR], study).left() == [(FOUR, 1)]
    longer = ONE.model_copy(update={"epochs": 5})
    assert make_plan([longer], study).left() == [(longer, 2)]


def test_a_row_counts_where_the_folder_of_its_run_is_gone(study):
    save(study, ONE, 3, "done")
    log_of(study, ONE, FOUR).close()
    runs_folder(study).delete_all()
    assert make_plan([ONE, FOUR], study).todo == [FOUR]


def test_every_run_that_is_asked_for_has_a_row(study):
    log = log_of(study, ONE)
    log.expect(FOUR)
    save(study, ONE, 3, "done")
    log.ended(ONE.run_id)
    log.close()
    trials = read_tables(study)["trials"].set_index("beta")
    assert trials["state"].to_dict() == {1: "done", 4: "waiting"}
    assert trials["epochs"].to_dict() == {1: 3, 4: 0}
    assert read_study(study)["runs"] == [ONE.run_id, FOUR.run_id]


def test_a_run_that_was_stopped_has_its_epochs_in_the_tables(study):
    log = log_of(study, ONE)
    save(study, ONE, 2, "begun")
    log.close()
    assert read_tables(study)["epochs"]["epoch"].tolist() == [1, 2]


def test_a_failure_is_kept_though_its_record_could_not_be_written(study):
    log = log_of(study, ONE)
    log.ended(ONE.run_id, "its worker was lost")
    log.close()
    [row] = read_tables(study)["trials"].to_dict("records")
    assert (row["state"], row["error"]) == ("failed", "its worker was lost")


def test_invocations_add_up_and_keep_to_the_first_precision(study):
    first = log_of(study, ONE)
    assert first.precision is None
    first.note(engine={"precision": "bf16"})
    first.close()
    second = log_of(study, ONE)
    assert second.precision == "bf16"
    invocations = read_study(study)["invocations"]
    assert [one["grid"] for one in invocations] == ["tiny", "tiny"]
    assert [one["end"] is None for one in invocations] == [False, True]
    assert {"machine", "versions", "start"} <= invocations[0].keys()


def test_a_folder_that_goes_away_is_said_at_once_and_is_an_error_at_the_end(
    study, tmp_path, caplog
):
    log = log_of(study, ONE)
    (tmp_path / "s").rename(tmp_path / "away")
    (tmp_path / "s").write_text("a file where the folder was")
    with caplog.at_level(logging.WARNING):
        log.ended(ONE.run_id)
    assert "cannot use the results folder" in caplog.text
    with pytest.raises(StudyError, match=r"cannot write to the results folder .*same command"):
        log.close()


def test_data_that_changed_since_the_study_began_is_refused_with_both_versions():
    begun = RunConfig(data="my/birds.npz@1a2b3c")
    records = {begun.run_id: new_record(begun, "done")}
    with pytest.raises(StudyError, match=r"birds.npz has changed .* was 1a2b3c and is 4d5e6f;"):
        require_unchanged(["mnist", "my/birds.npz@4d5e6f"], records)
    require_unchanged(["mnist", begun.data, "my/eagles.npz@4d5e6f"], records)


def test_tables_that_are_as_the_records_say_are_left_alone(study):
    save(study, ONE, 3, "done")
    log_of(study, ONE).close()
    before = study.stamps()["trials.parquet"]
    log_of(study, ONE).close()
    assert study.stamps()["trials.parquet"] == before
    again = {**new_record(ONE, "done"), "epochs": epochs(3), "seconds": 7.0}
    write_record(runs_folder(study) / ONE.run_id, again)  # its driver was killed
    log_of(study, ONE).close()
    assert read_tables(study)["trials"]["seconds"].tolist() == [7.0]


def test_a_table_that_is_gone_is_written_again(study):
    save(study, ONE, 3, "done")
    log_of(study, ONE).close()
    study.delete("epochs.parquet")
    log_of(study, ONE).close()
    assert len(read_tables(study)["epochs"]) == 3

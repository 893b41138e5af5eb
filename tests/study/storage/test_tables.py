"""What a study's tables hold of its records, and of versions before this one."""

import pandas as pd
import pyarrow.parquet as pq
import pytest

from study.config.errors import StudyError
from study.config.run import RunConfig
from study.storage.folder import Folder
from study.storage.records import (
    History,
    keep_together,
    new_record,
    read_record,
    read_records,
    runs_folder,
)
from study.storage.study_file import read_study, write_study
from study.storage.tables import (
    CSV_ROWS,
    TRIALS,
    build_tables,
    epoch_row,
    read_result,
    read_table,
    read_tables,
    write_study_tables,
    write_table,
    write_tables,
)

FIRST_COLUMNS = """
run latent_dim beta conditioning seed state error epochs
recon kl objective neg_elbo kl_fraction kl_fraction_raw active_latents
recon_at_mean neg_elbo_at_mean
train_recon train_kl train_objective train_neg_elbo train_kl_fraction train_kl_fraction_raw
hidden batch_size optimiser learning_rate train_images kl_warmup_epochs checkpoint_every
node device engine seconds
"""


SHORT = ["latents.csv", "latents.parquet", "trials.csv", "trials.parquet"]


def epoch(number, **more):
    terms = {"train_recon": 90.0, "train_kl": 20.0, "test_recon": 100.0, "test_kl": 25.0}
    return {"epoch": number, "active_latents": 1, **terms, **more}


def record(beta=4.0, epochs=(), **more):
    config = RunConfig(latent_dim=2, beta=beta, epochs=3)
    done = {"state": "done", "epochs": list(epochs), **more}
    return config.run_id, {**new_record(config, "begun"), **done}


def tables_of(*records, old=None):
    return build_tables(dict(records), old or {})


def test_newer_columns_come_last():
    first = FIRST_COLUMNS.split()
    assert TRIALS.names[: len(first)] == first
    newer = TRIALS.names[len(first) :]
    texts = ["data", "network", "prior", "likelihood", "objective_kind", "precision"]
    assert newer[: len(texts)] == texts
    assert all(TRIALS.field(name).type == "string" for name in texts)
    assert all(TRIALS.field(name).type != "string" for name in newer[len(texts) :])


def test_figures_follow_from_the_terms():
    row = epoch_row(4.0, epoch(1))
    assert row["test_objective"] == 100 + 4 * 25
    assert row["test_neg_elbo"] == 125
    assert row["train_kl_fraction"] == pytest.approx(80 / 170)
    assert row["train_kl_fraction_raw"] == pytest.approx(20 / 110)


def test_further_terms_of_a_loss_are_columns_and_stay(tmp_path):
    study = Folder(tmp_path)
    terms = {"train_tc": 1.5, "test_tc": 2.5}
    write_tables(study, tables_of(record(4.0, [epoch(1, **terms)]), record(1.0, [epoch(1)])))
    tables = read_tables(study)
    assert tables["epochs"].set_index("beta")["test_tc"].to_dict()[4.0] == 2.5
    assert tables["epochs"]["test_tc"].isna().sum() == 1
    assert tables["trials"].set_index("beta").loc[4.0, ["tc", "train_tc"]].tolist() == [2.5, 1.5]
    # Also once the records are gone.
    kept = build_tables(dict([record(8.0, [epoch(1)])]), tables)
    assert kept["epochs"].set_index("beta")["train_tc"].to_dict()[4.0] == 1.5
    unit = pq.read_schema(tmp_path / "epochs.parquet").field("test_tc").metadata[b"unit"]
    assert unit == b"nats per image"


def test_latents_count_from_one():
    tables = tables_of(record(latent_kl=[0.5, 0.0], latent_mean_variance=[0.9, 0.1]))
    assert tables["latents"][["latent", "kl", "mean_variance"]].to_numpy().tolist() == [
        [1, 0.5, 0.9],
        [2, 0.0, 0.1],
    ]


def test_at_the_mean_the_bound_has_the_same_kl():
    trials = tables_of(record(epochs=[epoch(1)], recon_at_mean=95.0))["trials"]
    assert trials["neg_elbo_at_mean"].tolist() == [95 + 25]
    assert trials["epochs"].tolist() == [1]


def test_a_run_without_its_folder_keeps_its_rows(tmp_path):
    study = Folder(tmp_path)
    write_tables(study, tables_of(record(1.0, [epoch(1)]), record(4.0, [epoch(1)])))
    tables = tables_of(record(4.0, [epoch(1), epoch(2)]), old=read_tables(study))
    assert dict(tables["trials"][["beta", "epochs"]].to_numpy()) == {1.0: 1, 4.0: 2}
    assert tables["epochs"][["beta", "epoch"]].to_numpy().tolist() == [[1, 1], [4, 1], [4, 2]]


@pytest.mark.parametrize("records_are_gone", [True, False])
def test_what_is_older_than_a_field_has_its_default(tmp_path, records_are_gone):
    run, old = record(4.0, [epoch(1)])
    del old["config"]["kl_warmup_epochs"]
    if records_are_gone:
        table = tables_of((run, old))["trials"].drop(columns=["kl_warmup_epochs"])
        table.to_parquet(tmp_path / "trials.parquet", index=False)
        trials = build_tables({}, read_tables(Folder(tmp_path)))["trials"]
    else:
        trials = tables_of((run, old))["trials"]
    assert list(trials) == TRIALS.names
    assert trials["kl_warmup_epochs"].tolist() == [0]


def test_tables_are_the_same_after_a_round_trip(tmp_path):
    study = Folder(tmp_path)
    tables = tables_of(record(1.0, [epoch(1)]), record(4.0))  # the second without an epoch
    write_tables(study, tables)
    for name, table in read_tables(study).items():
        pd.testing.assert_frame_equal(table, tables[name])


def test_damage_is_named(tmp_path):
    study = Folder(tmp_path)
    study.write("trials.parquet", b"PAR1 half")
    with pytest.raises(StudyError, match=r"trials.parquet is damaged"):
        read_tables(study)
    study.write("study.yaml", b"runs: [")
    with pytest.raises(StudyError, match=r"study.yaml is damaged"):
        read_study(study)
    runs_folder(study).write("J2/record.json", b'{"half": ')
    assert "runs/J2/record.json is damaged" in read_records(study).damaged["J2"]
    assert read_record(runs_folder(study) / "J3") is None


def test_a_study_file_of_an_older_version_is_read(tmp_path):
    study = Folder(tmp_path)
    assert read_study(study) == {}
    study.write("study.yaml", b"name: s\nruns: [J2]\nsittings:\n- {grid: quick, end: null}\n")
    content = read_study(study)
    assert content == {
        "name": "s",
        "runs": ["J2"],
        "invocations": [{"grid": "quick", "end": None}],
    }
    write_study(study, content)
    assert read_study(study) == content


def test_a_table_that_outgrows_its_csv_loses_it(tmp_path):
    folder = Folder(tmp_path)
    for n, there in ((CSV_ROWS, True), (CSV_ROWS + 1, False)):
        write_table(folder, "some", pd.DataFrame({"n": range(n)}), None)
        assert folder.exists("some.csv") is there
        assert len(read_table(folder, "some")) == n


def test_a_result_is_believed_by_its_checksum_and_its_csv_only_looked_at(tmp_path):
    folder = Folder(tmp_path)
    assert read_result(folder, "claims", "study claims") is None
    table = pd.DataFrame({"id": ["a", "b"], "mean": [0.123456789012, None], "verdict": ["", "x"]})
    write_table(folder, "claims", table, None)
    folder.write("claims.csv", folder.read("claims.csv").replace(b"0.12", b"0.92"))
    pd.testing.assert_frame_equal(read_result(folder, "claims", "study claims"), table)
    content = folder.read("claims.parquet")
    folder.write("claims.parquet", content.replace(b"verdict", b"verdicu"))
    line = r"^\S+/claims\.parquet is damaged.*; delete it and repeat study claims$"
    with pytest.raises(StudyError, match=line):
        read_result(folder, "claims", "study claims")


@pytest.mark.parametrize("content", [b"", b"id\n\xff", b'id\n"a'])
def test_a_result_of_an_older_version_is_its_csv(tmp_path, content):
    folder = Folder(tmp_path)
    folder.write("claims.csv", b"id,mean\na,0.5\n")
    assert read_result(folder, "claims", "study claims").to_dict("list") == {
        "id": ["a"],
        "mean": [0.5],
    }
    folder.write("claims.csv", content)
    with pytest.raises(StudyError, match=r"/claims\.csv is damaged: .*; delete it and repeat"):
        read_result(folder, "claims", "study claims")


def test_hidden_units_are_text_where_a_run_has_several_layers(tmp_path):
    one, two = RunConfig(), RunConfig(hidden=[500, 200], objective="factor")
    records = {config.run_id: new_record(config, "waiting") for config in (one, two)}
    numbers = build_tables({one.run_id: records[one.run_id]}, {})
    assert numbers["trials"]["hidden"].tolist() == [500]
    grown = build_tables({two.run_id: records[two.run_id]}, numbers)  # one is in the table alone
    write_tables(Folder(tmp_path), grown)
    trials = read_table(Folder(tmp_path), "trials").set_index("run")
    assert trials["hidden"].to_dict() == {one.run_id: "500", two.run_id: "500x200"}
    assert trials.loc[two.run_id, "gamma"] == 10
    assert trials["gamma"].isna().to_dict() == {one.run_id: True, two.run_id: False}


def test_a_long_study_is_written_in_parts_with_the_rows_that_one_piece_has(tmp_path, monkeypatch):
    """Some runs have a further term, one has no epochs, and one is in the table alone."""
    monkeypatch.setattr("study.storage.tables.epochs.RUNS_AT_ONCE", 2)
    epochs = [epoch(k, test_kl=25.0 + k) for k in range(1, 9)]
    runs = [record(float(beta), epochs) for beta in range(1, 6)]
    more = record(9.0, [epoch(1, train_tc=1.0, test_tc=2.0), epoch(2)])
    old = tables_of(record(7.0, epochs[:3]))
    whole = tables_of(*runs, more, record(6.0), old=old)
    monkeypatch.setattr("study.storage.tables.from_records.CSV_ROWS", 10)
    study = Folder(tmp_path)
    write_study_tables(study, dict([*runs, more, record(6.0)]), old)
    for name, table in read_tables(study).items():
        pd.testing.assert_frame_equal(table, whole[name])
    assert study.names() == ["epochs.parquet", *SHORT]
    assert whole["epochs"]["epoch"].tolist() == [*range(1, 9)] * 5 + [1, 2, 3, 1, 2]


def test_the_epochs_of_a_run_as_a_matrix_are_the_epochs():
    epochs = [epoch(1), epoch(2, train_tc=0.5), {**epoch(3), "active_latents": None}]
    history = History(epochs)
    assert list(history) == [
        {"train_tc": None, **epochs[0]},
        epochs[1],
        {"train_tc": None, **epochs[2]},
    ]
    assert history[-1]["epoch"] == 3
    assert history[:2] == list(history)[:2]
    assert len(History([])) == 0
    one, two = ({**record()[1], "epochs": History(part)} for part in (epochs[:1], epochs[1:]))
    before = [*one["epochs"], *two["epochs"]]
    keep_together([one, two])
    assert [*one["epochs"], *two["epochs"]] == before

"""Damaged, edited and mixed-up files of a study are found, named, and cost no other run."""

import io
import json
import re
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from pages import finished, tiny

from analysis.study import Study
from study.config.errors import StudyError
from study.storage.folder import Folder
from study.storage.records import (
    RECORD,
    WEIGHTS,
    load_weights,
    read_record,
    read_records,
    read_weights,
    runs_folder,
    write_record,
    write_weights,
)
from study.storage.repair import repair
from study.storage.study_file import read_study, write_study
from study.storage.tables import build_tables, read_table, write_table, write_tables

ONE, FOUR = tiny(1.0), tiny(4.0)


@pytest.fixture
def study(tmp_path):
    """Two finished runs, with their weights."""
    folder = Folder(tmp_path / "s")
    for config in (ONE, FOUR):
        run, record = runs_folder(folder) / config.run_id, finished(config)
        write_weights(run, {"w": torch.full((3,), config.beta)}, record)
        write_record(run, record)
    write_tables(folder, build_tables(read_records(folder).whole, {}))
    write_study(folder, {"name": "s", "runs": [ONE.run_id, FOUR.run_id], "invocations": []})
    return folder


def flipped(content):
    """The content with one bit flipped, in every byte in turn."""
    for place in range(len(content)):
        yield content[:place] + bytes([content[place] ^ 1 << place % 8]) + content[place + 1 :]


def readings(folder, name, read):
    """What comes of reading a file with a bit flipped: a value, or the words of a StudyError."""
    path = Path(folder.location, name)
    for damaged in flipped(path.read_bytes()):
        path.write_bytes(damaged)
        try:
            yield read()
        except StudyError as error:
            yield str(error)


def test_one_flipped_bit_anywhere_in_a_record_is_found(study):
    run = runs_folder(study) / ONE.run_id
    for reading in readings(run, RECORD, partial(read_record, run)):
        assert f"{ONE.run_id}/record.json is damaged" in reading


def test_one_flipped_bit_anywhere_in_study_yaml_is_found(study):
    for reading in readings(study, "study.yaml", partial(read_study, study)):
        assert re.search(r"study\.yaml is damaged.*; delete it", reading)


def test_one_flipped_bit_anywhere_in_a_table_is_found_or_changes_nothing(tmp_path):
    folder, n_read = Folder(tmp_path), 0
    table = pd.DataFrame({"run": ["a", "b"], "x": [1.5, np.nan], "list": [[1.0], [2.0, 3.0]]})
    write_table(folder, "some", table, None)
    before = read_table(folder, "some")
    for reading in readings(folder, "some.parquet", partial(read_table, folder, "some")):
        if isinstance(reading, str):
            assert re.search(r"some\.parquet is damaged.*; delete it", reading)
        else:
            pd.testing.assert_frame_equal(reading, before)
            n_read += 1
    assert n_read <= len("checksum")  # its name: a table of an older version has none


def edited(**changes):
    return json.dumps({**finished(ONE), **changes})


@pytest.mark.parametrize(
    "content",
    [
        *("", "{", "{}", "[]", "null", "3", '"text"', "[" * 100_000, "\x00\xff", "[1, 2]"),
        edited(epochs="3"),
        edited(epochs=None),
        edited(epochs=[{}]),
        edited(epochs=[{"epoch": 1, "active_latents": 1, "train_recon": float("nan")}]),
        edited(config={}),
        edited(config={**ONE.model_dump(), "beta": "much"}),
        edited(config={**ONE.model_dump(), "latent_dim": 9}),
        edited(config={**ONE.model_dump(), "beta": 2.0}),
        edited(config={**ONE.model_dump(), "nobody": 2.0}),
        edited(latent_kl=[1.0]),
        edited(seconds="3"),
        edited(state="nearly"),
        edited(more=1),
        json.dumps({key: value for key, value in finished(ONE).items() if key != "state"}),
    ],
)
def test_a_record_of_another_shape_or_run_is_named_and_the_others_are_read(study, content):
    """As an older version wrote it: no checksum tells."""
    (runs_folder(study) / ONE.run_id).write(RECORD, content.encode("latin-1"))
    records = read_records(study)
    assert list(records.whole) == [FOUR.run_id]
    line = records.damaged[ONE.run_id]
    assert f"runs/{ONE.run_id}/record.json is damaged" in line
    assert "--repair" in line
    assert "\n" not in line
    assert len(line) < 600


def test_stray_files_and_folders_among_the_runs_cost_nothing(study):
    runs = runs_folder(study)
    runs.write(".DS_Store", b"stray")
    runs.write("empty/more", b"")
    (runs / "foreign").write(RECORD, b"{}")
    (runs / "folder" / RECORD).write("deep", b"")
    records = read_records(study)
    assert list(records.whole) == [ONE.run_id, FOUR.run_id]
    assert list(records.damaged) == ["folder", "foreign"]


def test_what_an_older_version_wrote_is_taken_as_it_is(study):
    run, old = runs_folder(study) / ONE.run_id, finished(ONE)
    del old["weights"], old["data_shape"], old["config"]["precision"]
    run.write(RECORD, json.dumps(old).encode())
    assert read_weights(run, read_record(run)) == run.read(WEIGHTS)
    name = f"J4-beta1-none-seed0-{'0123abcd'}"  # as versions before 0.2 named it
    (runs_folder(study) / name).write(RECORD, json.dumps(old).encode())
    assert set(read_records(study).whole) == {ONE.run_id, FOUR.run_id, name}


def test_weights_are_those_of_their_record_or_are_refused(study):
    one, four = (runs_folder(study) / config.run_id for config in (ONE, FOUR))
    content = one.read(WEIGHTS)
    for damaged in (four.read(WEIGHTS), content[:-1], b"", next(flipped(content))):
        one.write(WEIGHTS, damaged)
        with pytest.raises(StudyError, match=rf"{ONE.run_id}/weights\.pt is damaged or of another"):
            Study(study).weights(ONE.run_id)
        assert Study(study).weights(FOUR.run_id) == four.read(WEIGHTS)
    one.write(WEIGHTS, content)
    assert Study(study).weights(ONE.run_id) == content
    record = {**read_record(one), "state": "begun", "weights": None}  # it gets more epochs
    write_record(one, record)
    with pytest.raises(StudyError, match=r"weights\.pt is from an earlier training"):
        Study(study).weights(ONE.run_id)


@pytest.mark.parametrize("content", [b"", b"nothing", b"PK\x03\x04", [1], {"w": print}])
def test_what_are_no_weights_is_one_line(content):
    if not isinstance(content, bytes):
        buffer = io.BytesIO()
        torch.save(content, buffer)
        content = buffer.getvalue()
    with pytest.raises(StudyError, match=r"^a/weights\.pt is damaged: .*--repair$"):
        load_weights(content, "a/weights.pt")


@pytest.mark.parametrize(("name", "column"), [("trials", "state"), ("scores", "key")])
def test_a_table_without_a_column_is_named(study, name, column):
    columns = {"run": ["a"], "state": ["done"], "basis": ["b"], "score": ["s"], "key": ["k"]}
    write_table(study, name, pd.DataFrame(columns).drop(columns=column), None)
    with pytest.raises(StudyError, match=rf"{name}\.parquet is damaged: .*{column}.*; delete it"):
        read_table(study, name)


def test_repair_sets_aside_what_is_damaged_and_nothing_else(study):
    one, four = (runs_folder(study) / config.run_id for config in (ONE, FOUR))
    one.write(WEIGHTS, b"damaged")
    four.write(RECORD, b"{}")
    study.write("epochs.parquet", b"damaged")
    before = study.read("trials.parquet")
    lines = []
    repair(study, lines.append)
    assert len(lines) == 3
    assert all(line.endswith(".damaged") for line in lines)
    assert one.names() == [f"{RECORD}.damaged", f"{WEIGHTS}.damaged"]  # it is to be trained again
    assert four.names() == [f"{RECORD}.damaged", WEIGHTS]
    assert study.read("trials.parquet") == before
    assert not study.exists("epochs.parquet")
    repair(study, lines.append)
    assert len(lines) == 3

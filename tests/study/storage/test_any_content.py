"""Whatever stands in a record: it is read as it is, or named; any table comes back as it went."""

import json
import string
from contextlib import suppress

import pandas as pd
import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pages import finished, tiny

from study.config.errors import StudyError
from study.storage.folder import Folder
from study.storage.records import RECORD, read_record, read_records, runs_folder, write_record
from study.storage.study_file import read_study
from study.storage.tables import build_tables, read_table, write_table

LIGHT = settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
WORDS = st.text(string.printable, max_size=6)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | WORDS
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3)
)
CONFIG = tiny(1.0)


@LIGHT
@given(st.data())
def test_a_record_with_any_values_builds_tables_or_is_named(tmp_path, data):
    """As an older version wrote it: no checksum tells."""
    whole = finished(CONFIG)
    place = st.sampled_from([*whole, *(("config", key) for key in whole["config"])])
    for key in data.draw(st.lists(place, min_size=1, max_size=2)):
        value = data.draw(JSON)
        if isinstance(key, tuple):
            whole["config"] = {**dict(whole["config"] or {}), key[1]: value}
        else:
            whole[key] = value if key != "config" else dict(whole["config"])
    runs = runs_folder(Folder(tmp_path))
    (runs / CONFIG.run_id).write(RECORD, json.dumps(whole).encode())
    records = read_records(Folder(tmp_path))
    if records.whole:
        assert build_tables(records.whole, {})["trials"]["run"].tolist() == [CONFIG.run_id]
    else:
        assert f"{CONFIG.run_id}/record.json is damaged" in records.damaged[CONFIG.run_id]


def test_a_key_without_a_value_is_the_default(tmp_path):
    """Hypothesis found it; which values it tries depends on the modules that are loaded."""
    record = finished(CONFIG)
    runs = runs_folder(Folder(tmp_path))
    (runs / CONFIG.run_id).write(
        RECORD, json.dumps({**record, "config": {**record["config"], "beta": None}}).encode()
    )
    records = read_records(Folder(tmp_path)).whole
    assert records[CONFIG.run_id]["config"] == CONFIG.model_dump()
    assert build_tables(records, {})["trials"]["beta"].tolist() == [1.0]


@LIGHT
@given(JSON)
def test_any_json_in_the_place_of_a_record_or_of_study_yaml(tmp_path, content):
    folder = Folder(tmp_path)
    (runs_folder(folder) / CONFIG.run_id).write(RECORD, json.dumps(content).encode())
    assert list(read_records(folder).damaged) == [CONFIG.run_id]
    folder.write("study.yaml", json.dumps(content).encode())
    with suppress(StudyError):
        assert isinstance(read_study(folder), dict)


@LIGHT
@given(
    error=st.none() | WORDS,
    seconds=st.floats(0, 1e9),
    latents=st.lists(st.none() | st.floats(-9, 9), min_size=4, max_size=4),
)
def test_a_record_comes_back_as_it_went(tmp_path, error, seconds, latents):
    record = {**finished(CONFIG), "error": error, "seconds": seconds, "latent_kl": latents}
    run = runs_folder(Folder(tmp_path)) / CONFIG.run_id
    write_record(run, record)
    seen = read_record(run)
    del seen["checksum"]
    assert seen == record


@LIGHT
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "n": st.integers(-(2**63), 2**63 - 1),
                "x": st.floats(),
                "text": st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=9),
                "list": st.none() | st.lists(st.floats(), max_size=3),
            }
        ),
        max_size=9,
    )
)
def test_a_table_comes_back_as_it_went(tmp_path, rows):
    kinds = {
        "n": pa.int64(),
        "x": pa.float64(),
        "text": pa.string(),
        "list": pa.list_(pa.float64()),
    }
    schema = pa.schema(kinds.items())
    table = pa.Table.from_pylist(rows, schema=schema).to_pandas()
    write_table(Folder(tmp_path), "some", table, schema)
    pd.testing.assert_frame_equal(read_table(Folder(tmp_path), "some"), table)

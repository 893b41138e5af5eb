"""Data of one's own in a configuration: its version, its id, and what is said where it changed."""

import numpy as np
import pytest

from study.config.errors import UsageError
from study.config.grid import read_grid
from study.config.own_code import is_import_path
from study.config.own_data import content_hash, from_anywhere, is_data_path, short_name
from study.config.run import RunConfig
from study.data import DataError, data_facts, describe_data, load_data


@pytest.fixture
def birds(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STUDY_DATA", str(tmp_path / "cache"))
    (tmp_path / "my").mkdir()
    return write(tmp_path / "my" / "birds.npz", 0)


def write(path, seed):
    images = np.random.default_rng(seed).integers(0, 256, (50, 6, 6), dtype=np.uint8)
    np.savez(path, images=images)
    return path


def grid(text):
    return read_grid(text, "grid", count_train=lambda data: describe_data(data)[1])


def test_a_run_names_the_content_and_keeps_the_path(birds):
    version = content_hash(birds)[:6]
    (run,) = grid("{data: my/birds.npz, batch_size: 9}")
    assert run.data == f"my/birds.npz@{version}"
    assert run.train_images == 45
    assert run.run_id == (f"J10-beta1-none-batch_size9-train_images45-birds_{version}-seed0")
    assert load_data(run.data).name == run.data
    assert data_facts([run.data])["sets"] == [
        {
            "data": run.data,
            "name": run.data,
            "hash": content_hash(birds)[:12],
            "measure": "nothing",
            "source": "the user's own file",
            "licence": "not stated",
        }
    ]


def test_the_content_is_looked_at_once_whatever_the_number_of_runs(birds, monkeypatch):
    looked = []

    def count(path):
        looked.append(path)
        return content_hash(path)

    monkeypatch.setattr("study.config.own_data.content_hash", count)
    assert len(grid("{data: my/birds.npz, batch_size: 9, beta: [1, 2, 3, 4], seed: [0, 1]}")) == 8
    assert len(looked) == 1


def test_fewer_images_are_taken_where_the_grid_says_so(birds):
    (run,) = grid("{data: my/birds.npz, batch_size: 9, train_images: 20}")
    assert run.train_images == 20


def test_a_changed_file_is_refused_with_both_versions(birds):
    (before,) = grid("{data: my/birds.npz, batch_size: 9}")
    was, now = content_hash(birds)[:6], content_hash(write(birds, 1))[:6]
    with pytest.raises(DataError, match=f"birds.npz has changed .* it was {was} and is {now}"):
        load_data(before.data)


@pytest.mark.parametrize(
    ("path", "message"),
    [("./nowhere", "no data at nowhere"), ("my/eagles.npz", "no data at my/eagles.npz")],
)
def test_a_path_that_leads_nowhere_is_one_line(birds, path, message):
    with pytest.raises(UsageError, match=message):
        grid(f"data: {path}")


def test_a_file_of_another_kind_is_refused(birds):
    birds.with_suffix(".csv").write_text("1")
    with pytest.raises(UsageError, match="neither a folder of pictures nor an"):
        load_data("my/birds.csv")


def test_a_name_without_a_slash_is_told_the_data_sets_and_that_paths_work():
    with pytest.raises(
        UsageError, match=r"unknown data 'kmnits' \(did you mean 'kmnist'\?\).*as \./NAME"
    ):
        load_data("kmnits")


@pytest.mark.parametrize(
    ("name", "path", "code"),
    [
        ("mnist", False, False),
        ("own:birds", False, True),
        ("own:birds@1a2b3c", False, True),
        ("birds.npz", True, False),
        ("birds.npz@1a2b3c", True, False),
        ("./birds", True, False),
        ("my/a:b/birds.npz", True, False),
    ],
)
def test_what_a_name_is_shows_in_the_name_alone(name, path, code):
    assert (is_data_path(name), is_import_path(name)) == (path, code)


def test_a_worker_in_another_folder_finds_the_same_file(birds, tmp_path, monkeypatch):
    names = [from_anywhere(name) for name in ("my/birds.npz@1a2b3c", "my/birds.npz", "usps")]
    assert names == [f"{birds}@1a2b3c", str(birds), "usps"]
    monkeypatch.chdir("/")
    assert describe_data(names[1])[1] == 45


def test_ids_are_names_of_folders():
    assert short_name("/data/My birds (1).npz@1a2b3c") == "My_birds_1__1a2b3c"
    run = RunConfig(data="../a-seed3/b c@1a2b3c")
    assert run.run_id == "J10-beta1-none-b_c_1a2b3c-seed0"


def test_each_data_set_with_a_name_trains_on_all_it_has_and_ids_do_not_say_so():
    assert [run.train_images for run in read_grid("data: [mnist, usps]", "g")] == [60_000, 7_291]
    assert RunConfig(data="usps").run_id == "J10-beta1-none-usps-seed0"
    assert RunConfig().run_id == "J10-beta1-none-seed0"
    assert "train_images60000" in RunConfig(data="strokes", train_images=60_000).run_id

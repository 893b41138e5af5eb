"""The user's own code: which version of it a run names, and what is said where it is another."""

import hashlib
import sys

import pytest

from study.config.errors import UsageError
from study.config.grid import read_grid
from study.config.own_code import load_object, resolve, with_version
from study.config.run import RunConfig, run_config

SOURCE = "def net():\n    return 1\n"
VERSION = hashlib.sha256(SOURCE.encode()).hexdigest()[:6]


@pytest.fixture
def parts(tmp_path, monkeypatch):
    """A module of one's own that can be imported."""
    file = tmp_path / "parts_of_ones_own.py"
    file.write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    yield file
    sys.modules.pop(file.stem, None)


def test_a_grid_names_the_version_in_ids_and_identity(parts):
    (run,) = read_grid("network: parts_of_ones_own:net", "grid")
    assert run.network == f"parts_of_ones_own:net@{VERSION}"
    assert run.identity()["network"] == run.network
    assert run.run_id == f"J10-beta1-none-network_parts_of_ones_own.net_{VERSION}-seed0"
    assert load_object(run.network)() == 1


def test_an_edited_file_is_another_model(parts):
    (before,) = read_grid("network: parts_of_ones_own:net", "grid")
    parts.write_text(SOURCE + "# edited\n")
    (after,) = read_grid("network: parts_of_ones_own:net", "grid")
    assert before.run_id != after.run_id
    with pytest.raises(UsageError, match=f"{VERSION} has changed: .*own.py is now "):
        load_object(before.network)


def test_what_a_record_has_stays_as_it_is(parts):
    """Nothing is looked up: a study can be read where its parts are not, or are others."""
    named = "parts_of_ones_own:net@000000"
    assert RunConfig(network=named).network == named
    assert RunConfig(network="parts_of_ones_own:net").network == "parts_of_ones_own:net"
    assert run_config({"network": named}, "").network == named


@pytest.mark.parametrize("path", ["nowhere:net", "no.where:net", "sys:exit", ":net"])
def test_what_is_in_no_file_has_no_version(path):
    assert with_version(path) == path


@pytest.mark.parametrize(
    ("path", "complaint"),
    [
        ("nowhere:net", "cannot import nowhere:net: ModuleNotFoundError"),
        ("nowhere:net@1a2b3c", "cannot import nowhere:net: ModuleNotFoundError"),
        ("parts_of_ones_own:nut", "parts_of_ones_own.py has no 'nut'"),
    ],
)
def test_what_cannot_be_loaded_is_one_line(parts, path, complaint):
    with pytest.raises(UsageError, match=complaint) as caught:
        load_object(path)
    assert "\n" not in str(caught.value)


def test_an_unknown_name_is_told_the_nearest():
    with pytest.raises(UsageError, match=r"unknown prior 'vmap' \(did you mean 'vamp'\?\); there"):
        resolve("prior", "vmap", {"normal": 1, "vamp": 2})

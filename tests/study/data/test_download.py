"""A fetch against a server of our own: whole, resumed, damaged, broken off, silent."""

import hashlib

import numpy as np
import pytest

from study.data import DataError
from study.data import download as module
from study.data.download import download
from tests.support.file_server import FileServer

CONTENT = np.random.default_rng(0).bytes(300_000)
MD5 = hashlib.md5(CONTENT).hexdigest()


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(module, "PAUSE_S", 0.01)
    server = FileServer(CONTENT)
    yield server
    server.close()


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_fetched_verified_and_its_progress_told(server, tmp_path):
    seen = []
    download([server.url], tmp_path / "file", MD5, lambda *step: seen.append(step))
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert names(tmp_path) == ["file"]
    assert seen[-1] == ("file", 300_000, 300_000)
    assert [here for _, here, _ in seen] == sorted({here for _, here, _ in seen})


def test_what_an_earlier_call_began_is_gone_on_with(server, tmp_path):
    (tmp_path / "file.part").write_bytes(CONTENT[:100_000])
    download([server.url], tmp_path / "file", MD5)
    assert server.asked == ["bytes=100000-"]
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_a_connection_that_breaks_off_goes_on_where_it_stopped(server, tmp_path):
    server.breaks = [120_000, 60_000]
    download([server.url], tmp_path / "file", MD5)
    assert server.asked == [None, "bytes=120000-", "bytes=180000-"]
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_a_server_without_ranges_sends_all_again(server, tmp_path):
    server.ranges = False
    (tmp_path / "file.part").write_bytes(b"x" * 100_000)
    download([server.url], tmp_path / "file", MD5)
    assert (tmp_path / "file").read_bytes() == CONTENT


@pytest.mark.parametrize("n", [300_000, 400_000])
def test_a_part_that_is_no_beginning_is_thrown_away(server, tmp_path, n):
    (tmp_path / "file.part").write_bytes(b"x" * n)
    download([server.url], tmp_path / "file", MD5)
    assert server.asked == [f"bytes={n}-", None]
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_another_file_is_refused_and_leaves_nothing(server, tmp_path):
    server.content = b"<html>log in first</html>"
    with pytest.raises(DataError, match=f"returned another file, MD5 .*, expected {MD5}"):
        download([server.url], tmp_path / "file", MD5)
    assert names(tmp_path) == []


def test_a_fetch_that_fails_leaves_its_part_for_the_next(server, tmp_path):
    server.breaks = [50_000] * module.TRIES
    with pytest.raises(DataError, match="the connection was lost after 200,000 of 300,000"):
        download([server.url], tmp_path / "file", MD5)
    assert names(tmp_path) == ["file.part"]
    download([server.url], tmp_path / "file", MD5)
    assert server.asked[-1] == "bytes=200000-"


def test_a_silent_server_is_left_for_the_next_place(server, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "TIMEOUT_S", 0.2)
    silent = FileServer(CONTENT)
    silent.silent = True
    try:
        download([silent.url, server.url], tmp_path / "file", MD5)
        assert len(silent.asked) == len(server.asked) == 1
    finally:
        silent.close()


def test_when_all_fail_one_line_says_why(server, tmp_path):
    server.content = b""
    with pytest.raises(
        DataError, match=r"cannot fetch file: .*416.*; ftpx:.*unknown url"
    ) as caught:
        download([server.url, "ftpx://x/y"], tmp_path / "file", MD5)
    assert "\n" not in str(caught.value)

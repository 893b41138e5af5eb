"""A fetch against a server of our own: whole, resumed, damaged, broken off, silent."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from study.data import DataError
from study.data import download as module
from study.data.download import download

CONTENT = np.random.default_rng(0).bytes(300_000)
MD5 = hashlib.md5(CONTENT).hexdigest()


class Server:
    """Serves `content`; `ranges` says whether parts can be asked for."""

    def __init__(self):
        self.content, self.ranges, self.breaks, self.silent = CONTENT, True, [], False
        self.asked = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                server.answer(self)

            def log_message(self, *_):
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}/file"
        self._done = threading.Event()
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def answer(self, request):
        wanted = request.headers.get("Range")
        self.asked.append(wanted)
        if self.silent:
            self._done.wait(20)
            return
        start = int(wanted[6:-1]) if wanted and self.ranges else 0
        if start >= len(self.content):
            request.send_error(416)
            return
        request.send_response(206 if start else 200)
        body = self.content[start:]
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        stop = self.breaks.pop(0) if self.breaks else len(body)
        request.wfile.write(body[:stop])

    def close(self):
        self._done.set()
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(module, "PAUSE_S", 0.01)
    server = Server()
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
    with pytest.raises(DataError, match=f"gave another file, MD5 .*, expected {MD5}"):
        download([server.url], tmp_path / "file", MD5)
    assert names(tmp_path) == []


def test_a_fetch_that_fails_leaves_its_part_for_the_next(server, tmp_path):
    server.breaks = [50_000] * module.TRIES
    with pytest.raises(DataError, match="broke off after 200,000 of 300,000"):
        download([server.url], tmp_path / "file", MD5)
    assert names(tmp_path) == ["file.part"]
    download([server.url], tmp_path / "file", MD5)
    assert server.asked[-1] == "bytes=200000-"


def test_a_silent_server_is_left_for_the_next_place(server, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "TIMEOUT_S", 0.2)
    monkeypatch.setattr(module, "TRIES", 1)
    silent = Server()
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

"""What the live page's server gives, and what it does not."""

import json
import socket
import urllib.error
import urllib.request
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from pages import finished, tiny, write_runs

from analysis.report.watch.server import served
from study.storage.folder import Folder


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    tmp_path = tmp_path_factory.mktemp("watched")
    folder = Folder(tmp_path / "results" / "small")
    write_runs(folder, [finished(tiny(1.0))])
    folder.write("report.html", b"<p>the report")
    (folder / "figures").write("one.png", b"PNG")
    (tmp_path / "results" / "secret.csv").write_text("secret")
    (tmp_path / "secret.html").write_text("secret")
    place = Path(folder.location)
    (place / "figures" / "link.csv").symlink_to(place.parent / "secret.csv")
    (place / "folder.csv").mkdir()
    return folder


@pytest.fixture(scope="module")
def url(study):
    with served(study, 0) as url:
        yield url


def get(url, path, **headers):
    """Status, headers and content of a path that is sent as it is written."""
    connection = HTTPConnection(urlsplit(url).netloc)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, answer.headers, content


def test_the_page_and_all_that_it_asks_for(url):
    for path in ("/", "/watch.js", "/watch.css", "/plotly.js"):
        status, headers, content = get(url, path)
        assert (status, len(content) > 500) == (200, True), path
        assert "default-src 'none'" in headers["Content-Security-Policy"]
    status, _, content = get(url, "/state?after=x")
    assert json.loads(content)["runs"][0]["run"] == tiny(1.0).run_id


def test_files_of_the_study_are_given_apart_from_the_page(url):
    status, headers, content = get(url, "/study/report.html")
    assert (status, content) == (200, b"<p>the report")
    assert "sandbox" in headers["Content-Security-Policy"]
    assert "allow-same-origin" not in headers["Content-Security-Policy"]
    assert get(url, "/study/figures/one.png")[::2] == (200, b"PNG")


OUTSIDE = [
    *("../secret.csv", "../../secret.html", "figures/../../secret.csv", "figures/../report.html"),
    *("%2e%2e/secret.csv", "..%2fsecret.csv", "..%5csecret.csv", "%2e%2e%2f%2e%2e%2fsecret.html"),
    *("/etc/hostname", "//etc/hostname", "....//secret.csv", "figures/..%2f..%2fsecret.csv"),
    *(
        "",
        ".",
        "figures",
        "figures/",
        "runs",
        ".lock",
        "lock.json",
        "report.html/",
        "%00report.html",
    ),
    *("figures/link.csv", "folder.csv", f"runs/{tiny(1.0).run_id}/record.json"),
]


@pytest.mark.parametrize("path", OUTSIDE)
def test_nothing_else_is_given(url, path):
    status, _, content = get(url, f"/study/{path}")
    assert status in {307, 404}, content
    assert b"secret" not in content


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_it_can_only_be_read(url, method):
    request = urllib.request.Request(url + "study/report.html", b"x", method=method)
    with pytest.raises(urllib.error.HTTPError, match="405") as refused:
        urllib.request.urlopen(request)
    refused.value.close()


def test_another_host_name_is_refused(url):
    assert get(url, "/state", Host="attacker.example")[0] == 400


def test_only_this_machine_reaches_it(url):
    port = urlsplit(url).port
    others = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    for address in others - {"127.0.0.1"}:
        with pytest.raises(OSError, match=r"refused|timed out"):
            socket.create_connection((address, port), timeout=2)
    assert urlsplit(url).hostname == "127.0.0.1"


def test_a_port_that_is_taken_is_left(study, url):
    with served(study, urlsplit(url).port) as other:
        assert other != url
        assert get(other, "/")[0] == 200


def test_the_study_is_not_written_to(study, url):
    def written():
        return {path: path.stat().st_mtime_ns for path in Path(study.location).rglob("*")}

    before = written()
    get(url, "/state")
    assert written() == before


def test_a_study_that_cannot_be_read_is_said_so(tmp_path):
    Folder(tmp_path).write("study.yaml", b"[")
    with served(Folder(tmp_path), 0) as url:
        status, _, content = get(url, "/state")
    assert status == 503
    assert b"study.yaml is damaged" in content

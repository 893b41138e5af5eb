"""Names, paths and files given by mistake, and storage that is full: one line each."""

import errno
import re
import shutil
import time

import pytest

from study.cli.main import main
from study.cli.options import new_console
from study.execution.runner import start_over
from study.storage.folder import Folder


def refused(capsys, *words, status=2):
    """What a command that must fail says on stderr, in one line."""
    assert main([str(word) for word in words]) == status
    line = capsys.readouterr().err
    assert line.count("\n") == 1, line
    return line


@pytest.mark.parametrize(
    "name", ["../x", "/abs", "..", ".", "", "a/b", "a?b", "a b", "a\nb", "[/b]", "\udc80", "a\\b"]
)
def test_a_name_is_one_component_of_plain_letters(tmp_path, capsys, name):
    words = ["run", "--grid", "quick", "--dry-run", "--results", tmp_path / "r", "--name", name]
    assert "only letters, digits and . _ -" in refused(capsys, *words)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("file", "name"), [("my grid", "my-grid"), ("größe (2)", "größe-2"), ("?", "study")]
)
def test_a_grid_whose_file_cannot_name_a_study_is_a_line_with_a_name_that_can(
    tmp_path, capsys, file, name
):
    grid = tmp_path / f"{file}.yaml"
    grid.write_text("beta: 1")
    words = ["run", "--grid", str(grid), "--dry-run", "--results", str(tmp_path / "r")]
    line = refused(capsys, *words)
    assert f"{grid}: a study's name may have only letters" in line
    assert line.endswith(f"; use --name {name}\n")
    assert main([*words, "--name", name]) == 0


@pytest.mark.parametrize("name", ["quick", "J10-beta4", "a.b_c-2", "größe", "..x"])
def test_names_of_studies_stay_valid(tmp_path, capsys, name):
    words = ["run", "--grid", "quick", "--dry-run", "--results", str(tmp_path), "--name", name]
    assert main(words) == 0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("beta: [1]  # größer".encode("latin-1"), "not UTF-8 text"),
        ("beta: [1]".encode("utf-16"), "not UTF-8 text"),
        (b"\x00\x01\xff", "not UTF-8 text"),
        (b"[" * 5000, "nested too deeply"),
        (b"seed: 2020-13-01", "month must be in 1..12"),
        (b"seed: " + b"9" * 5000, "not valid YAML"),
        (b"seed: 0x" + b"f" * 5000, "a number with thousands of digits"),
        (b"beta: 1\nbeta: 2", "key 'beta' appears 2 times"),
        (b"union: &a [*a]", "aliases"),
        (b"beta: !!int ''", "not valid YAML"),
        (b"beta: !!python/object/apply:os.system [ls]", "not valid YAML"),
    ],
)
def test_a_file_that_is_no_grid_is_named(tmp_path, capsys, content, message):
    grid = tmp_path / "g.yaml"
    grid.write_bytes(content)
    line = refused(capsys, "run", "--grid", grid, "--dry-run")
    assert f"{grid}: " in line
    assert message in line
    assert len(line) < 1000


def axes(**sizes):
    return "".join(f"{key}: {list(range(1, n + 1))}\n" for key, n in sizes.items())


@pytest.mark.parametrize(
    "text",
    [
        axes(seed=1000, latent_dim=101),
        axes(seed=1000, latent_dim=1000, hidden=1000),
        "x0: &x0 [1, 1, 1, 1, 1, 1, 1, 1, 1]\n"
        + "".join(f"x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 9)}]\n" for n in range(1, 20)),
    ],
)
def test_a_grid_that_would_not_end_is_refused_at_once(tmp_path, capsys, text):
    grid = tmp_path / "g.yaml"
    grid.write_text(text)
    start = time.perf_counter()
    line = refused(capsys, "run", "--grid", grid, "--dry-run")
    assert time.perf_counter() - start < 5  # 0.1 s where nothing else runs
    assert "a grid may have at most 100,000" in line or "aliases" in line


@pytest.mark.parametrize("place", ["~nobody-of-this-name/x", "\udc80"])
@pytest.mark.parametrize(
    "words",
    [
        ("status",),
        ("score",),
        ("report",),
        ("run", "--dry-run", "--grid", "quick", "--results"),
        ("run", "--dry-run", "--grid"),
    ],
)
def test_a_path_that_cannot_be_is_refused(capsys, words, place):
    place += ".yaml" if words[-1] == "--grid" else ""
    assert "cannot be used as a path" in refused(capsys, *words, place)


def test_a_deleted_working_directory(tmp_path, capsys, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    for words in (["status", "x"], ["report", "x"], ["run", "--grid", "quick", "--dry-run"]):
        assert "cannot be used as a path" in refused(capsys, *words)


def test_a_question_mark_in_a_local_path_is_a_letter(tmp_path):
    folder = Folder(tmp_path / "what?") / "deep?" / "file"
    folder.write("x", b"")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["deep?", "file", "what?", "x"]


def test_names_with_markup_are_text(small_study, tmp_path, capsys):
    place = Folder(shutil.copytree(small_study.folder.location, tmp_path / "[/b] [red]x"))
    start_over(place, new_console())
    assert "[/b] [red]x: 6 runs" in capsys.readouterr().out
    assert not place.exists()


@pytest.fixture
def full_disk(monkeypatch):
    """Nothing can be written any more."""

    def write(self, name, data):
        raise OSError(errno.ENOSPC, "No space left on device", f"{self}/{name}")

    monkeypatch.setattr(Folder, "write", write)


def test_what_could_not_be_written_is_said_once_and_nothing_else(
    small_study, tmp_path, capsys, full_disk
):
    place = shutil.copytree(small_study.folder.location, tmp_path / "s")
    (place / "report.html").unlink(missing_ok=True)
    assert main(["report", str(place)]) == 1
    text = capsys.readouterr().out
    assert text.count("No space left on device") == 1
    assert re.search("not written: .*figure-3a.*, claims, .*report: .*No space left", text)
    assert "are in" not in text
    assert "page:" not in text


def test_a_damaged_table_costs_its_figures_and_is_said_once(small_study, tmp_path, capsys):
    place = shutil.copytree(small_study.folder.location, tmp_path / "s")
    (place / "scores.parquet").write_bytes(b"damaged")
    assert main(["report", str(place)]) == 1
    text = capsys.readouterr().out
    assert text.count("scores.parquet is damaged") == 1
    assert main(["claims", str(place)]) == 1
    assert "scores.parquet is damaged" in capsys.readouterr().err


def test_what_killed_writers_left_is_cleared_and_nothing_else(tmp_path):
    folder = Folder(tmp_path)
    kept = [".lock", ".hidden.txt", "record.json", ".record.json.0123"]
    for name in [*kept, ".record.json.0123456789abcdef0123456789abcdef"]:
        folder.write(name, b"")
    folder.clear()
    assert folder.names() == sorted(kept)

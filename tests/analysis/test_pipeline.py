"""What presenting a study says where something goes wrong."""

import errno
import shutil
from functools import partial

import pytest

from analysis import open_study
from analysis.pipeline import present
from study.cli.main import carry_out
from study.cli.present import report
from study.storage.folder import Folder

main = partial(carry_out, report, "analysis.report")


@pytest.fixture
def copy(small_study, tmp_path):
    """To write to."""
    shutil.copytree(small_study.folder.location, tmp_path / "copy")
    return open_study(tmp_path / "copy")


def test_a_part_that_fails_costs_no_other(copy, monkeypatch):
    def broken(study):
        raise OSError("no space left")

    monkeypatch.setattr("analysis.pipeline.write_claims", broken)
    lines = []
    assert not present(copy, None, lines.append)
    assert f"the whole study on one page: {copy.folder}/report.html" in lines
    again = f"try again with study report {copy.folder}"
    assert lines[-2:] == ["not written: claims: OSError: no space left", again]


def test_a_reason_that_is_known_is_not_repeated(copy, monkeypatch):
    def broken(*_, **__):
        raise OSError("the disk is gone")

    monkeypatch.setattr("analysis.pipeline.draw_all", broken)
    monkeypatch.setattr("analysis.pipeline.write_claims", broken)
    lines = []
    assert not present(copy, None, lines.append, known=["OSError: the disk is gone"])
    assert "not written: figures, claims, for the same reason" in lines
    assert "the disk is gone" not in " ".join(lines)


def test_a_folder_that_cannot_be_written_is_said_once_and_nothing_is_claimed(copy, monkeypatch):
    def full(self, name, data):
        raise OSError(errno.ENOSPC, "No space left on device", f"{self}/.{name}.beside")

    monkeypatch.setattr(Folder, "write", full)
    lines = []
    assert not present(copy, None, lines.append)
    (reason,) = [line for line in lines if "No space left" in line]
    assert {"ranking", "claims", "report"} <= set(reason.split(": ")[1].split(", "))
    text = "\n".join(lines)
    assert "figures are in" not in text
    assert "on one page" not in text


def test_damaged_scores_are_said_once_and_the_command_fails(copy, capsys):
    copy.folder.write("scores.parquet", b"no scores")
    assert main([copy.folder.location]) == 1
    printed = capsys.readouterr()
    text = printed.out + printed.err
    assert text.count("is damaged") == 1
    assert f"{copy.folder}/scores.parquet is damaged" in text
    assert "on one page" not in text


def test_weights_that_are_elsewhere_are_no_failure(copy, capsys):
    assert main([copy.folder.location]) == 0
    assert "explorer not written: " in capsys.readouterr().out

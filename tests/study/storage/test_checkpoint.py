import logging

import pytest
import torch

from study.storage import checkpoint
from study.storage.folder import Folder

CPU = torch.device("cpu")


def filled(tmp_path, epochs):
    folder = Folder(tmp_path / "run")
    for epoch in epochs:
        checkpoint.save(folder, epoch, {"epoch": epoch, "weights": torch.full((3,), epoch)})
    return folder


def test_the_newest_two_are_kept_and_the_newest_is_read(tmp_path):
    folder = filled(tmp_path, [1, 2, 3])
    assert checkpoint.epochs(folder) == [2, 3]
    assert checkpoint.load_latest(folder, CPU)["epoch"] == 3


def test_a_run_that_has_not_begun_has_none(tmp_path):
    assert checkpoint.load_latest(Folder(tmp_path / "nothing"), CPU) is None


def damage(path, how):
    content = bytearray(path.read_bytes())
    if how == "flipped":
        content[len(content) // 2] ^= 1
    path.write_bytes(content[: len(content) // 2] if how == "truncated" else content)


@pytest.mark.parametrize("how", ["flipped", "truncated"])
def test_a_damaged_one_is_passed_over_with_a_warning(tmp_path, caplog, how):
    folder = filled(tmp_path, [1, 2])
    damage(tmp_path / "run" / "epoch-00002.checkpoint", how)
    with caplog.at_level(logging.WARNING):
        assert checkpoint.load_latest(folder, CPU)["epoch"] == 1
    assert "epoch-00002.checkpoint is damaged" in caplog.text


def test_when_none_is_left_the_error_names_the_file_and_deletes_nothing(tmp_path):
    folder = filled(tmp_path, [7])
    damage(tmp_path / "run" / "epoch-00007.checkpoint", "truncated")
    with pytest.raises(
        checkpoint.CheckpointError, match=r"epoch-00007.checkpoint is damaged.*left"
    ):
        checkpoint.load_latest(folder, CPU)
    assert checkpoint.epochs(folder) == [7]


def test_a_foreign_file_is_refused(tmp_path):
    folder = Folder(tmp_path)
    folder.write("epoch-00001.checkpoint", b"PK\x03\x04 somebody else's")
    with pytest.raises(checkpoint.CheckpointError, match="is not a checkpoint of this program"):
        checkpoint.load(folder, 1, CPU)


def test_code_in_a_checkpoint_is_not_run(tmp_path):
    folder = Folder(tmp_path)
    checkpoint.save(folder, 1, {"harmless": print})
    with pytest.raises(checkpoint.CheckpointError, match="cannot be read"):
        checkpoint.load(folder, 1, CPU)


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    folder = Folder(tmp_path)
    folder.write("a", b"old")
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        folder.write("a", b"new")
    assert folder.read("a") == b"old"
    assert folder.names() == ["a"]

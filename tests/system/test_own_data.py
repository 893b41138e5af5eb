"""A study of pictures of one's own, named by a relative path: trained, gone on with, changed."""

import numpy as np

from study.cli.main import main
from study.storage.folder import Folder
from study.storage.study_file import read_study


def write(path, shade):
    images = np.full((60, 8, 8, 3), shade, np.uint8)
    images[np.arange(60), np.arange(60) % 8] = 255
    np.savez(path, images=images, labels=np.arange(60) % 2)


def test_a_study_of_ones_own_arrays_goes_on_and_is_refused_when_they_change(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "birds.yaml").write_text(
        "{data: ./birds.npz, batch_size: 18, hidden: 8, conditioning: [none, label], epochs: 1}"
    )
    write(tmp_path / "birds.npz", 7)
    words = ["run", "--grid", "birds.yaml", "--no-scores", "--data-dir", str(tmp_path / "cache")]
    assert main(words) == 0
    (facts,) = read_study(Folder("results/birds"))["data"]["sets"]
    assert facts["data"] == f"./birds.npz@{facts['hash'][:6]}"
    capsys.readouterr()
    assert main([*words, "--set", "epochs=2"]) == 0
    assert "2 continue from a checkpoint" in capsys.readouterr().out
    write(tmp_path / "birds.npz", 8)
    assert main(words) == 1
    error = capsys.readouterr().err
    assert f"birds.npz has changed since the study began: it was {facts['hash'][:6]}" in error
    assert error.count("\n") == 1

"""The page "Your own images in ten minutes", followed: its file written, its command given."""

import shlex

from documented import ROOT, blocks

from analysis import open_study
from study.cli.main import main

PAGE = ROOT / "docs/guides/own-images.md"


def test_the_file_of_the_page_is_trained_on_by_the_command_of_the_page(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(blocks(PAGE, "python")[0].text, PAGE.name, "exec"), {})
    look, train = blocks(PAGE, "bash")[0].text.splitlines()
    assert look == f"{train} --dry-run"
    less = ["--set", "epochs=2", "--set", "train_images=2000", "--set", "beta=1"]
    assert main([*shlex.split(train)[1:], *less]) == 0
    study = open_study("results/discs")
    assert list(study.trials["state"]) == ["done"]
    assert set(study.ranking["ranked_by"]) == {"Higgins (3 pairs) on known factors"}
    assert {"factor_x", "factor_y", "factor_radius"} <= set(study.alignment)

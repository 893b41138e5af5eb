"""Packs through real Ray leave what single runs leave."""

import pandas as pd
import pytest
from command_line import GRID, study

from analysis import open_study

FP32 = (
    "--set",
    "precision=fp32",
    "--set",
    "beta=[1, 4, 1e39]",
    "--set",
    "conditioning=[none, label]",
)


@pytest.fixture(scope="module")
def grid(tmp_path_factory, mnist):
    path = tmp_path_factory.mktemp("grid") / "tiny.yaml"
    path.write_text(GRID)
    return path


@pytest.fixture(scope="module")
def alone(grid, tmp_path_factory):
    results = tmp_path_factory.mktemp("alone") / "results"
    study(grid, results, *FP32)
    return open_study(results / "tiny")


def test_a_pack_leaves_what_single_runs_leave(alone, grid, tmp_path):
    done = study(grid, tmp_path / "r", *FP32, "--pack", "6")
    assert done.returncode == 1  # beta = 1e39 diverges
    packed = open_study(tmp_path / "r" / "tiny")
    pd.testing.assert_frame_equal(packed.epochs, alone.epochs, rtol=1e-5)
    pd.testing.assert_frame_equal(packed.latents, alone.latents, rtol=1e-3, atol=1e-6)
    names = [
        sorted(
            p.relative_to(s.folder.location) for p in (tmp_path.__class__(str(s.folder))).rglob("*")
        )
        for s in (packed, alone)
    ]
    assert names[0] == names[1]


def test_a_member_that_diverges_fails_alone(alone, grid, tmp_path):
    study(grid, tmp_path / "r", *FP32, "--pack", "6")
    trials = open_study(tmp_path / "r" / "tiny").trials
    assert trials.groupby("beta")["state"].unique().map(list).to_dict() == {
        1: ["done"],
        4: ["done"],
        1e39: ["failed"],
    }
    errors = trials.loc[trials["state"] == "failed", "error"]
    assert errors.str.match(r"diverged in epoch 1: \w+ is (nan|inf)").all()


@pytest.mark.parametrize(("first", "then"), [("6", "1"), ("1", "6")])
def test_a_pack_goes_on_as_singles_and_singles_as_a_pack(first, then, alone, grid, tmp_path):
    some = [*FP32, "--set", "beta=[1, 4]"]
    study(grid, tmp_path / "r", *some, "--set", "epochs=1", "--pack", first)
    done = study(grid, tmp_path / "r", *some, "--pack", then)
    assert done.returncode == 0, done.stderr
    assert "4 continue from a checkpoint" in done.stdout
    resumed = open_study(tmp_path / "r" / "tiny").epochs
    want = alone.epochs[alone.epochs["beta"] < 10].reset_index(drop=True)
    pd.testing.assert_frame_equal(resumed, want, rtol=1e-5)

"""Which runs the explorer has on board."""

import pandas as pd
import pytest
from explored import LABEL, PLAIN
from torch import nn

from analysis.report.explorer.board import N_RUNS, NothingToShow, choose, load
from analysis.report.explorer.contents import payload
from analysis.report.explorer.page import render
from analysis.study import Study
from study.config.run import RunConfig
from study.data.shipped.mnist import SHAPE
from study.models import build_model
from study.storage.folder import Folder
from study.storage.tables import write_table


def test_a_run_that_cannot_be_shown_is_left_out_and_named(explored_study, monkeypatch):
    def model(self, run, true=Study.model):
        vae, config = true(self, run)
        if run == LABEL.run_id:
            vae.decoder.extra = nn.BatchNorm2d(1)
        return vae, config

    study = explored_study
    monkeypatch.setattr(Study, "model", model)
    board = choose(study)
    assert [one.run for one in board.runs] == [PLAIN.run_id]
    assert f"Left out: {LABEL.run_id}: its decoder has a BatchNorm2d" in render(
        payload(study, board)
    )
    with pytest.raises(NothingToShow, match=f"{LABEL.run_id}: its decoder has a BatchNorm2d"):
        load(study, [LABEL.run_id])


def test_a_run_whose_encoder_cannot_be_shown_has_its_decoder(explored_study, monkeypatch):
    def model(self, run, true=Study.model):
        vae, config = true(self, run)
        vae.encoder.hidden.extra = nn.BatchNorm2d(1)
        return vae, config

    monkeypatch.setattr(Study, "model", model)
    run = payload(explored_study, load(explored_study, [PLAIN.run_id]))["runs"][0]
    assert run["encoder"] == []
    assert run["no_encoder"].startswith("has a BatchNorm2d")
    assert run["decoder"]


def trials(**axes):
    table = pd.DataFrame(axes).assign(state="done", hidden=500)
    seed = "-seed" + table["seed"].astype(str)
    beta = table["beta"].map("{:g}".format)
    table["run"] = "J" + table["latent_dim"].astype(str) + "-beta" + beta
    table["run"] += "-" + table["conditioning"] + seed
    return table


def unread(tmp_path, monkeypatch, table, ranked=()):
    """A study of a table alone, as if all weights were there."""
    study = Study(Folder(tmp_path))
    study.__dict__["trials"] = table
    sizes = table.set_index("run")[["latent_dim", "hidden"]].to_dict("index")
    monkeypatch.setattr(Study, "has_weights", lambda self, run: True)
    configs = {run: RunConfig(**size) for run, size in sizes.items()}
    monkeypatch.setattr(Study, "model", lambda self, run: (build_model(configs[run], SHAPE), None))
    if ranked:
        order = pd.DataFrame({"rank": range(1, len(ranked) + 1), "configuration": list(ranked)})
        write_table(study.folder, "ranking", order, None)
    return study


def shown(study):
    return [one.run for one in choose(study).runs]


def test_the_papers_four_are_on_board_and_the_top_of_the_ranking(tmp_path, monkeypatch):
    beta = [1.0, 10, 1, 10, 3, 4, 5, 6, 7]
    given = ["none", "none", "label", "label", *["none"] * 5]
    table = trials(latent_dim=10, beta=beta, conditioning=given, seed=0)
    ranked = [f"J10-beta{one}-none" for one in (5, 10, 6, 3, 4, 7, 1)]
    study = unread(tmp_path, monkeypatch, table, [*ranked, "J10-beta10-label"])
    assert shown(study)[:2] == ["J10-beta5-none-seed0", "J10-beta10-none-seed0"]
    monkeypatch.setattr("analysis.report.explorer.board.N_RUNS", 5)
    assert shown(study) == [
        "J10-beta5-none-seed0",
        "J10-beta10-none-seed0",
        "J10-beta1-none-seed0",
        "J10-beta10-label-seed0",
        "J10-beta1-label-seed0",  # not ranked
    ]


def test_the_one_whose_knobs_turn_and_keep_the_digit_is_shown_first(tmp_path, monkeypatch):
    table = trials(latent_dim=10, beta=[3.0, 4, 5], conditioning="none", seed=0)
    study = unread(tmp_path, monkeypatch, table, [f"J10-beta{beta}-none" for beta in (3, 4, 5)])
    turning = {3: ["width"], 4: ["thickness", "slant"], 5: ["thickness", "slant"]}
    rows = [
        {"run": f"J10-beta{beta}-none-seed0", "key": "", "property": name, "asked": asked}
        | {"holds": asked == 0 or name in turning[beta], "class_change": 0.2 - beta / 50}
        for beta in turning
        for name in ("thickness", "slant", "width")
        for asked in (-0.5, 0.0, 0.5)
    ]
    write_table(study.folder, "knobs", pd.DataFrame(rows), None)
    assert [run[4:9] for run in shown(study)] == ["beta5", "beta3", "beta4"]


def test_three_seeds_of_a_configuration_the_lowest_ones(tmp_path, monkeypatch):
    table = trials(latent_dim=[3] * 4, beta=1.0, conditioning="none", seed=[2, 1, 4, 3])
    want = [f"J3-beta1-none-seed{seed}" for seed in (1, 2, 3)]
    assert shown(unread(tmp_path, monkeypatch, table)) == want


def test_the_seeds_of_a_configuration_stand_together(tmp_path, monkeypatch):
    axes = {"latent_dim": 3, "beta": [1.0, 1, 4, 4], "conditioning": "none", "seed": [0, 1, 0, 1]}
    study = unread(tmp_path, monkeypatch, trials(**axes), ["J3-beta4-none", "J3-beta1-none"])
    assert [run[3:] for run in shown(study)] == [
        f"beta{beta}-none-seed{seed}" for beta in (4, 1) for seed in (0, 1)
    ]


def test_small_models_are_twelve_and_large_ones_fewer_but_one(tmp_path, monkeypatch):
    table = trials(latent_dim=range(3, 17), beta=1.0, conditioning="none", seed=0)
    assert len(shown(unread(tmp_path, monkeypatch, table.assign(hidden=20)))) == N_RUNS == 12
    few = unread(tmp_path, monkeypatch, table.iloc[:3].assign(hidden=3000))
    assert len(shown(few)) == 1

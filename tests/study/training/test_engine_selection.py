import math

import pytest
import torch

from study.config.run import RunConfig
from study.training import engine_selection
from study.training.engine_selection import COMPILE_FROM_STEPS, GPU_PACK, packs, select_engine

CPU = torch.device("cpu")
LONG = RunConfig(epochs=COMPILE_FROM_STEPS // 600 + 1)


def test_precision_is_measured_and_can_be_forced():
    selection = select_engine([LONG], CPU)
    assert set(selection.ms) == {"fp32", "bf16"}
    assert selection.bf16(LONG) == (selection.ms["fp32"] > 1.3 * selection.ms["bf16"])
    assert selection.bf16(RunConfig(precision="bf16"))
    assert not selection.bf16(RunConfig(precision="fp32"))


@pytest.mark.parametrize("has_units", [True, False])
def test_a_gpu_is_asked_and_not_measured(has_units, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: has_units)
    selection = select_engine([LONG], torch.device("cuda"))
    assert selection.ms == {}
    assert selection.on_gpu
    assert selection.bf16(LONG) == has_units


def test_a_study_keeps_the_precision_that_it_began_with():
    for precision in ("fp32", "bf16"):
        assert select_engine([LONG], CPU, precision).facts()["precision"] == precision


def test_only_shapes_with_many_steps_are_compiled():
    short = RunConfig(epochs=1)
    assert select_engine([LONG], CPU).compiles(LONG)
    assert not select_engine([short], CPU).compiles(short)
    many = [short.model_copy(update={"seed": seed}) for seed in range(20)]  # share one shape
    assert select_engine(many, CPU).compiles(short)
    assert not select_engine([LONG], CPU).compiles(LONG.model_copy(update={"compile": False}))
    assert select_engine([short], CPU).compiles(short.model_copy(update={"compile": True}))


def test_conv_is_compiled_where_a_run_asks_for_it_alone():
    long = LONG.model_copy(update={"network": "conv"})
    selection = select_engine([long], CPU)
    assert not selection.compiles(long)
    assert selection.compiles(long.model_copy(update={"compile": True}))


def test_packs_hold_runs_that_differ_in_beta_conditioning_and_seed():
    runs = [
        RunConfig(latent_dim=j, beta=beta, conditioning=conditioning, pack=3)
        for j in (3, 5)
        for beta in (1, 4)
        for conditioning in ("none", "label")
    ]
    together = packs(runs, on_gpu=False)
    assert [len(pack) for pack in together] == [3, 3, 1, 1]
    assert all(len({run.latent_dim for run in pack}) == 1 for pack in together)
    assert sorted(run.run_id for pack in together for run in pack) == sorted(
        run.run_id for run in runs
    )


def test_auto_packs_on_a_gpu_alone():
    runs = [RunConfig(seed=seed) for seed in range(GPU_PACK + 1)]
    assert [len(pack) for pack in packs(runs, on_gpu=False)] == [1] * (GPU_PACK + 1)
    assert [len(pack) for pack in packs(runs, on_gpu=True)] == [GPU_PACK, 1]


def test_the_longest_runs_start_first():
    runs = [RunConfig(latent_dim=10), RunConfig(latent_dim=200), RunConfig(epochs=300)]
    order = [pack[0] for pack in packs(runs, on_gpu=False)]
    assert order == [runs[2], runs[1], runs[0]]


def test_a_processor_that_is_slow_in_bf16_is_not_measured_for_long(monkeypatch):
    monkeypatch.setattr(engine_selection, "REPEATS", 10**9)
    monkeypatch.setattr(engine_selection, "ENOUGH_S", 0.01)
    ms = select_engine([], CPU).ms
    assert all(0 < value < math.inf for value in ms.values())

"""Training on a GPU: packs and single runs of every kind, as CUDA graphs."""

import pytest
import torch
from kinds import KINDS, SMALL, configs, name_of
from small_models import train

from study.config.run import RunConfig
from study.data.shipped.mnist import SHAPE
from study.data.splits import splits
from study.execution.resumable_run import Run, train_runs
from study.storage.folder import Folder
from study.training.cuda_graph import captured_update
from study.training.pack import Pack
from study.training.trainer import Trainer

pytestmark = [
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU"),
    pytest.mark.filterwarnings("default"),  # torch's compiler warns of itself and of TF32
]

CUDA = torch.device("cuda")


@pytest.fixture(scope="module")
def parts(mnist):
    return splits(mnist, 1000, CUDA)


@pytest.fixture(autouse=True)
def _fp32(monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)


def assert_same(ours, theirs, tolerance=3e-4):
    """To this part of each tensor's largest value, or of 0.1.

    Those of conv differ by up to 1.4e-4 (H200): by rounding, a ReLU may flip at 0.
    """
    for name, value in ours.engine_state.params.items():
        wanted = theirs.engine_state.params[name]
        atol = tolerance * (0.1 + float(wanted.abs().max()))
        torch.testing.assert_close(value, wanted, rtol=0, atol=atol, msg=name)


@pytest.mark.parametrize("kind", KINDS, ids=name_of)
def test_packs_and_graphs_train_as_eager_runs_do(kind, parts):
    eager, stacked, recorded = ([Trainer(c, SHAPE, CUDA) for c in configs(kind)] for _ in range(3))
    recorded[0].update = captured_update(recorded[0].recipe(stackable=False))
    for trainer in [*eager, recorded[0], *stacked]:
        trainer.start_from(parts[0])
    pack = Pack(stacked)
    for _ in range(2):
        pack.train_epoch(parts[0])
        for member in stacked:
            member.finish_epoch(parts[1])
    for trainer in [*eager, recorded[0]]:
        figures = train(trainer, *parts)
        assert figures[-1]["test_recon"] < 600
    assert_same(recorded[0], eager[0])
    for one, other in zip(stacked, eager, strict=True):
        assert_same(one, other)


@pytest.mark.parametrize("kind", [{}, {"network": "conv"}], ids=name_of)
@pytest.mark.parametrize("pack", [1, 4])
@pytest.mark.parametrize("bf16", [True, False])
def test_a_resumed_run_is_identical_to_an_undisturbed_one(kind, pack, bf16, parts, tmp_path):
    """Compiled, as studies train; with Adam, which remembers most."""
    runs = configs(kind, optimiser="adam", learning_rate=1e-3, epochs=4, checkpoint_every=1)[:pack]

    def trained(folder, *epochs):
        for n in epochs:
            shorter = [c.model_copy(update={"epochs": n}) for c in runs]
            begun = [Run(c, SHAPE, Folder(folder / c.run_id), CUDA, bf16=bf16) for c in shorter]
            if pack == 1:
                begun[0].compile(tmp_path)
            train_runs(begun, *parts, lambda runs: None)
        assert {run.record["engine"] for run in begun} == {f"{precision}, CUDA graph"}
        return begun

    precision = "bf16" if bf16 else "fp32"
    for one, other in zip(trained(tmp_path / "a", 4), trained(tmp_path / "b", 2, 4), strict=True):
        theirs = other.trainer.engine_state.params
        for name, value in one.trainer.engine_state.params.items():
            assert torch.equal(value, theirs[name]), name


def test_a_step_that_cannot_be_compiled_is_still_recorded(parts, monkeypatch, caplog):
    def refuse(update, options):
        def refused(*args):
            raise RuntimeError("no compiler\nwas found")

        return refused

    monkeypatch.setattr(torch, "compile", refuse)
    eager, recorded = (Trainer(configs({})[0], SHAPE, CUDA) for _ in range(2))
    recorded.update = captured_update(recorded.recipe(stackable=False))
    for trainer in (eager, recorded):
        train(trainer, *parts)
    assert_same(recorded, eager)
    assert "trains without compilation: was found" in caplog.text


def test_a_gpu_and_a_cpu_come_to_the_same(parts, mnist):
    """Their noise differs; a seed's weights and batches do not."""
    config = RunConfig(**SMALL | {"epochs": 5})
    one = train(Trainer(config, SHAPE, CUDA), *parts)[-1]
    cpu = torch.device("cpu")
    other = train(Trainer(config, SHAPE, cpu), *splits(mnist, 1000, cpu))[-1]
    assert one["test_recon"] == pytest.approx(other["test_recon"], abs=2)

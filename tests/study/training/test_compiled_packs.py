"""What a GPU compiles of a pack, followed on a CPU as far as code generation."""

import pytest
import torch
from kinds import KINDS, configs, name_of
from small_models import CPU
from torch.utils import _pytree

from study.data.shipped.mnist import SHAPE
from study.data.splits import splits
from study.training import pack
from study.training.compiled import traced
from study.training.pack import Pack
from study.training.step import functional_update
from study.training.trainer import Trainer


@pytest.fixture(scope="module")
def parts(mnist):
    return splits(mnist, 1000, CPU)


def followed(recipe):
    """As on a GPU, with a backend that runs the operations one by one."""
    compiled = None

    def update(*tensors):
        nonlocal compiled
        if compiled is None:
            graph, _ = traced(functional_update(recipe), *tensors)
            compiled = torch.compile(graph, backend="aot_eager", fullgraph=True)
        with torch.no_grad():
            compiled(*_pytree.tree_leaves(tensors))

    return update


@pytest.mark.parametrize("kind", KINDS, ids=name_of)
def test_a_compiled_pack_trains_as_the_eager_one_does(kind, parts, monkeypatch):
    runs = configs(kind)
    ours, theirs = ([Trainer(run, SHAPE, CPU) for run in runs] for _ in range(2))
    for trainer in [*ours, *theirs]:
        trainer.start_from(parts[0])
    Pack(theirs).train_epoch(parts[0])
    monkeypatch.setattr(pack, "eager_update", followed)
    Pack(ours).train_epoch(parts[0])
    torch._dynamo.reset()
    for one, other in zip(ours, theirs, strict=True):
        for name, value in one.engine_state.params.items():
            wanted = other.engine_state.params[name]
            atol = 1e-4 * (0.1 + float(wanted.abs().max()))  # a ReLU of conv may flip at 0
            torch.testing.assert_close(value, wanted, rtol=0, atol=atol, msg=name)

"""What a run asks of the nodes there are."""

import pytest

from study.execution import scheduler as launch
from study.execution.scheduler import Resources, idle_nodes


@pytest.fixture
def nodes(monkeypatch):
    """A GPU node, a node with CPUs alone, and one that is gone."""
    resources = [{"CPU": 16.0, "GPU": 2.0}, {"CPU": 32.0}, {"CPU": 99.0, "GPU": 99.0}]
    alive = [True, True, False]
    listed = [{"Alive": a, "Resources": r} for a, r in zip(alive, resources, strict=True)]
    monkeypatch.setattr(launch.ray, "nodes", lambda: listed)


@pytest.mark.parametrize(
    ("asked", "gpus", "idle"),
    [
        (Resources(), 1 / 8, 1),  # 16 CPUs feed 2 GPUs: 8 runs share each
        (Resources(cpus_per_run=4), 1 / 2, 1),
        (Resources(cpus_per_run=16), 1, 1),
        (Resources(gpus_per_run=0.25), 0.25, 1),
        (Resources(gpus_per_run=0), 0, 0),  # every node takes runs
    ],
)
def test_gpus_are_shared_and_nodes_that_stay_idle_are_counted(nodes, asked, gpus, idle):
    assert launch._gpus(asked) == gpus
    assert idle_nodes(asked) == idle

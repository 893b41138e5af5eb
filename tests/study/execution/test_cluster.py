"""What a run asks of the nodes there are."""

import pytest
import ray

from study.execution.cluster import Resources, gpus, idle_nodes


@pytest.fixture
def nodes(monkeypatch):
    """A GPU node, a node with CPUs alone, and one that is gone."""
    resources = [{"CPU": 16.0, "GPU": 2.0}, {"CPU": 32.0}, {"CPU": 99.0, "GPU": 99.0}]
    alive = [True, True, False]
    listed = [{"Alive": a, "Resources": r} for a, r in zip(alive, resources, strict=True)]
    monkeypatch.setattr(ray, "nodes", lambda: listed)


@pytest.mark.parametrize(
    ("resources", "share", "idle"),
    [
        (Resources(), 1 / 8, 1),  # 16 CPUs feed 2 GPUs: 8 runs share each
        (Resources(cpus_per_run=4), 1 / 2, 1),
        (Resources(cpus_per_run=16), 1, 1),
        (Resources(gpus_per_run=0.25), 0.25, 1),
        (Resources(gpus_per_run=0), 0, 0),  # every node takes runs
    ],
)
def test_gpus_are_shared_and_nodes_that_stay_idle_are_counted(nodes, resources, share, idle):
    assert gpus(resources) == share
    assert idle_nodes(resources) == idle

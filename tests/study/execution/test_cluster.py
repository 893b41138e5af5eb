"""What a run asks of the nodes there are."""

import os
import socket
import threading
from functools import partial

import pytest
import ray

from study.config.errors import StudyError
from study.execution.cluster import Needs, Resources, check_nodes, connect, gpus, idle_nodes, slots
from study.storage.folder import Folder
from study.storage.lock import Lock


@pytest.fixture
def nodes(monkeypatch):
    """A GPU node, a node with CPUs alone, and one that is gone."""
    resources = [{"CPU": 16.0, "GPU": 2.0}, {"CPU": 32.0}, {"CPU": 99.0, "GPU": 99.0}]
    alive = [True, True, False]
    listed = [{"Alive": a, "Resources": r} for a, r in zip(alive, resources, strict=True)]
    monkeypatch.setattr(ray, "nodes", lambda: listed)


@pytest.mark.parametrize(
    ("resources", "share", "idle", "at_once"),
    [
        (Resources(), 1 / 8, 1, 16),  # 16 CPUs feed 2 GPUs: 8 runs share each
        (Resources(cpus_per_run=4), 1 / 2, 1, 4),
        (Resources(cpus_per_run=16), 1, 1, 1),
        (Resources(gpus_per_run=0.25), 0.25, 1, 8),
        (Resources(gpus_per_run=0.1, cpus_per_run=0.1), 0.1, 1, 20),  # though 1 // 0.1 is 9
        (Resources(gpus_per_run=0), 0, 0, 48),  # every node takes runs
        (Resources(gpus_per_run=0, cpus_per_run=12), 0, 0, 3),  # one of them on the first node
    ],
)
def test_gpus_are_shared_and_nodes_that_stay_idle_are_counted(
    nodes, resources, share, idle, at_once
):
    assert gpus(resources) == share
    assert idle_nodes(resources) == idle
    assert slots(resources) == at_once


def test_a_run_that_fits_on_no_node_is_refused(nodes):
    nodes_have = "the nodes have 16 CPU and 2 GPU; 32 CPU and 0 GPU"
    with pytest.raises(StudyError, match=f"a run needs 40 CPU on one node; {nodes_have}"):
        slots(Resources(cpus_per_run=40, gpus_per_run=0))


def test_a_node_with_other_code_of_ones_own_is_named(tmp_path, monkeypatch):
    (tmp_path / "parts_of_a_node.py").write_text("net = 1\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    study = Folder(tmp_path / "study")
    ask = partial(check_nodes, study)
    ray.shutdown()  # one that an earlier test has left does not know this path
    connect(None)
    try:
        with Lock(study) as lock:
            for path, complaint in (
                ("parts_of_a_node:net@000000", "has changed: "),
                ("parts_of_no_node:net", "cannot import parts_of_no_node:net"),
            ):
                with pytest.raises(StudyError, match=f"^node .* cannot take runs: .*{complaint}"):
                    ask(lock.holder.invocation, Needs(str(tmp_path), [], [path]))
            ask(lock.holder.invocation, Needs(str(tmp_path), [], ["parts_of_a_node:net"]))
        connect(ray.get_runtime_context().gcs_address)  # a cluster that answers is joined
    finally:
        ray.shutdown()


@pytest.mark.parametrize("greeting", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b""])
def test_another_server_at_the_address_is_one_line_at_once(greeting, capfd):
    def greet():
        door, _ = server.accept()
        with door:
            door.sendall(greeting)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=greet)
        thread.start()
        address = f"127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(StudyError, match=f"^no Ray cluster answers at '{address}' "):
            connect(address)
        thread.join()
    assert capfd.readouterr() == ("", "")

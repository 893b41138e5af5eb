"""Clusters of several nodes: nodes that go, come, or lack what a run needs."""

import os
import re
import shutil
import subprocess
import sys

import pytest
from studies import (
    ROOT,
    assert_same,
    epochs_saved,
    finish,
    records,
    run,
    start,
    wait_for,
    write_grid,
)

from study.data.verified_files import data_dir

UNSHARE = ["unshare", "--map-root-user", "--mount"]


@pytest.fixture(scope="module")
def grid(tmp_path_factory, mnist):
    folder = tmp_path_factory.mktemp("grid")
    return write_grid(folder / "s.yaml", beta=[1, 4, 8], epochs=90, checkpoint_every=5)


@pytest.fixture
def cluster(monkeypatch):
    """A head node that takes no runs, on loopback alone."""
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    yield made
    made.shutdown()


@pytest.mark.slow
def test_node_added_and_node_lost(cluster, grid, tmp_path):
    first = cluster.add_node(num_cpus=1)
    study, address = tmp_path / "moved" / "s", ("--address", cluster.address)
    driver = start(grid, tmp_path / "moved", *address)
    wait_for(lambda: epochs_saved(study), driver)
    cluster.add_node(num_cpus=1)
    wait_for(lambda: len(begun(study)) == 2, driver)  # the new node has taken a run
    cluster.remove_node(first, allow_graceful=False)
    output, _ = finish(driver)
    assert "its worker was lost; it continues from its last checkpoint" in output
    assert "(3 of 3)" in output
    run(grid, tmp_path / "quiet")  # on this machine alone
    assert_same(study, tmp_path / "quiet" / "s")


def begun(study):
    return [name for name, record in records(study).items() if record["state"] == "begun"]


def a_node(address, script, env):
    """A Ray node in a mount namespace of its own, where `script` has been run first."""
    ray = "-m ray.scripts.scripts start --num-cpus=1 --node-name=lame --block"
    line = f"{script} && exec {sys.executable} -W ignore {ray} --address={address}"
    return subprocess.Popen(
        [*UNSHARE, "sh", "-c", line],
        env={**os.environ, **env},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def hide(folder):
    return f"mount -t tmpfs none '{folder}'"


LACKS = {
    "storage": r"it does not see the study's folder \S+: use storage that all nodes share",
    "code": r"it cannot load the package vae-study \(.*No module named 'study.*install the same",
    "other_code": r"its package vae-study \(.*\) differs from the driver's: install the same",
    "data": r"\S+/t10k-labels-idx1-ubyte is not the original MNIST file",
}


@pytest.mark.slow
@pytest.mark.skipif(
    subprocess.run([*UNSHARE, "true"], capture_output=True).returncode != 0,
    reason="needs mount namespaces",
)
def test_node_without_what_it_needs(cluster, grid, tmp_path):
    import ray

    results = tmp_path / "results"
    results.mkdir()
    data = data_dir()
    (tmp_path / "empty" / "study").mkdir(parents=True)
    # An editable install would fill an empty package: this one is as good as none.
    (tmp_path / "empty" / "study" / "__init__.py").write_text(
        "raise ModuleNotFoundError(\"No module named 'study'\")\n"
    )
    for package in ("study", "analysis"):
        shutil.copytree(ROOT / package, tmp_path / "other" / package)
    with (tmp_path / "other" / "study" / "models" / "vae.py").open("a") as file:
        file.write("# another version\n")
    how = {
        "storage": (hide(results), {}),
        "code": ("true", {"PYTHONPATH": str(tmp_path / "empty")}),
        "other_code": ("true", {"PYTHONPATH": str(tmp_path / "other")}),
        "data": (f"{hide(data)} && echo no > '{data}/t10k-labels-idx1-ubyte'", {}),
    }
    ray.shutdown()  # one that an earlier test has left is another cluster
    ray.init(address=cluster.address, logging_level="ERROR")
    try:
        for lack, (script, env) in how.items():
            node = a_node(cluster.address, script, env)
            wait_for(lambda: "lame" in alive(), node)
            _, errors = run(grid, results, "--address", cluster.address, status=1)
            assert re.search(rf"^study: node lame on \S+ cannot take runs: {LACKS[lack]}", errors)
            assert errors.count("\n") == 1
            assert not records(results / "s"), "no run was begun"
            node.terminate()
            node.wait()
            wait_for(lambda: "lame" not in alive())
    finally:
        ray.shutdown()


def alive():
    import ray

    return [node["NodeName"] for node in ray.nodes() if node["Alive"]]

"""The check before the first run: every node has the code, the study's folder and the data."""

from pathlib import Path
from typing import Any

import ray
from ray.exceptions import GetTimeoutError, RayError, RayTaskError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from study.config.errors import StudyError, UsageError
from study.config.package_hash import package_hash
from study.data import prepare_data
from study.storage.folder import Folder
from study.storage.lock import read_holder

TIMEOUT_S = 300.0  # a node may have to fetch MNIST first


def check_nodes(study: Folder, invocation: str, data_dir: Path, data: list[str]) -> None:
    """Ask every node of the connected cluster whether it could train a run.

    Raises:
        StudyError: one cannot or does not answer; names the first such node and says what it
            lacks.
    """
    nodes = [node for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]
    answers = [_ask(node["NodeID"], study, invocation, data_dir, data) for node in nodes]
    late = GetTimeoutError(f"no answer in {TIMEOUT_S:.0f} s")
    ready, _ = ray.wait(answers, num_returns=len(answers), timeout=TIMEOUT_S)
    for node, answer in zip(nodes, answers, strict=True):
        try:
            problem = ray.get(answer) if answer in ready else str(late)
        except RayTaskError as error:  # the code is not there, or is so old that it fails
            problem = _without_code(error)
        except RayError as error:
            problem = str(error).splitlines()[0]
        if problem:
            raise StudyError(f"node {_name(node)} cannot take runs: {problem}")


def _ask(node: str, study: Folder, invocation: str, data_dir: Path, data: list[str]) -> Any:
    where = NodeAffinitySchedulingStrategy(node, soft=False)
    task = ray.remote(_what_lacks).options(num_cpus=0, max_retries=0, scheduling_strategy=where)
    return task.remote(str(study), invocation, str(data_dir), data, package_hash())


def _what_lacks(
    study: str, invocation: str, data_dir: str, data: list[str], code: str
) -> str | None:
    """Runs on a node: what it lacks, in one line; None where nothing."""
    if package_hash() != code:
        return (
            f"its package vae-study ({Path(__file__).parents[1]}) is not the driver's: install the"
            " same version on every node"
        )
    try:
        holder = read_holder(Folder(study))
        if holder is None or holder.invocation != invocation:
            return f"it does not see the study's folder {study}: use storage that all nodes share"
        probe = f"probe-{ray.get_runtime_context().get_node_id()}"
        Folder(study).write(probe, b"")
        Folder(study).delete(probe)
        for name in data:
            prepare_data(name, Path(data_dir))
    except OSError as error:
        return f"it cannot use the study's folder {study}: {error}"
    except (StudyError, UsageError) as error:  # of the data; names the file and what to do
        return " ".join(str(error).split())
    return None


def _without_code(error: RayTaskError) -> str:
    last = str(error).strip().splitlines()[-1]
    return f"it cannot load the package vae-study ({last}): install the same version on every node"


def _name(node: dict[str, Any]) -> str:
    names = dict.fromkeys([node["NodeName"], node["NodeManagerHostname"]])
    return " on ".join(names)

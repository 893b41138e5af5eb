"""The Ray cluster: joined or started, its room for runs, and whether its nodes can train.

Ray places tasks, but knows nothing of a study: that every node has its code, the user's own, its
folder and its data is asked of each before the first run.
"""

import logging
import math
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import ray
from ray.exceptions import GetTimeoutError, RayError, RayTaskError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from study.config.errors import StudyError, UsageError
from study.config.own_code import load_object
from study.config.package_hash import package_hash
from study.data import prepare_data
from study.execution import interrupt, on_signals
from study.storage.folder import Folder
from study.storage.lock import read_holder

CONNECT_S = 5.0
ANSWER_S = 300.0  # a node may have to fetch the data first


class Resources(NamedTuple):
    """Where runs go and what each may use."""

    address: str | None = None  # of a Ray cluster; None: a local one is started
    cpus_per_run: float = 1.0
    gpus_per_run: float | None = None  # None: the GPUs are shared evenly
    max_failures: int = 2  # lost workers that a run survives


class Needs(NamedTuple):
    """What runs need of a node besides the package and the study's folder."""

    data_dir: str
    data: list[str]  # data sets, by name
    own_code: list[str]  # of the user's own, by import path


def connect(address: str | None) -> None:
    """Join the Ray cluster at an address, or start a local one.

    Raises:
        StudyError: nothing answers at the address.
        UsageError: it is no address.
    """
    if address and address not in {"auto", "local"}:
        _require_answer(address)
    try:
        with on_signals(interrupt):  # Ray takes SIGTERM over; this gives it back
            ray.init(
                address=address or "local",  # None would join any cluster here
                include_dashboard=False if address in {None, "local"} else None,
                log_to_driver=False,
                logging_level=logging.CRITICAL,
                ignore_reinit_error=True,
            )
    except (ConnectionError, RuntimeError, ValueError) as error:
        cluster = f"the Ray cluster at {address!r}" if address else "a local Ray"
        raise StudyError(f"cannot join {cluster}: {first_line(error)}") from None
    for name in ("ray", "ray.tune"):  # a trial's error is a row of the study
        logging.getLogger(name).setLevel(logging.CRITICAL)


def slots(resources: Resources) -> int:
    """How many runs the connected cluster trains at once; at least one.

    Raises:
        StudyError: not even one run fits.
    """
    wanted = {"CPU": resources.cpus_per_run, "GPU": gpus(resources)}
    offers = _offers()
    n = sum(_fitting(offer, wanted) for offer in offers)
    if n < 1:
        need = " and ".join(f"{amount:g} {kind}" for kind, amount in wanted.items() if amount)
        have = dict.fromkeys(
            " and ".join(f"{offer.get(kind, 0):g} {kind}" for kind in wanted) for offer in offers
        )
        raise StudyError(f"a run needs {need} on one node; the nodes have {'; '.join(have)}")
    return n


def gpus(resources: Resources) -> float:
    """GPUs of one run: as asked, or a share such that every CPU beside a GPU has a run to feed."""
    if resources.gpus_per_run is not None:
        return resources.gpus_per_run
    beside = [offer for offer in _offers() if offer.get("GPU")]
    if not beside:
        return 0.0
    n_gpus, n_cpus = (sum(offer.get(kind, 0.0) for offer in beside) for kind in ("GPU", "CPU"))
    return 1 / max(1, math.ceil(n_cpus / max(resources.cpus_per_run, 0.01) / n_gpus))


def idle_nodes(resources: Resources) -> int:
    """Nodes that get no run because runs ask for a GPU and they have none."""
    without = [offer for offer in _offers() if offer.get("CPU") and not offer.get("GPU")]
    return len(without) if gpus(resources) else 0


def check_nodes(study: Folder, invocation: str, needs: Needs) -> None:
    """Ask every node of the connected cluster whether it could train a run.

    Raises:
        StudyError: one cannot or does not answer; names the first such node and says what it
            lacks.
    """
    nodes = _nodes()
    answers = [_ask(node["NodeID"], study, invocation, needs) for node in nodes]
    late = GetTimeoutError(f"no answer in {ANSWER_S:.0f} s")
    ready, _ = ray.wait(answers, num_returns=len(answers), timeout=ANSWER_S)
    for node, answer in zip(nodes, answers, strict=True):
        try:
            problem = ray.get(answer) if answer in ready else str(late)
        except RayTaskError as error:  # the code is not there, or is so old that it fails
            last = str(error).strip().splitlines()[-1]
            install = "install the same version on every node"
            problem = f"it cannot load the package vae-study ({last}): {install}"
        except RayError as error:
            problem = str(error).splitlines()[0]
        if problem:
            names = dict.fromkeys([node["NodeName"], node["NodeManagerHostname"]])
            raise StudyError(f"node {' on '.join(names)} cannot take runs: {problem}")


def first_line(error: BaseException | None) -> str:
    """An error in one line."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), "no reason")


def _nodes() -> list[dict[str, Any]]:
    """What Ray says of every node that is there."""
    nodes: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
    return [node for node in nodes if node["Alive"]]


def _fitting(offer: Mapping[str, float], wanted: Mapping[str, float]) -> int:
    """Runs that fit on a node; 10 of 0.1 GPU on one GPU, though 1 // 0.1 is 9."""
    each = (offer.get(kind, 0.0) / amount for kind, amount in wanted.items() if amount)
    return min(math.floor(n + 1e-9) for n in each)  # every run needs some CPU


def _offers() -> list[dict[str, float]]:
    """CPUs and GPUs of every node that is there, by Ray's names."""
    return [node["Resources"] for node in _nodes()]


def _ask(node: str, study: Folder, invocation: str, needs: Needs) -> Any:
    here = NodeAffinitySchedulingStrategy(node, soft=False)
    task = ray.remote(_what_lacks).options(num_cpus=0, max_retries=0, scheduling_strategy=here)
    return task.remote(str(study), invocation, needs, package_hash())


def _what_lacks(study: str, invocation: str, needs: Needs, code: str) -> str | None:
    """Runs on a node: what it lacks, in one line; None where nothing."""
    if package_hash() != code:
        return (
            f"its package vae-study ({Path(__file__).parents[1]}) differs from the driver's:"
            " install the same version on every node"
        )
    try:
        holder = read_holder(Folder(study))
        if holder is None or holder.invocation != invocation:
            return f"it does not see the study's folder {study}: use storage that all nodes share"
        probe = f"probe-{ray.get_runtime_context().get_node_id()}"
        Folder(study).write(probe, b"")
        Folder(study).delete(probe)
        for path in needs.own_code:
            load_object(path)
        for name in needs.data:
            prepare_data(name, Path(needs.data_dir))
    except OSError as error:
        return f"it cannot use the study's folder {study}: {error}"
    except (StudyError, UsageError) as error:  # names the file and what to do
        return " ".join(str(error).split())
    return None


def _require_answer(address: str) -> None:
    """Knock before Ray does: it tries for two minutes, then ends the process."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not (host and port.isdigit()):
        raise UsageError(f"--address takes HOST:PORT, ray://HOST:PORT or auto, got {address!r}")
    try:
        with socket.create_connection((host, int(port)), timeout=CONNECT_S) as door:
            if not (os.environ.get("RAY_USE_TLS") == "1" or _speaks_grpc(door)):
                raise ConnectionError("something else answers there")
    except OSError as error:
        raise StudyError(
            f"no Ray cluster answers at {address!r} ({error}); check the address, or leave it out"
            " to start a local Ray"
        ) from None


def _speaks_grpc(door: socket.socket) -> bool:
    """Whether a server greets as one of HTTP/2, with its settings (RFC 9113, 3.4)."""
    door.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + b"\x04" + bytes(5))
    return door.recv(9)[3:4] == b"\x04"

"""The training step compiled ahead of time: built once a shape and machine, loaded by every worker.

A worker that loads a package imports no compiler: 3 ms and 60 MB beyond torch, of which 47 are the
images, against 3 s and 267 MB for torch.compile with a warm cache; the step takes 0.97 of the time
of its products and optimiser, against 1.14 (one Zen 4 core, J = 10).
"""

import hashlib
import json
import logging
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from filelock import FileLock
from torch import Tensor

from study.config.package_hash import package_hash
from study.config.run import HOW, RunConfig
from study.data import DataShape
from study.losses import discriminator, objective_weights
from study.models import build_model
from study.training.hardware import processor_id
from study.training.step import (
    Batch,
    Recipe,
    Scalars,
    State,
    Update,
    functional_update,
    new_state,
)

log = logging.getLogger(__name__)

BUILD_TIMEOUT_S = 900.0


class StepShape(NamedTuple):
    """What a compiled step is made for."""

    config: RunConfig  # of its runs, without what they may differ in
    data: DataShape
    bf16: bool
    weights: tuple[str, ...]  # of the objective, by name; each run brings its own values


OF_WEIGHTS = {"beta", "gamma", "capacity", "capacity_epochs", "lambda_od", "kl_warmup_epochs"}
"""Keys of a configuration that give the objective's weights alone."""
APART = OF_WEIGHTS | {"seed", "learning_rate", "train_images", "data", "precision"}
"""Keys of a configuration that the step does not depend on, besides those of how far to train."""


def step_shape(config: RunConfig, data: DataShape, bf16: bool) -> StepShape:
    """The shape of a run's step."""
    same = RunConfig(**config.model_dump(exclude=APART | HOW))
    return StepShape(same, data, bf16, tuple(objective_weights(config)))


class CompileError(RuntimeError):
    """The step could not be compiled on this machine; says why."""


def load_update(shape: StepShape, cache: Path) -> Update:
    """The compiled step of a shape, built first where the cache lacks it.

    Several workers may ask at once: one builds, the others wait.

    Raises:
        CompileError: there is no working C++ compiler, or the cache cannot be written.
    """
    package = cache / f"{_key(shape)}.pt2"
    try:
        if not package.exists():
            cache.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{package}.lock", timeout=BUILD_TIMEOUT_S):
                if not package.exists():
                    _build_in_a_process_of_its_own(shape, package)
        return _load(package, shape)
    except (OSError, RuntimeError, subprocess.SubprocessError) as error:
        raise CompileError(reason_of(error)) from error


def reason_of(error: Exception) -> str:
    """The last line of a compiler's error, which says what is wrong."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__


def build(shape: StepShape, package: Path) -> None:
    """Compile the step of a shape into a file."""
    from torch._inductor import aoti_compile_and_package

    torch.set_num_threads(1)
    config, model = shape.config, build_model(shape.config, shape.data)
    parts, other = (config.optimiser, config.objective), discriminator(config)
    update = functional_update(Recipe(model, *parts, shape.bf16, other))
    state = new_state(model, *parts, other)
    batch = Batch(
        images=torch.zeros(config.batch_size, shape.data.n_pixels, dtype=torch.uint8),
        labels=torch.zeros(config.batch_size, model.n_classes),
        noise=torch.randn(config.batch_size, config.latent_dim),
    )
    weights = {name: torch.tensor(1.0) for name in shape.weights}
    scalars = Scalars(weights, torch.tensor(0.01), torch.tensor(1.0))
    graph, tensors = traced(update, state, batch, scalars)
    with torch.no_grad():
        exported = torch.export.export(graph, tuple(tensors))
    options = {"cpp.use_decompose_tanh": shape.bf16}  # 0.1 ms less; too coarse near 0 for fp32
    aoti_compile_and_package(exported, package_path=str(package), inductor_configs=options)


def traced(
    update: Callable[..., None], state: State, batch: Batch, scalars: Scalars
) -> tuple[torch.nn.Module, list[Tensor]]:
    """A functional update as a graph of its operations, to be compiled.

    Neither torch.export nor torch.compile sees through torch.func.grad and a user's code by itself.

    Returns:
        The graph, and the tensors of state, batch and scalars that it takes, one by one.
    """
    from torch.fx.experimental.proxy_tensor import make_fx
    from torch.utils import _pytree

    tensors, structure = _pytree.tree_flatten((state, batch, scalars))

    def flat_update(*flat: Any) -> Any:
        state, batch, scalars = _pytree.tree_unflatten(list(flat), structure)
        update(state, batch, scalars)
        return state.step.clone()

    with torch.no_grad():
        graph = make_fx(flat_update)(*(tensor.clone() for tensor in tensors))
    return graph, tensors


def _load(package: Path, shape: StepShape) -> Update:
    # What torch._inductor.aoti_load_package wraps; that import costs each worker 170 MB.
    loader = torch._C._aoti.AOTIModelPackageLoader(str(package), "model", False, 1, -1)
    images = (shape.config.batch_size, shape.data.n_pixels)

    def update(state: State, batch: Batch, scalars: Scalars) -> None:
        if batch.images.shape != images:  # the package itself does not look
            raise ValueError(f"compiled for images {images}, got {tuple(batch.images.shape)}")
        weights = [scalars.weights[name] for name in shape.weights]
        loader.run([*state.tensors(), *batch, *weights, scalars.learning_rate, scalars.n_images])

    return update


def _build_in_a_process_of_its_own(shape: StepShape, package: Path) -> None:
    """The compiler's memory goes when it is done; the file appears whole."""
    log.info("compiling the training step for %s", shape)
    beside = package.with_name(f"building-{package.name}")
    words = [sys.executable, "-m", "study.training.compiled", _to_json(shape), str(beside)]
    root = Path(__file__).parents[2]
    done = subprocess.run(
        words, capture_output=True, text=True, timeout=BUILD_TIMEOUT_S, cwd=root, check=False
    )
    if done.returncode:
        raise CompileError(done.stderr)
    beside.replace(package)


def _key(shape: StepShape) -> str:
    """Names shape, code, torch and processor: a package runs only where it was made."""
    parts = [_to_json(shape), package_hash(), torch.__version__, processor_id()]
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]
    config, kind = shape.config, "bf16" if shape.bf16 else "fp32"
    return f"step-J{config.latent_dim}-{config.conditioning}-{kind}-{digest}"


def _to_json(shape: StepShape) -> str:
    return json.dumps([shape.config.model_dump(), *shape[1:]])


def _from_json(text: str) -> StepShape:
    config, data, bf16, weights = json.loads(text)
    return StepShape(RunConfig(**config), DataShape(*data), bf16, tuple(weights))


if __name__ == "__main__":
    build(_from_json(sys.argv[1]), Path(sys.argv[2]))

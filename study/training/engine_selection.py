"""Which engine trains the runs: precision, compilation and packs, by a short measurement."""

import time
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NamedTuple

import torch

from study.config.run import RunConfig
from study.data import describe_data
from study.losses import objective_weights
from study.models import build_model, can_stack, gains_by_compiling
from study.training.compiled import OF_WEIGHTS, StepShape, step_shape

BF16_GAIN = 1.3  # bf16 is taken where the largest product is at least this much faster
REPEATS, LEAST_REPEATS = 200, 5
ENOUGH_S = 0.5  # of repeats: a processor without bf16 takes 30 times as long in it
PROBE = (100, 784, 500)  # batch, pixels, hidden units: the largest product of the paper's model
COMPILE_FROM_STEPS = 10_000  # of one shape: compiling takes about 25 s and saves 3 ms a step
GPU_PACK = 50  # members; at J = 200 their weights, gradients and state take under 1 GB


class EngineSelection(NamedTuple):
    """The engine of an invocation."""

    fast_bf16: bool
    ms: dict[str, float]  # a product of the largest layer, by precision; on a GPU not measured
    steps: Counter[StepShape]  # of the whole study, by shape
    on_gpu: bool = False

    def bf16(self, run: RunConfig) -> bool:
        """Whether a run's matrix products are in bf16."""
        return self.fast_bf16 if run.precision == "auto" else run.precision == "bf16"

    def compiles(self, run: RunConfig) -> bool:
        """Whether the step of a run that trains alone is compiled; on a GPU a pack's always is."""
        if run.compile != "auto":
            return run.compile
        if not self.on_gpu and not gains_by_compiling(run):
            return False
        return self.steps[_shape(run, self.bf16(run))] >= COMPILE_FROM_STEPS

    def alone(self, run: RunConfig) -> "EngineSelection":
        """The same for a run whose companions are not known yet, as in a search."""
        steps = Counter({_shape(run, self.bf16(run)): run.epochs * run.steps_per_epoch})
        return self._replace(steps=steps)

    def facts(self) -> dict[str, Any]:
        """For study.yaml."""
        kind = "bf16" if self.fast_bf16 else "fp32"
        ms = {name: round(value, 4) for name, value in self.ms.items()}
        return {"precision": kind, "product_ms": ms, "compile_from_steps": COMPILE_FROM_STEPS}


def select_engine(
    runs: Iterable[RunConfig], device: torch.device, precision: str | None = None
) -> EngineSelection:
    """Measure the processor and count the steps.

    A GPU is not measured, as other work on it would decide: whether it has units for bf16 does.

    Args:
        runs: all that are asked for, done or not: a command that is repeated after an
            interruption chooses as it did before, and its runs go on to the same last bit.
        device: what trains.
        precision: what an earlier invocation of the study chose; one study keeps to one precision.
    """
    on_gpu = device.type == "cuda"
    if on_gpu:
        ms, fast = {}, torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        ms = _product_ms()
        fast = ms["fp32"] > BF16_GAIN * ms["bf16"]
    fast = fast if precision is None else precision == "bf16"
    selection = EngineSelection(fast, ms, Counter(), on_gpu)
    for run in runs:
        selection.steps[_shape(run, selection.bf16(run))] += run.epochs * run.steps_per_epoch
    return selection


def packs(todo: list[RunConfig], on_gpu: bool) -> list[list[RunConfig]]:
    """Runs to train together: they share all but weights, conditioning, seed and how to train.

    Those with labels in the prior are packed apart. On a CPU, which one model keeps busy, `auto`
    packs none; nor is a network or prior packed that has no form for it. The longest come first:
    whoever starts last, with the other cores idle, should have little to do.
    """
    alike: dict[tuple[Any, ...], list[RunConfig]] = {}
    apart = OF_WEIGHTS | {"conditioning", "seed", "checkpoint_every"}
    for run in todo:
        in_prior = run.conditioning == "prior"
        key = (in_prior, *run.model_dump(exclude=apart).values(), *objective_weights(run))
        alike.setdefault(key, []).append(run)
    together = []
    for runs in alike.values():
        size = runs[0].pack if runs[0].pack != "auto" else GPU_PACK if on_gpu else 1
        size = size if can_stack(runs[0]) else 1
        together += [runs[start : start + size] for start in range(0, len(runs), size)]
    return sorted(together, key=lambda runs: -sum(map(_work, runs)))


def _shape(run: RunConfig, bf16: bool) -> StepShape:
    return step_shape(run, describe_data(run.data)[0], bf16)


def _work(run: RunConfig) -> int:
    """Products of all steps, up to a factor."""
    n_parameters = _n_parameters(_shape(run, bf16=False))
    return run.epochs * run.steps_per_epoch * run.batch_size * n_parameters


@lru_cache
def _n_parameters(shape: StepShape) -> int:
    with torch.device("meta"):
        model = build_model(shape.config, shape.data)
    return sum(parameter.numel() for parameter in model.parameters())


def _product_ms() -> dict[str, float]:
    """Milliseconds of one product of the size `PROBE` on the processor, by precision.

    The best of many turns that alternate: what else the machine does hits both alike.
    """
    batch, pixels, hidden = PROBE
    images, weights = torch.rand(batch, pixels), torch.rand(pixels, hidden)
    pairs = {
        name: (images.to(kind), weights.to(kind))
        for name, kind in (("fp32", torch.float32), ("bf16", torch.bfloat16))
    }
    best = dict.fromkeys(pairs, float("inf"))
    begun = time.perf_counter()
    for turn in range(REPEATS):
        if turn >= LEAST_REPEATS and time.perf_counter() - begun > ENOUGH_S:
            break
        for name, (left, right) in pairs.items():
            start = time.perf_counter()
            left @ right
            best[name] = min(best[name], time.perf_counter() - start)
    return {name: seconds * 1e3 for name, seconds in best.items()}

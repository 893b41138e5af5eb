"""What a search may try: its parameters, and the values of each."""

from typing import TYPE_CHECKING, Any

from pydantic import Field, ValidationError, model_validator

from study.config.belongs import KEYS
from study.config.errors import Source, UsageError, explain, nearest, repeated
from study.config.run import Checked, in_a_cell, run_config

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

INTEGERS = (
    *("latent_dim", "hidden", "batch_size", "kl_warmup_epochs"),
    *("prior_components", "capacity_epochs", "discriminator_hidden"),
)
NUMBERS = (*INTEGERS, "beta", "learning_rate", "gamma", "capacity", "lambda_od")
FIRST = ("conditioning", "prior", "network", "objective")  # decide which of the others there are
SEARCHABLE = (*NUMBERS, *FIRST, "likelihood", "optimiser")


class Range(Checked):
    """Numbers from low to high, both included; whole ones where the parameter is."""

    low: float = Field(allow_inf_nan=False, strict=False)
    high: float = Field(allow_inf_nan=False, strict=False)
    log: bool = False  # sampled evenly in the logarithm

    @model_validator(mode="after")
    def _not_empty(self) -> "Range":
        if self.low >= self.high:
            raise ValueError(f"is empty: low {self.low:g} is not below high {self.high:g}")
        if self.log and self.low <= 0:
            raise ValueError(f"with log: true needs low above 0, got {self.low:g}")
        return self


Axis = Range | list[Any]


def read_axis(name: str, axis: Any, source: Source) -> Axis:
    """A parameter of the space from plain values.

    Raises:
        UsageError: it cannot be searched, or a value is bad; names `source`.
    """
    where = source.of(name, "space")
    if name not in SEARCHABLE:
        hint = nearest(str(name), list(SEARCHABLE)) or f"; these can be: {', '.join(SEARCHABLE)}"
        raise UsageError(f"{where}: {name!r} cannot be searched{hint}")
    if isinstance(axis, list) and axis:
        # 1e-4 is a string in YAML 1.1: the values are compared as a run reads them.
        part = {KEYS[name].part: next(iter(KEYS[name].defaults))} if name in KEYS else {}
        runs = [run_config({**part, name: value}, source) for value in axis]
        values = [in_a_cell(getattr(run, name)) for run in runs]
        if any(isinstance(value, str) for value in values):  # 500x200: a column has one type
            values = [str(value) for value in values]
        if len(set(values)) < len(values):
            raise UsageError(f"{where}: {repeated(name, axis)}")
        return values
    if not isinstance(axis, dict) or name not in NUMBERS:
        kind = "{low: .., high: ..} or a list" if name in NUMBERS else "a list"
        raise UsageError(f"{where}: space: {name} must be {kind} of values, got {axis!r}")
    try:
        return Range(**axis)
    except ValidationError as error:
        first = explain(error, list(Range.model_fields))
        raise UsageError(f"{where}: space: {name} {first}") from None


def ends(name: str, axis: Axis) -> list[Any]:
    """Every choice, or both ends of a range."""
    return axis if isinstance(axis, list) else [_end(name, axis.low), _end(name, axis.high)]


def _end(name: str, value: float) -> float:
    return int(value) if name in INTEGERS and value == int(value) else value


def within(value: Any, axis: Axis) -> bool:
    """Whether an axis has a value."""
    if isinstance(axis, list):
        return value in axis
    return isinstance(value, int | float) and axis.low <= value <= axis.high


def as_in(axis: Axis, value: Any) -> Any:
    """A value of a run as the axis has it: `500` beside `500x200` is text."""
    cell = in_a_cell(value)
    return str(cell) if isinstance(axis, list) and cell not in axis else cell


def distribution(name: str, axis: Axis) -> "BaseDistribution":
    """An axis as Optuna knows it."""
    # Slow to import, and a search that is only read needs none.
    from optuna.distributions import (
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
    )

    if isinstance(axis, list):
        return CategoricalDistribution(axis)
    if name in INTEGERS:
        return IntDistribution(int(axis.low), int(axis.high), log=axis.log)
    return FloatDistribution(axis.low, axis.high, log=axis.log)

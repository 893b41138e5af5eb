"""A YAML file -> what a search may try, what it seeks, and when it stops; pure."""

import itertools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from study.config.belongs import KEYS, all_images, belongs
from study.config.errors import Source, UsageError, explain, nearest, repeated, unknown_key
from study.config.grid import METRICS, read_mapping
from study.config.own_code import own_code
from study.config.run import Checked, RunConfig, in_a_cell, run_config
from study.config.space import FIRST, Axis, as_in, distribution, ends, read_axis, within

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

DIGITS = 3  # significant ones of a number that is tried, so that names of runs can be read
IN_NATS = ("recon", "neg_elbo", "objective", "elbo", "iwae")  # of what a search may seek
REDUCTION = 3  # of the trials that reach a rung, about one in so many passes it

Directions = Mapping[str, Literal["minimize", "maximize"]]


class Budget(Checked):
    """When a search stops asking; with both, whichever comes first."""

    trials: int | None = Field(default=None, ge=0)
    hours: float | None = Field(default=None, gt=0, allow_inf_nan=False, strict=False)

    @model_validator(mode="after")
    def _ends(self) -> "Budget":
        if self.trials is None and self.hours is None:
            raise ValueError("needs trials or hours")
        return self


class Search(Checked):
    """One search; `constants` are fields of RunConfig that every trial shares."""

    space: dict[str, Axis] = Field(min_length=1)
    objectives: Annotated[list[str], Field(min_length=1)]
    budget: Budget
    sampler: Literal["tpe", "nsga2"] = "tpe"
    pruner: Literal["none", "asha", "median"] = "none"
    seeds: list[int] = Field(default=[0], min_length=1)
    constants: dict[str, Any]

    @property
    def startup(self) -> int:
        """Trials drawn at random before the sampler begins to learn; NSGA-II's population."""
        return 20 if self.budget.trials is None else min(max(self.budget.trials // 4, 4), 50)

    @property
    def rungs(self) -> list[int]:
        """Epochs after which a trial may be pruned: a ninth and a third of the way."""
        first = rung(self.epochs)
        return [epoch for epoch in (first, first * REDUCTION) if epoch < self.epochs]

    @property
    def epochs(self) -> int:
        """Of every run."""
        return int(self.constants["epochs"])

    def choices(self, key: str) -> list[Any]:
        """What trials may have for a key of names, such as `conditioning`."""
        default = RunConfig.model_fields[key].default
        choices = self.space.get(key, [self.constants.get(key, default)])
        return choices if isinstance(choices, list) else []

    @property
    def own_code(self) -> set[str]:
        """What its runs take of the user's own."""
        choices = (
            choice for axis in self.space.values() if isinstance(axis, list) for choice in axis
        )
        return own_code([*self.constants.values(), *choices])

    def distributions(self) -> "dict[str, BaseDistribution]":
        """The space, as Optuna knows it."""
        return {name: distribution(name, axis) for name, axis in self.space.items()}

    def draw(self, suggest: Callable[[str], Any]) -> dict[str, Any]:
        """The parameters of one trial; a key that does not belong to what was drawn has none.

        Args:
            suggest: the value of a parameter, by its name.
        """
        drawn: dict[str, Any] = {}
        later = [name for name in self.space if name not in FIRST]
        shared = {key: field.default for key, field in RunConfig.model_fields.items()}
        for name in [*(name for name in FIRST if name in self.space), *later]:
            if belongs(name, {**shared, **self.constants, **drawn}):
                drawn[name] = suggest(name)
        return drawn

    def runs(self, params: Mapping[str, Any]) -> list[RunConfig]:
        """The runs of one trial: a seed each."""
        values = {**self.constants, **{name: _rounded(value) for name, value in params.items()}}
        return [run_config({**values, "seed": seed}, "search") for seed in self.seeds]

    def params(self, run: RunConfig) -> dict[str, Any] | None:
        """What a trial would have to ask for to get this run; None where none could."""
        params = self.draw(lambda name: as_in(self.space[name], getattr(run, name)))
        inside = all(within(value, self.space[name]) for name, value in params.items())
        same = inside and run.run_id in [trial_run.run_id for trial_run in self.runs(params)]
        return params if same else None

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for study.yaml and for Optuna's storage."""
        return self.model_dump(exclude_defaults=True)


def n_held_out(n_train: int) -> int:
    """How many of a data set's training images, the last ones, judge trials and train nothing."""
    return n_train // 6  # of MNIST 10,000, as many as test


def rung(epochs: int) -> int:
    """The first epoch after which a trial may be pruned."""
    return max(1, epochs // REDUCTION**2)


def read_search(
    text: str,
    source: str,
    directions: Directions,
    overrides: dict[str, Any] | None = None,
    options: dict[str, str] | None = None,
    count_train: Callable[[str], int] = all_images,
) -> Search:
    """A checked search.

    Args:
        text: the YAML.
        source: what to call it in errors, e.g. its file name.
        directions: the objectives that there are.
        overrides: values that replace the file's; one of a parameter of the space replaces its
            range, or, where it is a single value, takes it out of the space.
        options: of an override's key, the option that gave it, for errors; `--set` where not said.
        count_train: how many training images a data set has.

    Raises:
        UsageError: it does not parse, or a key, value or range is bad; names `source`, or the
            option.
    """
    origin = Source(source, dict.fromkeys(overrides or {}, "--set") | (options or {}))
    content, space = _overridden(read_mapping(text, source, "search"), overrides or {})
    if not isinstance(space, dict):
        where = origin.of("space")
        raise UsageError(f"{where}: space must be a mapping of parameters, got {space!r}")
    content.pop(METRICS, None)
    own = [name for name in Search.model_fields if name not in {"constants", "seeds"}]
    fields = {key: content.pop(key) for key in own if key in content}
    _require_known(content, own, origin)
    seeds = content.pop("seed", [0])
    fields["seeds"] = seeds if isinstance(seeds, list) else [seeds]
    fields["constants"] = _constants(content, origin, fields.get("pruner", "none"), count_train)
    fields["space"] = {name: read_axis(name, axis, origin) for name, axis in space.items()}
    try:
        search = Search(**fields)
    except ValidationError as error:
        where = origin.of(str(error.errors()[0]["loc"][0]))
        raise UsageError(f"{where}: {explain(error, own)}") from None
    _check(search, origin, directions)
    return search


def _require_known(content: dict[str, Any], own: list[str], source: Source) -> None:
    """What is left, when a search's own keys are taken out, is of a run."""
    for key in content:
        if key not in RunConfig.model_fields:
            message = unknown_key(str(key), [*own, *RunConfig.model_fields])
            raise UsageError(f"{source.of(key)}: {message}")


def _overridden(content: dict[str, Any], overrides: dict[str, Any]) -> tuple[dict[str, Any], Any]:
    """A file's values and its space, with what replaces them in place."""
    space = content.pop("space", {})
    for key, value in overrides.items():
        if key == "space":
            space = value
        elif isinstance(space, dict) and key in space and isinstance(value, list | dict):
            space[key] = value
        else:
            if isinstance(space, dict):
                space.pop(key, None)
            content[key] = value
    return content, space


def _constants(
    content: dict[str, Any], source: Source, pruner: Any, count_train: Callable[[str], int]
) -> dict[str, Any]:
    """What every run shares; the defaults leave the held-out images alone."""
    lists = [key for key, value in content.items() if isinstance(value, list)]
    if lists:
        where = source.of(lists[0])
        raise UsageError(f"{where}: {lists[0]} is a list: put it below space, or give one value")
    data = {key: value for key, value in content.items() if key == "data"}
    n_train = count_train(run_config(data, source).data)
    most = n_train - n_held_out(n_train)
    constants = {"train_images": most, **content}
    run = run_config(constants, source)
    if run.train_images > most:
        raise UsageError(
            f"{source.of('train_images')}: train_images must be at most {most}, got"
            f" {run.train_images}: the last {n_train - most} training images are held out to judge"
            " the trials"
        )
    constants = {key: in_a_cell(getattr(run, key)) for key in (*constants, "epochs")}
    if pruner != "none":  # what is pruned is saved first: every rung is a multiple of the first
        constants["checkpoint_every"] = rung(run.epochs)
    return constants


def _check(search: Search, source: Source, directions: Directions) -> None:
    """What fits together."""
    where, names = source.of("objectives"), search.objectives
    if unknown := [name for name in names if name not in directions]:
        hint = nearest(unknown[0], list(directions))
        listed = ", ".join(directions)
        raise UsageError(f"{where}: unknown objective {unknown[0]!r}{hint}; there are: {listed}")
    if len(set(names)) < len(names):
        raise UsageError(f"{where}: objectives {names} repeat a name")
    if len(set(search.seeds)) < len(search.seeds):
        raise UsageError(f"{source.of('seed')}: {repeated('seed', search.seeds)}")
    if search.pruner != "none":
        _check_pruner(search, source)
    if search.sampler == "nsga2" and len(names) < 2:
        where = source.of("sampler", "objectives")
        raise UsageError(f"{where}: sampler nsga2 is for several objectives; use tpe for one")
    if "udr" in names and len(search.seeds) < 2:
        where = source.of("objectives", "seed")
        raise UsageError(
            f"{where}: objective udr compares seeds: give at least two, as in seed: [0, 1]"
        )
    _check_costs(search, source)
    _check_ends(search, source)


def _check_costs(search: Search, source: Source) -> None:
    """Nats are compared where they mean the same."""
    for key, names in (("objective", ["objective"]), ("likelihood", IN_NATS)):
        default = RunConfig.model_fields[key].default
        kinds = search.choices(key)
        sought = [name for name in search.objectives if name in names]
        if sought and kinds != [default] and (key == "objective" or len(kinds) > 1):
            shown, where = ", ".join(kinds), source.of("objectives", key, "space")
            raise UsageError(
                f"{where}: {sought[0]} cannot be an objective of a search over {key} {shown}: its"
                " values cannot be compared; use"
                f" {'neg_elbo' if key == 'objective' else 'a score'}"
            )


def _check_pruner(search: Search, source: Source) -> None:
    """What is compared early must be one number of one run."""
    pruner, n = search.pruner, len(search.objectives)
    if n > 1:
        raise UsageError(
            f"{source.of('pruner', 'objectives')}: pruner {pruner} needs a single objective: with"
            f" {n}, an early epoch does not say which trial is worse"
        )
    if len(search.seeds) > 1:
        where = source.of("pruner", "seed")
        raise UsageError(f"{where}: pruner {pruner} needs one seed, got {search.seeds}")
    if not search.rungs:
        where = source.of("pruner", "epochs")
        raise UsageError(f"{where}: pruner {pruner} needs epochs of 2 or more, got 1")


def _check_ends(search: Search, source: Source) -> None:
    """Every choice, and both ends of every range, make a run, whatever the others are."""
    parts = {name: axis for name, axis in search.space.items() if name in FIRST}
    never = dict.fromkeys(search.space)
    for choices in itertools.product(*parts.values()):
        chosen = dict(zip(parts, choices, strict=True))
        drawn = search.draw(chosen.get)
        sides = {name: ends(name, search.space[name]) for name in drawn if name not in parts}
        for values in [*itertools.zip_longest(*sides.values())] or [()]:
            pairs = zip(sides, values, strict=True)
            params = {name: sides[name][-1] if value is None else value for name, value in pairs}
            for seed in search.seeds:
                run_config({**search.constants, **drawn, **params, "seed": seed}, source)
        never = {name: None for name in never if name not in drawn}
    for name in never:
        own = KEYS.get(name)
        where = f": it belongs to {own.part} {' and '.join(own.defaults)}" if own else ""
        raise UsageError(
            f"{source.of(name, 'space')}: space: no run of the search has {name}{where}"
        )


def _rounded(value: Any) -> Any:
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value

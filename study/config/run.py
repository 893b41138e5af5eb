"""Typed, frozen configuration of one run."""

import re
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from study.config.belongs import (
    KEYS,
    OVER_THE_BATCH,
    TRAIN_IMAGES,
    all_images,
    fill,
    left_out,
    misplaced,
)
from study.config.errors import Source, UsageError, explain
from study.config.own_code import is_import_path, own_code, with_version
from study.config.own_data import is_data_path, short_name, with_content

AXES = ("latent_dim", "beta", "conditioning", "seed")  # of the paper's study, as ids name them
PARTS = ("data", "network", "prior", "likelihood", "objective")
HOW = {"epochs", "checkpoint_every", "compile", "pack"}

Width = Annotated[int, Field(ge=1)]


class Checked(BaseModel):
    """Values as a file has them: none changes, none is unknown, none is of another type."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class RunConfig(Checked):
    """One training run; the defaults are those of the paper (section 3).

    `AXES` names the axes of the paper's study, `HOW` the fields that say how far, how safely and
    how fast to train, not what: they are no part of a run's identity, so that a finished run can
    be continued. The words below a field are its description, in docs/grids.md and for editors.
    """

    model_config = ConfigDict(use_attribute_docstrings=True)

    latent_dim: int = Field(default=10, ge=1)
    """J, the number of latents"""
    beta: float = Field(default=1.0, ge=0, allow_inf_nan=False, strict=False)
    """weight of the KL term in the objective, or with `tc` of the total correlation"""
    conditioning: Literal["none", "label", "prior"] = "none"
    """which get the class, one-hot: with `label` encoder and decoder, with `prior` encoder, p(z)"""
    seed: int = Field(default=0, ge=0, lt=2**32)
    """seed of the weights, of the order of the images and of the noise"""

    epochs: int = Field(default=200, ge=1)
    """passes over the training images"""
    hidden: Width | Annotated[tuple[Width, ...], Field(min_length=2)] = 500
    """units of each hidden layer of `mlp` in the encoder; the decoder has them in reverse order"""
    batch_size: int = Field(default=100, ge=1)
    """images per step; a last batch that is not full is left out"""
    optimiser: Literal["adagrad", "adam", "sgd"] = "adagrad"
    """the rule by which a step changes the weights"""
    learning_rate: float = Field(default=0.01, gt=0, allow_inf_nan=False, strict=False)
    """learning rate of the optimiser"""
    train_images: int = Field(default=TRAIN_IMAGES["mnist"], ge=1)
    """how many training images are used, from the first on; for other data sets, all"""
    kl_warmup_epochs: int = Field(default=0, ge=0)
    """number of first epochs in which the weight of the KL term rises to `beta`"""
    checkpoint_every: int = Field(default=5, ge=1)
    """epochs between two checkpoints"""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """precision of matrix products; `auto`: `bf16` where it is faster"""
    compile: Literal["auto", True, False] = "auto"
    """compile ahead of time; `auto`: on a CPU from 10,000 steps of one shape, but not `conv`"""
    pack: Literal["auto"] | Annotated[int, Field(ge=1)] = "auto"
    """runs in one stacked computation; with `auto`, 1 on a CPU, as many as fit on a GPU"""

    # Each of these also takes `package.module:function`, the user's own.
    data: str = "mnist"
    """the data set, or the path of your own: a `.npz` file, or a folder of pictures"""
    prior: str = "normal"
    """p(z), with which the KL term compares the posterior"""
    network: str = "mlp"
    """encoder and decoder"""
    likelihood: str = "bernoulli"
    """p(x given z), which defines the reconstruction term"""
    objective: str = "beta"
    """what training minimises"""

    # None where they are not of the run's prior or objective.
    prior_components: Width | None = None
    """components of the mixture, or pseudo-inputs"""
    gamma: float | None = Field(default=None, ge=0, allow_inf_nan=False, strict=False)
    """weight of the KL's distance from the capacity, or of the total correlation"""
    capacity: float | None = Field(default=None, ge=0, allow_inf_nan=False, strict=False)
    """nats of KL that the capacity rises to"""
    capacity_epochs: Width | None = None
    """number of first epochs in which the capacity rises from 0, step by step"""
    lambda_od: float | None = Field(default=None, ge=0, allow_inf_nan=False, strict=False)
    """weight of the covariances off the diagonal"""
    discriminator_hidden: Width | None = None
    """units of each of the six layers of the discriminator"""

    @field_validator("hidden", mode="before")
    @classmethod
    def _widths(cls, value: Any) -> Any:
        """A list of one width is that width: the same network has one name. Tables have 500x200."""
        if isinstance(value, str) and re.fullmatch(r"\d+(x\d+)*", value):
            value = [int(width) for width in value.split("x")]
        widths = list(value) if isinstance(value, list | tuple) else [value]
        if not (widths and all(type(width) is int and width >= 1 for width in widths)):
            raise ValueError("must be a whole number of at least 1, or a list of such widths")
        return widths[0] if len(widths) == 1 else tuple(widths)

    @model_validator(mode="before")
    @classmethod
    def _filled(cls, values: dict[str, Any]) -> dict[str, Any]:
        return fill(values, {key: field.default for key, field in cls.model_fields.items()})

    @model_validator(mode="after")
    def _parts_fit(self) -> "RunConfig":
        if problem := misplaced(dict(self)):
            raise ValueError(problem)
        if self.conditioning == "prior" and self.prior != "normal":
            raise ValueError(
                "conditioning prior has its own prior, one for each class: leave prior at normal,"
                f" got {self.prior}"
            )
        if self.prior == "flow" and self.latent_dim < 2:
            raise ValueError(
                "prior flow needs several latents: latent_dim must be at least 2, got 1"
            )
        return self

    @model_validator(mode="after")
    def _one_batch_fits(self) -> "RunConfig":
        if self.batch_size > self.train_images:
            raise ValueError(
                f"batch_size {self.batch_size} is larger than train_images {self.train_images}"
            )
        if self.batch_size < 2 and self.objective in OVER_THE_BATCH:
            raise ValueError(
                f"batch_size must be at least 2 for objective {self.objective}, which compares the"
                " images of a batch; got 1"
            )
        return self

    @property
    def steps_per_epoch(self) -> int:
        """Full batches in an epoch; a shorter last one is dropped."""
        return self.train_images // self.batch_size

    def identity(self) -> dict[str, Any]:
        """The fields that decide what is trained."""
        return self.model_dump(exclude=HOW)

    def _not_named(self, key: str) -> Any:
        """The value that an id leaves out."""
        if key in KEYS:
            return left_out(key, getattr(self, KEYS[key].part))
        if key == "train_images":
            return all_images(self.data)
        return RunConfig.model_fields[key].default

    @property
    def own_code(self) -> set[str]:
        """What the run takes of the user's own."""
        return own_code(getattr(self, part) for part in PARTS)

    @property
    def run_id(self) -> str:
        """`J10-beta4-label-vamp-conv-seed0`; what is not the default stands before the seed.

        Parts of this package stand there by their value alone, anything else after its key, as in
        `J10-beta4-none-learning_rate0.003-optimiser_adam-seed0`; `module:name`, code of the user's
        own, as `network_module.name_1a2b3c`, and `path/to/birds.npz` as `birds_1a2b3c`. The weights
        of an objective are always there.
        """
        others = [
            _in_id(key, value)
            for key, value in self.identity().items()
            if key not in AXES and value != self._not_named(key)
        ]
        standard = [f"J{self.latent_dim}", f"beta{plain(self.beta)}", self.conditioning]
        return "-".join([*standard, *others, f"seed{self.seed}"])


def _in_id(key: str, value: Any) -> str:
    if isinstance(value, tuple):
        return f"{key}{in_a_cell(value)}"
    if not isinstance(value, str):
        return f"{key}{plain(value)}"
    if key == "data" and is_data_path(value):
        return short_name(value)
    if key in PARTS and not is_import_path(value):
        return value
    return f"{key}_{value.replace(':', '.').replace('@', '_')}"


def in_a_cell(value: Any) -> Any:
    """A value of a run as a table holds it: widths as text, `500x200`."""
    return "x".join(map(str, value)) if isinstance(value, list | tuple) else value


def plain(value: float) -> str:
    """The shortest digits that say which number it is: `4`, `0.003`."""
    return repr(value).removesuffix(".0")


def run_config(values: dict[str, Any], source: str | Source) -> RunConfig:
    """A checked configuration from plain values; what is the user's own in its present version.

    Raises:
        UsageError: an unknown key or a bad value; names `source`, the key, the value seen and
            what is allowed.
    """
    parts = {key: values[key] for key in PARTS if isinstance(values.get(key), str)}
    own = {key: with_version(name) for key, name in parts.items() if is_import_path(name)}
    if is_data_path(data := parts.get("data", "")):
        own["data"] = with_content(data)
    try:
        return RunConfig(**{**values, **own})
    except ValidationError as error:
        message = explain(error, list(RunConfig.model_fields))
        keys = [str(part) for part in error.errors()[0]["loc"]] or message.split()
        where = source if isinstance(source, str) else source.of(*keys)
        raise UsageError(f"{where}: {message}") from None

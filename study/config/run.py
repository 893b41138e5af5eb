"""Typed, frozen configuration of one run."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from study.config.errors import Source, UsageError, explain

N_TRAIN = 60_000
AXES = ("latent_dim", "beta", "conditioning", "seed")  # of the paper's study, as ids name them
PARTS = ("data", "network", "prior", "likelihood", "objective")
HOW = {"epochs", "checkpoint_every", "compile", "pack"}


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
    """weight of the KL term in the objective"""
    conditioning: Literal["none", "label"] = "none"
    """with `label`, encoder and decoder also get the class, one-hot"""
    seed: int = Field(default=0, ge=0, lt=2**32)
    """of the weights, the order of the images and the noise"""

    epochs: int = Field(default=200, ge=1)
    """passes over the training images"""
    hidden: int = Field(default=500, ge=1)
    """units of the hidden layer, in the encoder and in the decoder"""
    batch_size: int = Field(default=100, ge=1)
    """images a step; a last batch that is not full is left out"""
    optimiser: Literal["adagrad", "adam", "sgd"] = "adagrad"
    """the rule by which a step changes the weights"""
    learning_rate: float = Field(default=0.01, gt=0, allow_inf_nan=False, strict=False)
    """of the optimiser"""
    train_images: int = Field(default=N_TRAIN, ge=1)
    """so many of the training images, from the first"""
    kl_warmup_epochs: int = Field(default=0, ge=0)
    """first epochs with a smaller weight of the KL term, which rises to `beta`"""
    checkpoint_every: int = Field(default=5, ge=1)
    """epochs between two checkpoints"""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """of the matrix products; with `auto`, `bf16` where a measurement finds it faster"""
    compile: Literal["auto", True, False] = "auto"
    """the step ahead of time; with `auto`, on a CPU and for 10,000 steps or more of one shape"""
    pack: Literal["auto"] | Annotated[int, Field(ge=1)] = "auto"
    """runs trained as one stacked computation; with `auto`, 1 on a CPU, what fits on a GPU"""

    # Each of these also takes `package.module:function`, the user's own.
    data: str = "mnist"
    """the data set"""
    network: str = "mlp"
    """encoder and decoder"""
    prior: str = "normal"
    """p(z), what the KL term compares the posterior with"""
    likelihood: str = "bernoulli"
    """p(x given z), what the reconstruction term is of"""
    objective: str = "beta"
    """what training minimises"""

    @model_validator(mode="after")
    def _one_batch_fits(self) -> "RunConfig":
        if self.batch_size > self.train_images:
            raise ValueError(
                f"batch_size {self.batch_size} is larger than train_images {self.train_images}"
            )
        return self

    @property
    def steps_per_epoch(self) -> int:
        """Full batches in an epoch; a shorter last one is dropped."""
        return self.train_images // self.batch_size

    def identity(self) -> dict[str, Any]:
        """The fields that decide what is trained."""
        return self.model_dump(exclude=HOW)

    @property
    def run_id(self) -> str:
        """`J10-beta4-label-seed0`; what is not the default stands before the seed, by its name.

        As in `J10-beta4-none-learning_rate0.003-optimiser_adam-seed0`; `module:name`, code of the
        user's own, stands there as `module.name`.
        """
        others = [
            key + (f"_{value.replace(':', '.')}" if isinstance(value, str) else plain(value))
            for key, value in self.identity().items()
            if key not in AXES and value != RunConfig.model_fields[key].default
        ]
        standard = [f"J{self.latent_dim}", f"beta{plain(self.beta)}", self.conditioning]
        return "-".join([*standard, *others, f"seed{self.seed}"])


def plain(value: float) -> str:
    """The shortest digits that say which number it is: `4`, `0.003`."""
    return repr(value).removesuffix(".0")


def run_config(values: dict[str, Any], source: str | Source) -> RunConfig:
    """A checked configuration from plain values.

    Raises:
        UsageError: an unknown key or a bad value; names `source`, the key, the value seen and
            what is allowed.
    """
    try:
        return RunConfig(**values)
    except ValidationError as error:
        message = explain(error, list(RunConfig.model_fields))
        keys = [str(part) for part in error.errors()[0]["loc"]] or message.split()
        where = source if isinstance(source, str) else source.of(*keys)
        raise UsageError(f"{where}: {message}") from None

import pytest
from pydantic import ValidationError

from study.config.belongs import BUILT_IN, KEYS, OVER_THE_BATCH
from study.config.errors import UsageError
from study.config.run import RunConfig, run_config
from study.losses.objectives import OBJECTIVES
from study.models.networks import NETWORKS
from study.models.priors import PRIORS


def test_defaults_are_the_papers():
    config = RunConfig()
    assert (config.hidden, config.batch_size, config.learning_rate) == (500, 100, 0.01)
    assert (config.optimiser, config.epochs, config.steps_per_epoch) == ("adagrad", 200, 600)


def test_run_id_is_readable():
    config = RunConfig(latent_dim=10, beta=4, conditioning="label", seed=0)
    assert config.run_id == "J10-beta4-label-seed0"
    assert RunConfig(beta=0.5).run_id == "J10-beta0.5-none-seed0"


def test_run_id_names_other_differences_and_ignores_epochs():
    assert RunConfig(learning_rate=0.003).run_id == "J10-beta1-none-learning_rate0.003-seed0"
    several = RunConfig(batch_size=50, optimiser="adam", network="mine.nets:conv", seed=3)
    assert several.run_id == (
        "J10-beta1-none-batch_size50-optimiser_adam-network_mine.nets.conv-seed3"
    )
    assert RunConfig(epochs=3, checkpoint_every=1).run_id == RunConfig().run_id


def test_close_values_have_names_of_their_own():
    close = [RunConfig(beta=4), RunConfig(beta=4.000000001), RunConfig(learning_rate=1e-7)]
    assert len({run.run_id for run in close}) == 3
    assert close[2].run_id == "J10-beta1-none-learning_rate1e-07-seed0"


def test_a_configuration_cannot_change():
    with pytest.raises(ValidationError, match="frozen"):
        RunConfig().beta = 2.0  # type: ignore[misc]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"latent_dims": 3}, "unknown key 'latent_dims' (did you mean 'latent_dim'?)"),
        ({"zzz": 3}, "unknown key 'zzz'; known keys: latent_dim, beta, "),
        ({"beta": -1}, "beta should be greater than or equal to 0, got -1"),
        ({"beta": float("nan")}, "beta should be a finite number, got nan"),
        ({"latent_dim": 0}, "latent_dim should be greater than or equal to 1, got 0"),
        ({"latent_dim": 2.5}, "latent_dim should be a valid integer, got 2.5"),
        ({"epochs": 0}, "epochs should be greater than or equal to 1, got 0"),
        ({"conditioning": "labels"}, "conditioning should be 'none', 'label' or 'prior', got"),
        ({"batch_size": 200, "train_images": 100}, "batch_size 200 is larger than train_images"),
        (
            {"batch_size": 1, "objective": "factor"},
            "batch_size must be at least 2 for objective factor",
        ),
    ],
)
def test_bad_values_are_explained(values, message):
    with pytest.raises(UsageError) as caught:
        run_config(values, "grid.yaml")
    assert str(caught.value).startswith(f"grid.yaml: {message}")


def test_a_number_in_scientific_notation_is_a_number():
    assert run_config({"learning_rate": "1e-3"}, "").learning_rate == 0.001  # YAML 1.1: a string


def test_what_belongs_to_a_part_is_said_of_the_parts_that_there_are():
    lists = {"network": NETWORKS, "prior": PRIORS, "objective": OBJECTIVES}
    assert {part: set(names) for part, names in BUILT_IN.items()} == {
        part: set(names) for part, names in lists.items()
    }
    assert all(set(own.defaults) <= set(lists[own.part]) for own in KEYS.values())
    assert set(OBJECTIVES) > OVER_THE_BATCH

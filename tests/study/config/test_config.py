import pytest
from pydantic import ValidationError

from study.config.errors import UsageError
from study.config.run import RunConfig, run_config


def test_defaults_are_the_papers():
    config = RunConfig()
    assert (config.hidden, config.batch_size, config.learning_rate) == (500, 100, 0.01)
    assert (config.optimiser, config.epochs, config.steps_per_epoch) == ("adagrad", 200, 600)


def test_run_id_is_readable():
    config = RunConfig(latent_dim=10, beta=4, conditioning="label", seed=0)
    assert config.run_id == "J10-beta4-label-seed0"
    assert RunConfig(beta=0.5).run_id == "J10-beta0.5-none-seed0"


def test_run_id_tells_other_differences_apart_and_ignores_epochs():
    slow, fast = RunConfig(learning_rate=0.001), RunConfig(learning_rate=0.1)
    assert slow.run_id.startswith("J10-beta1-none-seed0-")
    assert len({RunConfig().run_id, slow.run_id, fast.run_id}) == 3
    assert RunConfig(epochs=3, checkpoint_every=1).run_id == RunConfig().run_id


def test_a_new_field_leaves_the_names_of_old_runs_alone():
    assert RunConfig(learning_rate=0.1).run_id == "J10-beta1-none-seed0-9558c4d2"
    assert RunConfig(kl_warmup_epochs=5).run_id.startswith("J10-beta1-none-seed0-")


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
        ({"conditioning": "labels"}, "conditioning should be 'none' or 'label', got 'labels'"),
        ({"batch_size": 200, "train_images": 100}, "batch_size 200 is larger than train_images"),
    ],
)
def test_bad_values_are_explained(values, message):
    with pytest.raises(UsageError) as caught:
        run_config(values, "grid.yaml")
    assert str(caught.value).startswith(f"grid.yaml: {message}")


def test_a_number_in_scientific_notation_is_a_number():
    assert run_config({"learning_rate": "1e-3"}, "").learning_rate == 0.001  # YAML 1.1: a string

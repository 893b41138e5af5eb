"""What trackers were given is read back with their own readers."""

import logging
import warnings

import pytest
from mlflow import MlflowClient
from studies import records, run, write_grid

from study.config.errors import UsageError
from study.config.run import RunConfig
from study.execution.trackers import TrackerFeed, open_tracker
from study.storage.folder import Folder
from study.storage.tables import epoch_row

pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader")  # MLflow's own use of it

CONFIG = RunConfig(latent_dim=4, beta=4, hidden=8, epochs=6)


def epoch(number):
    terms = {"train_recon": 90.5, "train_kl": 20.5, "test_recon": 100.0 + number, "test_kl": 25.0}
    return {"epoch": number, **terms, "active_latents": 4}


def read_tensorboard(study, run):
    """Step -> value of test_objective, and the texts."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    events = EventAccumulator(str(study / "tensorboard" / run)).Reload()
    scalars = [(event.step, event.value) for event in events.Scalars("test_objective")]
    texts = {
        tag: events.Tensors(tag)[0].tensor_proto.string_val[0].decode()
        for tag in events.Tags()["tensors"]
    }
    return scalars, texts


def read_mlflow(study, run):
    client = MlflowClient(f"sqlite:///{study}/mlflow.db")
    experiment = client.get_experiment_by_name(study.name)
    [tracked] = client.search_runs([experiment.experiment_id], f"tags.`study.run` = '{run}'")
    history = client.get_metric_history(tracked.info.run_id, "test_objective")
    return sorted((metric.step, metric.value) for metric in history), tracked


@pytest.mark.parametrize("name", ["tensorboard", "mlflow"])
def test_no_epoch_is_missing_or_doubled_after_a_kill(name, tmp_path):
    study = Folder(tmp_path / "s")
    study.write("study.yaml", b"")
    before = TrackerFeed(open_tracker(name, study))
    for number in (1, 2, 4):  # the report of 3 was lost with its worker
        before.add(CONFIG, [epoch(number)])
    after = TrackerFeed(open_tracker(name, study))
    after.add(CONFIG, [*map(epoch, (1, 2, 3)), epoch(4)])  # its record, and a report
    after.add(CONFIG, [epoch(4)])  # reported again
    after.add(CONFIG, map(epoch, range(1, 7)), "done")
    read = read_tensorboard if name == "tensorboard" else read_mlflow
    scalars, _ = read(tmp_path / "s", CONFIG.run_id)
    assert scalars == [(number, 100 + number + 4 * 25) for number in range(1, 7)]


def test_a_tracker_that_fails_is_given_up_and_said(caplog):
    def broken(run):
        raise OSError("no space left")

    journal = TrackerFeed(broken)
    with caplog.at_level(logging.ERROR):
        journal.add(CONFIG, [epoch(1)])
        journal.add(CONFIG, [epoch(2)])
    assert caplog.messages == ["tracking stops here, the study continues: OSError: no space left"]


def test_what_cannot_be_tracked_is_refused(monkeypatch):
    with pytest.raises(UsageError, match=r"--log tensorboard writes to a local folder, and s3://"):
        open_tracker("tensorboard", Folder("s3://bucket/x?region=us-east-1"))
    monkeypatch.setitem(__import__("sys").modules, "wandb", None)
    with pytest.raises(UsageError, match=r"--log wandb needs its library: pip install 'vae-stud"):
        open_tracker("wandb", Folder("/tmp"))


def test_a_study_with_trackers(tmp_path, mnist):
    grid = write_grid(tmp_path / "s.yaml", beta=[1, 4], epochs=3)
    run(grid, tmp_path, "--set", "epochs=2", "--log", "tensorboard")
    run(grid, tmp_path, "--log", "mlflow")  # MLflow gets the first two epochs from the records
    for name, record in records(tmp_path / "s").items():
        config = RunConfig(**record["config"])
        want = [epoch_row(config.beta, row)["test_objective"] for row in record["epochs"]]
        scalars, texts = read_tensorboard(tmp_path / "s", name)
        assert scalars == [(1, pytest.approx(want[0])), (2, pytest.approx(want[1]))]
        assert texts["run/text_summary"] == name
        assert f'"beta": {config.beta}' in texts["config/text_summary"]
        history, tracked = read_mlflow(tmp_path / "s", name)
        assert history == list(enumerate(want, start=1))
        assert tracked.data.params["beta"] == str(config.beta)
        assert tracked.info.status == "FINISHED"

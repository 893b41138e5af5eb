"""What training does to disentanglement, on all of MNIST."""

import pytest
import torch

from analysis import open_study
from analysis.factors.image_set import measured, sample_of
from analysis.representations.encode import encode
from analysis.scoring.evaluation import Unit, unit_values
from study.config.run import RunConfig
from study.data.splits import splits
from study.data.verified_files import data_dir
from study.execution.resumable_run import Run, train_runs
from study.storage.folder import Folder
from study.storage.records import read_record, runs_folder
from study.storage.tables import Tables, build_tables, write_tables

CPU = torch.device("cpu")


@pytest.mark.slow
def test_at_ten_latents_beta_ten_disentangles_more_than_beta_one(mnist, tmp_path):
    """Separated Higgins intervals. Five epochs, a seed chosen before it was run."""
    folder = Folder(tmp_path / "pair")
    runs = runs_folder(folder)
    configs = [RunConfig(latent_dim=10, beta=beta, seed=1, epochs=5) for beta in (1.0, 10.0)]
    records = {}
    train, test = splits(mnist, 60_000, CPU)
    for config in configs:
        run = runs / config.run_id
        train_runs([Run(config, mnist.shape, run, CPU, bf16=False)], train, test, lambda run: None)
        records[config.run_id] = read_record(run)
    write_tables(folder, build_tables(records, Tables()))
    study = open_study(folder.location)
    sample = sample_of(mnist.test_labels, measured(mnist.test_images, cache=data_dir()))
    higgins = Unit("latent", "measured", "all", "higgins")
    plain, strong = (
        unit_values(
            encode(study.model(config.run_id)[0], mnist.test_images, mnist.test_labels).mean,
            sample,
            [higgins],
        )[0]
        for config in configs
    )
    assert strong.low > plain.high, (plain, strong)

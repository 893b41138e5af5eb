"""A small trained study with everything that the explorer shows, made without Ray."""

import numpy as np
import pandas as pd
import torch
from studies import change_weights

from analysis.factors.image_set import measured
from analysis.latent_effects.alignment import PROPERTIES, Pictures, some_of_every_digit
from analysis.latent_effects.tables import ALIGNMENT, KNOBS, align_model
from analysis.study import Study
from study.config.run import RunConfig
from study.data.splits import splits
from study.data.verified_files import data_dir
from study.execution.resumable_run import Run, train_runs
from study.storage.folder import Folder
from study.storage.records import read_record, runs_folder
from study.storage.tables import Tables, build_tables, write_table, write_tables

PLAIN, LABEL = (
    RunConfig(
        latent_dim=6,
        hidden=64,
        beta=beta,
        conditioning=given,
        optimiser="adam",
        learning_rate=0.003,
        train_images=20_000,
        epochs=3,
    )
    for beta, given in ((1.0, "none"), (2.0, "label"))
)
AXES = ["run", "latent_dim", "beta", "conditioning", "seed"]
N_IMAGES = 10  # of every digit: half of them fit, half measure
DEAD = 3  # the latent of each model that its decoder does not see


class AlwaysZero:
    """Reads any picture as a 0."""

    def read(self, images):
        return np.zeros(len(images), dtype=np.int64)


def trained_study(folder, mnist):
    """Two models, aligned on `N_IMAGES` of every digit; the conditioned one ranks first."""
    folder, cpu = Folder(folder), torch.device("cpu")
    train, test = splits(mnist, PLAIN.train_images, cpu)
    records = {}
    for config in (PLAIN, LABEL):
        place = runs_folder(folder) / config.run_id
        train_runs(
            [Run(config, mnist.shape, place, cpu, bf16=False)], train, test, lambda run: None
        )
        records[config.run_id] = read_record(place)
        change_weights(place, _blind)
    write_tables(folder, build_tables(records, Tables()))
    study = Study(folder)
    few = some_of_every_digit(mnist.test_labels, N_IMAGES)
    spread = measured(mnist.test_images, PROPERTIES, cache=data_dir()).std(ddof=0).to_numpy()
    pictures = Pictures(
        mnist.test_images[few], mnist.test_labels[few].astype(np.int64), spread, AlwaysZero()
    )
    parts = {run: align_model(study.model(run)[0], pictures) for run in records}
    for name, schema in (("alignment", ALIGNMENT), ("knobs", KNOBS)):
        rows = [getattr(part, name).assign(run=run, key=run) for run, part in parts.items()]
        table = study.trials[AXES].merge(pd.concat(rows), on="run")[schema.names]
        write_table(folder, name, table, schema)
    names = [config.run_id.replace("-seed0", "") for config in (LABEL, PLAIN)]
    write_table(folder, "ranking", pd.DataFrame({"rank": [1, 2], "configuration": names}), None)
    return study


def _blind(weights):
    """Weights of a decoder that ignores a latent."""
    weights["decoder.hidden.weight"][:, DEAD] = 0
    return weights

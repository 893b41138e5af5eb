import numpy as np
import pandas as pd
import pytest

from analysis.statistics.elbo import (
    configurations,
    n_active,
    nats_of_labels,
    with_joint_bound,
)
from analysis.study import Study
from study.config.run import RunConfig
from study.storage.folder import Folder
from study.storage.records import new_record, runs_folder, write_record
from study.storage.tables import Tables, build_tables, write_tables


def record(config, recons):
    made = new_record(config, "done")
    made["epochs"] = [
        {"epoch": e, "train_recon": r + 1, "train_kl": 2.0, "test_recon": r, "test_kl": 2.0,
         "active_latents": 3}
        for e, r in enumerate(recons, start=1)
    ]  # fmt: skip
    return made


def epochs_of(*runs):
    records = {config.run_id: record(config, recons) for config, recons in runs}
    return build_tables(records, Tables())["epochs"]


def test_a_latent_is_active_by_the_variance_of_its_mean_alone():
    latents = pd.DataFrame(
        {"run": ["a", "a", "b"], "kl": [0.5, 0.02, 0.0], "mean_variance": [0.9, 0.005, 0.02]}
    )
    assert n_active(latents).to_dict() == {"a": 1, "b": 1}


def test_a_configuration_averages_its_seeds():
    records = {}
    for seed, kl in ((0, [0.5, 1.5]), (1, [0.5, 0.0])):
        made = record(RunConfig(latent_dim=2, beta=4, seed=seed), [80.0 + 2 * seed])
        made |= {"latent_kl": kl, "latent_mean_variance": [0.9, 0.0]}
        records[f"J2-beta4-none-seed{seed}"] = made
    records["J2-beta9-none-seed0"] = new_record(RunConfig(latent_dim=2, beta=9), "waiting")
    tables = build_tables(records, Tables())
    bounds = pd.DataFrame(
        [(run, score, value) for run in list(records)[:2]
         for score, value in (("elbo", -83.0), ("iwae", -80.0))],
        columns=["run", "score", "value"],
    )  # fmt: skip
    trials = tables["trials"].assign(neg_elbo_joint=tables["trials"]["neg_elbo"])
    trials["beta_normalised"] = [0.5, 0.5, 0.9]
    table = configurations(trials, tables["latents"], bounds)
    assert table["configuration"].tolist() == ["J2-beta4-none"]
    row = table.iloc[0]
    assert (row["n_seeds"], row["recon"], row["kl"]) == (2, 81, 2)
    assert (row["objective"], row["neg_elbo"]) == (89, 83)
    assert row["beta_normalised"] == 0.5
    assert (row["active"], row["kl_largest"]) == (1, 1)
    assert (row["iwae"], row["iwae_gain"]) == (-80, 3)
    without = configurations(trials, tables["latents"], bounds.iloc[:0])
    assert without["iwae"].isna().all()


def test_a_bound_with_labels_pays_for_the_label():
    """Ten classes, equally likely: ln 10 = 2.302585 nats."""
    nats = nats_of_labels(pd.Series(["none", "label", "prior"]), 10)
    assert nats.tolist() == pytest.approx([0, 2.302585, 2.302585])
    assert nats_of_labels("label", 3) == pytest.approx(1.098612)
    assert nats_of_labels("none", 0) == 0


def test_the_joint_bound_is_one_on_the_image_too():
    """Two classes of one picture each: p(x) = p(x|u) p(u), so the joint bound is exact."""
    seen = np.array([0.9, 0.8])  # p(x|u) of each picture under its own label, else 0
    exact = -np.log(seen * 0.5).mean()
    neg_elbo = -np.log(seen).mean()
    assert neg_elbo < exact  # without the label's cost it is no bound on -log p(x)
    assert neg_elbo + nats_of_labels("label", 2) == pytest.approx(exact)


@pytest.mark.parametrize(
    ("shape", "ln_classes", "n_pixels"), [(None, 2.302585, 784), ([3, 16, 20, 2], 0.693147, 960)]
)
def test_trials_with_labels_alone_get_the_cost_of_the_label(tmp_path, shape, ln_classes, n_pixels):
    """Of the shape that the runs were trained on; records of MNIST need not have it."""
    folder = Folder(tmp_path / "both")
    configs = [RunConfig(latent_dim=2, beta=4, conditioning=kind) for kind in ("none", "label")]
    records = {c.run_id: record(c, [98.0]) | {"data_shape": shape} for c in configs}
    for name, one in records.items():
        write_record(runs_folder(folder) / name, one)
    write_tables(folder, build_tables(records, Tables()))
    trials = with_joint_bound(Study(folder))
    assert trials["neg_elbo"].tolist() == [100.0, 100.0]
    assert trials["neg_elbo_joint"].tolist() == pytest.approx([100.0, 100 + ln_classes])
    assert trials["beta_normalised"].tolist() == pytest.approx([8 / n_pixels] * 2)

import pandas as pd
import pytest

from analysis.statistics.elbo import active, configurations
from study.config.run import RunConfig
from study.storage.records import new_record
from study.storage.tables import Tables, build_tables


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


def test_activity_by_two_criteria():
    latents = pd.DataFrame({"kl": [0.5, 0.02, 0.0], "mean_variance": [0.9, 0.005, 0.0]})
    table = active(latents)
    assert table["active_kl"].tolist() == [True, True, False]
    assert table["active_variance"].tolist() == [True, False, False]


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
    table = configurations(tables["trials"], tables["latents"], bounds)
    assert table["configuration"].tolist() == ["J2-beta4-none"]
    row = table.iloc[0]
    assert (row["n_seeds"], row["recon"], row["kl"]) == (2, 81, 2)
    assert (row["objective"], row["neg_elbo"]) == (89, 83)
    assert row["beta_normalised"] == pytest.approx(4 * 2 / 784)
    assert (row["active_kl"], row["active_variance"], row["kl_largest"]) == (1.5, 1, 1)
    assert (row["iwae"], row["iwae_gain"]) == (-80, 3)
    without = configurations(tables["trials"], tables["latents"], bounds.iloc[:0])
    assert without["iwae"].isna().all()

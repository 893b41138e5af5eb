import pandas as pd
import pytest

from analysis.figures.style import draw_curves
from analysis.statistics.elbo import active, configurations, curves, paper_curves
from study.config.run import RunConfig
from study.storage.records import new_record
from study.storage.tables import EPOCHS, Tables, build_tables


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


def test_a_band_spans_the_seeds():
    epochs = epochs_of((RunConfig(seed=0), [90.0, 80.0]), (RunConfig(seed=1), [94.0, 81.0]))
    table = curves(epochs, "objective", epochs["latent_dim"].astype(str))
    first = table[(table["split"] == "test") & (table["epoch"] == 1)].iloc[0]
    assert first[["mean", "low", "high", "n_seeds"]].tolist() == [94.0, 92.0, 96.0, 2]
    train = table[(table["split"] == "train") & (table["epoch"] == 2)].iloc[0]
    assert train["mean"] == pytest.approx((81 + 82) / 2 + 2)


def test_beta_weighs_the_kl_of_the_curves():
    epochs = epochs_of((RunConfig(beta=10), [80.0]))
    assert epochs["test_objective"].tolist() == [100.0]
    assert epochs["test_neg_elbo"].tolist() == [82.0]
    assert epochs["test_kl_fraction"].tolist() == [0.2]


def test_each_figure_shows_the_papers_series():
    runs = [RunConfig(latent_dim=j) for j in (3, 10)]
    runs += [RunConfig(beta=b, conditioning=c) for b in (5, 10) for c in ("none", "label")]
    epochs = epochs_of(*((run, [90.0]) for run in runs))
    panels = {panel.name: list(panel.table["series"].unique()) for panel in paper_curves(epochs)}
    assert panels["figure-3a"] == panels["figure-3b"] == ["J = 3", "J = 10"]
    assert panels["figure-4a"] == ["β = 1", "β = 5", "β = 10"]
    assert panels["figure-6b"] == ["β = 5", "β = 10"]
    assert panels["figure-7a"] == ["β = 1", "β = 10", "β = 10, labels"]


def test_other_grids_get_the_nearest_stand_in():
    epochs = epochs_of(*((RunConfig(latent_dim=j, beta=2), [90.0]) for j in (4, 8)))
    titles = {panel.name: panel.title for panel in paper_curves(epochs)}
    assert titles["figure-4a"] == "β-VAE, J = 8"
    assert "figure-3a" not in titles  # no run with beta = 1


def test_nothing_trained_gives_no_figure():
    assert paper_curves(pd.DataFrame(columns=EPOCHS.names)) == []


def test_a_curve_draws_its_table_and_names_its_axes():
    (panel, *_) = paper_curves(epochs_of((RunConfig(), [90.0, 80.0])))
    (axes,) = draw_curves(panel).axes
    drawn = [line.get_ydata().tolist() for line in axes.lines]
    assert drawn == [[93.0, 83.0], [92.0, 82.0]]  # train, test
    assert axes.get_xlabel() == "epoch"
    assert axes.get_ylabel() == "objective (nats per image)"


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

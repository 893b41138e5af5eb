"""The curves of the paper's figures 3, 4, 6 and 7."""

from types import SimpleNamespace

import pandas as pd
import pytest

from analysis.figures.charts import curves
from analysis.figures.inputs import FigureInputs, Missing
from analysis.figures.style import CUT
from study.config.run import RunConfig
from study.storage.records import new_record
from study.storage.tables import EPOCHS, Tables, build_tables

FIGURES = [*curves.STANDARD, *curves.BETA, *curves.CONDITIONAL, *curves.CONDITIONING]


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


def drawn(epochs):
    """What each figure that a study has runs for is drawn from, by its name."""
    study = SimpleNamespace(epochs=epochs, trials=epochs.drop_duplicates("run"))
    inputs = FigureInputs(study, None)
    panels = {}
    for figure in FIGURES:
        try:
            panels[figure.name] = figure.make(inputs)
        except Missing:
            continue
    return panels


def test_a_band_spans_the_seeds():
    epochs = epochs_of((RunConfig(seed=0), [90.0, 80.0]), (RunConfig(seed=1), [94.0, 81.0]))
    table = curves.over_seeds(epochs, "objective", epochs["latent_dim"].astype(str))
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
    panels = {name: list(panel.table["series"].unique()) for name, panel in drawn(epochs).items()}
    assert panels["figure-3a"] == panels["figure-3b"] == ["J = 3", "J = 10"]
    assert panels["figure-4a"] == ["β = 1", "β = 5", "β = 10"]
    assert panels["figure-6b"] == ["β = 5", "β = 10"]
    assert panels["figure-7a"] == ["β = 1", "β = 10", "β = 10, labels"]


def test_other_grids_get_the_nearest_stand_in():
    epochs = epochs_of(*((RunConfig(latent_dim=j, beta=2), [90.0]) for j in (4, 8)))
    titles = {name: panel.title for name, panel in drawn(epochs).items()}
    assert titles["figure-4a"] == "β-VAE, J = 8"
    assert "figure-3a" not in titles  # no run with beta = 1


def test_nothing_trained_gives_no_figure():
    assert drawn(pd.DataFrame(columns=EPOCHS.names)) == {}


def test_a_curve_draws_its_table_and_names_its_axes():
    panel = drawn(epochs_of((RunConfig(), [90.0, 80.0])))["figure-3a"]
    (axes,) = curves.draw_curves(panel).axes
    lines = [line.get_ydata().tolist() for line in axes.lines if line.get_gid() != CUT]
    assert lines == [[93.0, 83.0], [92.0, 82.0]]  # train, test
    assert axes.get_xlabel() == "epoch"
    assert axes.get_ylabel() == "objective (nats per image)"

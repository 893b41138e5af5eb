"""A study of every kind of model at once: what its tables, figures and words say of each."""

import sys
from pathlib import Path

import numpy as np
import pytest
from pages import write_scores
from studies import train_here

from analysis.figures.charts import along_beta, curves, kl_by_latent, pareto
from analysis.figures.inputs import FigureInputs
from analysis.figures.pictures import prior_samples, traversals
from analysis.paper.findings import findings
from analysis.report.page import gather, render
from study.config.run import RunConfig
from study.data import load_data
from study.storage.axes import words_of
from study.storage.folder import Folder
from study.storage.study_file import write_study

OWN_PARTS = Path(__file__).parent / "own_parts"
BASE = {"data": "toy:data", "latent_dim": 3, "train_images": 500, "batch_size": 50, "epochs": 2}
ALIKE = [{"beta": 1.0}, {"beta": 4.0}, {"conditioning": "label"}, {"conditioning": "prior"}]
PRIORS = [
    {"prior": "mixture", "prior_components": 5},
    {"prior": "vamp", "prior_components": 5},
    {"prior": "vamp", "prior_components": 5, "conditioning": "label"},
    {"prior": "flow"},
]
OBJECTIVES = [
    {"objective": "annealed"},
    {"objective": "tc", "beta": 2.0},
    {"objective": "tc", "beta": 6.0},
    {"objective": "factor", "discriminator_hidden": 20},
    {"objective": "dip2"},
]
OTHERS = [{"network": "conv"}, {"likelihood": "gaussian"}]
WITHOUT_KL = {"mixture", "vamp", "flow"}


@pytest.fixture(scope="module", autouse=True)
def _own_data():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(OWN_PARTS)
        yield
    sys.modules.pop("toy", None)


@pytest.fixture(scope="module")
def study(tmp_path_factory, _own_data):
    """Trained here; scored as if the VampPrior were best."""
    configs = [RunConfig(**BASE, **more) for more in (*ALIKE, *PRIORS, *OBJECTIVES, *OTHERS)]
    folder = Folder(tmp_path_factory.mktemp("mixed") / "mixed")
    study = train_here(folder, configs, load_data("toy:data"))
    write_study(folder, {"runs": [config.run_id for config in configs], "invocations": []})
    values = np.linspace(0.6, 0.8, len(configs))
    scores = dict(zip((config.run_id for config in configs), values, strict=True))
    best = configs.index(RunConfig(**BASE, **PRIORS[1]))
    write_scores(study, scores | {configs[best].run_id: 0.9})
    return study


@pytest.fixture(scope="module")
def inputs(study):
    return FigureInputs(study, None)


@pytest.fixture(scope="module")
def report(study):
    return gather(study)


def test_every_run_is_done_and_has_its_terms(study):
    trials = study.trials
    assert set(trials["state"]) == {"done"}
    assert np.isfinite(trials[["recon", "kl", "objective", "neg_elbo"]]).all().all()
    np.testing.assert_allclose(trials["neg_elbo"], trials["recon"] + trials["kl"])
    np.testing.assert_allclose(trials["kl_fraction_raw"], trials["kl"] / trials["neg_elbo"])


def test_kl_by_latent_is_missing_where_the_prior_has_none(study):
    priors = study.latents["run"].map(study.trials.set_index("run")["prior"])
    assert set(priors[study.latents["kl"].isna()]) == WITHOUT_KL
    assert study.latents.loc[priors == "normal", "kl"].notna().all()
    assert study.latents["mean_variance"].notna().all()
    active = study.trials.set_index("prior")["active_latents"]
    assert set(active[active.isna()].index) == WITHOUT_KL


def test_labels_cost_the_same_wherever_they_are_given(study):
    table = study.ranking
    nats = (table["neg_elbo_joint"] - table["neg_elbo"]).groupby(table["conditioning"]).mean()
    assert nats.to_dict() == pytest.approx(
        {"none": 0, "label": np.log(3), "prior": np.log(3)}, abs=1e-6
    )


def test_configurations_are_named_by_all_their_axes(study):
    names = words_of(study.ranking)
    assert len(set(names)) == len(names) == len(study.trials)
    assert any("labels in the prior" in name for name in names)
    assert any("objective factor, gamma 10" in name for name in names)


def test_no_table_or_plot_compares_costs_of_objectives(report):
    for table in (report.elbo, report.runs):
        assert not {"objective", "KL fraction"} & set(table.columns)
    for level in report.plots["rows"].values():
        assert not {"objective", "kl_fraction"} & set(level["columns"])
        assert "kl_fraction_raw" in level["columns"]
    assert "costs of several objectives are not compared" in report.elbo.notes
    assert "Bounds of different likelihoods" in report.elbo.notes
    largest = report.elbo.columns.index("largest KL")
    kinds = [row[0].text for row in report.elbo.rows if row[largest].text == "–"]
    assert len(kinds) == len(PRIORS)
    assert len([one for one in report.highlights if one.label.startswith("Lowest")]) == 2


def test_the_first_words_are_of_the_best_of_all(report, study):
    assert "prior vamp" in report.outcome[0]
    assert findings(study).empty
    assert "in the prior" in report.what["labels"]
    assert "vamp" in render(report)


def test_a_likelihood_has_a_front_of_its_own(study, inputs):
    fronts = study.ranking.groupby("likelihood")["pareto"].sum()
    assert (fronts > 0).all()
    assert set(pareto.pareto(inputs)["likelihood"]) == {"bernoulli"}


def test_curves_are_of_one_kind_of_model(inputs):
    (figure, _) = curves.BETA
    assert set(figure.make(inputs).table["series"]) == {"β = 1", "β = 4"}


def test_curves_with_and_without_labels_leave_labels_in_the_prior_out(inputs):
    (figure, _) = curves.CONDITIONING
    names = set(figure.make(inputs).table["series"])
    assert names
    assert all(name.startswith("β = ") for name in names)


def test_scores_along_beta_are_of_what_has_several(inputs):
    table = along_beta.along_beta(inputs)
    assert set(table["objective_kind"]) == {"beta", "tc"}
    assert not set(table["prior"]) & WITHOUT_KL
    assert along_beta.draw_along_beta(table)


def test_the_heat_map_of_kl_leaves_priors_without_one_out(inputs):
    table = kl_by_latent.kl_by_latent(inputs)
    assert set(table["prior"]) == {"normal"}
    assert f"{len(PRIORS)} configurations are left out" in kl_by_latent.caption(table)
    assert kl_by_latent.draw_kl(table)


def test_prior_samples_are_of_each_kind_and_by_class_where_labels_are_given(inputs):
    sheet = prior_samples.from_the_prior(inputs)
    titles = [panel.title for panel in sheet.panels]
    for words in ("prior vamp", "prior flow", "prior mixture", "labels in the prior"):
        assert any(words in title for title in titles)
    for panel in sheet.panels:
        assert panel.rows == (["0", "1", "2"] if "Conditional" in panel.title else [])
        assert len(np.unique(panel.images)) > 1


def test_the_best_is_traversed_in_deviations_and_says_so(inputs):
    sheet = traversals.around_the_mean(inputs)
    assert "prior vamp" in sheet.title
    assert "Standard" not in sheet.title
    assert "standard deviations" in sheet.panels[0].x_label
    assert "standard deviations of the latent over the test images" in sheet.caption

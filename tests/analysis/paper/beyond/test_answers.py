"""Answers of docs/beyond.md where the truth is planted."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from planted_kinds import SEEDS, WHOLE, planted

from analysis.paper.beyond import answers
from analysis.paper.beyond.__main__ import beyond
from analysis.paper.beyond.kinds import kinds, runs_of
from analysis.paper.beyond.longer import longer
from analysis.paper.beyond.matched import BETTER, SAME, UNDECIDED, WORSE
from analysis.paper.beyond.use import agreed, edit_errors, tau
from analysis.statistics.intervals import Estimate
from study.cli.main import carry_out
from study.config.errors import StudyError
from study.config.run import RunConfig

ROOT = Path(__file__).parents[4]


def said(rows):
    return {row.compared: row.answer for row in rows}


def test_a_better_network_is_better_in_both_ways():
    rows = list(answers.of_networks(WHOLE))
    assert [row.answer for row in rows] == [BETTER, BETTER]
    assert rows[0].value == pytest.approx(0.2, abs=0.01)
    assert rows[0].n == 5
    assert "nats from a run" in rows[1].note


def test_a_prior_that_pays_for_its_gain_says_so():
    rows = said(answers.of_priors(WHOLE))
    assert rows["flow prior - plain β-VAE, at equal β"] == WORSE
    assert rows["flow prior - plain β-VAE, at equal rate"] == WORSE
    assert rows["flow prior - plain β-VAE, gain in nats at β = 1"] == "gains"
    assert rows["mixture prior - plain β-VAE, at equal β"] == SAME
    assert rows["mixture prior - plain β-VAE, at equal β, of PCA"] == SAME
    assert len(rows) == 6 + 6 + 3


def test_labels_that_change_nothing_make_no_difference_that_matters():
    assert set(said(answers.of_labels(WHOLE)).values()) == {SAME}


def test_objectives_on_the_line_of_plain_do_not_beat_it():
    rows = list(answers.of_objectives(WHOLE))
    assert {row.answer for row in rows} == {SAME}
    assert len(rows) == 5


def test_a_study_that_lacks_kinds_has_undecided_answers_and_no_error():
    rows = [
        *answers.of_networks(planted("plain")),
        *answers.of_priors(planted("plain")),
        *answers.of_objectives(planted("plain")),
    ]
    assert {row.answer for row in rows} == {UNDECIDED}
    assert all(np.isnan(row.value) and row.n == 0 for row in rows)


def test_a_small_share_with_a_high_score_is_supported_only_beyond_the_reconstruction():
    """KL, reconstruction and beta are one thing here: held, nothing is left."""
    rows = said(answers.of_shares(WHOLE))
    assert rows["KL share and score"] == "falls with the share"
    assert rows["KL share and score, reconstruction and β held"] != "contradicted"
    rng = np.random.default_rng(0)
    free = WHOLE.assign(recon=rng.uniform(80, 100, len(WHOLE)))
    assert said(answers.of_shares(free))["KL share and score, reconstruction held"] == "supported"


def test_seeds_that_agree_are_identified_and_others_not():
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(600, 4))
    same = {seed: truth[:, rng.permutation(4)] + 0.05 * rng.normal(size=(600, 4)) for seed in SEEDS}
    other = {seed: rng.normal(size=(600, 4)) for seed in SEEDS}
    rows = said(answers.of_seeds({(4, "prior"): same, (4, "label"): other, (4, "plain"): other}))
    assert rows["prior by class, J = 4: agreement of seeds"] == "at least 0.9"
    assert rows["labels, J = 4: agreement of seeds"] == "below 0.9"
    assert rows["prior by class - labels, J = 4: agreement of seeds"] == "above"


def test_scores_that_order_alike_agree_and_the_best_is_still_the_best():
    noisy = WHOLE["score"] + np.random.default_rng(2).normal(0, 0.001, len(WHOLE))
    figures = {
        ("mig", "intervention"): noisy,
        ("sap", "intervention"): -noisy,
        ("higgins_few", "measured"): noisy,
    }
    table = pd.concat(
        WHOLE[["run"]].assign(score=name, factors=factors, scope="within", basis="latent", value=v)
        for (name, factors), v in figures.items()
    )
    rows = said(answers.of_scores(WHOLE, table, pd.Series(dtype=float)))
    assert rows["the score and MIG"] == "agree"
    assert rows["the score and SAP"] == "disagree"
    assert rows["the score and the same on measured digits"] == "agree"
    best = next(key for key in rows if "the highest mean on measured digits" in key)
    assert best.startswith("conv-10")
    assert rows[best] == "among the best"


def test_two_data_sets_that_order_alike_agree():
    other = WHOLE.assign(score=WHOLE["score"] * 0.5)
    rows = said(answers.of_two_studies(WHOLE, other, "drawn digits"))
    assert rows["the score and the same on drawn digits"] == "agree"
    assert rows["convolutions 10, the highest mean here, on drawn digits"] == "among the best"


def test_the_error_of_an_edit_by_hand():
    """One knob is exact up, and off by 0.3 down, where another property moves by 0.4 as well."""
    spread = {"thickness": 2.0, "slant": 0.5}
    knobs = pd.DataFrame(
        [
            ("a", "thickness", 2.0, 0.0, 2.0, 0.0),
            ("a", "thickness", -2.0, 0.0, -1.4, 0.2),
            ("a", "slant", 0.5, 0.5, 0.0, 0.5),  # right in the mean, spread by as much
            ("a", "slant", 1.0, 0.0, 0.0, 1.0),  # two standard deviations: not asked for here
        ],
        columns=["run", "property", "asked", "obtained_sd", "thickness", "slant"],
    )
    errors = edit_errors(knobs, spread, ["a", "b"])
    assert errors["a"] == pytest.approx((0 + 0.5 + 1 + 1) / 4)
    assert errors["b"] == 1


def test_tau_by_hand_and_its_words():
    one = pd.Series({"a": 1.0, "b": 2.0, "c": 3.0, "d": 4.0})
    assert tau(one, one[["a", "c", "b", "d"]].set_axis(list("abcd"))).value == pytest.approx(4 / 6)
    assert np.isnan(tau(one, one.iloc[:2]).value)
    assert agreed(Estimate(0.8, 0.6, 0.9)) == "agree"
    assert agreed(Estimate(0.2, -0.1, 0.4)) == "disagree"
    assert agreed(Estimate(0.5, 0.3, 0.7)) == "not decided"


def trials_of(*configs):
    rows = []
    for config in configs:
        row = config.identity() | {"run": config.run_id, "seed": config.seed}
        row["objective_kind"] = row.pop("objective")
        rows.append(row | {"recon": 100.0, "kl": 10.0, "neg_elbo": 110.0, "kl_fraction_raw": 0.09})
    return pd.DataFrame(rows)


def test_runs_have_the_kind_of_their_one_other_part_and_its_weight():
    trials = trials_of(
        RunConfig(beta=4),
        RunConfig(conditioning="label"),
        RunConfig(prior="vamp", prior_components=100, beta=2),
        RunConfig(objective="factor", gamma=30),
        RunConfig(latent_dim=4),
    )
    rows = trials[["run"]].merge(
        pd.DataFrame({"basis": ["latent", "pca", "ica"], "value": [0.5, 0.6, 0.7]}), how="cross"
    )
    rows = rows.assign(
        score="higgins_few", factors="intervention", scope="within", rotated=0.3, oracle=1.0
    )
    table = runs_of(SimpleNamespace(trials=trials, scores=rows))
    assert table["kind"].tolist() == ["plain", "label", "vamp", "factor"]
    assert table["weight"].tolist() == [4, 1, 2, 30]
    assert table["beta"].isna().tolist() == [False, False, False, True]
    assert (table[["score", "score_pca", "score_ica"]] == [0.5, 0.6, 0.7]).all(axis=None)


def test_a_run_that_differs_in_two_parts_is_refused():
    with pytest.raises(StudyError, match="more than one part"):
        kinds(trials_of(RunConfig(prior="flow", network="conv")))
    with pytest.raises(StudyError, match=r"not a kind of model.*own:relu"):
        kinds(trials_of(RunConfig(network="own:relu@123456")))


def test_runs_that_differ_in_a_key_that_no_kind_has_are_not_pooled():
    trials = trials_of(RunConfig(beta=4), RunConfig(beta=4, learning_rate=0.003))
    with pytest.raises(StudyError, match=r"learning_rate0\.003.* differ in more than kind"):
        runs_of(SimpleNamespace(trials=trials))


def test_two_seeds_have_no_agreement():
    two = {seed: np.random.default_rng(seed).normal(size=(50, 3)) for seed in (0, 1)}
    assert list(answers.of_seeds({(10, "plain"): two})) == []


@pytest.mark.parametrize(
    ("study", "message"),
    [
        ("nowhere", "nowhere: it has no trials.parquet"),
        (str(ROOT / "results/full"), "full has no score Higgins (3 pairs) within the class: study"),
    ],
)
def test_a_mistake_at_the_command_is_one_line(study, message, capsys):
    """`results/full` was scored before there was such a score."""
    assert carry_out(beyond, "beyond", [study]) == 1
    error = capsys.readouterr().err
    assert error.startswith("beyond: ")
    assert message in error
    assert error.count("\n") == 1


def test_a_command_without_a_study_is_refused():
    assert carry_out(beyond, "beyond", []) == 2


def test_a_kind_that_turns_with_more_epochs_is_named():
    short = pd.concat([planted("plain", (4.0,)), planted("conv", (4.0,)), planted("flow", (4.0,))])
    long = short.assign(score=short["score"] + short["kind"].map({"flow": 0.3}).fillna(0))
    compared = longer(short, long)
    assert compared.turned == ["flow"]
    assert compared.tau == pytest.approx(1 / 3)  # of three pairs one is turned
    assert longer(short, short).tau == 1


def test_an_answer_that_turns_with_more_epochs_is_not_given():
    rows = [*answers.of_networks(WHOLE), *answers.of_priors(WHOLE)]
    table = pd.concat([pd.DataFrame(rows).assign(data=data) for data in ("mnist", "strokes")])
    given = answers.without_turned(table.reset_index(drop=True), ["conv"])
    turned = given["answer"] == answers.TURNED
    assert set(given.loc[turned, "data"]) == {"mnist"}
    assert set(given.loc[turned, "compared"]) == {
        "convolutions - plain β-VAE, at equal β",
        "convolutions - plain β-VAE, at equal rate",
    }
    assert (given["answer"][~turned] == table["answer"].to_numpy()[~turned]).all()
    assert answers.without_turned(table, []).equals(table)

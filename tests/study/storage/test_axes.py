"""What a study varies, and what its configurations are called."""

import pandas as pd
import pytest

from study.config.run import RunConfig
from study.storage.axes import (
    alike,
    as_in_the_paper,
    in_words,
    made_alike,
    other_axes,
    varied,
    words_of,
)
from study.storage.records import new_record
from study.storage.tables import build_tables


def trials_of(*configs):
    return build_tables({c.run_id: new_record(c, "waiting") for c in configs}, {})["trials"]


FAST, SLOW = RunConfig(), RunConfig(learning_rate=0.003)
FEW = RunConfig(train_images=1000)


@pytest.mark.parametrize(
    ("configs", "others", "varies"),
    [
        ([FAST, RunConfig(beta=4.0, conditioning="label", seed=3)], [], []),
        ([FAST, SLOW], ["learning_rate"], ["learning_rate"]),
        ([FEW, FEW.model_copy(update={"beta": 4.0})], ["train_images"], []),
        ([FAST, RunConfig(objective="own:loss")], ["objective_kind"], ["objective_kind"]),
        ([FAST, RunConfig(checkpoint_every=1, beta=2.0, epochs=2, compile=True)], [], []),
    ],
)
def test_other_axes_vary_or_are_not_the_default(configs, others, varies):
    trials = trials_of(*configs)
    assert other_axes(trials) == others
    assert varied(trials) == varies


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"latent_dim": 10, "beta": 4.0, "conditioning": "none"}, "J = 10, β = 4"),
        ({"latent_dim": 10, "beta": 0.5, "conditioning": "label"}, "J = 10, β = 0.5, labels"),
        (
            {
                **{"latent_dim": 3, "beta": 1.0, "conditioning": "none", "learning_rate": 0.003},
                **{"objective_kind": "own:loss", "higgins": 0.9},
            },
            "J = 3, β = 1, learning rate 0.003, objective own:loss",
        ),
    ],
)
def test_configurations_in_words(row, words):
    assert in_words(row) == words
    assert words_of(pd.DataFrame([row, row])) == [words, words]


def test_an_objective_without_a_beta_names_none():
    row = {"latent_dim": 10, "beta": float("nan"), "conditioning": "none", "objective_kind": "dip1"}
    assert in_words(row) == "J = 10, objective dip1"


def test_values_that_differ_are_worded_apart():
    rows = {"latent_dim": 10, "conditioning": "none", "beta": [1.0, 1.00000001]}
    assert len(set(words_of(pd.DataFrame(rows)))) == 2


def test_what_is_compared_is_the_papers_where_there_is_any():
    assert alike(trials_of(SLOW, FAST))["learning_rate"].tolist() == [0.01]
    more = SLOW.model_copy(update={"beta": 4.0})
    trials = trials_of(SLOW, more, RunConfig(learning_rate=0.1))
    assert alike(trials)["learning_rate"].nunique() == 1
    assert as_in_the_paper(trials).empty
    assert alike(trials.head(0)).empty


def test_labels_in_the_prior_are_none_of_the_papers_models_and_come_last():
    kinds = ("prior", "label", "none")
    trials = trials_of(*(RunConfig(conditioning=kind) for kind in kinds))
    assert trials["conditioning"].tolist() == ["none", "label", "prior"]
    assert as_in_the_paper(trials)["conditioning"].tolist() == ["none", "label"]
    alone = trials_of(RunConfig(conditioning="prior"))
    assert len(alike(alone)) == 1


def test_runs_of_the_same_parts_may_differ_in_how_they_train():
    trials = trials_of(FAST, SLOW, RunConfig(prior="vamp"), RunConfig(objective="factor"))
    assert sorted(made_alike(trials)["learning_rate"]) == [0.003, 0.01]
    others = trials_of(
        RunConfig(prior="vamp"),
        RunConfig(prior="vamp", prior_components=5),
        RunConfig(prior="flow"),
    )
    assert set(made_alike(others)["prior"]) in ({"vamp"}, {"flow"})
    assert made_alike(trials.head(0)).empty

"""Answers on tables whose answers are known by construction."""

import numpy as np
import pandas as pd
import pytest

from analysis.paper.findings import BEST, ICA, LABELS, OWN, SHARE, findings
from analysis.study import open_study
from study.storage.folder import Folder
from study.storage.tables import write_table

SEEDS = (0, 1, 2)
VALUE = {(1, "none"): 0.5, (10, "none"): 0.9, (1, "label"): 0.4, (10, "label"): 0.7}
EFFECTS = {  # of three directions on thickness, slant and width, the same in ten digits
    "latent": [[0.4, 0, 0] * 10, [0, 0.5, 0.1] * 10, [0, 0.4, 0.3] * 10],
    "knob": [[0.4, 0, 0] * 10, [0, 0.5, 0] * 10, [0, 0, 0.3] * 10],
}
SHARES = {(1, "none"): 0.2, (10, "none"): 0.05, (1, "label"): 0.3, (10, "label"): 0.1}


def axes(beta, conditioning, seed):
    run = f"J10-beta{beta}-{conditioning}-seed{seed}"
    return {"run": run, "latent_dim": 10, "beta": float(beta), "conditioning": conditioning} | {
        "seed": seed
    }


def score(beta, conditioning, seed, basis, value):
    more = {"basis": basis, "factors": "measured", "scope": "all", "score": "mig", "value": value}
    return axes(beta, conditioning, seed) | more


@pytest.fixture
def study(tmp_path):
    """Best without labels at beta 10; ICA adds 0.1; the smaller the KL fraction, the better."""
    runs = [(b, c, seed) for b, c in VALUE for seed in SEEDS]
    trials = [axes(*run) | {"state": "done", "kl_fraction": SHARES[run[:2]]} for run in runs]
    scores = [
        score(*run, basis, VALUE[run[:2]] + run[2] / 100 + more)
        for run in runs
        for basis, more in (("latent", 0), ("ica", 0.1))
    ]
    names = {"latent": ["thickness", "slant", "mixed"], "knob": ["thickness", "slant", "width"]}
    alignment = [
        axes(10, "label", seed) | {"basis": basis, "property": name, "digit_effects": effects}
        for seed in SEEDS
        for basis, properties in names.items()
        for name, effects in zip(properties, EFFECTS[basis], strict=True)
    ]
    alignment += [
        axes(1, "none", seed) | {"basis": basis, "property": name, "digit_effects": [0.0] * 30}
        for seed in SEEDS
        for basis, name in (("latent", "mixed"), ("ica", "slant"), ("ica", "slant"))
    ]
    folder = Folder(tmp_path / "known")
    for name, rows in (("trials", trials), ("scores", scores), ("alignment", alignment)):
        write_table(folder, name, pd.DataFrame(rows), None)
    return open_study(folder.location)


def answer(study, question):
    return findings(study).set_index("question").loc[[question]]


def test_the_best_is_ahead_by_what_was_planted(study):
    row = answer(study, BEST).iloc[0]
    assert row["value"] == pytest.approx(0.2)
    assert row["answer"].startswith("By mig: J10-beta10-none (0.910), ahead of J10-beta10-label")
    assert row["answer"].endswith("a difference larger than that between seeds.")


def test_labels_are_compared_at_the_same_beta_and_seed(study):
    """-0.1 at beta 1, -0.2 at beta 10, in every seed."""
    row = answer(study, LABELS).iloc[0]
    assert list(row[["value", "low", "high"]]) == pytest.approx([-0.15] * 3)
    assert row["n"] == len(SEEDS)
    assert "conditioning hurts" in row["answer"]
    assert row["answer"].endswith("over 3 seeds (-0.100 at beta 1, -0.200 at beta 10).")


def test_properties_with_a_direction_of_their_own_are_counted(study):
    rows = answer(study, OWN)
    assert list(rows["value"]) == [2, 3]
    assert "have a mixture named after them, over 3 seeds" in rows["answer"].iloc[1]
    # Width is moved most by a latent that moves slant by 0.4 and width by 0.3: 16 of 25 parts.
    assert "what moves slant most leaks 4%, mostly to width" in rows["answer"].iloc[0]
    assert "what moves width most leaks 64%, mostly to slant" in rows["answer"].iloc[0]
    assert "what moves width most leaks 0%" in rows["answer"].iloc[1]


def test_ica_is_compared_with_the_same_runs_before_it(study):
    score, directions = answer(study, ICA).to_dict("records")
    assert score["value"] == pytest.approx(0.1)
    assert score["answer"].endswith("to 0.610; the best configuration has 0.910.")
    assert directions["value"] == 1
    assert directions["answer"].endswith("named after them over 3 seeds, and 0.0 a latent.")


def test_a_correlation_that_was_planted_is_found(study):
    row = answer(study, SHARE).iloc[0]
    assert row["value"] < -0.9
    assert "this is borne out" in row["answer"]
    assert row["n"] == 4
    assert "over 12 runs of 4 configurations" in row["answer"]


def test_one_seed_has_no_interval(study):
    for name in ("trials", "scores", "alignment"):
        table = getattr(study, name)
        write_table(study.folder, name, table[table["seed"] == 0], None)
    row = answer(open_study(str(study.folder)), BEST).iloc[0]
    assert np.isnan(row["low"])
    assert "one seed cannot tell" in row["answer"]


def test_nothing_is_said_of_a_correlation_with_a_constant(study):
    write_table(study.folder, "trials", study.trials.assign(kl_fraction=0.2), None)
    assert SHARE not in set(findings(open_study(str(study.folder)))["question"])


def test_a_study_without_scores_has_no_findings(study):
    study.folder.delete("scores.parquet")
    assert findings(study).empty

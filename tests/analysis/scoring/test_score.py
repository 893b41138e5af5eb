"""Scoring a study that lies on disk, through real Ray."""

import shutil
from functools import partial

import numpy as np
import pandas as pd
import pytest
from studies import change_weights, train_here, write_rows

from analysis import open_study
from analysis.factors.binning import discretise
from analysis.factors.image_set import ImageSet, Sample, measured, sample_of
from analysis.metrics import load_metric
from analysis.report.tables import all_scores
from analysis.scoring.cache import ScoreCache
from analysis.scoring.evaluation import BASES, BOUND_UNITS
from analysis.scoring.score_study import score_study, write_ranking
from analysis.scoring.targets import Setup, unit_beside
from analysis.statistics.ranking import unlisted
from study.cli.main import carry_out
from study.cli.present import score
from study.config.run import RunConfig
from study.execution.resumable_run import fail_run
from study.storage.folder import Folder
from study.storage.records import new_record, runs_folder
from study.storage.study_file import write_study

main = partial(carry_out, score, "analysis.score")
TINY = RunConfig(latent_dim=3, hidden=16, train_images=400, epochs=1)
DIVERGED = TINY.model_copy(update={"beta": 1e9})
BROKEN = DIVERGED.run_id


@pytest.fixture(scope="module")
def data(mnist):
    """The test images, and half of them once more as if their factors had been set."""
    images, labels = mnist.test_images[:400], mnist.test_labels[:400].astype(np.int64)
    factors = measured(images)
    sample = Sample(discretise(factors, 5), labels, factors.to_numpy())
    half = Sample(*(column[::2] for column in sample))
    return ImageSet.of(images, sample), ImageSet.of(images[::2], half, "intervention")


@pytest.fixture(scope="module")
def n_rows(data):
    return len(Setup(data).basis_units) + len(BOUND_UNITS)


@pytest.fixture(scope="module")
def scored(tmp_path_factory, data, ray, mnist):
    """Two seeds of one configuration, another one, a failed and a waiting run; and the outcome."""
    folder = Folder(tmp_path_factory.mktemp("scored") / "tiny")
    runs = runs_folder(folder)
    configs = [TINY, *(TINY.model_copy(update=other) for other in ({"seed": 1}, {"beta": 4.0}))]
    study = train_here(folder, configs, mnist)
    fail_run(DIVERGED, runs / BROKEN, "diverged in epoch 1")
    waiting = new_record(TINY.model_copy(update={"beta": 2.0}), "waiting")
    write_rows(folder, **{"J3-waiting": waiting})
    study.forget("trials", "epochs", "latents")
    outcome = score_study(study, data, lambda: None)
    write_ranking(study)
    return folder, outcome


@pytest.fixture
def copy(scored, tmp_path):
    shutil.copytree(scored[0].location, tmp_path / "tiny")
    return open_study(tmp_path / "tiny")


def never():
    raise AssertionError("Ray was joined although nothing was missing")


def ids(study):
    return study.trials.query("state == 'done'")["run"].tolist()


def test_every_finished_run_has_every_row_and_the_others_are_listed(scored, n_rows):
    study = open_study(scored[0].location)
    assert study.scores.groupby("run", sort=False).size().to_dict() == dict.fromkeys(
        ids(study), n_rows
    )
    assert scored[1].unscored == {
        BROKEN: "diverged in epoch 1",
        "J3-waiting": "not finished yet",
    }
    assert study.ranking["rank"].notna().sum() == 2
    assert len(study.ranking) == 4
    assert len(study.udr) == 1
    pair = study.udr.iloc[0]
    assert {pair["run_a"], pair["run_b"]} == set(study.trials.query("beta == 1")["run"])
    assert "seed" not in pair["configuration"]


def test_controls_stand_beside_the_scores(scored):
    study = open_study(scored[0].location)
    place = "score == 'higgins' and basis == 'latent' and factors == 'measured' and scope == 'all'"
    higgins = study.scores.query(place)
    beside = ("rotated", "untrained", "pixel_pca", "raw_pixels", "shuffled")
    for control in (*beside, "oracle", "oracle_rotated"):
        assert higgins[control].between(0.2, 1).all(), control
    turned = study.scores.query(place.replace("latent", "rotation"))
    assert higgins["rotated"].tolist() == turned["value"].tolist()
    within = study.scores.query("scope == 'within' and factors == 'intervention'")
    assert within[["rotated", "pixel_pca", "oracle"]].notna().all(axis=None)
    assert within["shuffled"].isna().all()
    first = higgins.set_index("run").loc[ids(study)]
    same_seed = first[first["seed"] == 0]
    assert same_seed["untrained"].nunique() == 1  # runs that differ in beta share it
    assert first["pixel_pca"].nunique() == 1
    assert study.scores.query("score == 'iwae'")["untrained"].isna().all()


def test_a_second_call_computes_nothing(copy, data):
    before = copy.folder.read("scores.parquet")
    outcome = score_study(copy, data, never)
    assert outcome.computed == 0
    assert copy.folder.read("scores.parquet") == before


def test_changed_weights_cost_that_run_alone(copy, data, n_rows, ray):
    changed, *others = ids(copy)
    folder = runs_folder(copy.folder)
    old = copy.scores
    weights = copy.model(others[0])[0].state_dict()
    change_weights(folder / changed, lambda _: weights)
    outcome = score_study(copy, data, lambda: None)
    setup = Setup(data)
    shuffled_rows = len(
        {unit_beside("shuffled", unit, setup) for unit in setup.basis_units} - {None}
    )
    in_pair = changed in {*copy.udr["run_a"], *copy.udr["run_b"]}
    assert outcome.computed == n_rows + shuffled_rows + in_pair
    kept = old[old["run"].isin(others)].reset_index(drop=True)
    pd.testing.assert_frame_equal(
        copy.scores[copy.scores["run"].isin(others)].reset_index(drop=True), kept
    )
    new = copy.scores[copy.scores["run"] == changed]["key"]
    assert not set(new) & set(old["key"])
    assert len(new) == n_rows


def test_lost_rows_alone_are_computed_again(copy, data, ray):
    from analysis.scoring.targets import SCORES
    from study.storage.tables import write_table

    whole = copy.scores
    lost = whole["score"].eq("mig") & whole["run"].eq(ids(copy)[1])
    write_table(copy.folder, "scores", whole[~lost], SCORES)
    copy.forget("scores")
    assert (
        score_study(copy, data, lambda: None).computed == 16
    )  # four bases, two sets of images, two scopes
    pd.testing.assert_frame_equal(copy.scores, whole)


def test_a_metric_of_the_users_own_stands_beside_the_others(copy, data, ray):
    """Named by its import path, computed in workers; its rows outlive a call without it."""
    before, own = copy.scores, load_metric("own_metric:NEAREST")
    outcome = score_study(copy, data, lambda: None, metrics=[own])
    assert set(outcome.unscored) == {BROKEN, "J3-waiting"}
    rows = copy.scores.query("score == 'nearest'")
    assert rows.groupby("run", sort=False)["basis"].apply(list).tolist() == [[*BASES] * 4] * 3
    assert rows["value"].between(0, 1).all()
    own_basis = rows.query("basis == 'latent'")
    assert own_basis[["rotated", "pixel_pca", "oracle"]].notna().all(axis=None)
    others = copy.scores.query("score != 'nearest'").reset_index(drop=True)
    pd.testing.assert_frame_equal(others, before)
    write_ranking(copy)
    scored = copy.ranking.dropna(subset="higgins")
    assert scored["nearest"].between(0, 1).all()
    assert "nearest" in pd.read_csv(f"{copy.folder}/tables/agreement.csv")
    columns = all_scores(copy.ranking, unlisted(copy.scores)).columns
    assert "nearest" in columns
    assert score_study(copy, data, never).computed == 0
    assert len(copy.scores.query("score == 'nearest'")) == 48


def test_other_settings_of_an_own_metric_are_other_rows(copy, data, ray):
    own = load_metric("own_metric:NEAREST")
    score_study(copy, data, lambda: None, metrics=[own])
    two = copy.scores.query("score == 'nearest'")
    score_study(copy, data, lambda: None, metrics=[own._replace(settings={"power": 4})])
    four = copy.scores.query("score == 'nearest'")
    np.testing.assert_array_less(four["value"], two["value"])
    assert not set(two["key"]) & set(four["key"])


def test_without_factors_the_classes_are_read_and_the_reason_is_said(copy, data, ray):
    unknown = (ImageSet.of(data[0].images, sample_of(data[0].sample.labels, None)),)
    lines = []
    score_study(copy, unknown, lambda: None, lines.append)
    assert sum("no factors are known" in line for line in lines) == 1
    assert set(copy.scores["score"]) == {"digit_probe", "elbo", "iwae"}
    assert set(copy.scores["run"]) == set(ids(copy))
    write_ranking(copy)
    assert copy.ranking["rank"].isna().all()
    assert copy.ranking["digit_probe"].notna().sum() == 2


def test_a_clone_with_tables_alone_keeps_its_scores(copy, data):
    whole = copy.scores
    runs_folder(copy.folder).delete_all()
    outcome = score_study(copy, data, never)
    pd.testing.assert_frame_equal(copy.scores, whole)
    assert set(outcome.unscored) == {BROKEN, "J3-waiting"}


def test_a_run_that_cannot_be_read_leaves_the_others(copy, data, ray):
    broken = ids(copy)[0]
    (runs_folder(copy.folder) / broken).write("weights.pt", b"nothing")
    outcome = score_study(copy, data, lambda: None)
    assert f"{broken}/weights.pt is damaged" in outcome.unscored[broken]
    assert set(copy.scores["run"]) == set(ids(copy))  # what it has is of its true weights


def test_a_retrained_run_that_is_not_done_drops_its_scores(copy, data):
    run = ids(copy)[0]
    trials = copy.trials
    trials.loc[trials["run"] == run, "state"] = "begun"
    outcome = score_study(copy, data, never)
    assert outcome.unscored[run] == "not finished yet"
    assert run not in set(copy.scores["run"])


def test_tables_for_the_report(scored):
    folder = scored[0] / "tables"
    elbo = pd.read_csv(f"{folder}/elbo.csv").set_index("configuration")
    assert elbo["n_seeds"].tolist() == [2, 1]
    assert (elbo["iwae"] > elbo["elbo"]).all()
    assert elbo["beta_normalised"].tolist() == pytest.approx([3 / 784, 12 / 784])
    ica = pd.read_csv(f"{folder}/ica.csv")
    assert {"latent", "ica", "pca", "change", "separated", "converged"} <= set(ica)
    assert len(pd.read_csv(f"{folder}/agreement.csv")) == 9


def test_a_book_is_not_written_more_often_than_asked(copy, data):
    cache = ScoreCache(copy, Setup(data))
    before = copy.folder.read("scores.parquet")
    copy.folder.delete("scores.parquet")
    cache.write(every_s=60)
    assert not copy.folder.exists("scores.parquet")
    cache.write()
    assert copy.folder.read("scores.parquet") == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere"], "no study at"),
        (["tiny", "--address", "nowhere"], "--address takes HOST:PORT"),
        (["tiny", "--metric", "nowhere:NAME"], "--metric: cannot import metric nowhere:NAME"),
    ],
)
def test_bad_input_is_one_line(words, message, copy, monkeypatch, capsys):
    monkeypatch.chdir(copy.folder.location.removesuffix("/tiny"))
    copy.folder.delete("scores.parquet")
    assert main(words) in {1, 2}
    said = capsys.readouterr().err
    assert said.startswith("analysis.score: ")
    assert message in said
    assert said.count("\n") == 1


def test_the_metrics_that_study_yaml_keeps_are_scored(copy, capsys):
    write_study(copy.folder, {"invocations": [{"metrics": ["nowhere:NAME"]}]})
    assert main([copy.folder.location]) == 2
    assert "study.yaml: cannot import metric nowhere:NAME" in capsys.readouterr().err


def test_a_damaged_table_is_named(copy, capsys):
    copy.folder.write("controls.parquet", b"nothing")
    assert main([copy.folder.location]) == 1
    assert "controls.parquet is damaged" in capsys.readouterr().err


def test_an_unscored_study_says_how_to_score_it(copy):
    from study.config.errors import StudyError

    copy.folder.delete("ranking.parquet")
    copy.forget("ranking")
    with pytest.raises(StudyError, match=r"no ranking.parquet yet: study score"):
        _ = copy.ranking

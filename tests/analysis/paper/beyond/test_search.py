"""The search against the grids, where who beats whom is known."""

from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from analysis.paper.beyond.__main__ import beyond
from analysis.paper.beyond.search import bounds_and_scores, check_found, of_found, of_search
from study.cli.main import carry_out
from study.config.errors import StudyError
from study.config.run import RunConfig

ROOT = Path(__file__).parents[4]


def figures(rows):
    table = pd.DataFrame(rows, columns=["run", "neg_elbo", "score"]).set_index("run")
    seeds = table.index.str.extract(r"seed(\d)$", expand=False).fillna("0").astype(int)
    names = table.index.str.replace(r"-seed\d$", "", regex=True)
    return table.assign(configuration=names, latent_dim=10, seed=seeds.to_numpy())


GRID = figures(
    [
        ("J10-beta1-none-seed0", 100.0, 0.5),
        ("J10-beta1-none-seed1", 104.0, 0.7),  # a mean of 102 and 0.6
        ("J10-beta4-none-seed0", 120.0, 0.7),
    ]
)


def with_seeds(n):
    """The lowest negative ELBO and the highest score, of two configurations; seeds are alike."""
    low = [(f"J10-beta1-none-seed{seed}", 100.0, 0.5) for seed in range(n)]
    return figures(low + [(f"J10-beta4-none-seed{seed}", 120.0, 0.7) for seed in range(n)])


def said(trials, front):
    return [(row.value, row.n, row.answer) for row in of_search(GRID, figures(trials), front)]


def test_a_trial_that_beats_every_configuration_is_ahead():
    assert said([("a", 101.0, 0.8), ("b", 130.0, 0.1)], {"a"}) == [
        (1, 2, "ahead with one seed"),
        (2, 2, "2 of 2"),
        (0, 1, "0 of 1"),
        (1, 1, "1 of 1"),
    ]


def test_a_trade_off_is_not_ahead():
    """One is as good as it gets in one figure, one loses in both, one ties in the score."""
    trials = [("a", 90.0, 0.1), ("b", 110.0, 0.5), ("c", 119.0, 0.7)]
    assert said(trials, {"a", "b"}) == [
        (0, 3, "not ahead"),
        (0, 2, "0 of 2"),
        (1, 2, "1 of 2"),
        (2, 3, "2 of 3"),  # a, the configuration at 102, and c, which has the higher one's score
    ]


@pytest.mark.parametrize(
    ("spread", "answers"),
    [
        (1, ["lower", "higher", "ahead"]),
        (20, ["not decided", "not decided", "not decided"]),
    ],
)
def test_what_was_found_is_ahead_where_both_differences_are_certain(spread, answers):
    """10 nats below the lowest, 0.1 above the highest; seeds differ from the rivals' by chance."""
    apart = {0: -spread, 1: 0, 2: spread}  # of the seeds
    found = figures([(f"J9-x-seed{n}", 90 + d, 0.8 + 0.01 * d) for n, d in apart.items()])
    grid = with_seeds(3)
    rows = list(of_found(grid, found))
    assert [row.answer for row in rows] == answers
    assert [row.value for row in rows] == pytest.approx([-10, 0.1, 2])
    assert rows[0].compared == "J9-x - J10-beta1-none, negative ELBO"
    assert rows[1].compared == "J9-x - J10-beta4-none, score"
    half = 6.2053 * spread / 3**0.5  # Student's t at 97.5% with two degrees of freedom
    assert rows[0].high - rows[0].value == pytest.approx(half, rel=1e-4)


def test_the_intervals_of_several_that_were_found_hold_at_once():
    """Four intervals, each at 98.75%; the differences of three seeds are -10, -9 and -8 nats."""
    rows = [(f"J{j}-x-seed{n}", 90.0 + n, 0.8) for j in (8, 9) for n in range(3)]
    answers = [row for row in of_found(with_seeds(3), figures(rows)) if "negative" in row.compared]
    half = 8.8602 / 3**0.5  # Student's t at 98.75% with two degrees of freedom
    assert [row.high - row.value for row in answers] == pytest.approx([half, half], rel=1e-4)


def test_what_was_found_is_not_ahead_where_a_configuration_is_certainly_better():
    """Below the lowest negative ELBO, but 0.1 below the highest score, in both seeds."""
    grid = with_seeds(2)
    found = figures([("J9-x-seed0", 90.0, 0.6), ("J9-x-seed1", 90.0, 0.6)])
    assert [(row.value, row.answer) for row in of_found(grid, found)] == [
        (-10, "lower"),
        (pytest.approx(-0.1), "lower"),
        (1, "not ahead"),
    ]


def test_what_was_found_is_not_decided_where_the_better_configuration_is_not_certain():
    """0.05 below the highest score on average, above it in one of two seeds."""
    grid = with_seeds(2)
    found = figures([("J9-x-seed0", 90.0, 0.55), ("J9-x-seed1", 90.0, 0.75)])
    assert [(row.value, row.answer) for row in of_found(grid, found)] == [
        (-10, "lower"),
        (pytest.approx(-0.05), "not decided"),
        (1, "not decided"),
    ]


def test_what_was_found_with_other_seeds_than_the_grid_is_not_decided():
    rows = list(of_found(GRID, figures([("J9-x-seed7", 90.0, 0.9)])))
    assert [row.answer for row in rows] == ["not decided"] * 3
    assert (rows[0].n, rows[2].value) == (0, 2)


def test_configurations_of_another_number_of_latents_are_left_out():
    few = GRID.assign(latent_dim=[10, 10, 4])
    rows = list(of_search(few, figures([("a", 101.0, 0.65)]), {"a"}))
    assert rows[0].answer == "ahead with one seed"


def scored(*runs):
    """A study of some runs, all with one negative ELBO and one score."""
    trials = pd.DataFrame([run.identity() | {"run": run.run_id} for run in runs])
    trials = trials.assign(state="done", data="mnist", neg_elbo=110.0)
    scores = trials[["run"]].assign(
        basis="latent", score="higgins_few", factors="intervention", scope="within", value=0.5
    )
    shape = SimpleNamespace(n_classes=10, n_pixels=784)
    return SimpleNamespace(trials=trials, scores=scores, data_shape=lambda run: shape)


def test_a_bound_with_labels_is_that_of_image_and_label():
    table = bounds_and_scores(scored(RunConfig(), RunConfig(conditioning="label")))
    assert table["neg_elbo"].tolist() == pytest.approx([110.0, 110 + 2.302585])


def test_a_trial_is_of_the_configuration_that_is_trained_again_on_all_images():
    wide, narrow = RunConfig(hidden=500), RunConfig(hidden=64)
    tried = [run.model_copy(update={"train_images": 50_000}) for run in (wide, narrow)]
    trials, found = bounds_and_scores(scored(*tried)), bounds_and_scores(scored(narrow))
    assert trials["configuration"].tolist()[1] == found["configuration"].item()
    check_found(found, trials)
    with pytest.raises(StudyError, match=r"no such trial: J10-beta1-none-hidden64$"):
        check_found(found, trials[:1])


def test_runs_on_few_and_on_all_images_are_two_configurations():
    table = bounds_and_scores(scored(RunConfig(), RunConfig(train_images=1000)))
    assert table["configuration"].nunique() == 2


def test_a_search_that_is_not_scored_is_refused():
    scores = pd.DataFrame(columns=["score", "scope", "factors"])
    with pytest.raises(StudyError, match=r"the-search has no score Higgins .*: study score the-"):
        bounds_and_scores(SimpleNamespace(folder="the-search", scores=scores))


def test_what_is_no_search_is_refused_before_anything_is_written(tmp_path, capsys):
    grid, other, to = ROOT / "results/beyond/beyond-mnist", ROOT / "results/full", tmp_path / "to"
    assert carry_out(beyond, "beyond", [str(grid), "--search", str(other), "--to", str(to)]) == 1
    assert "full is not a search: it has no search.parquet" in capsys.readouterr().err
    assert not to.exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--strokes", "paper"], "paper has the data set mnist, where strokes is asked for"),
        (["--longer", "beyond/beyond-strokes"], "has the data set strokes, where mnist is asked"),
        (
            ["--search", "beyond/search-beyond", "--found", "beyond/beyond-longer"],
            "not found by the search, which has no such trial: J10-beta1-none-",
        ),
    ],
)
def test_a_study_of_another_kind_is_refused_before_anything_is_written(
    words, message, tmp_path, capsys
):
    to = tmp_path / "to"
    paths = [word if word[0] == "-" else str(ROOT / "results" / word) for word in words]
    grid = str(ROOT / "results/beyond/beyond-mnist")
    assert carry_out(beyond, "beyond", [grid, *paths, "--to", str(to)]) == 1
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not to.exists()

"""What a search may try: read from YAML, and every way in which it may be wrong."""

import json

import numpy as np
import pytest

from analysis.scoring.held_out import DIRECTIONS
from study.config.errors import UsageError
from study.config.grid import CONFIGS, find_grid
from study.config.run import RunConfig
from study.config.search import Search, read_search
from study.config.space import INTEGERS

TEXT = """
space:
  latent_dim: {low: 2, high: 32, log: true}
  beta: {low: 1, high: 16, log: true}
  conditioning: [none, label]
objectives: [neg_elbo, mig]
budget: {trials: 12}
epochs: 9
"""


def read(text=TEXT, **overrides):
    return read_search(text, "s.yaml", DIRECTIONS, overrides)


def test_a_trial_becomes_a_run_a_seed():
    search = read(seed=[0, 7], hidden=64)
    runs = search.runs({"latent_dim": 5, "beta": 3.14159, "conditioning": "label"})
    assert [run.seed for run in runs] == [0, 7]
    shared = {"latent_dim": 5, "conditioning": "label", "hidden": 64, "epochs": 9}
    for run in runs:
        assert run.model_dump(include=shared.keys()) == shared
        assert run.beta == 3.14  # three digits, so that the run's name can be read
        assert run.train_images == 50_000  # the others evaluate
    assert runs[0].run_id == "J5-beta3.14-label-hidden64-train_images50000-seed0"


def test_a_sixth_of_any_data_set_judges_the_trials():
    small = read_search(TEXT, "s.yaml", DIRECTIONS, count_train=lambda data: 600)
    assert small.constants["train_images"] == 500
    with pytest.raises(UsageError, match="must be at most 500, got 501: the last 100 training"):
        read_search(TEXT, "s", DIRECTIONS, {"train_images": 501}, count_train=lambda data: 600)


def test_every_trial_lies_in_the_space():
    import optuna

    search = read()
    study = optuna.create_study(directions=["minimize", "maximize"])
    for _ in range(50):
        params = study.ask(search.distributions()).params
        assert search.params(search.runs(params)[0]) is not None
        (run,) = search.runs(params)
        assert 2 <= run.latent_dim <= 32
        assert 1 <= run.beta <= 16


WIDE = """
space:
  gamma: {low: 1, high: 100, log: true}
  beta: {low: 0.5, high: 16, log: true}
  capacity: [5, 25]
  lambda_od: {low: 1, high: 50}
  prior_components: {low: 10, high: 500}
  hidden: [500, [500, 200]]
  kl_warmup_epochs: {low: 0, high: 10}
  latent_dim: {low: 2, high: 32}
  conditioning: [none, label, prior]
  network: [mlp, conv]
  prior: [normal, mixture, vamp, flow]
  objective: [beta, annealed, tc, factor, dip1, dip2]
  likelihood: [bernoulli, gaussian]
objectives: [higgins, mig]
budget: {trials: 12}
epochs: 9
"""
HAVE = {
    "gamma": lambda run: run.objective in {"annealed", "factor"},
    "capacity": lambda run: run.objective == "annealed",
    "lambda_od": lambda run: run.objective in {"dip1", "dip2"},
    "beta": lambda run: run.objective in {"beta", "tc"},
    "kl_warmup_epochs": lambda run: run.objective == "beta",
    "prior_components": lambda run: run.prior in {"mixture", "vamp"},
    "prior": lambda run: run.conditioning != "prior",
    "hidden": lambda run: run.network == "mlp",
}


def at_random(search, rng):
    """The parameters of a trial."""

    def suggest(name):
        axis = search.space[name]
        if isinstance(axis, list):
            return axis[rng.integers(len(axis))]
        drawn = rng.uniform(axis.low, axis.high)
        return round(drawn) if name in INTEGERS else drawn

    return search.draw(suggest)


def test_a_key_that_does_not_belong_to_what_was_drawn_is_not_drawn():
    search, rng = read(WIDE), np.random.default_rng(0)
    seen = set()
    for _ in range(300):
        params = at_random(search, rng)
        (run,) = search.runs(params)  # each is a valid run
        assert {key for key, has in HAVE.items() if has(run)} == HAVE.keys() & params.keys()
        assert {"likelihood", "latent_dim", "objective"} <= params.keys()
        rounded = {key: getattr(run, key) for key in params}
        assert search.params(run) == {**rounded, **{k: params[k] for k in params if k == "hidden"}}
        seen.add((run.objective, run.prior, run.network, run.hidden))
    assert len({objective for objective, *_ in seen}) == 6
    assert {hidden for *_, hidden in seen} == {500, (500, 200)}


def test_lists_of_widths_are_kept_as_text_that_a_database_takes():
    search = read(WIDE)
    assert search.space["hidden"] == ["500", "500x200"]
    assert Search(**json.loads(json.dumps(search.to_dict()))) == search
    assert search.runs({"hidden": "500x200"})[0].hidden == (500, 200)


def test_which_runs_of_a_grid_are_trials():
    search = read()
    run = RunConfig(latent_dim=4, beta=4, epochs=9, train_images=50_000)
    assert search.params(run) == {"latent_dim": 4, "beta": 4.0, "conditioning": "none"}
    assert search.params(run.model_copy(update={"latent_dim": 33})) is None  # out of range
    assert search.params(run.model_copy(update={"seed": 1})) is None
    assert search.params(run.model_copy(update={"train_images": 60_000})) is None  # saw the judges


def test_what_is_set_replaces_a_range_or_takes_it_out():
    search = read(beta=4, conditioning=["none"], epochs=2)
    assert set(search.space) == {"latent_dim", "conditioning"}
    assert search.constants["beta"] == 4
    assert search.space["conditioning"] == ["none"]
    assert search.epochs == 2


def test_numbers_in_scientific_notation_are_numbers():
    text = TEXT.replace("beta: {low: 1", "beta: {low: 1e-2") + "learning_rate: 1e-3"
    search = read(text.replace("conditioning: [none, label]", "batch_size: [50]"))
    assert search.space["beta"].low == 0.01
    assert search.constants["learning_rate"] == 0.001
    text = TEXT.replace("conditioning: [none, label]", "learning_rate: [1e-3, 2e-07]")
    assert read(text).space["learning_rate"] == [0.001, 2e-07]


def test_a_search_is_rebuilt_from_its_plain_values():
    search = read(pruner="asha", objectives=["neg_elbo"])
    assert Search(**search.to_dict()) == search


@pytest.mark.parametrize(
    ("epochs", "rungs"), [(2, [1]), (9, [1, 3]), (40, [4, 12]), (200, [22, 66])]
)
def test_trials_are_pruned_after_a_ninth_and_a_third_of_the_epochs(epochs, rungs):
    search = read(pruner="asha", objectives=["neg_elbo"], epochs=epochs)
    assert search.rungs == rungs
    assert all(epoch % search.constants["checkpoint_every"] == 0 for epoch in rungs)


@pytest.mark.parametrize("name", ["search-quick", "search-pareto", "search-beyond"])
def test_the_shipped_searches_can_be_read(name):
    path = find_grid(name, search=True)
    assert path == CONFIGS / f"{name}.yaml"
    search = read_search(path.read_text(), str(path), DIRECTIONS)
    assert len(search.objectives) > 1


def test_searches_and_grids_are_told_apart():
    with pytest.raises(UsageError, match=r"unknown search 'quick'.*; there are: search-beyond, "):
        find_grid("quick", search=True)
    with pytest.raises(UsageError, match=r"unknown grid 'search-quick'"):
        find_grid("search-quick")


def test_an_error_names_the_file_or_the_option_that_the_value_is_from():
    with pytest.raises(UsageError, match=r"^s\.yaml: beta should be greater"):
        read(TEXT.replace("low: 1, high: 16, log: true", "low: -1, high: 16"), hidden=7)
    with pytest.raises(UsageError, match=r"^--seeds: seed: \[0, 0\] repeats a value"):
        read_search(TEXT, "s.yaml", DIRECTIONS, {"seed": [0, 0]}, {"seed": "--seeds"})


@pytest.mark.parametrize(
    ("space", "more", "message"),
    [
        (
            {"prior": ["normal", "flow"], "latent_dim": [1, 2]},
            {},
            "prior flow needs several latents",
        ),
        ({"conditioning": ["none", "prior"]}, {"prior": "vamp"}, "leave prior at normal, got vamp"),
        (
            {"objective": ["beta", "dip1"]},
            {"beta": 4},
            "beta 4 belongs to objective beta and tc, not to",
        ),
        (
            {"network": ["mlp", "conv"]},
            {"hidden": 300},
            "hidden 300 belongs to network mlp, not to conv",
        ),
    ],
)
def test_a_search_that_could_make_an_invalid_run_is_refused(space, more, message):
    with pytest.raises(UsageError, match=message):
        read(space=space, **more)


BAD = [
    ({"beta": [1, 2, 1]}, "beta: [1, 2, 1] repeats a value; the values of"),
    (
        {"objectives": ["negelbo"]},
        "unknown objective 'negelbo' (did you mean 'neg_elbo'?); there are: neg_elbo, objective, ",
    ),
    (
        {"objectives": ["objective"], "space": {"objective": ["beta", "tc"]}},
        "objective cannot be an objective of a search over objective beta, tc: its values",
    ),
    ({"objectives": []}, "objectives List should have at least 1 item"),
    ({"objectives": ["mig", "mig"]}, "objectives ['mig', 'mig'] repeat a name"),
    ({"beta": {"low": 5, "high": 5}}, "space: beta is empty: low 5 is not below high 5"),
    (
        {"beta": {"low": 0, "high": 5, "log": True}},
        "space: beta with log: true needs low above 0, got 0",
    ),
    ({"beta": {"low": -1, "high": 5}}, "beta should be greater than or equal to 0, got -1.0"),
    ({"beta": {"min": 1, "max": 5}}, "space: beta low Field required"),
    ({"beta": []}, "space: beta must be {low: .., high: ..} or a list of values, got []"),
    ({"latent_dim": {"low": 1.5, "high": 5}}, "latent_dim should be a valid integer"),
    ({"conditioning": {"low": 1, "high": 2}}, "space: conditioning must be a list of values"),
    (
        {"conditioning": ["none", "labels"]},
        "conditioning should be 'none', 'label' or 'prior', got 'labels'",
    ),
    ({"space": {"epochs": [1, 2]}}, "'epochs' cannot be searched; these can be: latent_dim, "),
    ({"space": {"betas": [1, 2]}}, "'betas' cannot be searched (did you mean 'beta'?)"),
    ({"space": {}}, "space Dictionary should have at least 1 item"),
    ({"space": 3}, "space must be a mapping of parameters, got 3"),
    ({"budget": {}}, "budget needs trials or hours"),
    ({"budget": {"trials": -1}}, "budget.trials should be greater than or equal to 0, got -1"),
    ({"budget": {"hours": 0}}, "budget.hours should be greater than 0, got 0"),
    ({"sampler": "cmaes"}, "sampler should be 'tpe' or 'nsga2', got 'cmaes'"),
    (
        {"sampler": "nsga2", "objectives": ["mig"]},
        "sampler nsga2 is for several objectives; use tpe",
    ),
    ({"pruner": "hyperband"}, "pruner should be 'none', 'asha' or 'median', got 'hyperband'"),
    ({"pruner": "asha"}, "pruner asha needs a single objective: with 2, "),
    (
        {"pruner": "asha", "objectives": ["mig"], "seed": [0, 1]},
        "pruner asha needs one seed, got [0, 1]",
    ),
    (
        {"pruner": "median", "objectives": ["mig"], "epochs": 1},
        "pruner median needs epochs of 2 or more",
    ),
    (
        {"objectives": ["udr"]},
        "objective udr compares seeds: give at least two, as in seed: [0, 1]",
    ),
    (
        {"objective": "tc", "objectives": ["objective"]},
        "objective cannot be an objective of a search over objective tc: its values cannot",
    ),
    (
        {"space": {"likelihood": ["bernoulli", "gaussian"]}},
        "neg_elbo cannot be an objective of a search over likelihood bernoulli, gaussian: its",
    ),
    ({"train_images": 60_000}, "train_images must be at most 50000, got 60000: the last 10000"),
    ({"hidden": [1, 2]}, "hidden is a list: put it below space, or give one value"),
    (
        {"space": {"gamma": [1, 2]}},
        "space: no run of the search has gamma: it belongs to objective annealed",
    ),
    (
        {"space": {"prior": ["normal", "vamp"]}, "conditioning": "prior"},
        "space: no run of the search has prior",
    ),
    ({"gamma": 4}, "gamma 4 belongs to objective annealed and factor, not to beta"),
    ({"hiden": 3}, "unknown key 'hiden' (did you mean 'hidden'?)"),
    ({"samplers": "tpe"}, "unknown key 'samplers' (did you mean 'sampler'?)"),
    ({"batch_size": 60_000}, "batch_size 60000 is larger than train_images 50000"),
]


@pytest.mark.parametrize(("overrides", "message"), BAD, ids=[str(bad)[:50] for bad, _ in BAD])
def test_bad_searches_are_explained(overrides, message):
    with pytest.raises(UsageError) as caught:
        read(**overrides)
    assert str(caught.value).startswith(f"--set: {message}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("space: [1", "s.yaml: not valid YAML"),
        ("- 1", "s.yaml: a search is a mapping of keys to values, got [1]"),
        ("beta: 1", "s.yaml: space Dictionary should have at least 1 item"),
    ],
)
def test_bad_yaml_is_explained(text, message):
    with pytest.raises(UsageError, match=r"^s\.yaml") as caught:
        read(text)
    assert str(caught.value).startswith(message)

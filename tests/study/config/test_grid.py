import pytest

from study.config.errors import UsageError
from study.config.grid import CONFIGS, find_grid, parse_overrides, read_grid, read_metrics


def shipped(name, overrides=None):
    return read_grid(find_grid(name).read_text(), name, overrides)


def test_paper_is_the_thirteen_distinct_configurations():
    runs = shipped("paper")
    assert len(runs) == 13
    standard = {run.latent_dim for run in runs if run.beta == 1 and run.conditioning == "none"}
    assert standard == {3, 5, 10, 20, 200}
    beta = {run.beta for run in runs if run.latent_dim == 10 and run.conditioning == "none"}
    assert beta == {1, 3, 5, 10, 20}
    assert {run.beta for run in runs if run.conditioning == "label"} == {1, 3, 5, 10}
    assert sum(run.steps_per_epoch * run.epochs for run in runs) == 1_560_000


def test_full_is_the_product():
    runs = shipped("full")
    assert len(runs) == 5 * 5 * 2 == len({run.run_id for run in runs})
    assert {run.epochs for run in runs} == {200}


def test_quick_is_the_comparison_of_figure_7():
    runs = shipped("quick")
    axes = {(run.latent_dim, run.beta, run.conditioning) for run in runs}
    assert axes == {(10, b, c) for b in (1, 10) for c in ("none", "label")}


def test_seeds_multiply_and_overrides_reach_every_member_of_a_union():
    runs = shipped("paper", {"seed": [0, 1, 2], "epochs": 3})
    assert len(runs) == 39
    assert {run.epochs for run in runs} == {3}


def test_members_of_a_union_count_once():
    text = "{union: [{beta: [1, 2]}, {beta: [2, 3]}]}"
    assert [run.beta for run in read_grid(text, "")] == [1, 2, 3]


def test_overrides_are_yaml():
    given = parse_overrides(["epochs=20", "beta=[1, 4]", "conditioning=label"])
    assert given == {"epochs": 20, "beta": [1, 4], "conditioning": "label"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("beta: [1", "g.yaml: not valid YAML: while parsing a flow sequence"),
        ("- 1", "g.yaml: a grid is a mapping of keys to values, got [1]"),
        ("beta: []", "g.yaml: axis 'beta' is empty; give it at least one value"),
        ("betas: [1]", "g.yaml: unknown key 'betas' (did you mean 'beta'?)"),
        ("beta: [1, -2]", "g.yaml: beta should be greater than or equal to 0, got -2"),
        ("union: 3", "g.yaml: union must be a list of mappings, got 3"),
        ("union: []", "g.yaml: union must be a list of mappings, got []"),
        (
            "epochs: [1, 2]",
            "g.yaml: runs that are otherwise the same, or differ only",
        ),
        (
            "latent_dim: 010",
            "g.yaml: not valid YAML: '010' would be read as 8: write it as a decimal number",
        ),
        (
            "beta: [1:30]",
            "g.yaml: not valid YAML: '1:30' would be read as 90: write it as a decimal number",
        ),
        (
            "union: [{seed: 0, epochs: 1}, {seed: 1, epochs: 2}]",
            "g.yaml: runs that are otherwise the same, or differ only",
        ),
    ],
)
def test_bad_grids_are_explained(text, message):
    with pytest.raises(UsageError) as caught:
        read_grid(text, "g.yaml")
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_an_unknown_grid_lists_those_there_are():
    with pytest.raises(UsageError, match=r"unknown grid 'papre' \(did you mean 'paper'\?\)"):
        find_grid("papre")
    with pytest.raises(
        UsageError,
        match="there are: beyond-found, beyond-longer, beyond-mnist, beyond-strokes, fashion",
    ):
        find_grid("zzz")
    with pytest.raises(UsageError, match=r"grid file 'no/such\.yaml' does not exist"):
        find_grid("no/such.yaml")
    assert find_grid(str(CONFIGS / "full.yaml")) == CONFIGS / "full.yaml"


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"beta": -1}, "--set: beta should be greater than or equal to 0, got -1"),
        ({"bets": 1}, "--set: unknown key 'bets' (did you mean 'beta'?)"),
        ({"hidden": []}, "--set: axis 'hidden' is empty"),
        ({"batch_size": 70_000}, "--set: batch_size 70000 is larger than train_images 60000"),
        ({"hidden": [400, 400]}, "--set: hidden: [400, 400] repeats a value; the values of"),
        ({"beta": ["1e-3", 0.001]}, "--set: beta: ['1e-3', 0.001] repeats a value"),
        ({"seed": [1, 1]}, "--seeds: seed: [1, 1] repeats a value"),
        ({"epochs": [1, 2]}, "--set: runs that are otherwise the same, or differ"),
        ({"hidden": 5}, "g.yaml: learning_rate should be greater than 0, got -1"),
    ],
)
def test_what_an_option_gives_is_said_of_that_option(overrides, message):
    text = "learning_rate: -1" if overrides == {"hidden": 5} else "hidden: 10"
    with pytest.raises(UsageError) as caught:
        read_grid(text, "g.yaml", overrides, {"seed": "--seeds"} if "seed" in overrides else None)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_an_axis_that_repeats_a_value_is_refused():
    with pytest.raises(UsageError, match=r"^g\.yaml: beta: \[1, 1\.0\] repeats a value"):
        read_grid("beta: [1, 1.0]", "g.yaml")


@pytest.mark.parametrize("pair", ["epochs", "=3"])
def test_an_override_needs_a_key_and_a_value(pair):
    with pytest.raises(UsageError, match="--set takes KEY=VALUE"):
        parse_overrides([pair])


def test_a_file_names_metrics_of_ones_own_beside_its_runs():
    text = "beta: [1, 4]\nmetrics: [mine:ONE, mine:TWO, mine:ONE]\n"
    assert read_metrics(text, "g.yaml") == ["mine:ONE", "mine:TWO"]
    assert len(read_grid(text, "g.yaml")) == 2
    assert read_metrics("beta: 1", "g.yaml") == []


@pytest.mark.parametrize("bad", ["mine:ONE", "[mig]", "[1]"])
def test_what_is_no_list_of_metrics_is_refused(bad):
    with pytest.raises(UsageError, match=r"^g\.yaml: metrics must be a list of package\.module:NA"):
        read_metrics(f"metrics: {bad}", "g.yaml")

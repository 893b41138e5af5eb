"""Whatever a grid file holds: its runs, or one line that names the file."""

import json
import math

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from study.config.errors import UsageError
from study.config.grid import read_grid
from study.config.run import RunConfig

KEYS = st.sampled_from([*RunConfig.model_fields, "union", "metrics", "betas", "<<"])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
AXES = st.fixed_dictionaries(
    {},
    optional={
        "latent_dim": st.lists(st.integers(1, 99), min_size=1, max_size=4, unique=True),
        "beta": st.lists(
            st.floats(0, 1e6, allow_subnormal=False), min_size=1, max_size=4, unique=True
        ),
        "conditioning": st.lists(
            st.sampled_from(["none", "label", "prior"]), min_size=1, max_size=3, unique=True
        ),
        "seed": st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=4, unique=True),
        "learning_rate": st.floats(1e-9, 1e3),
        "hidden": st.integers(1, 999) | st.just([[500, 200], [30, 20, 10]]),
        "network": st.sampled_from(["mlp", "conv"]),
    },
).filter(lambda axes: not (axes.get("network") == "conv" and "hidden" in axes))


def runs_or_one_line(text):
    """The runs of a file; None where it is refused in one line."""
    try:
        return read_grid(text, "some.yaml")
    except UsageError as error:
        line = str(error)
    assert line.startswith("some.yaml: ")
    assert len(line.splitlines()) == 1
    assert len(line) < 2000
    return None


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.text(max_size=60))
@example("a: &a [*a]")
@example("- !!timestamp x")
@example("? [1]\n: 2")
@example("beta: 1_")
def test_any_text(text):
    runs_or_one_line(text)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.dictionaries(KEYS, VALUES, max_size=5))
def test_any_values(values):
    runs_or_one_line(yaml.safe_dump(values))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(AXES)
def test_a_grid_of_good_axes_is_their_product_and_every_run_its_own(axes):
    runs = runs_or_one_line(json.dumps(axes))
    n = math.prod(len(value) for value in axes.values() if isinstance(value, list))
    assert len({run.run_id for run in runs}) == len(runs) == n
    for run in runs:
        again = RunConfig(**json.loads(run.model_dump_json()))  # as a record has it
        assert (again, again.run_id) == (run, run.run_id)


@pytest.mark.slow
@settings(max_examples=5000, deadline=None)
@given(st.binary(max_size=200).map(lambda content: content.decode("latin-1")))
def test_any_bytes(text):
    runs_or_one_line(text)

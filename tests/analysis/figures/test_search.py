"""Figures of a search: what is drawn is what the tables say."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from analysis.figures.encodings import beta_colour
from analysis.figures.search import FIGURES, FRONT_COLOUR, Trials
from analysis.statistics.front import front, history, importance
from analysis.statistics.objectives import DIRECTIONS
from study.config.search import read_search

TEXT = """
space:
  latent_dim: {{low: 2, high: 20}}
  beta: {{low: 0.5, high: 16, log: true}}
  conditioning: [none, label]
objectives: [{}]
budget: {{trials: 8}}
"""
OBJECTIVES = [["neg_elbo"], ["mig"], ["neg_elbo", "mig"], ["neg_elbo", "mig", "higgins"]]


def trials(objectives, n=12):
    search = read_search(TEXT.format(", ".join(objectives)), "s.yaml", DIRECTIONS)
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"trial": range(n), "run": [f"run-{i}" for i in range(n)]})
    table = table.assign(
        state="complete",
        latent_dim=rng.integers(2, 21, n),
        beta=np.geomspace(0.5, 16, n),
        conditioning=np.where(np.arange(n) % 2, "label", "none"),
    )
    table["neg_elbo"] = 100 + 4 * table["beta"] + rng.normal(size=n)
    table["mig"] = 0.02 * table["beta"]
    table["higgins"] = rng.random(n)
    steps, shares = history(table, search.objectives), importance(table, search)
    return Trials(search, table, front(table, search), steps, shares)


@pytest.mark.parametrize("objectives", OBJECTIVES, ids=len)
def test_parallel_coordinates_have_a_line_a_trial_and_the_front_in_red(objectives):
    drawn = trials(objectives)
    figure = FIGURES["search-parallel"](drawn)
    lines = figure.axes[0].collections[0]
    colours = [to_hex(colour) for colour in lines.get_colors()]
    assert len(lines.get_segments()) == len(colours) == len(drawn.done)
    assert colours.count(FRONT_COLOUR) == len(drawn.front)
    red = [path for path, colour in zip(lines.get_segments(), colours, strict=True)
           if colour == FRONT_COLOUR]  # fmt: skip
    first = objectives[0]  # its axis is the one that the others are scaled to
    assert sorted(path[0, 1] for path in red) == pytest.approx(sorted(drawn.front[first]))
    names = " ".join(label.get_text() for label in figure.axes[0].get_xticklabels())
    assert {"β", "J", "conditioning"} <= set(names.split())
    assert plt.get_fignums() == []  # pyplot keeps none


@pytest.mark.parametrize("objectives", OBJECTIVES, ids=len)
def test_the_front_has_a_panel_a_pair_of_objectives(objectives):
    drawn = trials(objectives)
    panels = [axes for axes in FIGURES["search-front"](drawn).axes if axes.get_xlabel()]
    assert len(panels) == {1: 1, 2: 1, 3: 3}[len(objectives)]
    (line,) = [line for line in panels[0].lines if line.get_gid() == "front"]
    assert len(line.get_xdata()) == len(drawn.front)


def test_the_history_has_a_panel_an_objective_and_one_of_the_volume():
    drawn = trials(["neg_elbo", "mig"])
    panels = FIGURES["search-history"](drawn).axes
    assert len(panels) == 3
    assert panels[1].get_title() == "MIG"
    best = drawn.history.query("objective == 'mig'")["best"]
    assert panels[1].lines[-1].get_ydata().tolist() == best.tolist()


def test_bars_of_importance_stand_beside_their_parameter_for_every_objective():
    drawn = trials(["neg_elbo", "mig"])
    (axes,) = FIGURES["search-importance"](drawn).axes
    names = [label.get_text() for label in axes.get_yticklabels()]
    for bars, (_, table) in zip(axes.containers, drawn.importance.groupby("objective", sort=False),
                                strict=True):  # fmt: skip
        shares = dict(zip(table["parameter"], table["share"], strict=True))
        for bar in bars:
            place = round(bar.get_y() + bar.get_height() / 2)
            wanted = shares[{"J": "latent_dim", "β": "beta"}.get(names[place], names[place])]
            assert bar.get_width() == pytest.approx(wanted)


MIXED = """
space:
  latent_dim: {low: 2, high: 20}
  objective: [beta, factor]
  beta: {low: 0.5, high: 16, log: true}
  gamma: {low: 1, high: 100, log: true}
  conditioning: [none, prior]
objectives: [neg_elbo, mig]
budget: {trials: 8}
"""


@pytest.fixture(scope="module")
def mixed():
    """Every other trial has beta, and the others gamma."""
    plain, search = trials(["neg_elbo", "mig"]), read_search(MIXED, "s.yaml", DIRECTIONS)
    odd = np.arange(len(plain.done)) % 2 == 1
    table = plain.done.assign(
        objective_kind=np.where(odd, "factor", "beta"),
        beta=plain.done["beta"].where(~odd),
        gamma=np.where(odd, 10.0, np.nan),
        conditioning=np.where(odd, "prior", "none"),
    )
    steps, shares = history(table, search.objectives), importance(table, search)
    return Trials(search, table, front(table, search), steps, shares)


def test_parameters_that_some_trials_lack_have_no_importance_and_no_axis(mixed):
    assert set(mixed.importance["parameter"]) == {"latent_dim", "objective_kind", "conditioning"}
    (axes, *_) = FIGURES["search-parallel"](mixed).axes
    assert len(axes.collections[0].get_segments()) == len(mixed.done)
    names = " ".join(label.get_text() for label in axes.get_xticklabels()).split()
    assert {"J", "objective"} <= set(names)
    assert not {"β", "gamma"} & set(names)


def test_trials_without_a_beta_are_on_the_front_in_grey(mixed):
    figure = FIGURES["search-front"](mixed)
    colours = [line.get_color() for line in figure.axes[0].lines if line.get_gid() == "trial"]
    assert len(colours) == len(mixed.done)
    assert colours.count(beta_colour(np.nan)) == mixed.done["beta"].isna().sum()
    words = [text.get_text() for text in figure.legends[0].get_texts()]
    assert "labels in the prior" in words
    assert "labels" not in words


@pytest.mark.parametrize(("low", "high"), [(0.5, 16.0), (1.46, 4.54), (2.1, 4.9)])
def test_an_axis_of_few_betas_still_has_two_numbers(low, high):
    drawn = trials(["neg_elbo", "mig"])
    drawn = drawn._replace(done=drawn.done.assign(beta=np.geomspace(low, high, len(drawn.done))))
    for figure in (FIGURES["search-parallel"](drawn), FIGURES["search-front"](drawn)):
        figure.draw_without_rendering()
        scales = [axes for axes in figure.axes if axes.get_yscale() == "log"]
        assert len(scales) == 1
        ticks = [float(label.get_text()) for label in scales[0].get_yticklabels()]
        assert len(ticks) > 1
        assert all(0.99 * low <= tick <= 1.01 * high for tick in ticks)

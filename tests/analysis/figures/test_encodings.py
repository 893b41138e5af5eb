"""What colours, fillings, shapes and sizes mean: the same in every figure."""

import numpy as np
import pandas as pd
import pytest
from figure_samples import FULL, PAPER, ranking_of
from matplotlib.colors import to_hex, to_rgb

from analysis.figures.charts.along_beta import draw_along_beta
from analysis.figures.charts.curves import Curves, draw_curves
from analysis.figures.charts.pareto import draw_pareto
from analysis.figures.charts.ranking import draw_ranking
from analysis.figures.encodings import (
    SHAPES,
    beta_colour,
    beta_entries,
    latent_dim_colour,
    marker_size,
    shapes_of,
)


def lightness(colour):
    return float(np.dot(to_rgb(colour), (0.2126, 0.7152, 0.0722)))


def colours_of_bars(axes):
    return {to_hex(bars[0].get_color()) for bars in axes.containers}


def test_a_beta_has_its_colour_whatever_else_is_in_the_figure():
    ten = beta_colour(10.0)
    small = ranking_of([("none", 10, 10.0), ("label", 10, 1.0)])
    for table in (small, ranking_of(PAPER), ranking_of(FULL)):
        want = {beta_colour(beta) for beta in table["beta"]}
        assert ten in want
        assert colours_of_bars(draw_ranking(table).axes[0]) == want
        assert colours_of_bars(draw_pareto(table).axes[0]) == want
        marks = draw_along_beta(table).axes[0].lines
        assert {to_hex(mark.get_color()) for mark in marks if mark.get_label() == "_beta"} <= want


def curves_of(beta, conditioning, latent_dim):
    names = [f"line {n}" for n in range(len(beta))]
    axes = {"beta": beta, "conditioning": conditioning, "latent_dim": latent_dim}
    epochs = [
        {"series": name, "split": split, "epoch": epoch, "mean": 100.0 + n, "low": 99.0 + n,
         "high": 101.0 + n, "n_seeds": 3}
        for n, name in enumerate(names) for split in ("train", "test") for epoch in (1, 2)
    ]  # fmt: skip
    lines = pd.DataFrame({"series": names, **axes})
    return Curves("T", "objective", pd.DataFrame(epochs), lines)


def test_curves_with_and_without_labels_share_the_colour_of_their_beta():
    figure = draw_curves(curves_of([1.0, 10.0, 10.0], ["none", "none", "label"], [10] * 3))
    entries = figure.legends[0].legend_handles[:3]
    assert [to_hex(entry.get_color()) for entry in entries] == [
        beta_colour(beta) for beta in (1.0, 10.0, 10.0)
    ]
    faces = [to_hex(entry.get_markerfacecolor()) for entry in entries]
    assert faces == ["#ffffff", "#ffffff", beta_colour(10.0)]  # open without labels


def test_curves_by_j_have_colours_that_no_beta_has():
    figure = draw_curves(curves_of([1.0] * 3, ["none"] * 3, [3, 10, 200]))
    colours = [to_hex(entry.get_color()) for entry in figure.legends[0].legend_handles[:3]]
    assert colours == [latent_dim_colour(j) for j in (3, 10, 200)]
    assert not set(colours) & {beta_colour(beta) for beta in np.geomspace(0.1, 100, 99)}


def test_colours_rise_with_beta_and_fall_with_j():
    betas = [beta_colour(beta) for beta in (0.5, 1, 2, 3, 4, 5, 6, 8, 10, 16, 20, 50)]
    assert (np.diff([lightness(colour) for colour in betas]) > 0).all()
    sizes = [latent_dim_colour(j) for j in (2, 3, 5, 10, 20, 50, 200)]
    assert (np.diff([lightness(colour) for colour in sizes]) < 0).all()


def test_no_beta_is_grey_and_named():
    red, green, blue = to_rgb(beta_colour(np.nan))
    assert red == green == blue
    words = [entry.get_label() for entry in beta_entries(pd.Series([1.0, np.nan]))]
    assert words == ["β = 1", "no β"]
    assert beta_entries(pd.Series([np.nan])) == []


def test_many_betas_have_a_legend_of_even_steps():
    words = [entry.get_label() for entry in beta_entries(pd.Series(np.arange(1.0, 51)))]
    assert len(words) == 8
    assert (words[0], words[-1]) == ("β = 1", "β = 50")


def test_marks_grow_a_point_with_every_doubling_of_j():
    assert marker_size(6) - marker_size(3) == pytest.approx(1)
    assert marker_size(3) < marker_size(10) < marker_size(200)


def test_shapes_tell_kinds_apart_while_there_are_shapes():
    table = ranking_of(PAPER[:4]).assign(prior=["normal", "flow", "vamp", "normal"])
    shapes = shapes_of(table)
    assert shapes.words.tolist() == ["", "prior flow", "prior vamp", ""]
    assert shapes.marker[""] == SHAPES[0]
    assert len(set(shapes.marker.values())) == 3
    rates = ranking_of(FULL).assign(learning_rate=np.linspace(0.001, 0.1, len(FULL)))
    assert shapes_of(rates).marker == {"": SHAPES[0]}
    both = rates.assign(network=["mlp", "conv"] * 25)
    assert set(shapes_of(both).words) == {"", "network conv"}  # the part, if not all axes

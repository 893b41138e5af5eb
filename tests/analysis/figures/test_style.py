"""How figures are saved."""

import io
import re

import matplotlib as mpl
import numpy as np
import pytest
from figure_samples import PAPER, ranking_of
from matplotlib.figure import Figure
from PIL import Image

from analysis.figures.charts.ranking import draw_ranking
from analysis.figures.rows import wrapped
from analysis.figures.style import CUT, STYLE, begin_at_zero_or_mark, save_figure
from study.storage.folder import Folder


def heat_map(colours):
    """Noise, and its colour bar: a few pixels of many colours beside many of few."""
    figure = Figure(figsize=(6, 3))
    noise = np.random.default_rng(0).normal(size=(9, 9))
    axes = figure.subplots()
    figure.colorbar(axes.imshow(noise, cmap=colours, vmin=-3, vmax=3))
    for (row, column), value in np.ndenumerate(noise):
        axes.text(column, row, f"{value:.2f}", ha="center", color="0.2")
    return figure


def saved(figure, folder):
    save_figure(figure, Folder(folder), "bar")
    with Image.open(folder / "figures" / "bar.png") as image:
        return np.asarray(image.convert("RGB"), np.int64)


def test_names_in_lines_keep_a_letter_and_its_value_together():
    assert wrapped("J = 10, β = 10, labels", 10) == "J = 10,\nβ = 10,\nlabels"


def test_a_saved_figure_has_the_very_colours_that_were_drawn(tmp_path):
    figure = heat_map("viridis")
    pixels = saved(figure, tmp_path)
    drawn = io.BytesIO()
    with mpl.rc_context(STYLE):
        figure.savefig(drawn, format="png")
    wanted = np.asarray(Image.open(drawn).convert("RGB"), np.int64)
    assert np.array_equal(pixels, wanted)


def test_left_and_right_of_zero_differ_in_hue_after_saving(tmp_path):
    """Blue below and red above; a palette of 256 colours made both of them grey."""
    pixels = saved(heat_map("RdBu_r"), tmp_path)
    ends = [np.round(np.array(mpl.colormaps["RdBu_r"](end)[:3]) * 255) for end in (1.0, 0.0)]
    tops, bottoms = (np.argwhere(np.abs(pixels - end).sum(axis=2) <= 12) for end in ends)
    column = tops[:, 1].max() - 2  # the bar stands to the right of the noise
    top = tops[tops[:, 1] == column, 0].min()
    bottom = bottoms[bottoms[:, 1] == column, 0].max()
    middle, length = (top + bottom) / 2, bottom - top
    for share in (0.02, 0.05, 0.1, 0.3):
        above, below = (pixels[round(middle + side * share * length), column] for side in (-1, 1))
        assert above[0] - above[2] >= 100 * share, above
        assert below[2] - below[0] >= 100 * share, below


def test_a_saved_figure_has_no_alpha_and_keeps_its_resolution(tmp_path):
    saved(heat_map("viridis"), tmp_path)
    with Image.open(tmp_path / "figures" / "bar.png") as image:
        assert image.mode == "RGB"
        assert image.info["dpi"] == pytest.approx((200, 200), abs=0.1)


def pdf_of(figure, folder):
    save_figure(figure, Folder(folder), "one", ["pdf"])
    return (folder / "figures" / "one.pdf").read_bytes()


def test_a_pdf_is_of_vectors_and_embeds_truetype(tmp_path):
    content = pdf_of(draw_ranking(ranking_of(PAPER)), tmp_path)
    assert content.startswith(b"%PDF")
    assert b"/FontFile2" in content  # TrueType, embedded
    assert b"/Type3" not in content
    assert b"/Subtype /Image" not in content
    width = float(re.search(rb"/MediaBox \[ 0 0 ([\d.]+) ", content)[1]) / 72
    assert width == pytest.approx(6.9, abs=0.01)


def test_the_same_figure_gives_the_same_pdf(tmp_path):
    once, again = (pdf_of(heat_map("viridis"), tmp_path / name) for name in "ab")
    assert once == again


@pytest.mark.parametrize(("low", "high", "cut"), [(0.02, 0.2, False), (0.9, 1.0, True)])
def test_an_axis_begins_at_zero_or_is_marked(low, high, cut):
    axes = Figure().subplots()
    axes.plot([0, 1], [low, high])
    begin_at_zero_or_mark(axes, "y")
    marks = [line for line in axes.lines if line.get_gid() == CUT]
    assert (len(marks) == 2) == cut
    assert (axes.get_ylim()[0] == 0) == (not cut)
    assert axes.get_ylim()[1] >= high


def test_an_axis_with_figures_below_zero_stays_as_it_is():
    axes = Figure().subplots()
    axes.plot([0, 1], [-1, 1])
    before = axes.get_ylim()
    begin_at_zero_or_mark(axes, "y")
    assert axes.get_ylim() == before

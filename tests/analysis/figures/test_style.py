"""How figures are saved."""

import io

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from analysis.figures.style import STYLE, save_figure
from study.storage.folder import Folder


def test_a_saved_figure_has_the_colours_that_were_drawn(tmp_path):
    """A colour bar is a few pixels of many colours beside many of few; it still has no steps."""
    figure = Figure(figsize=(6, 3))
    axes = figure.subplots()
    image = axes.imshow(np.random.default_rng(0).normal(size=(4, 4)), cmap="viridis")
    figure.colorbar(image)
    save_figure(figure, Folder(tmp_path), "bar")
    drawn = io.BytesIO()
    with mpl.rc_context(STYLE):
        figure.savefig(drawn, format="png")
    saved, wanted = (
        np.asarray(Image.open(file).convert("RGB"), np.int64)
        for file in (tmp_path / "figures" / "bar.png", drawn)
    )
    assert np.abs(saved - wanted).max() <= 12

"""The style of all figures, how they are saved, and the curves by epoch.

Here and in pictures.py, charts.py and heatmaps.py a figure is drawn from its table as it is;
what is computed is computed by those who make the tables.
"""

import io
from typing import Any

import matplotlib as mpl
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from PIL import Image

from analysis.statistics.elbo import Curves
from study.storage.folder import Folder

COLUMN_IN = 3.4  # width of a column of print
PAGE_IN = 7.0  # width of a page of print
AXES = {"objective": "objective (nats per image)", "kl_fraction": "KL fraction of the objective"}
SPLIT_LINES = (("--", "train"), ("-", "test"))
STYLE: dict[Any, Any] = {
    "font.size": 8,
    "axes.titlesize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.linewidth": 0.4,
    "grid.color": "0.88",
    "lines.linewidth": 1.2,
    "legend.frameon": False,
    "legend.fontsize": 7,
    "savefig.dpi": 200,
    "savefig.bbox": "tight",
    "savefig.pad_inches": 0.03,
    "svg.hashsalt": "vae-study",  # the same table gives the same file
}


def in_words(latent_dim: int, beta: float, conditioning: str) -> str:
    """A configuration as people say it: `J = 10, β = 4, labels`."""
    return f"J = {latent_dim}, β = {beta:g}" + (", labels" if conditioning == "label" else "")


def kind_of_vae(beta: float, conditioning: str) -> str:
    """What the paper calls it: `Standard VAE`, `β-VAE`, `Conditional β-VAE`."""
    name = "VAE" if beta == 1 else "β-VAE"
    before = "Conditional " if conditioning == "label" else "Standard " if beta == 1 else ""
    return before + name


def draw_curves(panel: Curves) -> Figure:
    """Train (dashed) and test (solid) curves by epoch; a band spans the seeds."""
    table = panel.table
    names = list(table["series"].unique())
    colours = sns.color_palette("viridis", len(names) + 1)[:-1]  # without its pale end
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(COLUMN_IN, 2.5), layout="constrained")
        axes = figure.subplots()
        for name, colour in zip(names, colours, strict=True):
            for dashes, split in SPLIT_LINES:
                line = table[(table["series"] == name) & (table["split"] == split)]
                label = name if split == "test" else None
                look = {"color": colour, "marker": "o" if len(line) == 1 else None}
                axes.plot(line["epoch"], line["mean"], dashes, label=label, **look)
                band = (line["epoch"], line["low"], line["high"])
                axes.fill_between(*band, color=colour, alpha=0.2, linewidth=0)
        axes.set(title=panel.title, xlabel="epoch", ylabel=AXES[panel.metric])
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        handles = axes.get_legend_handles_labels()[0]
        key = [Line2D([], [], color="0.4", ls=dashes, label=split) for dashes, split in SPLIT_LINES]
        figure.legend(handles=[*handles, *key], loc="outside right center")
    return figure


def save_figure(figure: Figure, study: Folder, name: str) -> None:
    """Write a figure as PNG and SVG to `figures/`."""
    for kind in ("png", "svg"):
        buffer = io.BytesIO()
        with mpl.rc_context(STYLE):
            figure.savefig(buffer, format=kind, metadata={"Date": None} if kind == "svg" else None)
        figure.set_layout_engine("none")  # the second format keeps the first one's layout
        content = _in_256_colours(buffer) if kind == "png" else buffer.getvalue()
        (study / "figures").write(f"{name}.{kind}", content)


def _in_256_colours(png: io.BytesIO) -> bytes:
    """Half the bytes: grey pictures stay exact, and rare colours, as in a colour bar, are kept."""
    smaller = io.BytesIO()
    with Image.open(png) as image:
        most = Image.Quantize.MAXCOVERAGE
        few = image.convert("RGB").quantize(256, most, dither=Image.Dither.NONE)
        few.save(smaller, "PNG", optimize=True, dpi=image.info["dpi"])
    return smaller.getvalue()

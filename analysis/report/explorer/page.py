"""The latent explorer: a study's networks in one page that runs offline."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from analysis.report.explorer.board import choose, load
from analysis.report.explorer.contents import payload
from analysis.report.explorer.networks import N_SAMPLES
from analysis.statistics.wording import listing
from analysis.study import Study

PAGE = "explorer.html"
STYLES = ("styles/page.css", "styles/sliders.css", "styles/beside.css")
SCRIPTS = (
    "models/payload.js",
    "models/layers.js",
    "models/networks.js",
    "models/morphometry.js",
    "page/lines.js",
    "page/link.js",
    "page/pane.js",
    "beside/map.js",
    "beside/seeds.js",
    "beside/ink.js",
    "beside/drawing.js",
    "page/tour.js",
    "page/words.js",
    "page/starts.js",
    "page/menus.js",
    "page/explorer.js",
)


def write_explorer(
    study: Study, data_folder: Path | None = None, runs: Sequence[str] | None = None
) -> str:
    """Write `explorer.html` to a study's folder; returns its place.

    Args:
        study: trained; without alignments its latents stand unnamed, in the order of their KL.
        data_folder: cache of MNIST; None for the user's.
        runs: on board, the first one shown; None for those of `choose`.

    Raises:
        NothingToShow: no run has its weights, or a decoder that the page can show.
        StudyError: one of `runs` is unknown, or the images are not to be had.
    """
    board = load(study, dict.fromkeys(runs)) if runs else choose(study)
    study.folder.write(PAGE, render(payload(study, board, data_folder)).encode())
    return f"{study.folder}/{PAGE}"


def render(content: dict[str, Any]) -> str:
    """The page of a payload."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("analysis.report.explorer"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    data = json.dumps(content, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
    names = [one["name"] for one in content["properties"]]
    return environment.get_template("explorer.html.j2").render(
        study=content["study"],
        noun=content["noun"],
        shown=len(content["classes"]),
        n_classes=content["n_classes"],
        drawing=content["drawing"],
        left_out=content["left_out"],
        measured=listing(names).capitalize() if names else "",
        storage=_storage(content["runs"], content["n_finished"]),
        payload=Markup(data),
        styles=STYLES,
        scripts=SCRIPTS,
    )


def _storage(runs: list[dict[str, Any]], n_finished: int) -> str:
    """How many of a study's finished runs the page has, and how their networks are stored."""
    worst = max(run["difference"] for run in runs)
    codes = [run["code_difference"] for run in runs if run["code_difference"] is not None]
    off = f" and in a number of a code {max(codes):.1g} (on the images of the map)" if codes else ""
    size = sum(run["bytes"] for run in runs) / 1e6
    return (
        f"Models in this page: {len(runs)} of the study's {n_finished}, {size:.1f} MB in total."
        " Large layers are stored with 6 to 8 bits per weight, small ones with 16."
        f" The largest measured difference from PyTorch in a pixel is {worst:.1g} of 1 (on"
        f" {N_SAMPLES} samples of the prior and the starting images){off}."
    )

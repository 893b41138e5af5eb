"""The latent explorer: a study's decoders in one page that runs offline."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import numpy.typing as npt
import pandas as pd
from markupsafe import Markup

from analysis.factors.sample import measured
from analysis.latent_effects.alignment import NAMES, PROPERTIES, some_of_every_digit
from analysis.report.halves import N_SAMPLES, rounded, rounding
from analysis.report.sliders import (
    UNITS,
    component_sliders,
    knob_sliders,
    latent_sliders,
    packed,
    unaligned_sliders,
)
from analysis.representations.encode import encode
from analysis.representations.traversal import aggregated_samples
from analysis.study import Study, configuration, named
from study.config.errors import StudyError
from study.data import Dataset
from study.data.mnist import N_CLASSES, N_PIXELS, data_dir
from study.models import Vae
from study.storage.tables import has_table

Floats = npt.NDArray[np.float64]

PAGE = "explorer.html"
SCRIPTS = ("decoder.js", "morphometry.js", "lines.js", "link.js", "pane.js", "explorer.js")

N_RUNS = 6
MAX_BYTES = 8_000_000  # of weights, in base64
IMAGES_PER_DIGIT = 2
KNOB_REACH = 2.0  # standard deviations of the property among real digits
SEEN = (1, 99)  # percentiles of the property among real digits, the ends of its meter


def write_explorer(
    study: Study, data_folder: Path | None = None, runs: Sequence[str] | None = None
) -> str:
    """Write `explorer.html` to a study's folder; returns its place.

    Args:
        study: trained; without alignments its latents stand unnamed, in the order of their KL.
        data_folder: cache of MNIST; None for the user's.
        runs: on board, the first one shown; None for those of `choose`.

    Raises:
        StudyError: no run has its weights, one of `runs` is unknown, or MNIST is not to be had.
    """
    chosen = list(dict.fromkeys(runs)) if runs else choose(study)
    study.folder.write(PAGE, render(payload(study, chosen, data_folder)).encode())
    return f"{study.folder}/{PAGE}"


def choose(study: Study) -> list[str]:
    """Runs on board, the most disentangled first: one a configuration, the lowest seed.

    The paper's four of Figure 7 (J = 10, beta 1 and 10, with and without labels) have a place;
    the top of the ranking takes the others, up to `N_RUNS` and `MAX_BYTES`. Among those that share
    the first rank, one whose knobs each move their own property comes first.

    Raises:
        StudyError: no run has its weights.
    """
    done = study.trials[study.trials["state"] == "done"].sort_values("seed", kind="stable")
    have = done[[study.has_weights(run) for run in done["run"]]]
    if have.empty:
        lacking = f"; those of {named(list(done['run']))} are elsewhere" if len(done) else ""
        raise StudyError(f"{study.folder} holds the weights of no finished run{lacking}")
    table = have.assign(configuration=configuration(have["run"]))
    first = table.drop_duplicates("configuration").set_index("configuration").sort_index()
    ranked = _ranks(study)
    order = [name for name in ranked if name in first.index]
    first = first.loc[order + [name for name in first.index if name not in ranked]]
    paper = (first["latent_dim"] == 10) & first["beta"].isin([1, 10])
    kept: list[int] = []
    size = 0
    for index in [*np.flatnonzero(paper), *np.flatnonzero(~paper)]:
        size += _stored_bytes(first.iloc[index])
        if kept and (len(kept) == N_RUNS or size > MAX_BYTES):
            break
        kept.append(int(index))
    runs = [str(run) for run in first["run"].iloc[sorted(kept)]]
    top = {name for name, rank in ranked.items() if rank == min(ranked.values())}
    clear = [run for run in runs if _configuration(run) in top and _has_clear_knobs(study, run)]
    return list(dict.fromkeys([*clear[:1], *runs]))


def _configuration(run: str) -> str:
    return str(configuration(pd.Series([run]))[0])


def _has_clear_knobs(study: Study, run: str) -> bool:
    """Whether each knob moves its own property, and leaves the digit what it is."""
    if not has_table(study.folder, "alignment"):
        return False
    rows = study.alignment.query("run == @run and basis == 'knob'").sort_values("direction")
    return rows["property"].tolist() == [NAMES[column] for column in PROPERTIES]


def payload(study: Study, runs: Sequence[str], data_folder: Path | None = None) -> dict[str, Any]:
    """Everything that the page shows, as plain values.

    Args:
        study: trained.
        runs: of it, with weights.
        data_folder: cache of MNIST.
    """
    mnist = study.images(data_folder)
    values = _measured(mnist, data_folder)
    properties = _properties(values)
    chosen = some_of_every_digit(mnist.test_labels, IMAGES_PER_DIGIT)
    apart = ((values - values.mean()) / values.std(ddof=0)).iloc[chosen]
    return {
        "study": study.folder.name,
        "images": packed(mnist.test_images[chosen], "u1"),
        "labels": mnist.test_labels[chosen].tolist(),
        # The most ordinary of them comes first: every knob has room both ways.
        "first": str((apart**2).sum(axis=1).to_numpy().argmin()),
        "properties": properties,
        "runs": [_run(study, run, mnist, chosen, properties) for run in runs],
    }


def render(content: dict[str, Any]) -> str:
    """The page of a payload."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("analysis.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    data = json.dumps(content, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
    return environment.get_template("explorer.html.j2").render(
        study=content["study"],
        storage=_storage(content["runs"]),
        payload=Markup(data),
        scripts=SCRIPTS,
    )


def _run(
    study: Study, run: str, mnist: Dataset, chosen: npt.NDArray[np.int64], properties: list[Any]
) -> dict[str, Any]:
    model, config = study.model(run)
    means = encode(model, mnist.test_images[chosen], mnist.test_labels[chosen]).mean
    halves = rounded(model)
    title = f"J {config.latent_dim}, beta {config.beta:g}, "
    title += f"{'labels' if (config.conditioning == 'label') else 'no labels'}, seed {config.seed}"
    rank = _ranks(study).get(_configuration(run))
    return {
        "run": run,
        "title": title,
        "menu": f"{title} (rank {rank})" if rank else title,
        "latent_dim": model.latent_dim,
        "hidden": config.hidden,
        "classes": model.n_classes,
        "starts": np.round(means.astype(np.float64), 4).tolist(),
        "weights": {name: packed(value, "<f2") for name, value in halves.items()},
        "bytes": sum(value.nbytes for value in halves.values()),
        "difference": rounding(model, halves, means),
        "bases": _bases(study, run, model, mnist, properties),
    }


def _bases(
    study: Study, run: str, model: Vae, mnist: Dataset, properties: list[dict[str, Any]]
) -> dict[str, Any]:
    """The sliders of a run by basis; latents alone, unnamed, where it has not been measured."""
    rows = study.alignment if has_table(study.folder, "alignment") else None
    own = {} if rows is None else dict(list(rows[rows["run"] == run].groupby("basis")))
    if not own:
        latents = study.latents
        return {"latent": unaligned_sliders(latents[latents["run"] == run])}
    reach = KNOB_REACH * np.array([one["spread"] for one in properties])
    found = {"knob": knob_sliders(own["knob"], reach), "latent": latent_sliders(own["latent"])}
    if "ica" in own:
        samples = aggregated_samples(model, mnist.test_images, mnist.test_labels)
        found["ica"] = component_sliders(own["ica"], samples.mean(axis=0))
    return found


def _measured(mnist: Dataset, data_folder: Path | None) -> pd.DataFrame:
    try:
        return measured(mnist.test_images, PROPERTIES, cache=data_dir(data_folder))
    except OSError:  # a cache that others own; ten seconds are no reason to stop
        return measured(mnist.test_images, PROPERTIES)


def _properties(values: pd.DataFrame) -> list[dict[str, Any]]:
    """Of each property its names, its unit and its range among real digits."""
    found = []
    for column in PROPERTIES:
        low, high = np.percentile(values[column], SEEN)
        name, spread = NAMES[column], float(values[column].std(ddof=0))
        words = {"name": name, "title": name.capitalize(), "unit": UNITS[column]}
        ends = {"low": round(float(low), 3), "high": round(float(high), 3), "spread": spread}
        found.append({**words, "column": column, **ends})
    return found


def _ranks(study: Study) -> dict[str, int]:
    """Configuration -> its rank, in the order of the ranking; empty without one."""
    if not has_table(study.folder, "ranking"):
        return {}
    ranked = study.ranking.dropna(subset="rank")
    return dict(zip(ranked["configuration"], ranked["rank"].astype(int).tolist(), strict=True))


def _stored_bytes(trial: pd.Series) -> int:
    """Size of a run's decoder in the page: 16 bits a weight, in base64."""
    classes = N_CLASSES if trial["conditioning"] == "label" else 0
    inputs = int(trial["latent_dim"]) + classes + 1
    weights = int(trial["hidden"]) * inputs + N_PIXELS * (int(trial["hidden"]) + 1)
    return 2 * weights * 4 // 3


def _storage(runs: list[dict[str, Any]]) -> str:
    """How the decoders are stored, in words."""
    sizes = sorted({f"{run['bytes'] / 1e6:.2f}" for run in runs}, key=float)
    worst = max(run["difference"] for run in runs)
    each = " to ".join(dict.fromkeys((sizes[0], sizes[-1])))
    return (
        f"{len(runs)} decoder{'s' * (len(runs) > 1)} on board, {each} MB each, stored in 16 bits;"
        f" largest pixel difference from PyTorch measured: {worst:.1g} of 1, over {N_SAMPLES}"
        " samples of the prior and the starting images."
    )

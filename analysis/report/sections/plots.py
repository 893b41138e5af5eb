"""The data of the interactive plots: figures by configuration and by run, and learning curves."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from analysis.metrics import CLASS_PROBE, LABELS, RANKABLE, UDR
from analysis.report.tables import one_objective
from analysis.statistics.intervals import mean_interval
from analysis.statistics.ranking import RANKING, own, ranking_rows, unlisted
from analysis.study import configuration
from study.storage.axes import STANDARD, axis_in_words, varied

MEASURES = {
    "latent_dim": "J",
    "beta": "β",
    "conditioning": "labels",
    "recon": "recon",
    "kl": "KL",
    "objective": "objective",
    "neg_elbo_joint": "−ELBO, joint",
    "kl_fraction": "KL fraction",
    "kl_fraction_raw": "KL fraction, raw",
    "active": "active latents",
    RANKING: "ranking score",
    **{name: LABELS[name] for name in (*RANKABLE, UDR.name, CLASS_PROBE.name)},
}
"""What the interactive plots can show, and what it is called there."""
CURVES = {
    "objective": "objective (nats)",
    "neg_elbo": "−ELBO (nats)",
    "recon": "recon (nats)",
    "kl": "KL (nats)",
    "kl_fraction": "KL fraction",
}
"""What learning curves can show."""
OF_ONE_OBJECTIVE = ("objective", "kl_fraction")  # compared among runs of one objective alone
MOST_POINTS = 12_000  # of all curves together; more runs have fewer epochs each


def plots(
    trials: pd.DataFrame,
    elbo: pd.DataFrame,
    scores: pd.DataFrame,
    ranked: pd.DataFrame,
    epochs: pd.DataFrame,
) -> dict[str, Any]:
    """Columns of figures, by configuration with 95% intervals and by run, and curves by epoch."""
    more = unlisted(scores)
    by_configuration = elbo
    if len(ranked):
        names = ["configuration", RANKING, *RANKABLE, *more, UDR.name, CLASS_PROBE.name]
        known = ranked[[name for name in names if name in ranked]]
        by_configuration = by_configuration.merge(known, on="configuration", how="left")
    by_run = trials[trials["state"] == "done"]
    if len(scores):
        wide = own(scores).pivot(index="run", columns="score", values="value")
        wide[RANKING] = ranking_rows(scores).set_index("run")["value"]
        by_run = by_run.merge(wide, left_on="run", right_index=True, how="left")
    axes = [*STANDARD, *varied(trials)]
    left_out = () if one_objective(trials) else OF_ONE_OBJECTIVE
    labels = {column: axis_in_words(column) for column in axes}
    labels |= {name: words for name, words in MEASURES.items() if name not in left_out}
    labels |= {name: name for name in more}
    rows = {
        "configuration": _rows("configuration", by_configuration, labels),
        "run": _rows("run", by_run, labels),
    }
    rows["configuration"]["ends"] = _ends(by_run, by_configuration, ranked, axes)
    rows["run"]["configurations"] = list(configuration(by_run["run"]))
    curves = learning_curves(epochs, [name for name in CURVES if name not in left_out])
    return {"labels": labels, "axes": axes, "rows": rows, "curves": curves}


def _rows(name: str, table: pd.DataFrame, labels: Mapping[str, str]) -> dict[str, Any]:
    kept = [key for key in labels if key in table and table[key].notna().any()]
    columns = {key: [_plain(value) for value in table[key]] for key in kept}
    return {"names": list(table[name]), "columns": columns}


def _ends(
    by_run: pd.DataFrame, by_configuration: pd.DataFrame, ranked: pd.DataFrame, axes: list[str]
) -> dict[str, list[list[float | None]]]:
    """The 95% interval of each figure of each configuration: as ranked, else over its seeds."""
    names = list(by_configuration["configuration"])
    parts = dict(list(by_run.groupby(configuration(by_run["run"]))))
    known = ranked.set_index("configuration") if len(ranked) else ranked
    ends = {}
    for key in (key for key in by_configuration if key in by_run and key not in axes):
        if not pd.api.types.is_numeric_dtype(by_run[key]):
            continue
        pairs = [_interval(parts.get(name), known, name, str(key)) for name in names]
        if any(low is not None for low, _ in pairs):
            ends[str(key)] = [list(pair) for pair in pairs]
    return ends


def _interval(
    runs: pd.DataFrame | None, ranked: pd.DataFrame, name: str, key: str
) -> tuple[float | None, float | None]:
    if f"{key}_low" in ranked and name in ranked.index:
        return _plain(ranked.at[name, f"{key}_low"]), _plain(ranked.at[name, f"{key}_high"])
    values = [] if runs is None else runs[key].dropna().astype(float).tolist()
    if len(values) < 2:
        return None, None
    _, low, high = mean_interval(values)
    return _plain(low), _plain(high)


def learning_curves(epochs: pd.DataFrame, names: list[str]) -> dict[str, Any]:
    """Train and test figures by epoch of every run, thinned to `MOST_POINTS` in all.

    Args:
        epochs: a study's epochs.
        names: those of `CURVES` to show.

    Returns:
        labels (name -> words); runs: name -> epoch, and a list for each of train_ and test_.
    """
    known = [name for name in names if f"test_{name}" in epochs and f"train_{name}" in epochs]
    columns = [split + name for name in known for split in ("train_", "test_")]
    runs = dict(list(epochs.groupby("run", sort=False))) if known else {}
    each = max(10, MOST_POINTS // max(1, len(runs)))
    curves = {}
    for run, part in runs.items():
        kept = np.unique(np.linspace(0, len(part) - 1, min(each, len(part))).round().astype(int))
        thin = part.sort_values("epoch").iloc[kept]
        curves[str(run)] = {"epoch": thin["epoch"].tolist()} | {
            name: [_short(value) for value in thin[name]] for name in columns
        }
    return {"labels": {name: CURVES[name] for name in known}, "runs": curves}


def _short(value: float) -> float | None:
    """A value of a curve to five digits, which is finer than a screen."""
    plain = _plain(value)
    return float(f"{plain:.5g}") if isinstance(plain, float) else None


def _plain(value: Any) -> Any:
    """A value as JSON holds it."""
    if isinstance(value, str):
        return value
    return None if pd.isna(value) or math.isinf(value) else float(value)

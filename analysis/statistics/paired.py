"""Two studies, configuration by configuration: differences paired by seed, with 95% intervals.

Configurations are matched by the keys that the studies share: a key of which no value is in both,
such as a learning rate of 0.01 here and 0.02 there, tells the studies apart and is left out of the
match. The value of a part of one's own carries its version, so that other code is another value.
"""

import json
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from analysis.statistics.intervals import mean_interval
from analysis.study import configuration
from study.storage.axes import DEFAULTS, STANDARD
from study.storage.tables import TRIALS

NOT_MATCHED = ("seed", "epochs")  # no part of what a configuration is
MEASURE = ["kind", "name", "basis", "factors", "scope"]
COLUMNS = [
    *("configuration_a", "configuration_b", *MEASURE),
    *("n_seeds", "mean_a", "mean_b", "difference", "low", "high", "reason"),
]
NATS = ("recon", "kl", "objective", "elbo", "iwae")  # what the names of bounds and costs have


class Match(NamedTuple):
    """What two studies have in common, and what tells them apart."""

    apart: dict[str, tuple[str, str]]  # key -> its values in either study
    pairs: list[tuple[str, str]]  # of configurations


def match(one: pd.DataFrame, other: pd.DataFrame) -> Match:
    """Match the configurations of two studies.

    Args:
        one, other: their finished runs.

    Returns:
        Every key whose values are not the same in both studies, and the pairs of configurations
        that agree in every key of which some value is in both.
    """
    keys = [key for key in (*STANDARD, *DEFAULTS) if key in one and key in other]
    values = {key: (_texts(one[key]), _texts(other[key])) for key in (*keys, *NOT_MATCHED)}
    apart = {
        key: (_listed(one[key]), _listed(other[key]))
        for key, (here, there) in values.items()
        if set(here) != set(there)
    }
    shared = [key for key in keys if set(values[key][0]) & set(values[key][1])]
    places = [
        pd.DataFrame({key: values[key][side] for key in shared})
        .assign(configuration=configuration(table["run"]).to_numpy())
        .drop_duplicates()
        for side, table in enumerate((one, other))
    ]
    if not shared:
        return Match(apart, [])
    both = places[0].merge(places[1], on=shared, suffixes=("_a", "_b"))
    columns = both[["configuration_a", "configuration_b"]].to_numpy().tolist()
    return Match(apart, [(str(a), str(b)) for a, b in columns])


def values_of(trials: pd.DataFrame, scores: pd.DataFrame) -> pd.DataFrame:
    """Every figure and score of every finished run, a row each.

    Args:
        trials: finished runs, with `neg_elbo_joint`.
        scores: a study's scores; empty where it is not scored.

    Returns:
        configuration, seed, kind (figure or score), name, basis, factors, scope, value; protocol,
        how a score was measured; data, likelihood, objective_kind and conditioning of the run.
    """
    known = {*DEFAULTS, *STANDARD, *(name for name in TRIALS.names if not _is_figure(name))}
    figures = [
        name
        for name in trials
        if name not in {*known, "beta_normalised"} and pd.api.types.is_numeric_dtype(trials[name])
    ]
    long = trials.melt("run", figures, "name", "value").assign(kind="figure", protocol="")
    parts = [long.assign(basis="", factors="", scope="")]
    if len(scores):
        columns = ["run", "score", "basis", "factors", "scope", "value", "protocol"]
        rows = scores.reindex(columns=columns).rename(columns={"score": "name"})
        protocol = rows["protocol"].map(_protocol)
        parts.append(rows.assign(kind="score", protocol=protocol))
    whole = pd.concat(parts, ignore_index=True)
    whole["value"] = whole["value"].astype(float)
    of_run = trials[["run", "seed", *OF_RUN]].assign(configuration=configuration(trials["run"]))
    return whole.merge(of_run, on="run")


OF_RUN = ["data", "likelihood", "objective_kind", "conditioning"]


def differences(
    one: pd.DataFrame, other: pd.DataFrame, pairs: list[tuple[str, str]]
) -> pd.DataFrame:
    """Differences, the other study minus the one, of all that both have, paired by seed.

    Args:
        one, other: as `values_of` gives them.
        pairs: of configurations, as `match` gives them.

    Returns:
        `COLUMNS`: both means are over the seeds in common; low and high are the ends of the
        difference's 95% interval by Student's t, each on its own. What cannot be computed is NaN,
        and `reason` says why; "" where nothing is lacking.
    """
    here, there = (dict(list(table.groupby("configuration"))) for table in (one, other))
    rows = []
    for a, b in pairs:
        joined = here[a].merge(
            there[b], on=[*MEASURE, "seed"], how="outer", suffixes=("_a", "_b"), sort=False
        )
        for key, part in joined.groupby(MEASURE, sort=False):
            measure = dict(zip(MEASURE, map(str, key), strict=True))
            if part["value_a"].notna().any() and part["value_b"].notna().any():
                rows.append({"configuration_a": a, "configuration_b": b, **measure, **_row(part)})
    return pd.DataFrame(rows, columns=COLUMNS)


def _row(part: pd.DataFrame) -> dict[str, object]:
    """One figure or score of a pair of configurations, from a row a seed."""
    paired = part.dropna(subset=["value_a", "value_b"])
    nothing = dict.fromkeys(("mean_a", "mean_b", "difference", "low", "high"), np.nan)
    if paired.empty:
        return {"n_seeds": 0, **nothing, "reason": "no seed in common"}
    if why := _incomparable(paired.iloc[0]):
        return {"n_seeds": len(paired), **nothing, "reason": why}
    difference, low, high = mean_interval(paired["value_b"] - paired["value_a"])
    means = {"mean_a": paired["value_a"].mean(), "mean_b": paired["value_b"].mean()}
    ends = {"difference": difference, "low": low, "high": high}
    reason = "one seed in common: no interval" if len(paired) == 1 else ""
    return {"n_seeds": len(paired), **means, **ends, "reason": reason}


def _incomparable(row: pd.Series) -> str:
    """Why two figures or scores of one name do not measure the same; "" where they do."""

    def unlike(column: str) -> bool:
        return bool(row[f"{column}_a"] != row[f"{column}_b"])

    name = str(row["name"])
    if row["kind"] == "score" and unlike("protocol"):
        one, other = (json.loads(row[f"protocol_{side}"] or "{}") for side in "ab")
        keys = [key for key in {**one, **other} if one.get(key) != other.get(key)]
        return f"scored by different protocols: {', '.join(keys)}"
    if not any(word in name for word in NATS):
        return ""
    if unlike("data"):
        return "the bounds are of different images"
    if unlike("likelihood"):
        return "the bounds are of different likelihoods, on different scales"
    if unlike("objective_kind") and any(word in name for word in ("objective", "kl_fraction")):
        return "the costs are of different objectives"
    labelled = (row["conditioning_a"] == "none") != (row["conditioning_b"] == "none")
    if labelled and name.removeprefix("train_") in {"objective", "neg_elbo", "elbo", "iwae"}:
        return "with labels this bounds log p(x|label): compare neg_elbo_joint"
    return ""


def _protocol(text: object) -> str:
    """What of a protocol decides a score: not the versions of libraries, nor the basis's size."""
    try:
        protocol = json.loads(str(text))
    except ValueError:
        return ""
    return json.dumps({key: protocol[key] for key in protocol if key not in ("versions", "basis")})


def _is_figure(name: str) -> bool:
    field = TRIALS.field(name)
    return (field.metadata or {}).get(b"unit", b"") in {b"nats per image", b"fraction", b"s"} or (
        name == "active_latents"
    )


def _texts(column: pd.Series) -> list[str]:
    """Values as text, the same for 10 and 10.0, and for what is missing."""
    return [_text(value) for value in column]


def _text(value: Any) -> str:
    if pd.isna(value):
        return "none"
    return f"{value:g}" if isinstance(value, int | float | np.number) else str(value)


def _listed(column: pd.Series) -> str:
    known = sorted(column.dropna().unique())
    texts = list(map(_text, known)) + ["none"] * bool(column.isna().any())
    return ", ".join(texts)

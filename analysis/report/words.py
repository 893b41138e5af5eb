"""What a study found, in words and figures; every number comes from a table."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from analysis.latent_effects.alignment import NAMES, PROPERTIES
from analysis.metrics import SATURATED

UNITS = {"thickness": "px", "slant": "rad", "width": "px"}
LABELS = {"none": "no labels", "label": "labels"}
NAMED_TIES = 3  # configurations that share the first rank and are named in the text


class Finding(NamedTuple):
    """One figure of the first screen."""

    label: str
    value: str
    note: str


class Aligned(NamedTuple):
    """What the latents of one run move, in words."""

    run: str
    lines: list[str]  # one a latent that reacts
    n_still: int  # latents that do not react
    knobs: list[str]
    named: dict[str, list[str]]  # latents by what they move: a property, digit, mixed


def configuration_words(row: Mapping[Any, Any]) -> str:
    """`J = 10, β = 4, labels` of a row that has a configuration and its axes.

    The hash of an id follows it: two configurations may differ in more than the axes.
    """
    other = re.search(r"-[0-9a-f]{8}$", row["configuration"])
    words = f"J = {row['latent_dim']}, β = {row['beta']:g}, {LABELS[row['conditioning']]}"
    return f"{words}, {other[0][1:]}" if other else words


def counted(number: int, noun: str) -> str:
    """`1 run`, `2 runs`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def interval(value: float, low: float, high: float, digits: int = 3) -> str:
    """`0.970 [0.960, 0.980]`."""
    return f"{value:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def best(ranked: pd.DataFrame) -> list[str]:
    """The first configuration, its interval, and whether it is separated from the next.

    Args:
        ranked: a study's ranking.

    Returns:
        Sentences; none where no configuration is scored.
    """
    rows = ranked[ranked["rank"].notna()].to_dict("records")
    if not rows:
        return []
    first, others = rows[0], rows[1:]
    said = [f"{configuration_words(first)}: Higgins score {_higgins(first)}, 95% interval."]
    ties = [row for row in others if row["rank"] == first["rank"]]
    if not others:
        said.append("No other configuration is scored.")
    elif ties:
        names = [f"{configuration_words(row)} ({_higgins(row)})" for row in ties[:NAMED_TIES]]
        more = f"; and {len(ties) - NAMED_TIES} more" if len(ties) > NAMED_TIES else ""
        noun = "another configuration" if len(ties) == 1 else f"{len(ties)} others"
        said.append(
            f"Not separated from {noun}: {'; '.join(names)}{more}."
            " Equal ranks are ordered by MIG, then by −ELBO."
        )
    else:
        said.append(
            f"Separated from the next: {configuration_words(others[0])} ({_higgins(others[0])})."
        )
    if first["saturated"]:
        said.append(
            f"It is at the ceiling ({SATURATED:.2f} and more), where Higgins scores no longer tell"
            " configurations apart."
        )
    if first["n_scored"] == 1:
        said.append("One seed: the interval leaves out how far seeds differ.")
    return said


def findings(
    ranked: pd.DataFrame | None,
    elbo: pd.DataFrame,
    ica: pd.DataFrame | None,
    alignment: pd.DataFrame | None,
    claims: pd.DataFrame | None,
) -> list[Finding]:
    """The figures of the first screen: those that a study has the tables for."""
    found = []
    if claims is not None and len(claims):
        others = claims.loc[claims["verdict"] != "holds", "verdict"].value_counts()
        value = f"{len(claims) - others.sum()} of {len(claims)} hold"
        note = ", ".join(f"{n}: {verdict}" for verdict, n in others.items())
        found.append(Finding("Published claims", value, note))
    if ranked is not None and ranked["higgins"].notna().any():
        found.append(_above_pixels(ranked[ranked["higgins"].notna()]))
    if len(elbo):
        lowest = min(elbo.to_dict("records"), key=lambda row: float(row["neg_elbo"]))
        nats = f"{lowest['neg_elbo']:.1f} nats"
        found.append(Finding("Lowest −ELBO", nats, configuration_words(lowest)))
    if ica is not None and len(mig := ica.query("score == 'mig' and scaling == 'raw'")):
        apart = mig[mig["separated"].astype(bool)]
        up, down = int((apart["change"] > 0).sum()), int((apart["change"] < 0).sum())
        note = f"falls in {down}; intervals overlap in the other {len(mig) - up - down}"
        found.append(Finding("MIG after ICA", f"rises in {up} of {len(mig)}", note))
    if alignment is not None and len(latents := alignment[alignment["basis"] == "latent"]):
        one = int(latents["property"].isin(UNITS).sum())
        still = int((latents["property"] == "none").sum())
        of = f"of {counted(len(latents), 'latent')} of {counted(latents['run'].nunique(), 'run')}"
        note = f"{of}; {still} do{'es' if still == 1 else ''} not react"
        found.append(Finding("Move one property alone", counted(one, "latent"), note))
    return found


def _above_pixels(scored: pd.DataFrame) -> Finding:
    above = int((scored["higgins_low"] > scored["higgins_pixel_pca"]).sum())
    pixels, untrained = (_span(scored[f"higgins_{name}"]) for name in ("pixel_pca", "untrained"))
    note = f"configurations; PCA's score is {pixels}, an untrained encoder's {untrained}"
    return Finding("Higgins above PCA of the pixels", f"{above} of {len(scored)}", note)


def _span(column: pd.Series) -> str:
    low, high = f"{column.min():.3f}", f"{column.max():.3f}"
    return low if low == high else f"{low} to {high}"


def alignments(table: pd.DataFrame) -> list[Aligned]:
    """What each run's latents move: a study's alignment, run by run."""
    return [_aligned(str(run), rows) for run, rows in table.groupby("run", sort=False)]


def moved(row: Mapping[Any, Any]) -> str:
    """What one direction moves: `slant, +0.21 rad a step, leakage 6%, holds for 10 of 10 digits`.

    Args:
        row: of the table `alignment`.
    """
    name = row["property"]
    if name == "none":
        return "does not react"
    if name == "digit":
        share = f"{row['class_change']:.0%}"
        return f"the digit: {share} of pictures two steps away are read as another"
    if np.isnan(row["leakage"]):
        return "mixed: thickness, slant and width stay as they are"
    most = name if name in UNITS else NAMES[_most_moved(row["digit_effects"])]
    key = next(key for key, told in NAMES.items() if told == most)
    slope = f"{row[key]:+.2f}".replace("-", "−")
    figures = (
        f"{most}, {slope} {UNITS[most]} a step, leakage {row['leakage']:.0%},"
        f" holds for {row['n_digits']} of 10 digits"
    )
    return figures if name in UNITS else f"mixed; most of all {figures}"


def _aligned(run: str, rows: pd.DataFrame) -> Aligned:
    latents = rows[rows["basis"] == "latent"].to_dict("records")
    reacts = [row for row in latents if row["property"] != "none"]
    named = {
        name: [f"z{row['direction']}" for row in reacts if row["property"] == name]
        for name in (*UNITS, "digit", "mixed")
    }
    return Aligned(
        run,
        [f"z{row['direction']}: {moved(row)}" for row in reacts],
        len(latents) - len(reacts),
        [
            f"{NAMES[PROPERTIES[int(row['direction']) - 1]]} knob: {moved(row)}"
            for row in rows[rows["basis"] == "knob"].to_dict("records")
        ],
        named,
    )


def _most_moved(digit_effects: Any) -> str:
    effects = np.asarray(digit_effects, np.float64).reshape(-1, len(PROPERTIES))
    return PROPERTIES[int(np.abs(np.nanmean(effects, axis=0)).argmax())]


def _higgins(row: Mapping[Any, Any]) -> str:
    return interval(row["higgins"], row["higgins_low"], row["higgins_high"])

"""The first screen of a report: sentences and figures; every number comes from a table."""

from collections import Counter
from typing import NamedTuple

import pandas as pd

from analysis.latent_effects.wording import NOT_ALONE
from analysis.metrics import LABELS, MIG, SATURATED
from analysis.statistics.comparisons import AMONG, BEHIND, UNDECIDED
from analysis.statistics.ranking import RANKING
from analysis.statistics.wording import count, interval, listing, verb
from study.storage.axes import in_words


class Highlight(NamedTuple):
    """One figure of the first screen."""

    label: str
    value: str
    note: str


def best(ranked: pd.DataFrame) -> list[str]:
    """The first configuration, its interval, and how many are as good as it or surely are not.

    Args:
        ranked: a study's ranking.

    Returns:
        Sentences; none where no configuration is scored.
    """
    rows = ranked[ranked["rank"].notna()].to_dict("records")
    if not rows:
        return []
    first, scored = rows[0], interval(rows[0], RANKING)
    sentences = [f"{in_words(first)}: {scored}, 95% interval ({first['ranked_by']})."]
    if len(rows) == 1:
        sentences.append("No other configuration is scored.")
    elif "verdict" in first:  # an older ranking has none
        counts = Counter(row["verdict"] for row in rows)
        verdicts = [f"{counts[verdict]} {verdict}" for verdict in (AMONG, BEHIND, UNDECIDED)]
        each = f"{count(len(rows), 'configuration')}, each against the best of the others"
        sentences.append(f"{each}: {listing(verdicts)}.")
    if first[RANKING] >= SATURATED:
        sentences.append(
            f"It is at the ceiling ({SATURATED:.2f} and more), where this score no longer tells"
            " configurations apart."
        )
    if first["n_scored"] == 1:
        sentences.append("One seed: the interval leaves out how far seeds differ.")
    return sentences


def against(scores: pd.DataFrame, data: str) -> list[str]:
    """What scores compare codes with, where that is true of the images: a sentence, to lead."""
    if "known" not in set(scores["factors"]):
        return []
    return [f"Scores are against known factors: those that the images of {data} were made with."]


def highlights(
    ranked: pd.DataFrame,
    elbo: pd.DataFrame,
    ica: pd.DataFrame,
    alignment: pd.DataFrame,
    claims: pd.DataFrame,
    scores: pd.DataFrame,
) -> list[Highlight]:
    """The figures of the first screen: those that a study has the tables for."""
    figures = []
    if "known" in set(scores["factors"]):
        how = "not measured on the pictures; they come with the data"
        figures.append(Highlight("Scored against", "known factors", how))
    if len(claims):
        others = claims.loc[claims["verdict"] != "holds", "verdict"].value_counts()
        held = len(claims) - int(others.sum())
        value = f"{held} of {len(claims)} {verb(held, 'holds', 'hold')}"
        note = ", ".join(f"{n}: {verdict}" for verdict, n in others.items())
        figures.append(Highlight("Published claims", value, note))
    if len(scored := ranked[ranked[RANKING].notna()]):
        figures.append(_above_pixels(scored))
    for kind, part in elbo.groupby(elbo.get("likelihood", pd.Series("", elbo.index))):
        lowest = min(part.to_dict("records"), key=lambda row: float(row["neg_elbo_joint"]))
        nats = f"{lowest['neg_elbo_joint']:.1f} nats"
        note = in_words(lowest)
        if set(elbo["conditioning"]) != {"none"}:
            note += "; with labels, of image and label together"
        of = f", {kind}" if len(part) < len(elbo) else ""  # bounds of others are on other scales
        figures.append(Highlight(f"Lowest −ELBO{of}", nats, note))
    if len(mig := ica[ica["score"] == MIG.name]):
        apart = mig[mig["separated"].astype(bool)]
        up, down = int((apart["change"] > 0).sum()), int((apart["change"] < 0).sum())
        rest = len(mig) - up - down
        note = f"falls in {down}" + (f"; intervals overlap in the other {rest}" if rest else "")
        figures.append(
            Highlight(f"{LABELS[MIG.name]} after ICA", f"rises in {up} of {len(mig)}", note)
        )
    if len(latents := alignment[alignment["basis"] == "latent"]):
        one = int((~latents["property"].isin(NOT_ALONE)).sum())
        still = int((latents["property"] == "none").sum())
        of = f"of {count(len(latents), 'latent')} of {count(latents['run'].nunique(), 'run')}"
        note = f"{of}; {still} {verb(still, 'does', 'do')} not react"
        figures.append(Highlight("Move one property alone", count(one, "latent"), note))
    return figures


def _above_pixels(scored: pd.DataFrame) -> Highlight:
    lowest = scored[f"{RANKING}_low"]
    above = int((lowest > scored[f"{RANKING}_pixel_pca"]).sum())
    note = f"configurations; PCA's score is {_span(scored[f'{RANKING}_pixel_pca'])}"
    if (untrained := scored[f"{RANKING}_untrained"]).notna().any():
        note += f", an untrained encoder's {_span(untrained)}"
    if (rotated := scored[f"{RANKING}_rotated"]).notna().any():
        surely = int((lowest > rotated).sum())
        note += f"; {surely} above a random rotation of the same codes"
    return Highlight("Score above PCA of the pixels", f"{above} of {len(scored)}", note)


def _span(column: pd.Series) -> str:
    low, high = f"{column.min():.3f}", f"{column.max():.3f}"
    return low if low == high else f"{low} to {high}"

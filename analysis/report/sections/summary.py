"""The first screen of a report: three sentences and five figures; every number is of a table."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from analysis.latent_effects.wording import NOT_ALONE
from analysis.metrics import LABELS, MIG, SATURATED
from analysis.statistics.comparisons import AMONG, BEHIND, MARGIN, UNDECIDED
from analysis.statistics.ranking import RANKING
from analysis.statistics.wording import count, interval, listing, numeral, verb
from study.storage.axes import in_words

MOST = 5  # figures, in one row


class Highlight(NamedTuple):
    """One figure of the first screen."""

    label: str
    value: str
    note: str


def best(ranked: pd.DataFrame) -> list[str]:
    """The first configuration, its interval, and the verdicts on the others.

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
            f"It is at the ceiling ({SATURATED:.2f} or more), where this score cannot distinguish"
            " configurations."
        )
    if first["n_scored"] == 1:
        sentences.append("One seed: the interval does not include the variation between seeds.")
    return sentences


def finding(
    ranked: pd.DataFrame,
    unranked: str,
    alignment: pd.DataFrame,
    verdicts: Sequence[str],
) -> list[str]:
    """What came out, in plain words: which is best, whether that is much, and what of the paper.

    Args:
        ranked: a study's ranking.
        unranked: why nothing ranks, where runs are scored.
        alignment: what its latents move.
        verdicts: on the paper's claims that could be decided.

    Returns:
        At most three sentences; none for a study of which nothing is known yet.
    """
    scored = ranked[ranked[RANKING].notna()]
    sentences = [f"Nothing is ranked: {unranked}."] if unranked else []
    if len(scored):
        sentences += [_first_place(scored), *_against_pixels(scored)]
    latents = alignment[alignment["basis"] == "latent"]
    if verdicts:
        sentences.append(_upheld(verdicts))
    elif len(latents):
        alone = int((~latents["property"].isin(NOT_ALONE)).sum())
        moves = verb(alone, "moves", "move")
        of = count(len(latents), "latent")
        sentences.append(f"{alone} of {of} {moves} one property of the picture alone.")
    return sentences


def _first_place(scored: pd.DataFrame) -> str:
    """Which configuration is first, and how sure that is."""
    first, others = scored.iloc[0].to_dict(), len(scored) - 1
    if not others:
        return f"{in_words(first)} is the only configuration that is scored."
    lead = f"{in_words(first)} scores highest of {len(scored)} configurations"
    if first["n_scored"] == 1:
        return f"{lead}, with one seed: the variation between seeds is not known."
    seeds = f"{numeral(int(first['n_scored']))} seeds"
    behind, among, undecided = (
        int((scored["verdict"].iloc[1:] == verdict).sum()) for verdict in (BEHIND, AMONG, UNDECIDED)
    )
    if undecided == others:
        which = "the other" if others == 1 else f"any of the other {others}"
        return f"{lead}, but {seeds} cannot distinguish it from {which}."
    parts = {
        f"{behind} of the others {verb(behind, 'is', 'are')} significantly behind": behind,
        f"{among} {verb(among, 'is', 'are')} as good within {MARGIN:g}": among,
        f"{undecided} cannot be distinguished from it with {seeds}": undecided,
    }
    return f"{lead}; {listing([words for words, n in parts.items() if n])}."


def _against_pixels(scored: pd.DataFrame) -> list[str]:
    """How many configurations do better than what needs no training: a sentence, or none."""
    floor = scored[f"{RANKING}_pixel_pca"]
    if floor.isna().all():
        return []
    above = int((scored[f"{RANKING}_low"] > floor).sum())
    scores = verb(above, "scores", "score")
    return [
        f"{above or 'None'} of {len(scored)} {scores} significantly above the principal components"
        " of the pixels, which need no training."
    ]


def _upheld(verdicts: Sequence[str]) -> str:
    counts = Counter(verdicts)
    hold, fail, undecided = (counts[verdict] for verdict in ("holds", "does not hold", "open"))
    parts = {
        f"{hold} {verb(hold, 'holds', 'hold')}": hold,
        f"{fail} {verb(fail, 'does', 'do')} not": fail,
        f"{undecided} {verb(undecided, 'stays', 'stay')} open": undecided,
    }
    counted = listing([words for words, n in parts.items() if n])
    return f"Of the paper's {count(len(verdicts), 'claim')} that these runs can check, {counted}."


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
    verdicts: Sequence[str],
) -> list[Highlight]:
    """The figures of the first screen, at most `MOST`: those that a study has the tables for."""
    figures = []
    if verdicts:
        held = list(verdicts).count("holds")
        value = f"{held} of {len(verdicts)} {verb(held, 'holds', 'hold')}"
        figures.append(Highlight("The paper's claims", value, "of those that these runs can check"))
    if len(scored := ranked[ranked[RANKING].notna()]):
        figures += [_highest(scored.iloc[0]), _above_pixels(scored)]
    figures += _lowest_bounds(elbo)
    if len(latents := alignment[alignment["basis"] == "latent"]):
        figures.append(_alone(latents))
    if len(mig := ica[ica["score"] == MIG.name]):
        figures.append(_after_ica(mig))
    return figures[:MOST]


def _highest(first: pd.Series) -> Highlight:
    value, *ends = interval(first, RANKING).split(" ", 1)
    note = "; ".join([*ends, in_words(first.to_dict()), first["ranked_by"]])
    if first[RANKING] >= SATURATED:
        note += "; at the ceiling, where it cannot distinguish configurations"
    return Highlight("Highest score", value, note)


def _above_pixels(scored: pd.DataFrame) -> Highlight:
    pixels = scored[f"{RANKING}_pixel_pca"]
    above = int((scored[f"{RANKING}_low"] > pixels).sum())
    note = f"configurations; PCA scores {_span(pixels)}"
    if (untrained := scored[f"{RANKING}_untrained"]).notna().any():
        note += f", an untrained encoder {_span(untrained)}"
    return Highlight("Above PCA of the pixels", f"{above} of {len(scored)}", note)


def _lowest_bounds(elbo: pd.DataFrame) -> list[Highlight]:
    """The lowest bound of each likelihood, as those of others are on other scales."""
    figures = []
    for kind, part in elbo.groupby(elbo.get("likelihood", pd.Series("", elbo.index))):
        lowest = min(part.to_dict("records"), key=lambda row: float(row["neg_elbo_joint"]))
        note = in_words(lowest)
        if set(elbo["conditioning"]) != {"none"}:
            note += "; with labels, of image and label together"
        of = f", {kind}" if len(part) < len(elbo) else ""
        nats = f"{lowest['neg_elbo_joint']:.1f} nats"
        figures.append(Highlight(f"Lowest −ELBO{of}", nats, note))
    return figures


def _alone(latents: pd.DataFrame) -> Highlight:
    alone = int((~latents["property"].isin(NOT_ALONE)).sum())
    still = int((latents["property"] == "none").sum())
    of = f"of {count(len(latents), 'latent')} of {count(latents['run'].nunique(), 'run')}"
    note = f"{of}; {still} {verb(still, 'does', 'do')} not react"
    return Highlight("Move only one property", count(alone, "latent"), note)


def _after_ica(mig: pd.DataFrame) -> Highlight:
    apart = mig[mig["separated"].astype(bool)]
    up, down = int((apart["change"] > 0).sum()), int((apart["change"] < 0).sum())
    rest = len(mig) - up - down
    note = f"falls in {down}" + (f"; intervals overlap in the other {rest}" if rest else "")
    return Highlight(f"{LABELS[MIG.name]} after ICA", f"rises in {up} of {len(mig)}", note)


def _span(column: pd.Series) -> str:
    low, high = f"{column.min():.3f}", f"{column.max():.3f}"
    return low if low == high else f"{low} to {high}"

"""Which properties have a direction of their own: latents, independent components."""

from collections import Counter
from collections.abc import Iterator

import numpy as np
import pandas as pd

from analysis.latent_effects.alignment import NAMES
from analysis.paper.checks import n_named
from analysis.paper.questions import CONDITIONED, OWN, PLAIN, Finding
from analysis.statistics.wording import count, listing

BASES = {"latent": "a latent", "ica": "an independent component"}


def own_directions(alignment: pd.DataFrame) -> Iterator[Finding]:
    """With labels and beta 10, and of the standard VAE; counts seed by seed."""
    for model, words in (
        (CONDITIONED, "With labels, beta 10 and J 10,"),
        (PLAIN, "In the standard VAE (J 10)"),
    ):
        rows = alignment.query(model)
        for basis in BASES:
            part = rows[rows["basis"] == basis]
            if part.empty:
                continue
            counts = n_named(part)
            seeds = listing([f"{n:.0f}" for n in counts])
            strongest = "; ".join(_strongest(part, name) for name in NAMES.values())
            answer = (
                f"{words} the number of properties (of three) after which {BASES[basis]} is named"
                f" is {seeds} in {count(len(counts), 'seed')}: {strongest}."
            )
            yield Finding(OWN, answer, counts.mean(), np.nan, np.nan, len(counts))


def _strongest(rows: pd.DataFrame, name: str) -> str:
    """The leakage of the direction that moves a property most, and where it goes; over seeds.

    Args:
        rows: of one basis; a direction's `digit_effects` are its moves in standard deviations.
        name: of the property.
    """
    names = list(NAMES.values())
    own, leaks, others = names.index(name), [], []
    for _, part in rows.groupby("seed"):
        effects = [np.reshape(row, (-1, len(names))) for row in part["digit_effects"]]
        squares = np.nanmean(effects, axis=1) ** 2  # directions, properties
        strongest = squares[np.argmax(squares[:, own])]
        if strongest.any():
            leaks.append(1 - strongest[own] / strongest.sum())
            others.append(names[np.argmax(np.where(np.arange(len(names)) == own, 0, strongest))])
    if not leaks:
        return f"nothing moves {name}"
    low, high = f"{min(leaks):.0%}", f"{max(leaks):.0%}"
    span = low if low == high else f"{low} to {high}"
    where = f", mostly to {Counter(others).most_common(1)[0][0]}" if high != "0%" else ""
    return f"the one that moves {name} most leaks {span}{where}"

"""Whether the order of kinds after 20 epochs is that after 100, of the same seeds and weights."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import kendalltau


class Longer(NamedTuple):
    """Both orders, and where a kind's difference to plain turns its sign."""

    table: pd.DataFrame  # by kind: weight, short and long (mean scores), and those minus plain
    tau: float
    turned: list[str]  # kinds


def longer(short: pd.DataFrame, long: pd.DataFrame) -> Longer:
    """Compare runs that both tables have, but for how long they trained.

    Args:
        short, long: as `kinds.runs_of` gives them.
    """
    key = ["kind", "weight", "seed"]
    both = short.merge(long, on=key, suffixes=("_short", "_long"))
    means = both.groupby("kind", sort=False)[["score_short", "score_long"]].mean()
    table = means.set_axis(["short", "long"], axis=1)
    table.insert(0, "weight", both.groupby("kind", sort=False)["weight"].first())
    if "plain" in table.index:
        for name in ("short", "long"):
            table[f"{name}_minus_plain"] = table[name] - table[name]["plain"]
        signs = np.sign(table[["short_minus_plain", "long_minus_plain"]])
        turned = list(table.index[signs.prod(axis=1) < 0])
    else:
        turned = []
    order = kendalltau(table["short"], table["long"])[0] if len(table) > 1 else np.nan
    return Longer(table.reset_index(), float(order), turned)

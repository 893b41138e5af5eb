"""Runs of every kind of docs/beyond.md, whose scores are planted."""

import numpy as np
import pandas as pd

from analysis.paper.beyond import answers
from analysis.paper.beyond.kinds import KINDS

BETAS = (1.0, 2.0, 4.0, 10.0)
SEEDS = range(5)
SHIFT = {"conv": 0.2, "flow": -0.12}  # of the score, beside plain's
GAIN = {"flow": 6.0, "mixture": 5.0}  # nats


def planted(kind, weights=BETAS, seeds=SEEDS):
    """Runs whose score rises by 0.02 for each nat of KL less, but for a kind's shift."""
    rng = np.random.default_rng(list(KINDS).index(kind))
    rows = []
    for weight in weights:
        for seed in seeds:
            kl = 20 / weight**0.5 + rng.normal(0, 0.1)
            recon = 120 - 1.5 * kl
            score = 0.8 - 0.02 * kl + SHIFT.get(kind, 0) + rng.normal(0, 0.005)
            row = {"kind": kind, "weight": weight, "seed": seed, "kl": kl, "recon": recon}
            row |= {"beta": weight if kind not in answers.OBJECTIVES[1:] else np.nan}
            row |= {"neg_elbo": recon + kl - GAIN.get(kind, 0), "score": score}
            name = f"{kind}-{weight:g}"
            row |= {"configuration": name, "run": f"{name}-seed{seed}", "share": kl / (recon + kl)}
            rows.append(row | {"score_pca": 0.5, "score_ica": 0.4, "rotated": 0.3, "oracle": 1.0})
    return pd.DataFrame(rows)


WHOLE = pd.concat([planted(kind) for kind in KINDS], ignore_index=True)

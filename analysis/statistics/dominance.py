"""Points that no other beats, and how much lies beyond them."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def non_dominated(cost: Floats) -> npt.NDArray[np.bool_]:
    """Whom no other beats in one objective and equals in the rest; (n, n_objectives) -> (n,)."""
    no_worse = (cost[:, None] <= cost[None]).all(axis=2)
    better = (cost[:, None] < cost[None]).any(axis=2)
    return np.asarray(~(no_worse & better).any(axis=0))


def hypervolume(cost: npt.ArrayLike, reference: npt.ArrayLike) -> float:
    """How much lies between the points and a reference that is worse in everything.

    Args:
        cost: (n, n_objectives), lower is better; points not better than the reference add nothing.
        reference: (n_objectives,).

    Source: Zitzler & Thiele 1999; computed slice by slice along the last objective.
    """
    limit = np.asarray(reference, np.float64)
    points = np.asarray(cost, np.float64).reshape(-1, len(limit))
    points = points[(points < limit).all(axis=1)]
    if not len(points):
        return 0.0
    if len(limit) == 1:
        return float(limit[0] - points.min())
    points = points[np.argsort(points[:, -1])]
    ends = np.append(points[1:, -1], limit[-1])
    return float(
        sum(
            (end - start) * hypervolume(points[: index + 1, :-1], limit[:-1])
            for index, (start, end) in enumerate(zip(points[:, -1], ends, strict=True))
            if end > start
        )
    )

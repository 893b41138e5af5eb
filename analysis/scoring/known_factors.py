"""Scores of codes against factors that are known, without a study: codes of any model."""

import numpy as np
import numpy.typing as npt
import pandas as pd

COLUMNS = ["label", "value", "low", "high", "chance", "rotated", "note"]


def score_codes(
    codes: npt.ArrayLike,
    factors: pd.DataFrame | npt.ArrayLike,
    *,
    labels: npt.ArrayLike | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """Every disentanglement score of codes, as a study computes it, beside its floor.

    The published protocols let factors vary freely: give images of a whole grid of factors, or a
    random sample of one. A factor of many values, none of them shared by 20 images on average, is
    put into 20 bins of equal counts.

    Args:
        codes: what a model makes of the images, such as posterior means, (n_images, n_codes).
        factors: of the same images, in the same order, numbers, (n_images, n_factors); a category
            as 0, 1, ... The names of a table's columns stand in errors.
        labels: classes of the images, whole numbers, (n_images,); scores are then within the class:
            images drawn together share it, and codes and factors are taken from its mean.
        seed: of the splits and drawings.

    Returns:
        A row a score, indexed by its name: label, for people; value; low and high, its 95%
        interval; chance, where it is known; rotated, the mean along eight random rotations of the
        codes: what is not above it owes nothing to the axes; note, why there is no value.

    Raises:
        ValueError: what is given cannot be scored; one line says why.
    """
    # scikit-learn is slow to import, and `import analysis` is also for those who only read
    from analysis.factors.image_set import sample_of
    from analysis.metrics import METRICS
    from analysis.metrics import labels as labels_of
    from analysis.scoring.evaluation import Unit, unit_values

    given = _numbers(codes, "codes")
    table = _table(factors)
    classes = np.zeros(len(table), np.int64) if labels is None else _classes(labels)
    for name, n in (("codes", len(given)), ("labels", len(classes))):
        if n != len(table):
            raise ValueError(
                f"{name} have {n} rows but factors have {len(table)}: pass all for the same images"
            )
    sample = sample_of(classes, table)
    n_factors = sample.factors.shape[1]
    used = [m for m in METRICS if m.target == "factors" and n_factors >= m.min_factors]
    scope = "all" if labels is None else "within"
    names = labels_of(used)
    units = [
        Unit(basis, "known", scope, name) for basis in ("latent", "rotation") for name in names
    ]
    values = {(v.basis, v.score): v for v in unit_values(given, sample, units, seed=seed)}
    rows = [
        (names[name], v.value, v.low, v.high, v.chance, values["rotation", name].value, v.note)
        for name in names
        for v in [values["latent", name]]
    ]
    return pd.DataFrame(rows, columns=COLUMNS, index=pd.Index(names, name="score"))


def _table(factors: pd.DataFrame | npt.ArrayLike) -> pd.DataFrame:
    """Factors as numbers under their names."""
    if isinstance(factors, pd.DataFrame):
        columns = {str(name): _column(factors[name], name) for name in factors}
        return pd.DataFrame(columns, index=range(len(factors)))
    given = np.asarray(factors)
    if given.ndim != 2:
        raise ValueError(f"factors must be (n_images, n_factors), got {given.shape}: reshape them")
    columns = {str(k): _column(column, k) for k, column in enumerate(given.T)}
    return pd.DataFrame(columns, index=range(len(given)))


def _column(values: npt.ArrayLike, name: object) -> npt.NDArray[np.float64]:
    return _numbers(values, f"values of factor {str(name)!r}")


def _numbers(values: npt.ArrayLike, name: str) -> npt.NDArray[np.float64]:
    try:
        return np.asarray(values).astype(np.float64)
    except (TypeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise ValueError(
            f"{name} are not numbers ({reason}): number categories 0, 1, ..."
        ) from None


def _classes(labels: npt.ArrayLike) -> npt.NDArray[np.int64]:
    given = np.asarray(labels)
    if given.ndim != 1 or given.dtype.kind not in "iu":
        raise ValueError(
            f"labels must be whole numbers, (n_images,), got {given.dtype} {given.shape}"
        )
    return given.astype(np.int64)

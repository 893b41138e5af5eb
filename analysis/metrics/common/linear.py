"""The linear classifier of several scores."""

from typing import NamedTuple

from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from .checks import BoolArray, FloatArray, IntArray

_MAX_ITER = 1_000
CLASSIFIER = f"LogisticRegression(max_iter={_MAX_ITER})"


class Verdict(NamedTuple):
    right: BoolArray  # (n_eval,), held-out rows whose class is named rightly
    converged: bool


def classify(
    features: FloatArray, classes: IntArray, held_out: FloatArray, held_out_classes: IntArray
) -> Verdict:
    """Fit features (n_train, n_features) to classes (n_train,), and test on held-out ones.

    On one thread: the products are small, and on a busy machine several threads took 15 s for 1 s.
    """
    model = LogisticRegression(max_iter=_MAX_ITER)
    with threadpool_limits(limits=1):
        model.fit(features, classes)
        right = model.predict(held_out) == held_out_classes
    return Verdict(right, bool(model.n_iter_.max() < _MAX_ITER))

"""The linear classifiers of several scores."""

from functools import cache
from typing import NamedTuple

from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from threadpoolctl import ThreadpoolController

from .checks import BoolArray, FloatArray, IntArray

_MAX_ITER = 1_000
CLASSIFIER = f"LogisticRegression(max_iter={_MAX_ITER})"
_STATED = {"logistic": CLASSIFIER, "discriminant": "LinearDiscriminantAnalysis()"}


class Verdict(NamedTuple):
    right: BoolArray  # (n_eval,), held-out rows whose class is named rightly
    converged: bool


def stated(classifier: str) -> str:
    """A classifier as protocols state it.

    Raises:
        ValueError: there is none of that name.
    """
    if classifier not in _STATED:
        raise ValueError(f"classifier must be one of {sorted(_STATED)}, got {classifier!r}")
    return _STATED[classifier]


def classify(
    features: FloatArray,
    classes: IntArray,
    held_out: FloatArray,
    held_out_classes: IntArray,
    classifier: str = "logistic",
) -> Verdict:
    """Fit features (n_train, n_features) to classes (n_train,), and test on held-out ones.

    On one thread: the products are small, and on a busy machine several threads took 15 s for 1 s.
    """
    logistic = classifier == "logistic"
    model = LogisticRegression(max_iter=_MAX_ITER) if logistic else LinearDiscriminantAnalysis()
    with _threads().limit(limits=1):
        model.fit(features, classes)
        right = model.predict(held_out) == held_out_classes
    return Verdict(right, not logistic or bool(model.n_iter_.max() < _MAX_ITER))


@cache  # looking for the libraries takes as long as a fit
def _threads() -> ThreadpoolController:
    return ThreadpoolController()

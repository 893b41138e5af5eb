"""Reading and measuring the results of a study."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analysis.figures.notebook import OpenStudy, open_study
    from analysis.report.compare import compare
    from analysis.scoring.known_factors import score_codes

__all__ = ["OpenStudy", "compare", "open_study", "score_codes"]

_PLACES = {
    "compare": "analysis.report.compare",
    "score_codes": "analysis.scoring.known_factors",
}


def __getattr__(name: str) -> Any:
    """What is listed above when it is asked for: its imports are slow, and workers need none."""
    if name not in __all__:
        raise AttributeError(f"module 'analysis' has no attribute {name!r}")
    return getattr(import_module(_PLACES.get(name, "analysis.figures.notebook")), name)

"""The tables of the report: frames in, cells out."""

from analysis.report.tables.bounds import elbo, one_objective, runs
from analysis.report.tables.cells import Table, text
from analysis.report.tables.scores import (
    alignment,
    all_scores,
    controls,
    ica,
    ica_changes,
    ranking,
    sensitivity,
)

__all__ = [
    "Table",
    "alignment",
    "all_scores",
    "controls",
    "elbo",
    "ica",
    "ica_changes",
    "one_objective",
    "ranking",
    "runs",
    "sensitivity",
    "text",
]

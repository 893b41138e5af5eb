"""Reading and measuring the results of a study."""

from analysis.study import Study, open_study

__all__ = ["Study", "open_study"]

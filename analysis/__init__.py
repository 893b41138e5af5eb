"""Reading and measuring the results of a study."""

from analysis.scoring.known_factors import score_codes
from analysis.study import Study, open_study

__all__ = ["Study", "open_study", "score_codes"]

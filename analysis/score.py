"""`python -m analysis.score results/NAME` is `study score`."""

import sys

from study.cli.main import carry_out
from study.cli.present import score

if __name__ == "__main__":
    sys.exit(carry_out(score, "analysis.score"))

"""`python -m analysis.report results/NAME` is `study report`."""

import sys

from study.cli.main import carry_out
from study.cli.present import report

if __name__ == "__main__":
    sys.exit(carry_out(report, "analysis.report"))

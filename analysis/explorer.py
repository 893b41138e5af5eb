"""`python -m analysis.explorer results/NAME` is `study explore`."""

import sys

from study.cli.main import carry_out
from study.cli.present import explore

if __name__ == "__main__":
    sys.exit(carry_out(explore, "analysis.explorer"))

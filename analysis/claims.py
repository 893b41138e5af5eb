"""`python -m analysis.claims results/NAME` is `study claims`."""

import sys

from study.cli.main import carry_out
from study.cli.present import claims

if __name__ == "__main__":
    sys.exit(carry_out(claims, "analysis.claims"))

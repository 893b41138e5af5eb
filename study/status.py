"""`python -m study.status results/NAME` is `study status`."""

import sys

from study.cli.main import carry_out
from study.cli.status import status

if __name__ == "__main__":
    sys.exit(carry_out(status, "study.status"))

"""`python -m study.bench` is `study bench`."""

import sys

from study.cli.bench import bench
from study.cli.main import carry_out

if __name__ == "__main__":
    sys.exit(carry_out(bench, "study.bench"))

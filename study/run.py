"""`python -m study.run` is `study run`, or, with --search NAME, `study search`."""

import sys

from study.cli.main import train

if __name__ == "__main__":
    sys.exit(train())

"""`python -m study.status results/NAME`: how a study stands."""

import sys

from study.cli.status import main

if __name__ == "__main__":
    sys.exit(main())

"""`python -m study.run`: train a grid, or search."""

import sys

from study.cli.run import main

if __name__ == "__main__":
    sys.exit(main())

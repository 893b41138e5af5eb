"""`python -m study.bench`: how fast this machine trains."""

import sys

from study.cli.bench import main

if __name__ == "__main__":
    sys.exit(main())

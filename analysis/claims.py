"""`python -m analysis.claims results/NAME`: the paper's claims, decided."""

import sys

from analysis.paper.verdicts import main

if __name__ == "__main__":
    sys.exit(main())

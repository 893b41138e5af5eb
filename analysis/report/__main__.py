"""`python -m analysis.report results/NAME`: the study on one page."""

import sys

from analysis.report.page import main

if __name__ == "__main__":
    sys.exit(main())

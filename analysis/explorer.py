"""`python -m analysis.explorer results/NAME`: latents to turn, on one page."""

import sys

from analysis.report.explorer import main

if __name__ == "__main__":
    sys.exit(main())

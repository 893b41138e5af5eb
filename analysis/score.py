"""`python -m analysis.score results/NAME`: score and rank a study."""

import sys

from analysis.scoring.score_study import main

if __name__ == "__main__":
    sys.exit(main())

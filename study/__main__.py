"""`python -m study` is `python -m study.run`."""

import sys

from study.cli.run import main

sys.exit(main())

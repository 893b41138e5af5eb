"""`python -m study COMMAND` is `study COMMAND`; options alone go to `python -m study.run`."""

import sys

from study.cli.main import main, train

HELP = {"-h", "--help", "--version"}

if __name__ == "__main__":
    trains = sys.argv[1:] and sys.argv[1].startswith("-") and sys.argv[1] not in HELP
    sys.exit(train() if trains else main())

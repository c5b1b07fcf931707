"""``python -m lethe`` is the command ``lethe``."""

import sys

from lethe.cli import main

if __name__ == "__main__":
    sys.exit(main())

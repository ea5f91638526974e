"""`python -m whypath`, the same as the command `whypath`."""

import sys

from whypath.cli import main

if __name__ == "__main__":
    sys.exit(main())

"""`python -m whypath`, the same as the command `whypath`."""

from whypath.cli import entry

if __name__ == "__main__":
    entry()

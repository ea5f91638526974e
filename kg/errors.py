"""The base of every error that is meant for the reader: its message says what is wrong, where, and what to do."""

from __future__ import annotations


class WhyPathError(Exception):
    """An error for the person who runs WhyPath; the command line prints it without a traceback and exits with 2."""

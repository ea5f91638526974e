"""`WhyPathError`: base of every error meant for the user; its message says what is wrong, where, and what to do."""

from __future__ import annotations

from kg.visible import visible


class WhyPathError(Exception):
    """An error for the person who runs WhyPath; the command line prints it without a traceback and exits with 2.

    The message has no invisible characters and no terminal escapes, whatever ids and file names are in it.
    """

    def __str__(self) -> str:
        return visible(super().__str__())

"""The base of every error that is meant for the reader: its message says what is wrong, where, and what to do."""

from __future__ import annotations

from kg.visible import visible


class WhyPathError(Exception):
    """An error for the person who runs WhyPath; the command line prints it without a traceback and exits with 2.

    Whatever ids and names of files are in its message, nothing in it is invisible or acts on a terminal.
    """

    def __str__(self) -> str:
        return visible(super().__str__())

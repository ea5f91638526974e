"""End a command: its exit status, an unusable standard output, and an interruption at any moment.

A signal handler sets the status before it raises, because the interrupted code may replace the exception: an
interrupted import ends in an `ImportError`, a destructor swallows every exception.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, NoReturn, Self, TextIO, cast

DONE, CHECK_FAILED, ERROR = 0, 1, 2
INTERRUPTED, TERMINATED = 128 + int(signal.SIGINT), 128 + int(signal.SIGTERM)
"""Exit statuses of commands; for a signal, those of shells."""


class OutputLost(Exception):
    """Standard output cannot be written: it is closed, or its disk is full."""


class Signalled(BaseException):
    """SIGTERM arrived; like `KeyboardInterrupt` for SIGINT, it ends the command after its clean-up."""


class ResultStream:
    """Standard output that reports its failure: `BrokenPipeError` if its reader closed it, else `OutputLost`."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write."""
        try:
            return self._stream.write(text)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputLost(error.strerror or str(error)) from None

    def flush(self) -> None:
        """Write what is buffered."""
        try:
            self._stream.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputLost(error.strerror or str(error)) from None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class Interruptible:
    """Context in which SIGINT and SIGTERM set `status` and raise; errors in interrupted code are not reported."""

    def __init__(self) -> None:
        self.status = 0
        self._before: dict[int, Any] = {}
        self._hook = sys.unraisablehook

    def __enter__(self) -> Self:
        try:
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._on_signal)
        except ValueError:
            pass  # not the main thread, which alone may set signal handlers
        self._hook = sys.unraisablehook
        sys.unraisablehook = self._unraisable
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        sys.unraisablehook = self._hook

    def _on_signal(self, number: int, _: FrameType | None) -> None:
        self.status = 128 + number
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        raise Signalled

    def _unraisable(self, found: Any) -> None:
        if not self.status:
            self._hook(found)


def use_standard_streams() -> bool:
    """Make the standard streams usable, even if the caller closed them; returns whether results can be printed.

    A closed stream becomes the null device; otherwise the first opened file would take its place and receive what is
    printed. Characters that the encoding lacks are written as escapes.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDONLY if number == 0 else os.O_WRONLY)
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 it stays open until the end
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
    if sys.stdout is None:
        return False
    sys.stdout = cast(TextIO, ResultStream(sys.stdout))
    return True


def say(message: str) -> None:
    """Write a line to stderr, if that can be written."""
    try:
        print(message, file=sys.stderr, flush=True)
    except (OSError, ValueError):
        forget_what_is_kept(2)


def forget_what_is_kept(number: int) -> None:
    """Discard what a standard stream has buffered; otherwise the interpreter reports it at exit."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, number)
    os.close(null)


def leave(run: Callable[[], int]) -> NoReturn:
    """Run a command in its own process and end the process with its status."""
    if not use_standard_streams():
        say("whypath: error: standard output is closed: nothing was done; redirect it to a file or to /dev/null")
        sys.exit(ERROR)
    try:
        status = run()
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else ERROR if error.code else DONE
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        forget_what_is_kept(1)
    except (OSError, OutputLost, ValueError) as error:
        forget_what_is_kept(1)
        status = status or ERROR
        say(f"whypath: error: standard output cannot be written ({error})")
    try:
        sys.stderr.flush()
    except (OSError, ValueError):
        forget_what_is_kept(2)
    if status > 128:
        os._exit(status)  # a normal exit would wait for threads that still compute
    sys.exit(status)

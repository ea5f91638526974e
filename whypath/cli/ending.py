"""How a command ends: its exit status, whatever becomes of standard output, and an interruption at any moment.

A signal sets a note before it raises, since what it interrupts may turn the exception into another one: an import
that is broken off ends in an `ImportError`, a destructor swallows everything.
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
"""Exit statuses of commands; for a signal as shells have them."""


class OutputLost(Exception):
    """Standard output cannot be written: it is closed, or its disk is full."""


class Signalled(BaseException):
    """SIGTERM arrived; like `KeyboardInterrupt` for SIGINT it ends everything, with what has to be cleared away."""


class ResultStream:
    """Standard output that says what is wrong with it: `BrokenPipeError` if its reader has left, else `OutputLost`."""

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
        """Write what is kept back."""
        try:
            self._stream.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputLost(error.strerror or str(error)) from None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class Interruptible:
    """While it lasts, SIGINT and SIGTERM are noted in `status` and then raised; nothing is said of what they end."""

    def __init__(self) -> None:
        self.status = 0
        self._before: dict[int, Any] = {}
        self._hook = sys.unraisablehook

    def __enter__(self) -> Self:
        try:
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._on_signal)
        except ValueError:
            pass  # not the main thread, which alone may say what a signal does
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
    """Make the standard streams fit for a command, also where its caller closed them; whether results can be printed.

    A closed one becomes the null device, or the first file that is opened would be in its place, and what is printed
    would go into that. Characters that the encoding lacks are written as escapes.
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
    """Let what a standard stream keeps back go nowhere, or the interpreter complains of it when it ends."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, number)
    os.close(null)


def leave(run: Callable[[], int]) -> NoReturn:
    """Run a command in a process of its own and end the process with its status."""
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
        os._exit(status)  # threads that still compute would be waited for
    sys.exit(status)

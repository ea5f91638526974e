"""Run a command with stderr, and stdout unless it is a file, on a pseudo-terminal, and see what the terminal gets."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


def on_a_terminal(arguments: Sequence[str], stdout: Path | None = None) -> tuple[int, str]:
    """Exit status, and the text that the terminal was sent."""
    ours, theirs = pty.openpty()
    out = theirs if stdout is None else os.open(stdout, os.O_WRONLY | os.O_CREAT, 0o600)
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "200"}
    process = subprocess.Popen(
        [sys.executable, "-m", "whypath", *arguments], stdin=theirs, stdout=out, stderr=theirs, env=environment
    )
    os.close(theirs)
    sent = b""
    while True:
        try:
            piece = os.read(ours, 1 << 16)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        sent += piece
    os.close(ours)
    if stdout is not None:
        os.close(out)
    return process.wait(), sent.decode(errors="surrogateescape")

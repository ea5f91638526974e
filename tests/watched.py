"""Run Python in a process of its own and learn whom it and its children asked: every connection, name and program, by
an audit hook.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_HOOK = """\
import os, sys

def watch(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        asked = f"{event} {arguments[-2:] if event != 'socket.getaddrinfo' else arguments[:2]}"
    elif event == "subprocess.Popen":
        asked = f"{event} {arguments[1]}"
    elif event == "open" and isinstance(arguments[0], str | bytes | os.PathLike):
        asked = f"{event} {os.fsdecode(arguments[0])}"
    else:
        return
    os.write(watched, f"{asked}\\n".encode(errors="replace"))

watched = os.open(os.environ["WATCHED_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
sys.addaudithook(watch)
"""
"""Becomes `sitecustomize`, which every Python process below runs first."""

_COMMAND = "from whypath.cli import main\nsys.exit(main(sys.argv[1:]))\n"


@dataclass(frozen=True)
class Watched:
    """What a process ended with, what it said, and what it asked for."""

    code: int
    out: str
    err: str
    asked: tuple[str, ...]

    @property
    def network(self) -> tuple[str, ...]:
        """Connections and names, and starts of pip, which would connect."""
        return tuple(each for each in self.asked if each.startswith("socket.") or ("Popen" in each and "pip" in each))

    def opened(self, folder: Path) -> tuple[str, ...]:
        """Files that were opened in a folder."""
        return tuple(each for each in self.asked if each.startswith(f"open {folder}"))


def run_watched(
    arguments: Sequence[str | Path], folder: Path, environment: Mapping[str, str], *, code: str = _COMMAND
) -> Watched:
    """Run `whypath` with these arguments, or other code; what it asked is kept in a file of `folder`.

    The environment is this process's with the given variables, and with the Hugging Face hub and the package index at a
    port of this machine where nobody listens.
    """
    log, hook = folder / "asked", folder / "hook"
    log.unlink(missing_ok=True)
    hook.mkdir(exist_ok=True)
    (hook / "sitecustomize.py").write_text(_HOOK)
    paths = [str(hook), *filter(None, [os.environ.get("PYTHONPATH")])]
    known = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "WHYPATH_", "PIP_"))}
    nobody = "http://127.0.0.1:9"
    set_here = {"HF_ENDPOINT": nobody, "PIP_INDEX_URL": nobody, "PIP_CONFIG_FILE": os.devnull, "HF_TOKEN": "hf_secret"}
    watching = {"WATCHED_LOG": str(log), "PYTHONPATH": os.pathsep.join(paths)}
    done = subprocess.run(
        [sys.executable, "-c", f"import os, sys\n{code}", *arguments],
        env={**known, **set_here, **watching, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return Watched(done.returncode, done.stdout, done.stderr, tuple(log.read_text(errors="replace").splitlines()))

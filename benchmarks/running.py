"""Run a command as a separate process, and measure its time and memory by stage."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

Tell = Callable[[str], None]
"""Called with a line on the current step."""

STAGE = "stage: "
"""A line of a command's stderr with this prefix begins a stage of the name that follows."""

_SAMPLE_SECONDS = 0.05
_MB = 1e6
_KEPT_LINES = 20


class CommandFailed(RuntimeError):
    """A command ended with an error; the message has the last lines of its output."""


@dataclass(frozen=True)
class Stage:
    """Wall time of a stage, and the process's peak memory during it (all of its memory, not only the stage's)."""

    name: str
    seconds: float
    peak_mb: float | None


@dataclass(frozen=True)
class Measured:
    """The cost of a command. peak_mb: its peak resident memory in 10^6 bytes. cpu_seconds: over all threads."""

    seconds: float
    cpu_seconds: float
    peak_mb: float
    output: str
    stages: tuple[Stage, ...] = ()

    def to_json(self) -> dict[str, float]:
        """The numbers as recorded."""
        return {
            "seconds": round(self.seconds, 2),
            "cpu_seconds": round(self.cpu_seconds, 2),
            "peak_mb": round(self.peak_mb),
        }


def run(command: Sequence[str], *, tell: Tell, env: Mapping[str, str] | None = None) -> Measured:
    """Run a command to its end, pass on its stderr line by line, and measure it. Raises CommandFailed."""
    started = time.monotonic()
    process = subprocess.Popen(
        list(command),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=None if env is None else {**os.environ, **env},
    )
    sampler = _Sampler(process.pid)
    said: list[str] = []
    begins: list[tuple[str, float]] = []

    def listen() -> None:
        assert process.stderr is not None
        for line in process.stderr:
            text = line.rstrip()
            if text.startswith(STAGE):
                begins.append((text.removeprefix(STAGE), time.monotonic()))
            elif text:
                said.append(text)
                tell(text)

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    try:
        assert process.stdout is not None
        output = process.stdout.read()
        listener.join()
        # Not Popen.wait: only wait4 reports the resources that the process has used.
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    except BaseException:
        process.kill()
        raise
    finally:
        sampler.stop()
    ended = time.monotonic()
    if process.returncode:
        last = "\n".join(said[-_KEPT_LINES:])
        raise CommandFailed(f"`{' '.join(command)}` ended with {process.returncode}:\n{last}")
    moments = [*(moment for _, moment in begins), ended]
    stages = tuple(
        Stage(name, end - begin, sampler.peak_between(begin, end))
        for (name, begin), end in zip(begins, moments[1:], strict=True)
    )
    # ru_maxrss in KB starts from this process's memory at the fork, so it is only for systems without /proc.
    peak = sampler.peak if sampler.peak is not None else usage.ru_maxrss * 1024 / _MB
    return Measured(ended - started, usage.ru_utime + usage.ru_stime, peak, output, stages)


class _Sampler:
    """Reads a process's resident memory from /proc, twenty times a second, in a separate thread."""

    def __init__(self, pid: int) -> None:
        self._status = Path(f"/proc/{pid}/status")
        self._samples: list[tuple[float, float]] = []
        self._highest: float | None = None
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()

    @property
    def peak(self) -> float | None:
        """The kernel's own high-water mark in 10^6 bytes, as last read; None where there is no /proc."""
        return self._highest

    def peak_between(self, begin: float, end: float) -> float | None:
        """The highest sample of a span of time, in 10^6 bytes."""
        inside = [value for moment, value in self._samples if begin <= moment <= end]
        return max(inside, default=None)

    def stop(self) -> None:
        self._done.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._done.is_set():
            try:
                lines = self._status.read_text().splitlines()
            except OSError:
                return
            found = {name: rest for name, _, rest in (line.partition(":") for line in lines)}
            # A process that has ended but is not waited for has no memory lines.
            if "VmRSS" in found and "VmHWM" in found:
                self._samples.append((time.monotonic(), _in_mb(found["VmRSS"])))
                self._highest = _in_mb(found["VmHWM"])
            self._done.wait(_SAMPLE_SECONDS)


def _in_mb(entry: str) -> float:
    """`   1234 kB` of /proc, whose kB are 1024 bytes."""
    return int(entry.split()[0]) * 1024 / _MB

"""Start a Neo4j server with an empty database for a measurement by a launcher, and end it afterwards."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from neo4j import Driver, GraphDatabase

LAUNCHER = "WHYPATH_NEO4J_LOCAL"
"""The environment variable that names the launcher, as for the tests."""


def add_server(parser: argparse.ArgumentParser) -> None:
    """The option that names the launcher."""
    text = f"starts and stops servers (default: ${LAUNCHER})"
    parser.add_argument("--server", default=os.environ.get(LAUNCHER), metavar="LAUNCHER", help=text)


def launcher_of(arguments: argparse.Namespace) -> str:
    """The given launcher; the options keep only its name, since its path is specific to this machine.

    Raises RuntimeError where none was given.
    """
    launcher: str | None = arguments.server
    if not launcher:
        raise RuntimeError(f"no server to measure on: name a launcher with --server or in {LAUNCHER}")
    arguments.server = Path(launcher).name
    return launcher


@dataclass(frozen=True)
class LocalServer:
    """A running server: its folder, address, and process."""

    launcher: str
    folder: Path
    uri: str
    password_file: Path
    import_folder: Path
    process: int

    def environment(self, cache: Path) -> dict[str, str]:
        """Environment of a process that uses it as a store, with a separate folder for its snapshots."""
        return {
            "NEO4J_URI": self.uri,
            "NEO4J_USERNAME": "neo4j",
            "NEO4J_PASSWORD_FILE": str(self.password_file),
            "WHYPATH_CACHE": str(cache),
        }

    def driver(self) -> Driver:
        return GraphDatabase.driver(self.uri, auth=("neo4j", self.password_file.read_text()))

    def peak_mb(self) -> float | None:
        """Peak resident memory of the server so far, in 10^6 bytes; None where there is no /proc."""
        try:
            lines = Path(f"/proc/{self.process}/status").read_text().splitlines()
        except OSError:
            return None
        kilobytes = next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), None)
        return None if kilobytes is None else kilobytes * 1024 / 1e6

    def cpu_seconds(self) -> float:
        """Processor time that the server has used so far, over all threads; 0 where there is no /proc."""
        try:
            fields = Path(f"/proc/{self.process}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        """End it cleanly, so that its files can be used by the administration tool."""
        launch(self.launcher, "stop", self.folder)

    def start_again(self, options: Sequence[str] = ()) -> LocalServer:
        """Start it after `stop`, on the same ports with the same database, as a new process."""
        told = json.loads(launch(self.launcher, "start", self.folder, *options))
        return replace(self, process=told["pid"])

    def administer(self, *arguments: str, within: Path | None = None) -> str:
        """Run neo4j-admin on the stopped server, in a folder; returns its output."""
        return launch(self.launcher, "admin", self.folder, *arguments, within=within)


@contextmanager
def server(launcher: str, folder: Path, options: Sequence[str] = ()) -> Iterator[LocalServer]:
    """A server with an empty database in a new folder; killed at the end, since its data are not needed again."""
    told = json.loads(launch(launcher, "start", folder, *options))
    try:
        yield LocalServer(
            launcher, folder, told["uri"], Path(told["password_file"]), Path(told["import_dir"]), told["pid"]
        )
    finally:
        launch(launcher, "kill", folder)


def launch(launcher: str, command: str, folder: Path, *arguments: str, within: Path | None = None) -> str:
    """Run the launcher; its stdout. Raises RuntimeError with its output."""
    # The new server would take this process's variables as its own.
    env = {name: value for name, value in os.environ.items() if not name.startswith("NEO4J_") or name == "NEO4J_JAVA"}
    called = [str(Path(launcher).resolve()), command, str(folder.resolve()), *arguments]
    done = subprocess.run(called, capture_output=True, text=True, env=env, cwd=within)
    if done.returncode:
        said = (done.stderr or done.stdout).strip()[-2000:]
        raise RuntimeError(f"`{Path(launcher).name} {command}` ended with {done.returncode}: {said}")
    return done.stdout

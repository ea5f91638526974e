"""A real Neo4j for tests, started by the launcher that the environment variable WHYPATH_NEO4J_LOCAL names.

Without the variable the tests that need a server are skipped; where WHYPATH_REQUIRE names `neo4j`, they fail instead.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, LiteralString, cast

import neo4j
import pytest
from neo4j.exceptions import DriverError, Neo4jError

LAUNCHER = "WHYPATH_NEO4J_LOCAL"
REQUIRED = "WHYPATH_REQUIRE"

_QUICK = ("--pagecache", "64m", "--set", "server.http.enabled=false", "--set", "db.tx_log.preallocate=false")
"""What makes a start quicker and is not missed: no test speaks HTTP or writes much."""


_START_SECONDS = 60.0


@dataclass(frozen=True)
class Server:
    """A running server: its address and where its password is."""

    folder: Path
    uri: str
    password_file: Path

    @property
    def password(self) -> str:
        return self.password_file.read_text()

    def settings(self) -> dict[str, str]:
        """The environment of a user of this server."""
        return {
            "NEO4J_URI": self.uri,
            "NEO4J_USERNAME": "neo4j",
            "NEO4J_PASSWORD_FILE": str(self.password_file),
        }

    def driver(self) -> neo4j.Driver:
        return neo4j.GraphDatabase.driver(self.uri, auth=("neo4j", self.password))

    def empty(self) -> None:
        """Remove all nodes and relationships; constraints and indexes stay, which loads must cope with."""
        with self.driver() as driver:
            driver.execute_query("MATCH (n) DETACH DELETE n")

    def query(self, text: str, **parameters: Any) -> list[list[Any]]:
        """What somebody else's query says about the database: the values of each record."""
        with self.driver() as driver, driver.session() as session:
            return session.run(cast(LiteralString, text), parameters).values()

    def kill(self) -> None:
        _launch("kill", self.folder)

    @property
    def process(self) -> int:
        """Id of the running server's process."""
        return int((self.folder / "pid").read_text())

    def stop(self) -> None:
        """End it cleanly, as its operator would."""
        _launch("stop", self.folder)

    @contextmanager
    def read_only(self) -> Iterator[None]:
        """Restarted with databases that take no writes, and once more as it was."""
        configuration = self.folder / "conf" / "neo4j.conf"
        before = configuration.read_text()
        self.kill()
        configuration.write_text(before + "server.databases.default_to_read_only=true\n")
        try:
            self.restart()
            yield
        finally:
            configuration.write_text(before)
            with suppress(AssertionError):
                self.kill()
            self.restart()

    @contextmanager
    def full_disk(self) -> Iterator[None]:
        """It can write to no file beyond its beginning, so writes fail as on a full disk; started anew in the end."""
        before = resource.prlimit(self.process, resource.RLIMIT_FSIZE)
        resource.prlimit(self.process, resource.RLIMIT_FSIZE, (1 << 16, before[1]))
        try:
            yield
        finally:
            self.kill()
            self.restart()

    def bulk_import(self, folder: Path, arguments: Sequence[str]) -> None:
        """Exchange the database for what `neo4j-admin` makes of a folder of import files."""
        self.kill()
        _launch("admin", self.folder, *arguments, cwd=folder)
        self.restart()

    def restart(self) -> None:
        """Start it again on the ports that it had; its database answers when this returns, and not only its port."""
        _launch("start", self.folder)
        until = time.monotonic() + _START_SECONDS
        while True:
            try:
                self.query("RETURN 1")
            except (Neo4jError, DriverError):
                if time.monotonic() > until:
                    raise
                time.sleep(0.2)
            else:
                return


@contextmanager
def deprecations() -> Iterator[list[str]]:
    """What the server calls deprecated in queries of this process meanwhile."""
    noted: list[str] = []
    logger = logging.getLogger("neo4j.notifications")

    class Collecting(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if "DEPRECATION" in record.getMessage():
                noted.append(record.getMessage())

    before, handler = logger.level, Collecting()
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        yield noted
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)


def launcher() -> str:
    """The launcher's path; skips or fails the test without one."""
    path = os.environ.get(LAUNCHER)
    if path:
        return path
    reason = f"needs a Neo4j server: set {LAUNCHER} to a launcher"
    if "neo4j" in os.environ.get(REQUIRED, "").split(","):
        pytest.fail(f"{reason} ({REQUIRED} asks for it)")
    pytest.skip(reason)


@contextmanager
def running(folder: Path, options: Sequence[str] = ()) -> Iterator[Server]:
    """A server with an empty database in a folder, stopped in the end."""
    told = json.loads(_launch("start", folder, "--heap", "384m", *_QUICK, *options))
    try:
        yield Server(folder, told["uri"], Path(told["password_file"]))
    finally:
        # Nothing in the database is needed again, so the quick end will do.
        _launch("kill", folder)


def _launch(command: str, folder: Path, *options: str, cwd: Path | None = None) -> str:
    # The better of Java's two compilers pays after minutes only: without it a start and a test take half the processor.
    environment = {**os.environ, "JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1"}
    arguments = [launcher(), command, str(folder), *options]
    done = subprocess.run(arguments, capture_output=True, text=True, env=environment, cwd=cwd)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout

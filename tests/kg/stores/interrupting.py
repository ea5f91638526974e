"""Interrupting jobs on a Neo4j store at random moments: the client is killed, the server is, or it comes back under a
client that lives on.

A job is a function of `neo4j_victims` that sends a message after everything that it has been told is done.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import secrets
import time
from collections.abc import Callable
from enum import Enum
from multiprocessing.connection import Connection
from typing import Any

from tests.neo4j_server import Server

SEED = int(os.environ.get("WHYPATH_SEED") or secrets.randbits(32))
"""Of the moments; printed with a failure. WHYPATH_SEED repeats a run, as far as two processes and a server can."""

DELAY = 0.03
"""Seconds at most between a message and the strike: about as long as a few transactions."""


class Strike(Enum):
    """What happens to a job in the middle of it."""

    CLIENT = "the client is killed"
    SERVER = "the server is killed, and the client"
    STOP = "the server is stopped as its operator would, and the client killed"
    RESTART = "the server is killed and started again, the client lives on for a while"


class Interruptions:
    """The interruptions of one test, at moments of its own."""

    def __init__(self, server: Server, part: object) -> None:
        print(f"WHYPATH_SEED={SEED}")
        self.moments = random.Random(f"{SEED} {part}")
        self._server = server
        self._processes = multiprocessing.get_context("forkserver")
        self._processes.set_forkserver_preload(["tests.kg.stores.neo4j_victims"])

    def mixed(self, *strikes: Strike) -> list[Strike]:
        """The strikes in an order that nobody knows."""
        return self.moments.sample(strikes, len(strikes))

    def strike(self, strike: Strike, longest: int, job: Callable[..., None], *arguments: object) -> list[Any]:
        """Run a job and strike after some of its messages, fewer than `longest`; give back all that it sent.

        Counting messages and not seconds puts the moments where the work is, on slow machines and fast ones.
        """
        receiving, sending = self._processes.Pipe(duplex=False)
        process = self._processes.Process(target=job, args=(*arguments, sending))
        process.start()
        sending.close()
        sent: list[Any] = []
        _receive(receiving, sent, self.moments.randrange(1, longest))
        time.sleep(self.moments.uniform(0, DELAY))
        if strike is Strike.STOP:
            self._server.stop()
        elif strike is not Strike.CLIENT:
            self._server.kill()
        if strike is Strike.RESTART:
            self._server.restart()
            _receive(receiving, sent, self.moments.randrange(1, longest))
        process.kill()
        process.join()
        _receive(receiving, sent, None)
        if strike in (Strike.SERVER, Strike.STOP):
            self._server.restart()
        return sent


def _receive(receiving: Connection, messages: list[Any], count: int | None) -> None:
    """Receive so many messages more, or all; fewer where the job ends."""
    until = None if count is None else len(messages) + count
    while until is None or len(messages) < until:
        try:
            messages.append(receiving.recv())
        except (EOFError, OSError):
            return

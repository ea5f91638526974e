"""A proxy before a Neo4j server that loses the answer to a commit, or the commit itself, when it is armed."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from enum import Enum
from urllib.parse import urlsplit

from tests.neo4j_server import Server

BEGIN = b"\xb1\x11"
READING = b"\x84mode\x81r"
COMMIT = b"\x00\x02\xb0\x12\x00\x00"
"""Bolt's messages as they go over the wire: the beginning of a transaction, what one that only reads says, its end."""


class Loss(Enum):
    """What becomes of the next commit of a writing transaction; the client is told nothing in each case."""

    ANSWER = "the server has committed, the answer is lost"
    COMMIT = "the server never hears of the commit"
    SERVER = "the server has committed and is killed, and comes back"


class Cut:
    """The proxy, at `port` of this machine; `cuts` counts what it has cut."""

    def __init__(self, server: Server, loss: Loss) -> None:
        self.cuts = 0
        self._server = server
        self._loss = loss
        self._armed = False
        self._passing = 0
        self._target = urlsplit(server.uri)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def arm(self, passing: int = 0) -> None:
        """Lose one commit, after so many that pass."""
        self._passing, self._armed = passing, True

    def assert_cut(self, times: int) -> None:
        """Something was lost as often as it should."""
        assert (self.cuts, self._armed) == (times, False)

    def close(self) -> None:
        """Take no further connections."""
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection((str(self._target.hostname), self._target.port or 0))
            except OSError:
                client.close()
                continue
            line = _Line(client, server)
            threading.Thread(target=self._upwards, args=(line,), daemon=True).start()
            threading.Thread(target=self._downwards, args=(line,), daemon=True).start()

    def _upwards(self, line: _Line) -> None:
        reading = False
        with line, suppress(OSError):
            while data := line.client.recv(65536):
                if BEGIN in data:
                    reading = READING in data
                if self._armed and not reading and data.endswith(COMMIT):
                    self._armed, self._passing = self._passing > 0, self._passing - 1
                    if not self._armed and self._loss is Loss.COMMIT:
                        self.cuts += 1
                        return
                    if not self._armed:
                        line.answer_is_lost.set()
                line.server.sendall(data)

    def _downwards(self, line: _Line) -> None:
        with line, suppress(OSError):
            while data := line.server.recv(65536):
                if line.answer_is_lost.is_set():
                    if self._loss is Loss.SERVER:
                        self._server.kill()
                    self.cuts += 1
                    break
                line.client.sendall(data)
        if line.answer_is_lost.is_set() and self._loss is Loss.SERVER:
            self._server.restart()


class _Line:
    """A client's connection and the one to the server for it; both are closed when either side is done."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.client = client
        self.server = server
        self.answer_is_lost = threading.Event()

    def __enter__(self) -> _Line:
        return self

    def __exit__(self, *_: object) -> None:
        for each in (self.client, self.server):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

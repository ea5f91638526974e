"""`BoltListener`: somebody who waits on this machine for connections of a Neo4j driver and keeps what is said."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

_BOLT_5_4 = b"\x00\x00\x04\x05"
_WELCOME = b"\xb1\x70\xa2\x86server\x8cNeo4j/5.26.0\x8dconnection_id\x81x"
_DENIED = b"\xb1\x7f\xa2\x84code\xd0\x25Neo.ClientError.Security.Unauthorized\x87message\x82no"


class BoltListener:
    """A context manager; `heard` is all that was sent, one entry a connection, until the sender has gone."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self.port: int = self._socket.getsockname()[1]
        self.uri = f"bolt://127.0.0.1:{self.port}"

    def __enter__(self) -> BoltListener:
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()
        return self

    def __exit__(self, *_: object) -> None:
        # Closing a socket does not wake who waits on it.
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
            pass
        self._socket.close()
        self._accepting.join()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                said = self._listen(connection)
            if said:
                self.heard.append(said)
            else:
                return

    def _listen(self, connection: socket.socket) -> bytes:
        connection.settimeout(10)
        said = b""
        with suppress(OSError):
            said = connection.recv(20)
            connection.sendall(_BOLT_5_4)
            said += connection.recv(1 << 16)
            for answer in (_WELCOME, _DENIED):
                connection.sendall(len(answer).to_bytes(2, "big") + answer + b"\0\0")
            while more := connection.recv(1 << 16):
                said += more
        return said

    def was_told(self, text: str) -> bool:
        """Whether anybody has said this."""
        return any(text.encode() in said for said in self.heard)

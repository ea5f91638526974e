"""`NewTexts`: vectors of texts that a bundle's training did not see, computed in a child process of low priority.

So a serving process imports no torch, and no request waits while a text is encoded.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import whypath
from encoders.text import TextEncoderSettings, TextModelError
from encoders.text.cache import text_digest
from whypath.models.text_process import LENGTH, Answer, Asked


class NewTexts:
    """The known vectors of one bundle's new texts; `vectors` is for one thread at a time.

    `unread`: texts without a vector at the last `vectors`. `problem`: why they cannot be encoded, "" if they can.
    """

    def __init__(self, settings: TextEncoderSettings, dimension: int, *, download: bool, wait: bool) -> None:
        """settings: those of the text encoder in the bundle's record, with vectors of length `dimension`. download:
        whether its model may be fetched if this machine lacks it. wait: whether `vectors` also encodes.
        """
        self.unread: tuple[str, ...] = ()
        self.problem = ""
        self.is_closed = False
        self._asked = Asked(settings=settings, dimension=dimension, download=download)
        self._waits = wait
        self._known: dict[bytes, NDArray[np.float32]] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """float32 [len(texts), d], zeros for a text that is not encoded yet. With `wait` all are encoded first, as
        long as there is no `problem`, which raises what `encode` raises."""
        digests = [text_digest(text) for text in texts]
        self.unread = tuple(text for text, digest in zip(texts, digests, strict=True) if digest not in self._known)
        if self._waits and self.unread and not self.problem:
            self.encode()
            self.unread = ()
        blank = np.zeros(self._asked.dimension, dtype=np.float32)
        rows = [self._known.get(digest, blank) for digest in digests]
        return np.array(rows, dtype=np.float32).reshape(len(texts), self._asked.dimension)

    def encode(self) -> None:
        """Encode the unread texts. Raises TextModelError, with the message of the child process if it fails."""
        texts = list(dict.fromkeys(self.unread))
        vectors = self._in_child(texts)
        self._known |= zip(map(text_digest, texts), vectors, strict=True)

    def close(self) -> None:
        """Stop a running child process."""
        with self._lock:
            self.is_closed = True
            if self._process is not None:
                self._process.kill()

    def _in_child(self, texts: list[str]) -> NDArray[np.float32]:
        asked = self._asked.model_copy(update={"texts": texts})
        with self._lock:
            if self.is_closed:
                raise TextModelError("the engine is closed")
            self._process = process = subprocess.Popen(
                # The current folder may hold untrusted code, so nothing is imported from it (-P).
                [sys.executable, "-P", "-m", "whypath.models.text_process"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(_import_path())},
            )
        try:
            out, _ = process.communicate(asked.model_dump_json().encode())
        finally:
            with self._lock:
                self._process = None
            if process.poll() is None:
                process.kill()
                process.wait()
        return _vectors_of(out, process.returncode, (len(texts), self._asked.dimension))


def _import_path() -> list[str]:
    """The child's environment: that of this process, and the path of this package, also if it is not installed."""
    return [str(Path(whypath.__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]


def _vectors_of(out: bytes, code: int, shape: tuple[int, int]) -> NDArray[np.float32]:
    """Read the vectors in a child's output. Raises TextModelError."""
    length = int.from_bytes(out[:LENGTH], "big")
    body = out[LENGTH + length :]
    try:
        answer = Answer.model_validate(json.loads(out[LENGTH : LENGTH + length]))
    except ValueError:
        raise TextModelError(f"the process that encodes texts ended with code {code} and no answer") from None
    if answer.error:
        raise TextModelError(answer.error)
    if len(body) != 4 * shape[0] * shape[1]:
        raise TextModelError("the process that encodes texts gave vectors of another number or length than expected")
    return np.frombuffer(body, dtype="<f4").reshape(shape).astype(np.float32)

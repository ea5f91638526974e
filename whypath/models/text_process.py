"""The child process that encodes new texts for a serving process: a request on stdin, vectors on stdout.

The request is JSON. The answer is the length of its JSON part (8 bytes, big-endian), that part, and if there is no
error the vectors as float32 in little-endian, row by row.
"""

from __future__ import annotations

import os
import sys

import numpy as np
from pydantic import BaseModel, ConfigDict

from encoders.text import TextEncoderSettings
from kg.errors import WhyPathError

LENGTH = 8
"""Number of bytes of the length of the JSON part."""

_NICE = 10
"""Added to the process's niceness, so that serving goes first."""


class Asked(BaseModel):
    """The request: texts, the settings of their encoder, the length of its vectors, whether it may be fetched."""

    model_config = ConfigDict(frozen=True)

    settings: TextEncoderSettings
    dimension: int
    download: bool
    texts: list[str] = []


class Answer(BaseModel):
    """The part before the vectors: an error for the reader, "" if there is none."""

    error: str = ""


def main() -> None:
    """Answer one request."""
    # What libraries print is sent to stderr, so that stdout has only the answer.
    answer_to = os.dup(1)
    os.dup2(2, 1)
    if hasattr(os, "nice"):
        os.nice(_NICE)
    asked = Asked.model_validate_json(sys.stdin.buffer.read())
    vectors, answer = b"", Answer()
    try:
        vectors = _encoded(asked)
    except WhyPathError as error:
        answer = Answer(error=str(error))
    head = answer.model_dump_json().encode()
    with os.fdopen(answer_to, "wb") as file:
        file.write(len(head).to_bytes(LENGTH, "big") + head + vectors)


def _encoded(asked: Asked) -> bytes:
    from whypath.models.texts import new_text_vectors

    found = new_text_vectors(asked.texts, asked.settings, asked.dimension, download=asked.download)
    return np.ascontiguousarray(found, dtype="<f4").tobytes()


if __name__ == "__main__":
    main()

"""Pages of a long read: the server puts the next ones together while this process takes one apart."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from typing import TypeVar

Q = TypeVar("Q")
A = TypeVar("A")


def asked_ahead(ask: Callable[[Q], Future[A]], questions: Iterable[Q], ahead: int) -> Iterator[A]:
    """The answer to each question, in order; `ahead` further ones have been asked when one is given out."""
    waiting: deque[Future[A]] = deque()
    for question in questions:
        waiting.append(ask(question))
        if len(waiting) > ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()

"""Request pages of a long read ahead: the server prepares the next ones while this process parses one."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from typing import TypeVar

Q = TypeVar("Q")
A = TypeVar("A")


def asked_ahead(ask: Callable[[Q], Future[A]], questions: Iterable[Q], ahead: int) -> Iterator[A]:
    """Yield the answer to each question, in order, with `ahead` further questions in progress."""
    waiting: deque[Future[A]] = deque()
    for question in questions:
        waiting.append(ask(question))
        if len(waiting) > ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()

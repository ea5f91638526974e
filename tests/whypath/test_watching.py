"""The watch over a store's state: what is fresh, when it asks, when it ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from kg.stores import StoreState, StoreUnavailable
from whypath.live.watching import Watch


class Server:
    """Answers with a new state each time, or not at all."""

    def __init__(self) -> None:
        self.questions = 0
        self.away = False
        self.slow = threading.Event()
        self.slow.set()

    def state(self) -> StoreState:
        self.questions += 1
        answer = StoreState(1, self.questions, None)
        self.slow.wait(60)
        if self.away:
            raise StoreUnavailable("away")
        return answer


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def watch(server: Server) -> Iterator[Watch]:
    watch = Watch(server.state, 0.02)
    yield watch
    server.slow.set()
    watch.close()


def comes_true(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.001)


def test_what_is_known_is_fresh_until_it_is_too_old_or_forgotten(server: Server) -> None:
    watch = Watch(server.state, 1e6)
    assert watch.fresh() is None
    now = time.monotonic()
    watch.note(StoreState(1, 7, None), now)
    # An answer to an earlier question comes too late.
    watch.note(StoreState(1, 6, None), now - 1)
    assert watch.fresh() == StoreState(1, 7, None)
    watch.forget()
    assert watch.fresh() is None
    watch.note(StoreState(1, 8, None), now)
    assert watch.fresh() is None
    watch.note(StoreState(1, 9, None), time.monotonic())
    assert watch.fresh() == StoreState(1, 9, None)
    watch.note(StoreState(1, 10, None), time.monotonic())
    watch.close()
    assert server.questions == 0


def test_it_asks_while_there_are_calls_and_ends_without(
    server: Server, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch.note(StoreState(1, 0, None), time.monotonic())
    comes_true(lambda: (watch.fresh() or StoreState(1, 0, None)).event_generation > 3)
    monkeypatch.setattr("whypath.live.watching.IDLE_SECONDS", 0.0)
    comes_true(lambda: watch._thread is not None and not watch._thread.is_alive())
    asked = server.questions
    assert watch.fresh() is None or watch.fresh() == StoreState(1, asked, None)
    assert server.questions == asked


def test_it_ends_where_the_server_is_away_and_begins_again_when_a_caller_got_an_answer(
    server: Server, watch: Watch
) -> None:
    server.away = True
    watch.note(StoreState(1, 0, None), time.monotonic())
    comes_true(lambda: server.questions == 1 and watch._thread is not None and not watch._thread.is_alive())
    comes_true(lambda: watch.fresh() is None)
    server.away = False
    watch.note(StoreState(1, 0, None), time.monotonic())
    comes_true(lambda: (watch.fresh() or StoreState(1, 0, None)).event_generation > 1)


def test_an_answer_that_was_asked_for_before_a_change_is_not_fresh(server: Server, watch: Watch) -> None:
    server.slow.clear()
    watch.note(StoreState(1, 0, None), time.monotonic())
    comes_true(lambda: server.questions == 1)
    watch.forget()
    server.slow.set()
    comes_true(lambda: server.questions > 1)
    found: list[StoreState] = []

    def is_fresh() -> bool:
        state = watch.fresh()
        found.extend([] if state is None else [state])
        return bool(found)

    comes_true(is_fresh)
    assert found[0].event_generation > 1


def test_nothing_is_watched_where_nothing_is_ever_fresh(server: Server) -> None:
    watch = Watch(server.state, 0.0)
    watch.note(StoreState(1, 0, None), time.monotonic() - 1e-6)
    assert watch.fresh() is None
    assert watch._thread is None

"""The follower of a store: when it asks, what it notes, when it gives a question up, when it ends."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from typing import cast

import pytest

from kg.stores import GraphStore, StoreDamaged, StoreError, StoreState, StoreUnavailable
from whypath.live import following
from whypath.live.following import Follower


class Server:
    """Stands for a store: answers with a new state each time, slowly, with an error, or not at all."""

    url = "bolt://somewhere"

    def __init__(self) -> None:
        self.questions = 0
        self.error: StoreError | None = None
        self.answers = threading.Event()
        self.answers.set()

    def state(self) -> StoreState:
        self.questions += 1
        number = self.questions
        self.answers.wait(60)
        if self.error is not None:
            raise self.error
        return StoreState(1, number, None)


class Owner:
    """Keeps the states that it was given."""

    def __init__(self) -> None:
        self.states: list[int] = []
        self.error: Exception | None = None

    def follow(self, state: StoreState) -> None:
        self.states.append(state.event_generation)
        if self.error is not None:
            raise self.error


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def owner() -> Owner:
    return Owner()


@pytest.fixture
def made(server: Server, owner: Owner) -> Iterator[Callable[[float], Follower]]:
    followers: list[Follower] = []

    def make(freshness: float) -> Follower:
        followers.append(Follower(cast(GraphStore, server), owner, freshness))
        return followers[-1]

    yield make
    server.answers.set()
    for follower in followers:
        follower.close()


def comes_true(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.001)


def test_the_store_is_asked_again_and_again_without_a_call_that_waits(
    server: Server, owner: Owner, made: Callable[[float], Follower]
) -> None:
    follower = made(0.01)
    follower.called()
    comes_true(lambda: len(owner.states) > 3)
    # A call goes on while a question is open.
    server.answers.clear()
    asked = server.questions
    comes_true(lambda: server.questions > asked)
    follower.called()
    assert follower.stale_since is None
    server.answers.set()
    comes_true(lambda: owner.states[-1] > asked)
    assert owner.states == sorted(owner.states)


def test_nobody_asks_between_calls_where_only_calls_ask(
    server: Server, owner: Owner, made: Callable[[float], Follower]
) -> None:
    follower = made(0.0)
    for number in range(1, 4):
        follower.called()
        assert (server.questions, owner.states[-1]) == (number, number)


def test_a_look_waits_for_an_answer_to_a_question_of_its_own(
    server: Server, owner: Owner, made: Callable[[float], Follower]
) -> None:
    follower = made(1e6)
    server.answers.clear()
    follower.called()
    comes_true(lambda: server.questions == 1)
    looked: list[bool] = []
    thread = threading.Thread(target=lambda: looked.append(follower.look(60)))
    thread.start()
    server.answers.set()
    thread.join()
    assert looked == [True]
    # The question that was open when the look began may have been answered from before it.
    assert owner.states == [1, 2]


def test_a_store_that_does_not_answer_is_asked_now_and_then(
    server: Server, owner: Owner, made: Callable[[float], Follower], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "ASK_AGAIN_SECONDS", 1e6)
    follower = made(0.0)
    server.error = StoreUnavailable("away")
    for _ in range(3):
        follower.called()
        assert follower.stale_since is not None
    assert (server.questions, owner.states) == (1, [])
    server.error = None
    assert follower.look(60) is True
    assert follower.stale_since is None


def test_a_question_that_is_open_for_too_long_is_no_answer_and_is_given_up(
    server: Server, owner: Owner, made: Callable[[float], Follower], monkeypatch: pytest.MonkeyPatch
) -> None:
    follower = made(0.0)
    follower.called()
    server.answers.clear()
    hung = server.answers
    monkeypatch.setattr(following, "PATIENCE_SECONDS", 0.05)
    follower.called()
    assert follower.stale_since is not None
    assert server.questions == 2
    # As long as it is open, no other is asked.
    assert follower.look(0.01) is False
    assert server.questions == 2
    # When it is given up, another is, and what the first hears at last counts no more.
    monkeypatch.setattr(following, "GIVE_UP_SECONDS", 0.0)
    server.answers = threading.Event()
    server.answers.set()
    assert follower.look(60) is True
    assert owner.states == [1, 3]
    hung.set()
    assert follower.look(60) is True
    assert follower.stale_since is None


@pytest.mark.parametrize("of_whom", ["store", "owner"])
def test_an_error_of_a_store_that_answers_is_the_callers(
    of_whom: str, server: Server, owner: Owner, made: Callable[[float], Follower]
) -> None:
    follower = made(0.0)
    error = StoreDamaged("not what it was")
    if of_whom == "store":
        server.error = error
    else:
        owner.error = error
    for _ in range(2):
        with pytest.raises(StoreDamaged, match="not what it was"):
            follower.called()
    server.error = owner.error = None
    follower.called()


def test_an_unforeseen_error_is_logged_and_ends_no_thread(
    server: Server, owner: Owner, made: Callable[[float], Follower], caplog: pytest.LogCaptureFixture
) -> None:
    follower = made(0.0)
    owner.error = ZeroDivisionError("by chance")
    with pytest.raises(StoreError, match="by chance"):
        follower.called()
    assert "ZeroDivisionError" in caplog.text
    owner.error = None
    follower.called()
    assert owner.states == [1, 2]


def test_a_follower_that_nobody_has_any_more_asks_no_more(server: Server, owner: Owner) -> None:
    follower = Follower(cast(GraphStore, server), owner, 0.01)
    follower.called()
    comes_true(lambda: server.questions > 1)
    thread = follower._thread
    gone = weakref.ref(follower)
    del follower
    gc.collect()
    assert thread is not None
    comes_true(lambda: not thread.is_alive())
    assert gone() is None

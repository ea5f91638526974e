"""What the kill tests run in a process of its own: saving two bundles over one another until it is killed."""

from __future__ import annotations

from multiprocessing.connection import Connection

import kg.durable
from whypath.models.bundle import Bundle


def save_in_turn(place: str, sources: tuple[str, str], in_one_step: bool, sending: Connection) -> None:
    """Save the one and the other by turns to `place`, with a message before each time."""
    if not in_one_step:
        # As on a system that cannot exchange two names at once.
        kg.durable.exchange = lambda *_: False
    bundles = [Bundle.load(source) for source in sources]
    for number in range(10_000):
        sending.send(number)
        bundles[number % 2].save(place, force=True)

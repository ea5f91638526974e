"""The verb of an interaction, for sentences: "bought", "watched"."""

from __future__ import annotations

import re

from kg.sources.guess.signals import Meaning, Signal
from kg.sources.guess.words import plain


def verb_for(name: str, signal: Signal | None, otherwise: str = "liked") -> str:
    """The verb of an interaction by its name: "bought"; `otherwise` for an unknown name."""
    text = plain(name)
    is_rated = signal is not None and signal.meaning is Meaning.RATING
    for words, verb in (
        (("dislike", "downvote", "hate"), "disliked"),
        (("notinterested",), "did not want"),
        (("cart", "basket", "加购"), "put in the cart"),
        (("order", "purchase", "sale", "transaction", "invoice", "buy", "bought", "购买"), "bought"),
        (("play", "listen", "stream", "scrobble"), "played"),
        (() if is_rated else ("click", "pageview", "visit", "点击", "浏览"), "viewed"),
        (("read",), "read"),
        (("watch",), "watched"),
        (("answer",), "answered"),
        (("comment",), "commented on"),
        (("tag",), "tagged"),
    ):
        if any(word in text for word in words):
            return verb
    return "viewed" if not is_rated and re.search(r"(?<!re)view", text) else otherwise

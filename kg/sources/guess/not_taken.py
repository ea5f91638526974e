"""Report what a completed description does not read of its files, and what it reads that they do not have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kg.schema import DomainSchema, columns_read
from kg.schema.files import file_names
from kg.sources.guess.guessed import Guess
from kg.sources.guess.matching import match_interactions, match_kinds
from kg.sources.guess.mentions import Mentions, path_of, place_of, title_of

_ROLES = ("user", "item", "weight", "time", "id", "item_kind")
_OF_TRIPLES = ("relation", "relation_id")


def gone_columns(schema: DomainSchema, guess: Guess) -> list[str]:
    """Yield columns that the description reads and the files do not have, with those that seem to replace them."""
    instead = _instead(schema, guess)
    lines: dict[str, None] = {}
    for place, column in _gone(schema, guess):
        line = f"{place}: the column {column!r} is not there any more, so a load stops: "
        if (place, column) in instead:
            new, where = instead[place, column]
            line += f"{new!r} seems to be in its place; if so, write it at {where}"
        else:
            line += "correct its name in the description, or take it out"
        lines[line] = None
    return list(lines)


def _gone(schema: DomainSchema, guess: Guess) -> Iterator[tuple[str, str]]:
    unnamed = Mentions("", schema).unnamed
    of_others = tuple(f"{name}." for events in schema.interactions.values() for name in events.via)
    for spec, uses in columns_read(schema):
        place = place_of(spec)
        if place not in guess.seen or place in unnamed or not guess.seen[place]:
            continue
        for column in uses:
            if column not in guess.seen[place] and not (column in _OF_TRIPLES or column.startswith(of_others)):
                yield place, column


def _instead(schema: DomainSchema, guess: Guess) -> dict[tuple[str, str], tuple[str, str]]:
    """(place, missing column) -> (column that a guess takes for the same, where the description names it)."""
    gone = set(_gone(schema, guess))
    pairs: list[tuple[set[str], str | None, str | None, str]] = []
    for their, our in match_interactions(schema, guess.schema).items():
        one, other = schema.interactions[our], guess.schema.interactions[their]
        places = {place_of(spec) for spec in one.source}
        for role in _ROLES:
            old, new = getattr(one.columns, role), getattr(other.columns, role)
            pairs.append((places, old, new, f"interactions.{our}.columns.{role}"))
    for their, our in match_kinds(schema, guess.schema).items():
        one, other = schema.nodes[our], guess.schema.nodes[their]
        places = {place_of(spec) for spec in one.source} & {place_of(spec) for spec in other.source}
        pairs += [
            (places, getattr(one, part), getattr(other, part), f"nodes.{our}.{part}") for part in ("key", "label")
        ]
    return {
        (place, old): (new, where)
        for places, old, new, where in pairs
        for place in places
        if old and new and old != new and (place, old) in gone
    }


def left_out(mentions: Mentions, schema: DomainSchema, guess: Guess, reasons: Mapping[str, str]) -> Iterator[str]:
    """Yield files that the description does not read, and columns of files it reads that the user has not decided
    about.

    `reasons`: why a file was not added, as far as known.
    """
    replacing = {new for new, _ in _instead(schema, guess).values()}
    read = {*mentions.read, *file_names(schema)}
    for place, columns in guess.seen.items():
        whole = path_of(place)
        is_first = next(p for p in guess.seen if path_of(p) == whole) == place
        if place not in read and not (is_first and whole in read):
            yield f"{place} is not read: {_reason(place, columns, guess, reasons)}"
        elif place not in mentions.unnamed and whole not in mentions.unnamed:
            new = [c for c in columns if c and c not in replacing and c not in _OF_TRIPLES]
            new = [c for c in new if not mentions.knows(place, c) and not mentions.knows(whole, c)]
            if new:
                yield f"{place}: not added: {', '.join(new)}; add by hand to the description what is needed"


def _reason(place: str, columns: tuple[str, ...], guess: Guess, reasons: Mapping[str, str]) -> str:
    if not columns:
        return "there is no row in it"
    if place in reasons:
        return reasons[place]
    start = f"{title_of(place)}: not used; "
    reason = next((note.removeprefix(start) for note in guess.notes if note.startswith(start)), None)
    return reason or "it found no place beside what the description has; put it in by hand, as `init --out` shows it"

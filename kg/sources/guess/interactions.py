"""Describe interactions: their source, columns, time, and the rule for positive events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kg.sources.guess.code_tables import read_out
from kg.sources.guess.meetings import Meeting
from kg.sources.guess.node_tables import source_of
from kg.sources.guess.opinions import is_dislike, says_dislike, takes_back
from kg.sources.guess.profile import ColumnProfile, FileProfile
from kg.sources.guess.references import Reference
from kg.sources.guess.signals import UNSURE, Meaning, Signal, signal_among
from kg.sources.guess.values import is_year, other_pattern, time_column, time_format
from kg.sources.guess.verbs import verb_for
from kg.sources.guess.words import TIME_WORDS, kind_name, table_name, untaken


@dataclass(frozen=True)
class Described:
    """Sections of interactions by name, and notes."""

    sections: dict[str, dict[str, Any]]
    notes: list[str]
    explained_by: tuple[FileProfile, ...] = ()
    """Tables that the guess used and the section does not read."""


def describe_meeting(
    meeting: Meeting,
    name: str,
    files: Sequence[FileProfile],
    *,
    learnt: bool,
    facts: Sequence[str] = (),
    tables: Sequence[FileProfile] = (),
) -> Described:
    """The sections of the interactions in a file, one, or one per kind of event, and notes.

    `files` are all parts of the same table; `facts` are columns with facts of the items; `tables` may explain codes.
    An interaction that is kept but not learned from has no positive event.
    """
    interaction = _Interaction(meeting, name, files)
    columns = interaction.further_columns(facts)
    time = interaction.add_time(columns)
    signal, prefix = interaction.signal([c for c in columns if c is not time and time_format(c) is None])
    interaction.add_id(time, signal)
    explained: tuple[FileProfile, ...] = ()
    if signal is not None and signal.meaning is Meaning.CODE and (in_words := read_out(signal, tables)) is not None:
        signal, explained = in_words[0], (in_words[1],)
    described = ruled(interaction.section, name, signal, learnt=learnt, prefix=prefix)
    return Described(described.sections, interaction.notes + described.notes, explained)


class _Interaction:
    """The section of the interactions in a file, without the rule for positive events, and notes."""

    def __init__(self, meeting: Meeting, name: str, files: Sequence[FileProfile]) -> None:
        self._meeting, self._name = meeting, name
        self._prefix = f"{_via_name(meeting.via.target)}." if meeting.via is not None else ""
        self._columns = {"user": f"{self._prefix}{meeting.user.name}", "item": meeting.item.name}
        self.notes: list[str] = [f"{UNSURE}{name}: {doubt}" for doubt in meeting.doubts]
        sources = [source_of(file.spec) for file in files]
        self.section: dict[str, Any] = {
            "source": sources[0] if len(sources) == 1 else sources,
            "columns": self._columns,
        }
        if meeting.several is not None:
            self.section["several"] = meeting.several.described
            self.notes.append(f"{name}: {meeting.item.name} holds several items in a cell: each is an event")
        if meeting.via is not None:
            self._join(meeting.via)

    def _join(self, via: Reference) -> None:
        table, key = via.target, via.target.key()
        join = {"source": source_of(table.spec), "key": key.name if key is not None else via.column.name}
        if join["key"] != via.column.name:
            join["match"] = via.column.name
        self.section["via"] = {self._prefix[:-1]: join}
        self.notes.append(f"{via.file.name} and users meet over {table.name} ({via.column.name})")

    def further_columns(self, facts: Sequence[str]) -> list[ColumnProfile]:
        """The columns of the file that are neither ids of users, items and the linking table nor facts of items."""
        taken = {"", self._meeting.user.name, self._meeting.item.name, *facts}
        if self._meeting.via is not None:
            taken.add(self._meeting.via.column.name)
        return [column for column in self._meeting.file.columns.values() if column.name not in taken]

    def _linked_columns(self) -> list[ColumnProfile]:
        via = self._meeting.via
        return list(via.target.columns.values()) if via is not None else []

    def add_time(self, columns: list[ColumnProfile]) -> ColumnProfile | None:
        """Find the column of the time, also in the linking table, and return it."""
        time, prefix = time_column(columns, TIME_WORDS), ""
        if time is None:
            time, prefix = time_column(self._linked_columns(), TIME_WORDS), self._prefix
        if time is None:
            time, prefix = next((c for c in columns if is_year(c)), None), ""
        if time is None:
            return None
        form = time_format(time) or "%Y"
        self._columns["time"] = f"{prefix}{time.name}"
        if form != "auto":
            self.section["time_format"] = form
        shown = "unix seconds or ISO 8601" if form == "auto" else form
        self.notes.append(f"{self._name}: {prefix}{time.name} is the time ({shown})")
        if (other := other_pattern(time, form)) is not None:
            self.notes.append(
                f"{UNSURE}{self._name}: {time.name} reads as {form} and as {other}; correct `time_format` if needed"
            )
        return time

    def signal(self, columns: Sequence[ColumnProfile]) -> tuple[Signal | None, str]:
        """The column that tells likes, and its prefix: the status of an order applies to its rows."""
        key = self._meeting.file.key()
        signal = signal_among([c for c in columns if c is not key])
        if signal is not None or self._meeting.via is None:
            return signal, ""
        ids = (self._meeting.user, self._meeting.via.target.key())
        linked = [c for c in self._linked_columns() if c.name and all(c is not other for other in ids)]
        return signal_among([c for c in linked if time_format(c) is None]), self._prefix

    def add_id(self, time: ColumnProfile | None, signal: Signal | None) -> None:
        """Take the file's key as the id of events if it has no other use."""
        key = self._meeting.file.key()
        others = (time, self._meeting.user, self._meeting.item, signal.column if signal is not None else None)
        if key is not None and key not in others and self._meeting.several is None:
            self._columns["id"] = key.name
            self.notes.append(f"{self._name}: {key.name} is different in every row: the event's id")


def _via_name(table: FileProfile) -> str:
    """Name of a linking table; the name of a sheet may be any text."""
    return kind_name(table.name) if table.spec.sheet is not None else table_name(table.path)


def ruled(
    section: dict[str, Any], name: str, signal: Signal | None, *, learnt: bool, prefix: str = "", words: str = ""
) -> Described:
    """The section, or one per kind of event, with its rule for positive events.

    `prefix` is the prefix of a column of a path in a graph; `words` are names of the interaction, for the verb.
    """
    if signal is not None and _is_weight(signal):
        section.setdefault("columns", {})["weight"] = f"{prefix}{signal.column.name}"
    if not learnt:
        verb = verb_for(words or name, None, otherwise="saw")
        section |= {"positive": False, "label": verb}
        if verb not in ("viewed", "saw", "put in the cart"):
            section["excludes"] = True
        note = f"{name}: kept but not learned from (`positive: false`), as there are ratings or purchases beside it"
        return Described({name: section}, [note])
    if signal is not None and not _is_weight(signal):
        return _by_words(section, name, signal, f"{prefix}{signal.column.name}")
    section["label"] = verb_for(words or name, signal)
    if signal is None:
        note = f"{name}: every event is positive, as no column tells a like from a dislike"
    else:
        note = _by_weight(section, name, signal)
    return Described({name: section}, [note])


def _is_weight(signal: Signal) -> bool:
    return signal.column.is_number and signal.meaning not in (Meaning.WORDS, Meaning.EVENT)


def _by_weight(section: dict[str, Any], name: str, signal: Signal) -> str:
    """Set the bounds of a positive event's weight, and return the note."""
    bounds = {"min_weight": signal.least, "max_weight": signal.most}
    bounds = {bound: weight for bound, weight in bounds.items() if weight is not None}
    if bounds:
        section["positive"] = bounds
    disliked = dict(zip(("min_weight", "max_weight"), signal.disliked, strict=True))
    disliked = {bound: weight for bound, weight in disliked.items() if weight is not None}
    if bounds and disliked:
        section["negative"] = disliked
    if signal.least is not None:
        rule = f"{signal.least:g} and more is positive"
    elif signal.most is not None:
        rule = f"{signal.most:g} and less is positive"
    else:
        rule = "every event is positive"
    if "negative" in section:
        rule += f", {_span(*signal.disliked)} is a dislike"
    if signal.meaning is Meaning.CODE:
        rule += "; say which are not, with `where` and `positive: false`, or `positive: {weights: […]}`"
    return _note(name, signal, f"is a {signal.meaning} ({signal.why}): {rule}")


def _span(least: float | None, most: float | None) -> str:
    if least is not None and most is not None:
        return f"{least:g} to {most:g}"
    return f"{most:g} and less" if most is not None else f"{least:g} and more"


def _note(name: str, signal: Signal, statement: str) -> str:
    unsure = "" if signal.sure else UNSURE
    return f"{unsure}{name}: {signal.column.name} {statement}" + (f"; {signal.other}" if signal.other else "")


def _by_words(section: dict[str, Any], name: str, signal: Signal, path: str) -> Described:
    """One section per kind of event, or one for likes, one for dislikes and one for the rest; `path` is the name of the
    column.
    """
    is_kinds = signal.meaning is Meaning.EVENT
    if is_kinds:
        groups = [(value, [value], value in signal.likes) for value in (*signal.likes, *signal.others)]
        disliked = [value for value in signal.others if says_dislike(value)]
    else:
        disliked = [value for value in signal.others if is_dislike(value)]
        rest = [value for value in signal.others if value not in disliked]
        groups = [
            (name, list(signal.likes), True),
            (f"not_{name}", disliked, False),
            (f"other_{name}" if disliked else f"not_{name}", rest, False),
        ]
    sections: dict[str, dict[str, Any]] = {}
    for title, values, liked in groups:
        if not values:
            continue
        where = {**section.get("where", {}), path: values if len(values) > 1 else values[0]}
        of_group = {**section, "where": where}
        against = values[0] in disliked
        if not liked:
            of_group["positive"] = False
            if not is_kinds or against or takes_back(title):
                of_group["excludes"] = True
            if against:
                of_group["negative"] = True
        # A user's opinion of an item says more than a view.
        unliked = "did not like" if against else "saw"
        of_group["label"] = verb_for(title, None, otherwise="liked" if liked else unliked)
        sections[untaken(kind_name(title), sections)] = of_group
    likes = ", ".join(signal.likes) or "none"
    others = [value for value in signal.others if value not in disliked]
    said = f"; not {', '.join(others)}" if others else ""
    said += f"; dislikes are {', '.join(disliked)}" if disliked else ""
    notes = [_note(name, signal, f"{signal.why}: positive are {likes}{said}")]
    if signal.column.missing:
        notes.append(f"{name}: {signal.column.missing:,} rows without a value in {signal.column.name} are left out")
    return Described(sections, notes)

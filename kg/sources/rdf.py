"""Read RDF, N-Triples and N-Quads line by line, other forms as a whole: as subjects with their values, or as edges.

rdflib parses; literals keep their lexical form ("01" stays "01"), IRIs are written out in full. A subject's record has
`@id` (its IRI), `@name` (readable words from the IRI) and one column per predicate, named by its IRI or a short form
such as `rdfs:label`. An edge's record has `head`, `relation` and `tail`. Blank nodes have no name that is stable from
one load to the next, so a triple with one is a bad record.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rdflib import BNode, Graph, Literal
from rdflib.exceptions import ParserError
from rdflib.plugins.parsers.notation3 import BadSyntax, RDFSink, SinkParser
from rdflib.plugins.parsers.ntriples import W3CNTriplesParser, r_literal, unquote

from kg.rows import Position
from kg.schema.formats import without_packing
from kg.sources.columns import find_column
from kg.sources.iris import expanded, readable_name
from kg.sources.lines import TOO_LONG, bounded_lines, is_too_long
from kg.sources.opening import OpenFile, opened
from kg.sources.rdf_documents import LIMIT, document_triples, form_of
from kg.sources.records import BadRecord, Cell, RawRecord, Reason, Record, SourceError, is_bad_text, shown
from kg.sources.triple_spool import Triple, TripleSpool

EDGE_COLUMNS = ("head", "relation", "tail")

TURTLE_LIMIT = 1 << 30
"""Maximum characters of a Turtle file."""

_LONGEST_IRI = 20_000
_GRAPH_NAME = re.compile(r"(.*[\s>\"])(?:<[^<>\s]*+>|_:\S++)\s*+\.\s*+(?:#.*)?")
"""A line of N-Quads with a graph name; its group is the triple before the name."""

_IRI_START = re.compile(r"(?:\s++|#[^\n]*+)*+<")


class RdfReader:
    """A file of N-Triples (.nt), N-Quads (.nq), Turtle (.ttl), TriG (.trig), RDF/XML (.rdf, .owl) or JSON-LD (.jsonld),
    plain or packed; graph names are ignored.

    With `edges` it yields one record per triple, else one per subject, for which the triples go through a temporary
    file. `language` prefers literals with that tag; without it (or without a match) those without a tag, else those
    with the first tag.
    """

    def __init__(
        self,
        path: Path,
        name: str,
        *,
        edges: bool,
        prefixes: Mapping[str, str] | None = None,
        language: str | None = None,
    ) -> None:
        self._path = path
        self.name = name
        self._edges = edges
        self._prefixes = dict(prefixes or {})
        self._language = language
        plain = without_packing(name)
        self._turtle = plain.endswith((".ttl", ".turtle"))
        self._document = form_of(plain)
        self._quads = plain.endswith(".nq")
        self._open: OpenFile | None = None
        self._spool: TripleSpool | None = None
        self._known: dict[str, None] | None = None
        with opened(path, name):  # so that an absent file is an error here
            pass

    @property
    def columns(self) -> tuple[str, ...]:
        return EDGE_COLUMNS if self._edges else ("@id", "@name", *self._spooled().predicates())

    def resolve(self, column: str) -> str:
        if self._edges:
            return find_column(column, EDGE_COLUMNS, self.name)
        if column in ("@id", "@name"):
            return column
        if self._known is None:
            self._known = dict.fromkeys(self.columns)
        return find_column(expanded(column, self._prefixes), self._known, self.name)

    def resolve_value(self, value: str) -> str:
        return expanded(value, self._prefixes)

    def fraction(self) -> float | None:
        return self._open.fraction() if self._open is not None else None

    def close(self) -> None:
        if self._spool is not None:
            self._spool.close()
        self._spool = None
        self._open = None

    def __iter__(self) -> Iterator[Record]:
        if self._edges and not self._turtle and self._document is None:
            for triple in self._n_triples():
                yield triple if isinstance(triple, BadRecord) else self._edge(triple)
            return
        spool = self._spooled()
        yield from spool.bad()
        if self._edges:
            yield from map(self._edge, spool.triples())
        else:
            for subject, triples in spool.subjects():
                yield self._subject(subject, triples)

    def _edge(self, triple: Triple) -> RawRecord:
        values = {"head": triple.subject, "relation": triple.predicate, "tail": triple.object}
        return RawRecord(Position(self.name, triple.line), values)

    def _subject(self, subject: str, triples: list[Triple]) -> RawRecord:
        grouped: dict[str, list[Triple]] = {}
        for triple in triples:
            grouped.setdefault(triple.predicate, []).append(triple)
        values: dict[str, Cell] = {"@id": subject, "@name": readable_name(subject)}
        for predicate, group in grouped.items():
            cells = list(dict.fromkeys(t.object for t in self._preferred(group)))
            values[predicate] = cells[0] if len(cells) == 1 else [*cells]
        return RawRecord(Position(self.name, triples[0].line), values)

    def _preferred(self, group: list[Triple]) -> list[Triple]:
        tags = {t.language for t in group}
        if tags == {""}:
            return group
        if self._language:
            wanted = self._language.lower()
            matching = [t for t in group if t.language == wanted or t.language.startswith(f"{wanted}-")]
            if matching:
                return matching
        untagged = [t for t in group if not t.language]
        return untagged or [t for t in group if t.language == group[0].language]

    def _spooled(self) -> TripleSpool:
        if self._spool is None:
            if self._document is not None:
                triples = self._document_triples(self._document)
            else:
                triples = self._turtle_triples() if self._turtle else self._n_triples()
            self._spool = TripleSpool(triples)
        return self._spool

    def _n_triples(self) -> Iterator[Triple | BadRecord]:
        sink = _Statements()
        parser = _LexicalParser(sink)  # pyright: ignore[reportArgumentType]
        with opened(self._path, self.name) as file:
            self._open = file
            for number, line in enumerate(bounded_lines(file.text("utf-8")), 1):
                text = line.rstrip("\r\n")
                if is_too_long(text):
                    yield self._bad_triple(number, Reason.TOO_LONG, TOO_LONG, text)
                    continue
                if is_bad_text(text):
                    yield self._bad_triple(number, Reason.BAD_UTF8, "bytes that are not UTF-8", text)
                    continue
                parser.line = text
                try:
                    self._parse_line(parser, sink, text)
                except ParserError:
                    yield self._bad_triple(number, Reason.BAD_TRIPLE, "not a statement of N-Triples", text)
                    continue
                except Exception as error:  # an escape beyond Unicode, a malformed language tag
                    yield self._bad_triple(number, Reason.BAD_TRIPLE, f"not a statement of N-Triples: {error}", text)
                    continue
                for statement in sink.take():
                    yield self._checked(*statement, number, text)

    def _parse_line(self, parser: _LexicalParser, sink: _Statements, text: str) -> None:
        try:
            parser.parseline()
        except ParserError:
            named = _GRAPH_NAME.fullmatch(text) if self._quads else None
            if named is None:
                raise
            sink.take()
            parser.line = f"{named[1]} ."
            parser.parseline()

    def _document_triples(self, form: str) -> Iterator[Triple | BadRecord]:
        with opened(self._path, self.name) as file:
            text = file.text("utf-8").read(LIMIT + 1)
        if is_bad_text(text):
            raise SourceError(f"{self.name}: this is not UTF-8")
        statements = document_triples(text, form, self.name, self._path.resolve().as_uri())
        for number, statement in enumerate(statements, 1):
            yield self._checked(*statement, number, " ".join(map(str, statement))[:600])

    def _turtle_triples(self) -> Iterator[Triple | BadRecord]:
        with opened(self._path, self.name) as file:
            # rdflib's Turtle parser works on the whole text; only the text is held in memory, the triples go to the
            # temporary table.
            text = file.text("utf-8").read(TURTLE_LIMIT + 1)
        if len(text) > TURTLE_LIMIT:
            raise SourceError(
                f"{self.name}: more than {TURTLE_LIMIT:,} characters of Turtle, which is read as a whole; N-Triples"
                " are read line by line (`rapper -i turtle -o ntriples` makes them)"
            )
        if is_bad_text(text):
            raise SourceError(f"{self.name}: this is not UTF-8, as Turtle must be")
        sink = _TurtleSink()
        parser = _TurtleParser(sink, baseURI=self._path.resolve().as_uri(), turtle=True)
        parser.startDoc()
        at = 0
        try:
            # The loop of rdflib's `feed`, one statement at a time, so that triples stream and know their line.
            while (start := parser.skipSpace(text, at)) >= 0:
                line = parser.lines + 1
                at = parser.directiveOrStatement(text, start)
                if at < 0:
                    parser.BadSyntax(text, start, "expected directive or statement")
                for statement in sink.take():
                    yield self._checked(*statement, line, text[start : min(at, start + 600)])
        except Exception as error:  # the parser also raises other errors: open quotes, deep lists, odd language tags
            line, why = (error.lines, error._why) if isinstance(error, BadSyntax) else (parser.lines, error)
            place = f"{self.name}, line {line + 1}"
            raise SourceError(
                f"{place}: this is not Turtle ({shown(str(why))}); nothing after it can be read"
            ) from None

    def _checked(self, subject: Any, predicate: Any, value: Any, line: int, raw: str) -> Triple | BadRecord:
        if isinstance(subject, BNode) or isinstance(value, BNode):
            detail = "a blank node has no stable name; give it an IRI"
            return self._bad_triple(line, Reason.BLANK_NODE, detail, raw)
        language = (value.language or "") if isinstance(value, Literal) else ""
        triple = Triple(
            str(subject), str(predicate), str(value), not isinstance(value, Literal), language.lower(), line
        )
        if any(is_bad_text(t) for t in (triple.subject, triple.predicate, triple.object)):
            return self._bad_triple(line, Reason.BAD_UTF8, "an escape of a lone surrogate", raw)
        return triple

    def _bad_triple(self, line: int, reason: Reason, detail: str, raw: str) -> BadRecord:
        return BadRecord(Position(self.name, line), reason, detail, shown(raw))


class _Statements:
    """Collects statements from rdflib's N-Triples parser, one line at a time."""

    def __init__(self) -> None:
        self._found: list[tuple[Any, Any, Any]] = []

    def triple(self, subject: Any, predicate: Any, value: Any) -> None:
        self._found.append((subject, predicate, value))

    def take(self) -> list[tuple[Any, Any, Any]]:
        statements, self._found = self._found, []
        return statements


class _LexicalParser(W3CNTriplesParser):
    """Literals without their datatype: with it rdflib would parse each, rewrite it ("01" to "1") and log failures."""

    __slots__ = ()

    def literal(self) -> Any:
        if not self.peek('"'):
            return False
        text, language, _ = self.eat(r_literal).groups()
        return Literal(unquote(text), lang=language or None)


class _TurtleParser(SinkParser):
    """Limits the length of IRIs: the time for a relative IRI is quadratic in its length."""

    def uri_ref2(self, argstr: str, i: int, res: Any) -> int:
        start = _IRI_START.match(argstr, i)
        if start is not None and argstr.find(">", start.end(), start.end() + _LONGEST_IRI) < 0:
            self.BadSyntax(argstr, i, f"an IRI that does not end within {_LONGEST_IRI:,} characters")
        return super().uri_ref2(argstr, i, res)


class _TurtleSink(RDFSink):
    """Collects statements from rdflib's Turtle parser, literals without their datatype."""

    def __init__(self) -> None:
        super().__init__(Graph())
        self._statements = _Statements()

    def newLiteral(self, s: str, dt: Any, lang: str | None) -> Literal:  # noqa: N802 (rdflib's name)
        return Literal(s, lang=lang)

    def makeStatement(self, quadruple: Any, why: Any = None) -> None:  # noqa: N802 (rdflib's name)
        formula, predicate, subject, value = quadruple
        self._statements.triple(
            self.normalise(formula, subject), self.normalise(formula, predicate), self.normalise(formula, value)
        )

    def take(self) -> list[tuple[Any, Any, Any]]:
        return self._statements.take()

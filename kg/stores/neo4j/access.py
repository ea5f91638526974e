"""Decide which credentials go to which server; every connection to Neo4j uses this decision.

Credentials go to the server in NEO4J_URI of the place that has them (the environment, or the same `.env`), or to a URL
that a user has given to this very call: on the command line, or in code. A description of a domain may come from an
attacker. It can only name a server in NEO4J_URI, over a connection that is protected no less.

Under the schemes `neo4j…` the server names others (the members of its cluster), and the driver sends the credentials to
those too. That is the decision of a trusted server, which could pass the credentials on in any case.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kg.neo4j_url import Neo4jUrl
from kg.stores.neo4j.address import Access, Address, BadAddress, parsed
from kg.stores.neo4j.settings import ENVIRONMENT, VARIABLES, Setting, Settings, read_settings

FROM_ENVIRONMENT = "neo4j"
"""The store's name that means the server in NEO4J_URI. A folder of that name is `./neo4j`."""


def access_to(url: str, *, database: str | None = None, described_in: str | None = None) -> Access:
    """How to connect to the server at a URL given by a user, or in NEO4J_URI if the URL is just `neo4j`.

    `database`: instead of that of the URL or the settings. `described_in` names the description of a domain that has
    the URL, which is then only trusted if NEO4J_URI names the same server. Raises BadAddress.
    """
    target, settings = _decided(url, read_settings(), database, described_in)
    return Access(Address(target.uri, database or target.database or settings.database), settings.credentials())


def is_trusted(url: str) -> bool:
    """Whether the present settings allow a connection to this URL of a description."""
    try:
        _decided(url, read_settings(), None, "a description")
    except BadAddress:
        return False
    return True


def _decided(
    url: str, places: Sequence[Settings], database: str | None, described_in: str | None
) -> tuple[Neo4jUrl, Settings]:
    """The server and the place whose settings are used for it."""
    if url == FROM_ENVIRONMENT:
        target = _named(places)
        candidates = [place for place in places if _serves(place, target)]
    elif described_in is not None:
        target = parsed(url, described_in)
        candidates = [place for place in places if _serves(place, target)]
        if not candidates:
            raise BadAddress(_untrusted(target, places, described_in))
    else:
        target = parsed(url)
        candidates = sorted(places, key=lambda place: not _serves(place, target))
    with_password = (place for place in candidates if place.name_of("password"))
    with_anything = (place for place in candidates if place.variables)
    settings = next(with_password, None) or next(with_anything, candidates[0])
    is_database_known = bool(target.database or database)
    for other in places:
        if other is not settings and not _is_of_another_server(other, target):
            _refuse_mixture(settings, other, is_database_known=is_database_known)
    return target, settings


def _named(places: Sequence[Settings]) -> Neo4jUrl:
    """The server in NEO4J_URI, the environment's first."""
    for settings in places:
        if "NEO4J_URI" in settings.variables:
            return parsed(settings.variables["NEO4J_URI"], f"NEO4J_URI in {settings.place}")
    raise BadAddress(
        "the store `neo4j` is the server in NEO4J_URI, which is not set; set it (for example to bolt://localhost:7687),"
        " or give the URL"
    )


def _serves(settings: Settings, target: Neo4jUrl) -> bool:
    """Whether credentials of these settings may go to a target: their own server, on a line no less protected."""
    server = settings.server
    return server is not None and server.place == target.place and target.protection >= server.protection


def _is_of_another_server(settings: Settings, target: Neo4jUrl) -> bool:
    server = settings.server
    return "NEO4J_URI" in settings.variables and (server is None or server.place != target.place)


def _refuse_mixture(used: Settings, other: Settings, *, is_database_known: bool) -> None:
    """Raise BadAddress if the other place has a setting that is missing in the one that is used."""
    for setting in VARIABLES:
        name = other.name_of(setting)
        if name is None or used.name_of(setting) is not None:
            continue
        # A user with a password is complete; a user alone was meant as an addition.
        if (setting == "user" and other.name_of("password")) or (setting == "database" and is_database_known):
            continue
        stands = next(iter(_standing(used)), None)
        if stands is not None:
            raise BadAddress(
                f"{name} is in {other.place}, and {stands} is in {used.place}: the settings of one server must be"
                " in one place, so that no .env of an attacker sends your credentials away;"
                f" {_advice(used, other, name)}"
            )


def _standing(settings: Settings) -> list[str]:
    names = ["NEO4J_URI"] if "NEO4J_URI" in settings.variables else []
    keys: tuple[Setting, ...] = ("password", "user", "database")
    return names + [name for key in keys if (name := settings.name_of(key))]


def _advice(used: Settings, other: Settings, name: str) -> str:
    if used.place == ENVIRONMENT:
        return f"set {name} in the environment too, or take it out of {other.place}"
    server = used.server
    if server is None:
        return f"put all of it into {used.place}, or all of it into the environment"
    return (
        f"if that is your server, set NEO4J_URI={server.uri} in the environment too (or put {name} into"
        f" {used.place} instead)"
    )


def _untrusted(target: Neo4jUrl, places: Sequence[Settings], described_in: str) -> str:
    same = [settings for settings in places if settings.server is not None and settings.server.place == target.place]
    if same:
        server = same[0].server
        assert server is not None
        return (
            f"{described_in}: the graph is to be read over {target.scheme}://, which protects less than NEO4J_URI in"
            f" {same[0].place} asks for ({server.uri}); write `uri: {replace(target, scheme=server.scheme).uri}` or"
            " `uri: neo4j`"
        )
    named = [f"{settings.server.uri} in {settings.place}" for settings in places if settings.server is not None]
    return (
        f"{described_in}: the graph is at {target.uri}, and NEO4J_URI names"
        f" {' and '.join(named) if named else 'no server'}. A description may come from a stranger, so it does not"
        f" decide alone which server WhyPath connects to: if that is your server, set NEO4J_URI={target.uri}, in the"
        " environment or in .env, where its password is"
    )

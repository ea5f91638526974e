"""Somebody else's graph: a bookshop in Neo4j as its owner would have it, made by plain Cypher from a seed.

Customers place orders, which contain books and games, and rate them. Books have an ISBN, games a number as their key;
both have a second label. Values are dates, date-times, points, lists, or missing.
"""

from __future__ import annotations

import random
from typing import Any

from tests.neo4j_server import Server

CUSTOMERS, BOOKS, GAMES, GROUPS = 200, 90, 50, 5


def build(server: Server, seed: int = 7) -> None:
    """Make the graph in an empty database, with the constraint and the index that its owner has."""
    chance = random.Random(seed)
    server.query("CREATE CONSTRAINT shop_email IF NOT EXISTS FOR (c:Customer) REQUIRE c.email IS UNIQUE")
    server.query("CREATE CONSTRAINT shop_isbn IF NOT EXISTS FOR (b:Book) REQUIRE b.isbn IS UNIQUE")
    server.query("CREATE INDEX shop_ean IF NOT EXISTS FOR (g:Game) ON (g.ean)")
    server.query("CREATE INDEX shop_order IF NOT EXISTS FOR (o:Order) ON (o.number)")
    server.query("CALL db.awaitIndexes(60)")
    server.query(
        "UNWIND range(0, $n - 1) AS i CREATE (:Author:Person {authorId: 'a' + i, name: 'Author ' + i})"
        " CREATE (:Publisher {vat: 1000.0 + i, name: 'House ' + i})",
        n=3 * GROUPS,
    )
    books = [_article(chance, i) | {"isbn": f"978-{i:04d}", "group": i % GROUPS} for i in range(BOOKS)]
    server.query(
        "UNWIND $rows AS row MATCH (a:Author {authorId: 'a' + row.maker}) MATCH (p:Publisher {vat: 1000.0 + row.maker})"
        " CREATE (b:Book:Article {isbn: row.isbn, title: row.title, description: row.text, price: row.price,"
        " published: date({year: row.year, month: 5, day: 1}), tags: row.tags})"
        " CREATE (b)-[:WRITTEN_BY {since: row.year}]->(a) CREATE (b)-[:PUBLISHED_BY]->(p)",
        rows=books,
    )
    games = [
        _article(chance, i) | {"ean": 4_000_000 + i, "group": i % GROUPS, "book": books[i]["isbn"]}
        for i in range(GAMES)
    ]
    server.query(
        "UNWIND $rows AS row MATCH (p:Publisher {vat: 1000.0 + row.maker}) MATCH (b:Book {isbn: row.book})"
        " CREATE (g:Game:Article {ean: row.ean, title: row.title + ' (game)', players: row.players, price: row.price})"
        " CREATE (g)-[:PUBLISHED_BY]->(p) CREATE (g)-[:BASED_ON]->(b)",
        rows=games,
    )
    server.query(
        "UNWIND range(0, $n - 1) AS i CREATE (c:Customer {email: 'c' + i + '@example.org', fullName: 'Customer ' + i})"
        " WITH c, i WHERE i % 5 = 0 SET c.home = point({latitude: i % 90, longitude: 8.0}),"
        " c.birthDate = date({year: 1960 + i % 40, month: 1, day: 1})",
        n=CUSTOMERS,
    )
    by_group = [[row for row in (*books, *games) if row["group"] == group] for group in range(GROUPS)]
    orders: list[dict[str, Any]] = []
    lines: list[dict[str, Any]] = []
    ratings: list[dict[str, Any]] = []
    for customer in range(CUSTOMERS):
        email = f"c{customer}@example.org"
        for _ in range(4):
            time = 1_600_000_000 + chance.randrange(50_000_000)
            orders.append({"number": len(orders), "email": email, "time": time})
            chosen = chance.sample(by_group[customer % GROUPS], 3) + chance.sample(chance.choice(by_group), 1)
            lines += [{**row, "order": len(orders) - 1, "quantity": chance.randint(1, 3)} for row in chosen]
        for row in chance.sample(by_group[customer % GROUPS], 3):
            ratings.append({**row, "email": email, "stars": chance.randint(1, 5), "time": 1_650_000_000 + customer})
    server.query(
        "UNWIND $rows AS row MATCH (c:Customer {email: row.email}) CREATE (c)-[:PLACED]->(:Order {number: row.number,"
        " status: 'paid', placedAt: datetime({epochSeconds: row.time, timezone: 'Europe/Berlin'})})",
        rows=orders,
    )
    for item, key in (("Book", "isbn"), ("Game", "ean")):
        match = f"MATCH (i:{item} {{{key}: row.{key}}})"
        server.query(
            f"UNWIND $rows AS row MATCH (o:Order {{number: row.order}}) {match}"
            " CREATE (o)-[:CONTAINS {quantity: row.quantity}]->(i)",
            rows=[row for row in lines if key in row],
        )
        server.query(
            f"UNWIND $rows AS row MATCH (c:Customer {{email: row.email}}) {match}"
            " CREATE (c)-[:RATED {stars: row.stars, at: row.time}]->(i)",
            rows=[row for row in ratings if key in row],
        )
    server.query("UNWIND range(1, 20) AS i CREATE (:Heartbeat)")
    server.query("UNWIND range(1, 20) AS i CREATE (:Setting {name: 's' + i})")
    server.query("MATCH (c:Customer {email: 'c1@example.org'}) CREATE (c)-[:LIVES_IN]->(:City {name: 'Berlin'})")


def _article(chance: random.Random, number: int) -> dict[str, Any]:
    group = number % GROUPS
    return {
        "title": f"Title {number}",
        "text": f"A long description of the article number {number}, which is about the subject {group}.",
        "price": round(chance.uniform(5, 50), 2),
        "year": 1990 + number % 30,
        "players": chance.randint(2, 6),
        "maker": group + GROUPS * chance.randrange(3),
        "tags": chance.sample(["red", "blue", "old", "new", "long", "short"], 2),
    }


def content(server: Server) -> tuple[list[str], ...]:
    """Everything in the database, spelled out: nodes, relationships, names, constraints, indexes."""
    return tuple(
        sorted(map(str, server.query(text)))
        for text in (
            "MATCH (n) RETURN elementId(n), labels(n), properties(n)",
            "MATCH (a)-[r]->(b) RETURN elementId(r), type(r), elementId(a), elementId(b), properties(r)",
            # Those of stores that were there before are named by the server, and dropped in its own time.
            "SHOW CONSTRAINTS YIELD name, type, labelsOrTypes, properties WHERE NOT name STARTS WITH 'constraint_'",
            "SHOW INDEXES YIELD name, type, labelsOrTypes, properties WHERE NOT name STARTS WITH 'constraint_'",
            "CALL db.labels()",
            "CALL db.relationshipTypes()",
            "CALL db.propertyKeys()",
        )
    )

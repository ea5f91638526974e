"""Somebody else's graph: people who answer questions, in the shapes that such graphs have, by plain Cypher from a seed.

An answer is a node between a person and a question, and has the time. Who answers keeps to the tags of one subject.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from tests.neo4j_server import Server

USERS, QUESTIONS, SUBJECTS, ANSWERS_EACH = 60, 48, 4, 8


@dataclass(frozen=True)
class Shape:
    """How answers hang between users and questions: two relationships as Cypher has them, and as a description has
    them (type and direction, seen from the user)."""

    first: str
    last: str
    described: tuple[tuple[str, str], tuple[str, str]]


FORWARD = Shape(
    "-[:POSTED {device: row.device}]->", "-[:ANSWERS]->", (("POSTED", "out"), ("ANSWERS", "out"))
)  # fmt: skip
MIXED = Shape("<-[:BY]-", "-[:TO]->", (("BY", "in"), ("TO", "out")))
BACKWARD = Shape("<-[:WRITTEN_BY]-", "<-[:HAS_ANSWER]-", (("WRITTEN_BY", "in"), ("HAS_ANSWER", "in")))


def build(server: Server, shape: Shape, *, asked: bool = False, seed: int = 3) -> None:
    """Make the graph in an empty database. `asked`: users are joined with the questions that they ask, too."""
    chance = random.Random(seed)
    server.query(
        "UNWIND range(0, $n - 1) AS i CREATE (:User:Person {uid: 100 + i, displayName: 'Person ' + i, reputation: i})",
        n=USERS,
    )
    server.query("UNWIND range(0, $n - 1) AS i CREATE (:Tag {name: 'tag ' + i})", n=3 * SUBJECTS)
    questions: list[dict[str, Any]] = [
        {"number": 7_000 + i, "subject": i % SUBJECTS, "tag": i % SUBJECTS + SUBJECTS * chance.randrange(3),
         "text": f"What is to be known of the matter number {i}?", "time": 1_500_000_000 + 1_000 * i,
         "asker": 100 + chance.randrange(USERS)}
        for i in range(QUESTIONS)
    ]  # fmt: skip
    server.query(
        "UNWIND $rows AS row MATCH (t:Tag {name: 'tag ' + row.tag})"
        " CREATE (q:Question {number: row.number, title: row.text, asked: datetime({epochSeconds: row.time})})"
        " CREATE (q)-[:TAGGED]->(t)",
        rows=questions,
    )
    if asked:
        server.query(
            "UNWIND $rows AS row MATCH (u:User {uid: row.asker}) MATCH (q:Question {number: row.number})"
            " CREATE (u)-[:ASKED]->(q)",
            rows=questions,
        )
    answers: list[dict[str, Any]] = []
    for user in range(USERS):
        own = [row for row in questions if row["subject"] == user % SUBJECTS]
        for row in chance.sample(own, ANSWERS_EACH - 1) + chance.sample(questions, 1):
            answers.append({
                "number": row["number"], "uid": 100 + user, "time": 1_600_000_000 + chance.randrange(50_000_000),
                "score": chance.randint(1, 5), "device": chance.choice(["phone", "desk"]),
            })  # fmt: skip
    server.query(
        "UNWIND $rows AS row MATCH (u:User {uid: row.uid}) MATCH (q:Question {number: row.number})"
        f" CREATE (u){shape.first}(:Answer {{when: datetime({{epochSeconds: row.time}}), score: row.score}})"
        f"{shape.last}(q)",
        rows=answers,
    )

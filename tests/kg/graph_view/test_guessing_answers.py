"""What people answer is proposed as behaviour two relationships long, whichever way its arrows run."""

from __future__ import annotations

from pathlib import Path

import pytest

from kg.graph_view.guess import guess_graph
from kg.schema import DomainSchema
from tests.kg import questions
from tests.kg.questions import BACKWARD, FORWARD, MIXED, Shape
from tests.neo4j_server import Server


@pytest.mark.parametrize("asked", [False, True])
@pytest.mark.parametrize("shape", [FORWARD, MIXED, BACKWARD])
def test_users_answer_questions(shape: Shape, asked: bool, empty_neo4j: Server, tmp_path: Path) -> None:
    questions.build(empty_neo4j, shape, asked=asked)
    guess = guess_graph(empty_neo4j.uri, tmp_path)
    check(guess.schema, shape)
    # The other label of the same nodes says less.
    assert any("label Person: left out, as each of its nodes is a User too" in note for note in guess.notes)
    assert any("ASKED: left out, as it joins users and items" in note for note in guess.notes) is asked


def check(found: DomainSchema, shape: Shape, user: str = "user") -> None:
    assert (found.item_kinds, found.user_kinds, found.entity_kinds) == (("question",), (user,), ("tag",))
    assert set(found.relation_kinds) == {"tagged"}
    assert set(found.interactions) == {"answer"}
    answer = found.interactions["answer"]
    assert answer.path is not None
    assert answer.columns is not None
    steps = tuple((step.type, step.direction.value) for step in (answer.path.first, answer.path.last))
    assert (steps, answer.path.node) == (shape.described, ("Answer",))
    assert (answer.columns.time, answer.columns.weight) == ("node.when", "node.score")
    assert (answer.items, answer.positive.min_weight, answer.label) == (("question",), 4, "answered")


@pytest.mark.parametrize("shape", [FORWARD, MIXED])
def test_whoever_answers_is_the_user_whatever_they_are_called(
    shape: Shape, empty_neo4j: Server, tmp_path: Path
) -> None:
    questions.build(empty_neo4j, shape, asked=True)
    empty_neo4j.query("MATCH (u:User) REMOVE u:User")
    check(guess_graph(empty_neo4j.uri, tmp_path).schema, shape, user="person")


def test_comments_and_votes_beside_the_answers(empty_neo4j: Server, tmp_path: Path) -> None:
    questions.build(empty_neo4j, FORWARD, asked=True)
    empty_neo4j.query(
        "MATCH (u:User)-[:POSTED]->(a:Answer)-[:ANSWERS]->(q:Question) WITH u, a, q LIMIT 100"
        " CREATE (u)-[:COMMENTED]->(c:Comment {text: 'so', score: 1}) CREATE (c)-[:COMMENTED_ON]->(q)"
    )
    # A number of votes has no end from which a share would be good.
    empty_neo4j.query("MATCH (a:Answer) WITH a LIMIT 3 SET a.score = 431")
    found = guess_graph(empty_neo4j.uri, tmp_path).schema
    assert set(found.interactions) == {"answer", "comment"}
    assert (found.item_kinds, found.user_kinds) == (("question",), ("user",))
    answer, comment = found.interactions["answer"], found.interactions["comment"]
    assert answer.positive.min_weight is None
    assert comment.path is not None
    assert (comment.path.first.type, comment.path.node, comment.path.last.type) == (
        "COMMENTED",
        ("Comment",),
        "COMMENTED_ON",
    )


def test_what_whypath_has_written_is_not_proposed(empty_neo4j: Server, tmp_path: Path) -> None:
    questions.build(empty_neo4j, FORWARD)
    before = guess_graph(empty_neo4j.uri, tmp_path)
    empty_neo4j.query(
        "MATCH (u:User), (q:Question) WHERE (u.uid + q.number) % 9 = 0"
        " CREATE (u)-[:WHYPATH_RECOMMENDED {rank: 1, score: 0.5, bundle: 'b', time: 1.6e9}]->(q)"
        " CREATE (u)-[:WHYPATH_EVENT {id: u.uid + '-' + q.number, kind: 'answer', time: 1.6e9, weight: 5}]->(q)"
        " SET q.whypath_vector = [1.0, 2.0], q.whypath_query_vector = [1.0, 2.0]"
    )
    after = guess_graph(empty_neo4j.uri, tmp_path)
    assert after.schema == before.schema
    new = [note for note in after.notes if note not in before.notes]
    assert new == [f"{name}: left out, as WhyPath has written it" for name in ("WHYPATH_EVENT", "WHYPATH_RECOMMENDED")]

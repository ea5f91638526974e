"""What is guessed of every shape in the corpus: right but for the shapes named here, and never a dislike for a like."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.corpus import SHAPES
from tests.corpus.checking import judged
from tests.corpus.shape import Shape

NOT_YET = frozenset((
    "ids-prefix-in-one-file",
    "ids-mixed-case",
    "item-columns-in-two-tables",
    "triples-with-a-link-file",
    "triples-with-names-of-entities",
    "triples-with-users-among-them",
    "rdf-with-a-link-file",
    "learning-statements",
))  # fmt: skip
"""Shapes that are not guessed as an expert would describe them. A shape that comes right leaves the list."""

FILES = [shape for shape in SHAPES if "--from" not in shape.inputs]


@pytest.mark.parametrize("shape", FILES, ids=lambda shape: shape.name)
def test_a_shape_is_guessed_as_an_expert_would_describe_it(shape: Shape, tmp_path: Path) -> None:
    verdict = judged(shape, tmp_path)
    assert verdict.silent_dislikes == 0
    assert verdict.is_right is (shape.name not in NOT_YET), verdict


def test_the_list_of_shapes_to_do_names_shapes() -> None:
    assert {shape.name for shape in FILES} >= NOT_YET

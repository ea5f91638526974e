"""`Tensors`: what is wrong with an array that a file gave is said before it is used."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from encoders.graph.keys import keys_from_arrays
from encoders.tensors import LARGEST, StateUnreadable, Tensors

NUMBERS = np.array([[1, 2, 3], [4, 5, 6]], np.float32)


@pytest.mark.parametrize(
    ("tensor", "message"),
    [
        (None, "'x' is missing"),
        (NUMBERS.astype(np.float64), "'x' is of type float64, not of float32"),
        (NUMBERS[:, :2], r"'x' is of shape \[2, 2\], not of \[any, 3\]"),
        (NUMBERS[0], r"'x' is of shape \[3\], not of \[any, 3\]"),
        (np.float32(3), r"'x' is of shape \[\], not of"),
        (np.where(NUMBERS == 5, np.nan, NUMBERS), "'x' holds a number that is not between 0 and 9"),
        (np.where(NUMBERS == 5, np.inf, NUMBERS), "not between"),
        (np.where(NUMBERS == 5, -1, NUMBERS), "not between"),
        (np.where(NUMBERS == 5, 10, NUMBERS), "not between"),
    ],
)
def test_numbers_are_there_of_their_type_shape_and_range(tensor: NDArray | None, message: str) -> None:
    tensors = {} if tensor is None else {"x": np.asarray(tensor)}
    if tensor is not None and message.startswith(("not", "'x' holds")):
        tensors["x"] = tensors["x"].astype(np.float32)
    with pytest.raises(StateUnreadable, match=message):
        Tensors(tensors).numbers("x", (None, 3), at_least=0, at_most=9)


def test_sound_numbers_are_given_as_they_are() -> None:
    assert Tensors({"x": NUMBERS}).numbers("x", (None, 3)) is NUMBERS
    nothing = np.zeros((0, 3), np.float32)
    assert Tensors({"x": nothing}).numbers("x", (None, 3)) is nothing
    with pytest.raises(StateUnreadable, match="not between"):
        Tensors({"x": np.array([LARGEST * 2])}).numbers("x", (1,), dtype=np.float64)


INDICES = st.integers(-3, 8) | st.sampled_from([np.iinfo(np.int32).max, np.iinfo(np.int32).min])
STARTS = st.integers(-1, 7) | st.sampled_from([np.iinfo(np.int64).max, np.iinfo(np.int64).min])


@given(
    data=hnp.arrays(np.float32, st.integers(0, 6), elements=st.floats(width=32)),
    indices=st.lists(INDICES, max_size=6),
    indptr=st.lists(STARTS, max_size=6),
    rows=st.none() | st.integers(0, 5),
    columns=st.none() | st.integers(0, 6),
)
def test_a_sparse_matrix_is_sound_or_refused(
    data: NDArray, indices: list[int], indptr: list[int], rows: int | None, columns: int | None
) -> None:
    arrays = {"data": data, "indices": np.array(indices, np.int32), "indptr": np.array(indptr, np.int64)}
    try:
        found = Tensors(arrays).csr("data", "indices", "indptr", (rows, columns))
    except StateUnreadable:
        return
    found.check_format(full_check=True)
    assert rows in (None, found.shape[0])
    assert found.shape[1] == (found.shape[0] if columns is None else columns)
    assert np.isfinite(found.data).all()
    assert found.has_canonical_format


@given(density=st.floats(0, 1), rows=st.integers(0, 6), columns=st.integers(0, 6), seed=st.integers(0, 99))
def test_every_sound_sparse_matrix_is_read(density: float, rows: int, columns: int, seed: int) -> None:
    dense = np.random.default_rng(seed).random((rows, columns), dtype=np.float32)
    made = sp.csr_array(np.where(dense < density, dense, 0))
    arrays = {"data": made.data, "indices": made.indices, "indptr": made.indptr}
    found = Tensors(arrays).csr("data", "indices", "indptr", (rows, columns))
    np.testing.assert_array_equal(found.toarray(), made.toarray())


@pytest.mark.parametrize(
    ("content", "offsets", "message"),
    [
        (b"ab", [0, 3], "'o' does not rise from 0 to 2"),
        (b"ab", [0, 1], "does not rise from 0 to 2"),
        (b"ab", [1, 2], "does not rise"),
        (b"ab", [0, 2, 1, 2], "does not rise"),
        (b"ab", [0, np.iinfo(np.int64).max, np.iinfo(np.int64).min, 2], "does not rise"),
        (b"ab", [], "does not rise"),
        (b"a\xff", [0, 2], "'k' is not text in UTF-8"),
        ("é".encode(), [0, 1, 2], "'k' is not text in UTF-8"),
    ],
)
def test_keys_that_cannot_be_taken_apart_are_refused(content: bytes, offsets: list[int], message: str) -> None:
    arrays = {"k": np.frombuffer(content, np.uint8), "o": np.array(offsets, np.int64)}
    with pytest.raises(StateUnreadable, match=message):
        keys_from_arrays(Tensors(arrays), "k", "o")

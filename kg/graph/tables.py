"""The tables of a snapshot: nodes of a kind, edges of a relation as CSR in both directions, events of a kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from kg.graph.columns import FieldColumn
from kg.graph.strings import Strings
from kg.schema import Role


@dataclass(frozen=True, eq=False)
class NodeTable:
    """All nodes of one kind, sorted by key (code-point order); a node's row is its local index.

    `labels` are for users, `texts` for a text encoder (both empty strings where there is none).
    """

    kind: str
    role: Role
    keys: Strings
    labels: Strings
    texts: Strings
    fields: Mapping[str, FieldColumn]

    def __len__(self) -> int:
        return len(self.keys)

    def take(self, rows: NDArray[np.intp]) -> NodeTable:
        """A table of the given rows, which must be ascending."""
        return NodeTable(
            self.kind,
            self.role,
            self.keys.take(rows),
            self.labels.take(rows),
            self.texts.take(rows),
            {name: column.take(rows) for name, column in self.fields.items()},
        )

    def merged(self, other: NodeTable, positions: NDArray[np.intp], *, same_keys: bool = False) -> NodeTable:
        """The rows at these positions of this table followed by `other`; `same_keys`: the keys are this table's."""

        def chosen(first: Strings, second: Strings) -> Strings:
            return Strings.concatenated([first, second]).take(positions)

        fields = {name: column.merged(other.fields[name], positions) for name, column in self.fields.items()}
        keys = self.keys if same_keys else chosen(self.keys, other.keys)
        labels, texts = chosen(self.labels, other.labels), chosen(self.texts, other.texts)
        return NodeTable(self.kind, self.role, keys, labels, texts, fields)

    def with_bare(self, keys: list[str]) -> NodeTable:
        """The table with further nodes that have only a key (which is their label too), none of them in it yet."""
        added, count = Strings.of(keys), len(keys)
        fields = {name: column.missed_by(count) for name, column in self.fields.items()}
        bare = NodeTable(self.kind, self.role, added, added, Strings.repeated("", count), fields)
        return self.merged(bare, Strings.concatenated([self.keys, added]).order())


@dataclass(frozen=True, eq=False)
class Csr:
    """Compressed sparse rows: the neighbours of row r are `indices[indptr[r]:indptr[r + 1]]`, ascending.

    `indptr` int64 [n_rows + 1], `indices` int32 [n_edges].
    """

    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]

    @classmethod
    def of(cls, rows: NDArray[np.integer], columns: NDArray[np.integer], n_rows: int) -> Csr:
        """Build from pairs without repeats, in any order."""
        order = np.lexsort((columns, rows))
        indptr = np.zeros(n_rows + 1, dtype=np.int64)
        np.cumsum(np.bincount(rows, minlength=n_rows), out=indptr[1:])
        return cls(indptr, columns[order].astype(np.int32))

    def __len__(self) -> int:
        return len(self.indptr) - 1

    @property
    def n_edges(self) -> int:
        return len(self.indices)

    def row(self, index: int) -> NDArray[np.int32]:
        """Neighbours of one row, ascending."""
        return self.indices[self.indptr[index] : self.indptr[index + 1]]

    def degrees(self) -> NDArray[np.int64]:
        """Neighbours per row, int64 [n_rows]."""
        return np.diff(self.indptr)

    def rows(self) -> NDArray[np.int32]:
        """The row of every edge, int32 [n_edges], in the order of `indices`."""
        return np.repeat(np.arange(len(self), dtype=np.int32), self.degrees())


@dataclass(frozen=True, eq=False)
class RelationTable:
    """All edges of one relation, without repeats.

    `forward` leads from local head indices to local tail indices, `backward` the other way; `label` is the text in
    printed paths ("directed by"); a `hidden` relation is never printed.
    """

    name: str
    label: str
    head_kind: str
    tail_kind: str
    forward: Csr
    backward: Csr
    hidden: bool = False

    def __len__(self) -> int:
        return self.forward.n_edges

    @property
    def heads(self) -> NDArray[np.int32]:
        """Local head index of every edge, int32 [n_edges], ascending (ties by tail)."""
        return self.forward.rows()

    @property
    def tails(self) -> NDArray[np.int32]:
        """Local tail index of every edge, int32 [n_edges], in the order of `heads`."""
        return self.forward.indices

    def with_edges(
        self, heads: NDArray[np.integer], tails: NDArray[np.integer], n_heads: int, n_tails: int
    ) -> RelationTable:
        """The same relation with other edges (local indices; repeats are dropped) over kinds of the given sizes."""
        packed = np.unique(heads.astype(np.int64) * max(n_tails, 1) + tails)
        heads, tails = packed // max(n_tails, 1), packed % max(n_tails, 1)
        return replace(self, forward=Csr.of(heads, tails, n_heads), backward=Csr.of(tails, heads, n_tails))

    def matrix(self) -> sp.csr_array:
        """Incidence of heads and tails, float32 [n_heads, n_tails] with ones."""
        ones = np.ones(len(self), dtype=np.float32)
        parts = (ones, self.forward.indices, self.forward.indptr)
        # A copy, so that a caller who changes the matrix in place does not change the relation.
        return sp.csr_array(parts, shape=(len(self.forward), len(self.backward)), copy=True)


@dataclass(frozen=True, eq=False)
class InteractionTable:
    """All events of one interaction kind, sorted by user, time (unknown last), item, id; all columns of length
    n_events.

    `users` int32 local indices into the user kind's table, `items` int32 dense item indices, `weights` float32 and
    `times` float64 seconds since the epoch (NaN where there is none), `positive` the schema's rule applied to the
    weights.
    """

    kind: str
    users: NDArray[np.int32]
    items: NDArray[np.int32]
    weights: NDArray[np.float32]
    times: NDArray[np.float64]
    positive: NDArray[np.bool_]
    ids: Strings

    def __len__(self) -> int:
        return len(self.users)

    def take(self, rows: NDArray[np.intp] | slice) -> InteractionTable:
        """The events at the given rows, in that order; those of a slice are not copied."""
        return InteractionTable(
            self.kind,
            self.users[rows],
            self.items[rows],
            self.weights[rows],
            self.times[rows],
            self.positive[rows],
            self.ids[rows] if isinstance(rows, slice) else self.ids.take(rows),
        )

    def in_order(self) -> InteractionTable:
        """The same events, sorted as documented for the class."""
        by_id = np.empty(len(self), dtype=np.int64)
        by_id[self.ids.order()] = np.arange(len(self))
        return self.take(np.lexsort((by_id, self.items, self.times, self.users)))

    def of_user(self, user: int) -> slice:
        """Rows of one user (local index)."""
        # In the column's own type: numpy would copy the whole column into a wider one.
        first, last = np.searchsorted(self.users, np.array([user, user + 1], dtype=self.users.dtype))
        return slice(int(first), int(last))

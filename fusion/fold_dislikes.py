"""What folds know of dislikes: disliked items do not compete, and a beginning knows only the dislikes of its time."""

from __future__ import annotations

from dataclasses import replace

import scipy.sparse as sp

from fusion.folds import Fold, HeldOut


def with_dislikes(fold: Fold) -> Fold:
    """The same fold, in which disliked items do not compete: serving does not list them either, so that it is no merit
    of a block to rank them low.
    """
    return replace(fold, held_out=tuple(map(_part, fold.held_out)))


def _part(part: HeldOut) -> HeldOut:
    histories = part.histories
    if histories.dislikes is None:
        return part
    if part.kind == "users":
        histories = histories.begun()
    known = histories.known()
    # A target stays one, whatever the user thought of it before.
    added = sp.csr_array(known - known.multiply(part.targets > 0))
    excluded = sp.csr_array(part.excluded + added)
    excluded.eliminate_zeros()
    return replace(part, histories=histories, excluded=excluded)

"""Errors of stores, each with a message for the user."""

from __future__ import annotations

from kg.errors import WhyPathError


class StoreError(WhyPathError):
    """Base of the errors of stores."""


class StoreNotFound(StoreError):
    """The given place has no store, or holds something else."""


class StoreEmpty(StoreError):
    """The store exists, but no domain has been loaded into it completely."""


class StoreLoading(StoreError):
    """A load is in progress, or was interrupted, and the request needs a complete one."""


class StoreLocked(StoreError):
    """Another process is loading into the store."""


class StoreBusy(StoreError):
    """The store did not answer in time, because other processes are writing to it."""


class TookTooLong(StoreBusy):
    """A query was stopped at its time limit."""


class StoreDamaged(StoreError):
    """The store's files cannot be read: not a store, another version's, or damaged."""


class SchemaMismatch(StoreError):
    """The domain description does not fit what the store holds."""


class RowsRefused(StoreError):
    """The store refuses rows, so none was written."""


class StoreUnavailable(StoreError):
    """The store's server does not answer."""


class StoreDenied(StoreError):
    """The store's server refuses the user or the request."""

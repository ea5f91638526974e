"""The tests that every block and every store must pass, for packages that bring one.

pytest collects the subclasses of a contract in a test module. Needs the extra `testing`; only tests import it.
"""

from __future__ import annotations

from kg.errors import WhyPathError


class TestingExtraMissing(WhyPathError, ImportError):
    """The optional extra `testing` is not installed."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"whypath.testing needs {name} of the extra `testing`, which is not installed:"
            " pip install 'whypath[testing]'"
        )


try:
    import hypothesis  # noqa: F401
    import pytest
except ModuleNotFoundError as error:
    raise TestingExtraMissing(error.name or "a package") from error

# Before the contracts are imported: a failed `assert` then shows the values that it compared.
pytest.register_assert_rewrite("whypath.testing.blocks", "whypath.testing.stores")

from whypath.testing.blocks import BlockContract  # noqa: E402
from whypath.testing.stores import EventContract, GraphStoreContract, ReadContract  # noqa: E402

__all__ = ["BlockContract", "EventContract", "GraphStoreContract", "ReadContract"]

"""The contract of blocks, and the small domain that they are fitted on."""

from whypath.testing.blocks.contract import BlockContract

__all__ = ["BlockContract"]

"""`ENCODERS`: the block classes that models are made of, by name; a block's class holds everything about it.

They are the built-in ones, those of installed packages (entry points of the group `whypath.encoders`), and those that
a process adds by `ENCODERS.add`.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias, TypeVar

from pydantic import BaseModel

from encoders.behavior import BEHAVIOR, Transitions
from encoders.block import Family, FittedBlock, Input
from encoders.graph import GNN, FactEASE, SharedEntities
from encoders.search_space import Between, OneOf
from encoders.text import TextBlock
from kg.errors import WhyPathError
from kg.plugins import Plugins

GROUP = "whypath.encoders"
"""Group of the entry points."""

BlockType: TypeAlias = type[FittedBlock]
B = TypeVar("B")

BLOCK_NAME = re.compile("[a-z][a-z0-9_]{0,39}")
"""Pattern of a block's name."""


class UnknownBlock(WhyPathError):
    """No block or family has this name."""


class Encoders(Mapping[str, BlockType]):
    """Name to block class; installed packages are searched for names that are not built in."""

    def __init__(self, *blocks: type) -> None:
        self._own: dict[str, BlockType] = {block.name: block for block in blocks}
        self._added: dict[str, BlockType] = {}
        self._installed = Plugins(GROUP, self._checked)

    def __getitem__(self, name: str) -> BlockType:
        return self._own.get(name) or self._added.get(name) or self._installed[name]

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys((*self._own, *self._added, *self._installed)))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    @property
    def own(self) -> tuple[str, ...]:
        """Names of the built-in blocks."""
        return tuple(self._own)

    def find(self, name: str) -> BlockType:
        """The class of a name. Raises UnknownBlock."""
        try:
            return self[name]
        except KeyError:
            raise UnknownBlock(
                f"there is no block {name!r}; there are {', '.join(self)}, and no installed package has another of this"
                f" name ({GROUP})"
            ) from None

    def add(self, block: type[B]) -> type[B]:
        """Add a block class for this process, replacing an earlier one of its name; usable as a decorator.

        A bundle with such a block can be loaded only where the class was added before. Raises ValueError.
        """
        checked = self._checked(getattr(block, "name", block.__name__), block)
        self._added[checked.name] = checked
        return block

    def remove(self, name: str) -> None:
        """Undo `add`."""
        del self._added[name]

    def package_of(self, name: str) -> str | None:
        """The distribution of a block, None for built-in ones and those added by the process."""
        return None if name in self._own or name in self._added else self._installed.package_of(name)

    def _checked(self, name: str, block: Any) -> BlockType:
        if not isinstance(block, type):
            raise ValueError("it is no class")
        lacking = [part for part in _PARTS if not hasattr(block, part)]
        if lacking:
            raise ValueError(f"{block.__name__} is no block: it has no {', '.join(lacking)}")
        if inspect.isabstract(block):
            raise ValueError(f"{block.__name__} has no {', '.join(sorted(block.__abstractmethods__))}")
        if block.name != name or not BLOCK_NAME.fullmatch(name):
            raise ValueError(
                f"{block.__name__} has the name {block.name!r}; a block has the name of its entry point, of lower case "
                "letters, digits and _"
            )
        if name in self._own or name in list(Family):
            raise ValueError(f"{block.__name__}: the name {name!r} is WhyPath's own")
        if block.family not in list(Family) or not {*block.needs, *block.uses} <= set(Input):
            raise ValueError(f"{block.__name__}: `family` is one of `Family`, `needs` and `uses` are sets of `Input`")
        if not (isinstance(block.settings_type, type) and issubclass(block.settings_type, BaseModel)):
            raise ValueError(f"{block.__name__}: `settings_type` is no pydantic model")
        if unknown := block.search_space.keys() - block.settings_type.model_fields.keys():
            raise ValueError(f"{block.__name__}: `search_space` has {min(unknown)!r}, which is no setting")
        for field, values in block.search_space.items():
            if not isinstance(values, Between | OneOf):
                raise ValueError(f"{block.__name__}: `search_space` has {values!r} for {field!r}, not Between or OneOf")
        return block


_PARTS = (
    *("name", "family", "serves_new_items", "summary", "settings_type", "search_space", "needs", "uses", "max_items"),
    *("fit", "scores", "shares", "state", "from_state", "check_state"),
)

ENCODERS = Encoders(*BEHAVIOR.values(), Transitions, FactEASE, GNN, SharedEntities, TextBlock)
"""Name to block class."""

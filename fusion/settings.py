"""Settings of the fusion: which blocks, how they are cross-fitted, how strongly the gates are held back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, create_model, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from fusion.registry import ENCODERS


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class BlockSettings(BaseModel):
    """Settings of every block, by the block's name."""

    # Each is of the `settings_type` of its block's class. Those of WhyPath's own blocks are always there, those of
    # blocks that packages bring where they are given.

    model_config = ConfigDict(frozen=True, extra="allow")

    if TYPE_CHECKING:

        def __init__(self, **settings: BaseModel) -> None: ...

        def __getattr__(self, name: str) -> Any: ...

    @model_validator(mode="before")
    @classmethod
    def _of_their_classes(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        return dict(_fields_of(dict.fromkeys((*ENCODERS.own, *given))).model_validate(dict(given)))

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return handler(_fields_of(ENCODERS).__pydantic_core_schema__)

    def of(self, name: str) -> BaseModel:
        """The settings of a block, its defaults where none are given. Raises UnknownBlock."""
        found = (self.__pydantic_extra__ or {}).get(name)
        return ENCODERS.find(name).settings_type() if found is None else found

    def including(self, names: Iterable[str]) -> Self:
        """The same with the settings of these blocks written out. Raises UnknownBlock."""
        return self.model_copy(update={name: self.of(name) for name in names})


def _fields_of(names: Iterable[str]) -> type[BaseModel]:
    """A model with a field for each of these that is a block's name."""
    blocks = [ENCODERS[name] for name in names if name in ENCODERS]
    fields: dict[str, Any] = {
        block.name: (block.settings_type, Field(default=block.settings_type(), description=block.summary or None))
        for block in blocks
    }
    config = ConfigDict(extra="forbid", title=BlockSettings.__name__)
    return create_model(BlockSettings.__name__, __config__=config, __doc__=BlockSettings.__doc__, **fields)


class CrossFitSettings(_Settings):
    """How out-of-sample block scores are made; see `fusion.crossfit`."""

    folds: int = Field(default=4, ge=2)
    """Folds; in each, every block is fitted again without the fold's events."""

    held_out_events: float = Field(default=0.12, gt=0, lt=0.5)
    """Share of each user's events that a fold holds out."""

    held_out_items: float = Field(default=0.12, gt=0, lt=0.5)
    """Share of the warm items that a fold holds out whole, so that the gates learn cold items."""

    short_histories: float = Field(default=0.25, ge=0, lt=1)
    """Share of a fold's users whose history is cut to a few items, so that the gates learn new users."""

    max_users: int = Field(default=1000, ge=1)
    """Users that a fold scores (blocks are always fitted on all)."""

    hard_candidates: int = Field(default=1500, ge=1)
    """Candidates a user's examples keep for certain: those that the blocks together rank highest."""

    random_candidates: int = Field(default=300, ge=1)
    """Candidates drawn from the rest, weighted up to stand for all of it."""


class GateSettings(_Settings):
    """How the gates are fitted; see `fusion.gates`."""

    steps: int = Field(default=160, ge=1)
    """Steps of Adam, each over a batch of users of one fold."""

    batch_users: int = Field(default=250, ge=1)
    """Users in one step."""

    shrinkage: float = Field(default=1e-3, ge=0)
    """L2 penalty on everything that makes a gate differ from a constant, and on the bias."""

    cold_shrinkage: float = Field(default=0.05, ge=0)
    """L2 penalty on what the facts of a cold item add to its score: many users stand behind it, but few items do."""

    evenness: float = Field(default=0.03, ge=0)
    """L2 penalty on what makes the blocks' weights differ: the blocks agree much, so the likelihood hardly tells how to
    share the weight among them, while an even share is the safest on other data."""

    sparsity: float = Field(default=1e-3, ge=0)
    """L1 penalty on the blocks' weights."""

    least_share: float = Field(default=0.02, ge=0, lt=1)
    """A block whose weight is a smaller share of the sum (scores being of unit spread) is taken out, gates refitted."""

    cold_weight: float = Field(default=0.5, ge=0)
    """Weight of the examples on items held out whole, against those on held-out events."""


class FusionSettings(_Settings):
    """Everything that decides a model beside data and seed."""

    blocks: tuple[str, ...] = ("ease", "ials", "factease", "gnn", "shared", "text")
    """Names of the blocks to fit. Those that a catalogue is too large for are left out with a message."""

    block: BlockSettings = BlockSettings()
    """Settings of the blocks."""

    crossfit: CrossFitSettings = CrossFitSettings()
    """How gates see out-of-sample scores."""

    gates: GateSettings = GateSettings()
    """How gates are fitted."""

    min_users: int = Field(default=2, ge=1)
    """Items that fewer training users had count as items without interactions, pairs of items that fewer had together
    as pairs that nobody had (in the blocks that look at pairs), and numbers of users are told in steps: what a single
    user did cannot be read off the model. 1 keeps everything, exactly."""

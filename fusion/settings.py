"""Settings of the fusion: the blocks, their cross-fitting, and the fit of the gates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    create_model,
    field_validator,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

from encoders.settings import Settings
from fusion.registry import ENCODERS, UnknownBlock


class BlockSettings(BaseModel):
    """Settings of every block, by the block's name."""

    # Each is of the `settings_type` of its block's class. Built-in blocks always have theirs, blocks of packages only
    # if given.

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
        """The settings of a block, by default its defaults. Raises UnknownBlock."""
        settings = (self.__pydantic_extra__ or {}).get(name)
        return ENCODERS.find(name).settings_type() if settings is None else settings

    def including(self, names: Iterable[str]) -> Self:
        """Return the same with explicit settings of these blocks. Raises UnknownBlock."""
        return self.model_copy(update={name: self.of(name) for name in names})


def _fields_of(names: Iterable[str]) -> type[BaseModel]:
    """Make a model with a field for each of these that is a block's name."""
    blocks = [ENCODERS[name] for name in names if name in ENCODERS]
    fields: dict[str, Any] = {
        block.name: (block.settings_type, Field(default=block.settings_type(), description=block.summary or None))
        for block in blocks
    }
    config = ConfigDict(extra="forbid", title=BlockSettings.__name__)
    return create_model(BlockSettings.__name__, __config__=config, __doc__=BlockSettings.__doc__, **fields)


class CrossFitSettings(Settings):
    """How out-of-sample block scores are made; see `fusion.crossfit`."""

    folds: int = Field(default=4, ge=2)
    """Number of folds; in each, every block is fitted again without the fold's events."""

    held_out_events: float = Field(default=0.12, gt=0, lt=0.5)
    """Share of each user's events that a fold holds out."""

    held_out_items: float = Field(default=0.12, gt=0, lt=0.5)
    """Share of the warm items that a fold holds out whole, so that the gates learn cold items."""

    held_out_users: float = Field(default=0.1, ge=0, lt=0.5)
    """Share of the users that a fold holds out whole, so that the gates learn new users."""

    last_events: int = Field(default=5, ge=1)
    """Number of each user's last events that are held out, at most, where a model predicts what comes next."""

    max_users: int = Field(default=1000, ge=1)
    """Number of histories of each kind that a fold scores (blocks are always fitted on all)."""

    hard_candidates: int = Field(default=500, ge=1)
    """Candidates that a user's examples always keep: those that the blocks together rank highest."""

    random_candidates: int = Field(default=200, ge=1)
    """Candidates drawn from the rest, weighted to represent all of it."""


class GateSettings(Settings):
    """How the gates are fitted; see `fusion.gates`."""

    steps: int = Field(default=160, ge=1)
    """Steps of Adam, each over a batch of users of one fold."""

    batch_users: int = Field(default=250, ge=1)
    """Users in one step."""

    ranking: float = Field(default=10.0, ge=0)
    """Weight of a smooth nDCG@10 in what the gates are fitted to. The likelihood alone would spend a popular item's
    weight on targets that no list shows."""

    likelihood: float = Field(default=0.03, ge=0)
    """Weight of the likelihood of held-out items among all candidates; more where there are few examples."""

    temperature: float = Field(default=0.12, gt=0)
    """Difference of scores, in units of the blocks' spread, over which the smooth nDCG blurs ranks; more where
    there are few examples."""

    shrinkage: float = Field(default=1e-3, ge=0)
    """L2 penalty on all parameters that make a gate differ from a constant, and on the bias."""

    smoothness: float = Field(default=1e-3, ge=0)
    """L2 penalty on differences between the gates of neighbouring lengths of histories; more where there are few
    examples."""

    cold_shrinkage: float = Field(default=0.05, ge=0)
    """L2 penalty on the weights of a cold item's facts: they are fitted on many users, but on few items."""

    evenness: float = Field(default=0.03, ge=0)
    """L2 penalty on differences between the blocks' weights: the blocks largely agree, so the likelihood hardly decides
    how to divide the weight among them, and an even division is the safest on other data."""

    sparsity: float = Field(default=1e-3, ge=0)
    """L1 penalty on the blocks' weights."""

    least_share: float = Field(default=0.02, ge=0, lt=1)
    """A block whose weight is a smaller share of the sum (scores being of unit spread) is removed, and the gates are
    fitted again."""

    cold_weight: float = Field(default=0.5, ge=0)
    """Weight of the examples on items held out whole, against those on held-out events."""

    new_user_weight: float = Field(default=0.7, ge=0)
    """Weight of the examples on users held out whole, against those on held-out events."""

    @model_validator(mode="after")
    def _fitted_to_something(self) -> Self:
        if not self.ranking and not self.likelihood:
            raise ValueError("give `ranking` or `likelihood` above 0: gates must be fitted to something")
        return self


class FusionSettings(Settings):
    """Everything that determines a model besides data and seed."""

    blocks: tuple[str, ...] = Field(
        default=("ease", "ials", "transitions", "rp3beta", "factease", "gnn", "shared", "text"), strict=False
    )
    """Names of the blocks to fit, each once. Those that cannot hold the catalogue are left out with a message."""

    block: BlockSettings = BlockSettings()
    """Settings of the blocks."""

    protocol: Literal["auto", "random", "next"] = "auto"
    """What is predicted: `random` any item of a user, `next` what comes next. `auto`: `next` for a store's events with
    times, and for files whose valid events are later than the train events of nearly all users."""

    tune: int = Field(default=0, ge=0)
    """Trials of a search for each block's settings over their whole ranges, on held-out events; needs the extra `tune`.
    0: a few steps from the settings that are given here."""

    crossfit: CrossFitSettings = CrossFitSettings()
    """How out-of-sample scores are made for the gates."""

    gates: GateSettings = GateSettings()
    """How gates are fitted."""

    min_users: int = Field(default=2, ge=1)
    """Items that fewer training users had count as items without interactions, pairs of items that fewer had together
    as pairs without users (in the blocks that use pairs), and numbers of users are given in steps: the acts of a single
    user cannot be inferred from the model. 1 keeps everything, exactly."""

    @field_validator("blocks")
    @classmethod
    def _each_known_once(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if names.count(name) > 1:
                raise PydanticCustomError("block_twice", "the block {name} is named twice", {"name": repr(name)})
            try:
                ENCODERS.find(name)
            except UnknownBlock as error:
                raise PydanticCustomError("unknown_block", "{reason}", {"reason": str(error)}) from None
        return names

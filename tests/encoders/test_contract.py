"""Every `Block` class has a contract test, every settings class tells what tuning may try."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from types import ModuleType
from typing import ClassVar

import pytest
from pydantic import BaseModel

import encoders
import tests.encoders
from encoders.behavior import BEHAVIOR
from encoders.graph import FactEASESettings, GNNSettings, SharedSettings
from encoders.search import Choice, Range, SearchSpace
from encoders.text import TextBlockSettings
from tests.encoders.contract import BlockContract

SETTINGS = [*(block.settings_type for block in BEHAVIOR.values()), TextBlockSettings, GNNSettings, FactEASESettings]


class Tunable(BaseModel):
    """What the settings classes have in common."""

    search: ClassVar[SearchSpace]


def modules(package: ModuleType) -> list[ModuleType]:
    return [
        importlib.import_module(found.name) for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    ]


def block_classes() -> set[type]:
    """Concrete classes defined under `encoders` that have all methods of `Block`."""
    methods = ("scores", "shares", "state", "from_state", "check_state")
    return {
        member
        for module in modules(encoders)
        for _, member in inspect.getmembers(module, inspect.isclass)
        if member.__module__ == module.__name__
        and all(hasattr(member, name) for name in methods)
        and not inspect.isabstract(member)
        and not getattr(member, "_is_protocol", False)
        and not member.__name__.startswith("_")
        and hasattr(member, "name")
    }


def test_every_block_class_has_a_contract_test() -> None:
    modules(tests.encoders)
    found = block_classes()
    assert len(found) >= len(BEHAVIOR)
    without = found - BlockContract.covered
    assert not without, f"no BlockContract for {sorted(block.__name__ for block in without)}"


def test_names_are_unique_and_lead_to_their_class() -> None:
    assert all(block.name == name for name, block in BEHAVIOR.items())


@pytest.mark.parametrize("settings_type", [*SETTINGS, SharedSettings], ids=lambda settings_type: settings_type.__name__)
def test_settings_round_trip_and_are_documented(settings_type: type[BaseModel]) -> None:
    settings = settings_type()
    assert settings_type.model_validate_json(settings.model_dump_json()) == settings
    assert all(field.description for field in settings_type.model_fields.values())


@pytest.mark.parametrize("settings_type", SETTINGS, ids=lambda settings_type: settings_type.__name__)
def test_search_ranges_hold_valid_values(settings_type: type[Tunable]) -> None:
    assert settings_type.search
    for name, space in settings_type.search.items():
        match space:
            case Range(low, high, log, whole):
                ends = [low, high]
                assert low < high
                assert not log or low > 0
                values = [int(end) if whole else end for end in ends]
                assert values == ends
            case Choice(values):
                assert values
        for value in values:
            assert getattr(settings_type.model_validate({name: value}), name) == value

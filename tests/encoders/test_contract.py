"""Every `Block` class has a contract test, every settings class documents its settings."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from types import ModuleType

import pytest
from pydantic import BaseModel

import encoders
import tests.encoders
from encoders.behavior import BEHAVIOR
from encoders.graph import FactEASESettings, GNNSettings, SharedSettings
from encoders.text import TextBlockSettings
from kg.schema.field_docs import field_docs
from whypath.testing import BlockContract

SETTINGS = [*(block.settings_type for block in BEHAVIOR.values()), TextBlockSettings, GNNSettings, FactEASESettings]


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
    assert settings_type.model_fields.keys() <= field_docs(settings_type).keys()

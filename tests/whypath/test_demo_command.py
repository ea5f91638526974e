"""`whypath demo --prepare` writes the domain that `--domain` names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kg.datasets import fetch
from kg.datasets.fetch import WheelUnavailable
from kg.datasets.movielens.releases import RELEASES
from kg.schema import DomainSchema
from whypath.cli import main


@pytest.mark.parametrize(("flags", "domain"), [([], "films-100k"), (["--domain", "films-1m"], "films-1m")])
def test_prepare_writes_the_named_domain(
    flags: list[str], domain: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    release = RELEASES[domain]
    try:
        for wheel in (release.wheel, fetch.FILMS):
            fetch.unpacked(wheel)
    except WheelUnavailable as error:
        pytest.skip(f"the sources of {domain} are not cached and cannot be fetched: {error}")
    assert main(["demo", *flags, "--prepare", str(tmp_path), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["domain"] == str(tmp_path / "domain.yaml")
    assert printed["linked_share"] > 0.965
    assert DomainSchema.read(tmp_path / "domain.yaml").name == release.name

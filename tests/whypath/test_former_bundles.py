"""A bundle of a former format is refused, with the command that renews it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fusion.model_files import FORMAT, ModelUnreadable, read_model, write_model
from fusion.training import Fitting
from tests.fusion.small import with_blocks
from tests.planted import domain

SEEN = domain(users=40, items=24)


@pytest.mark.parametrize("former", range(1, FORMAT))
def test_a_model_of_a_former_format_names_the_command(former: int, tmp_path: Path) -> None:
    write_model(Fitting(SEEN.graph, SEEN.interactions, asked=with_blocks("ease"), seed=1).model(), tmp_path)
    file = tmp_path / "model.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "format": former}))
    message = f"format {former}, this version reads {FORMAT}; run `whypath train` again"
    with pytest.raises(ModelUnreadable, match=message):
        read_model(tmp_path)

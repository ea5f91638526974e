"""Settings files: what is printed reads back to the same, what is wrong is named, flags come before the file."""

from __future__ import annotations

import functools
import json
import tomllib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from whypath.cli import main
from whypath.models.bundle import Bundle, TrainingChoices
from whypath.models.train_settings import BadSettings, TrainSettings
from whypath.schema_file import settings_schema_text

FILE = """
blocks = ["ease", "popularity"]
min_users = 1
seed = 7

[block.ease]
regularization = 31.5

[gates]
steps = 5
"""


def test_printed_settings_are_the_defaults(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--print-settings"]) == 0
    printed = capsys.readouterr().out
    assert TrainSettings.model_validate(tomllib.loads(printed)) == TrainSettings()
    # Each setting stands under a comment that says what it is.
    lines = printed.splitlines()
    for above, line in pairwise(lines):
        assert not (" = " in line and not line.startswith("#")) or above.startswith("#"), line


def test_printed_settings_are_those_of_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "s.toml").write_text(FILE)
    assert main(["train", "--print-settings", "--settings", str(tmp_path / "s.toml"), "--min-users", "3"]) == 0
    found = TrainSettings.model_validate(tomllib.loads(capsys.readouterr().out))
    assert found == TrainSettings.read(tmp_path / "s.toml").model_copy(update={"min_users": 3})
    assert (found.seed, found.block.ease.regularization, found.gates.steps) == (7, 31.5, 5)


def test_wrong_settings_to_print_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "s.toml").write_text("[block.eas]\nx = 1\n")
    assert main(["train", "--settings", str(tmp_path / "s.toml"), "--print-settings"]) == 2
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert "there is no setting block.eas" in said.err
    with pytest.raises(SystemExit):
        main(["train", "--settings", str(tmp_path / "s.toml")])
    assert "--store, --bundle" in capsys.readouterr().err


texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
some_settings = st.builds(
    lambda seed, refit, only, prefix, share, strength, length: TrainSettings.model_validate(
        {
            "seed": seed,
            "refit": refit,
            "only": only,
            "text_encoder": {"prefix": prefix, "max_length": length},
            "crossfit": {"held_out_users": share},
            "block": {"ease": {"regularization": strength}},
        }
    ),
    st.integers(0, 2**32 - 1),
    st.booleans(),
    st.none() | texts,
    texts,
    st.floats(0, 0.4),
    st.floats(1e-9, 1e12),
    st.none() | st.integers(2, 10_000),
)


def test_options_come_before_the_settings_that_they_are_given_with() -> None:
    settings = TrainSettings.model_validate({"seed": 3, "only": "ease", "blocks": ["ease"], "min_users": 4})
    found = TrainSettings.of(settings, seed=5, text=False, min_users=None)
    assert found == settings.model_copy(update={"seed": 5, "text": False})
    assert found.choices == TrainingChoices(seed=5, text=False, only="ease")
    assert (found.fusion.blocks, found.fusion.min_users) == (("ease",), 4)
    assert TrainSettings.of(found.fusion).seed == 1
    for wrong in ({"seed": -1}, {"seed": 2**32}, {"seed": True}, {"min_users": True}, {"graph": "half"}, {"sed": 1}):
        with pytest.raises(BadSettings, match=next(iter(wrong))):
            TrainSettings.of(None, **wrong)  # pyright: ignore[reportArgumentType]


@given(some_settings)
def test_any_settings_read_back_to_themselves(settings: TrainSettings) -> None:
    assert TrainSettings.model_validate(tomllib.loads(settings.to_toml())) == settings


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sed = 3", "there is no setting sed"),
        ("[block.ease]\nlambda = 3", "there is no setting block.ease.lambda"),
        ("[block.ease]\nregularization = -1", "block.ease.regularization: "),
        ("seed = 'x'", "seed: "),
        ("min_users = true", "min_users: Input should be a valid integer"),
        ("[block.ease]\nregularization = inf", "block.ease.regularization: Input should be a finite number"),
        ("blocks = ['ease', 'text', 'ease']", "blocks: the block 'ease' is named twice"),
        ("blocks = ['ease', 'eas']", "blocks: there is no block 'eas'; there are popularity, .*text"),
        ("seed = ", "not TOML"),
        ("\xff", "there is no setting|not TOML"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "s.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadSettings, match=said) as raised:
        TrainSettings.read(path)
    assert str(path) in str(raised.value)


def _places_of_numbers(settings: object, place: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if isinstance(settings, dict):
        for name, value in settings.items():
            yield from _places_of_numbers(value, (*place, name))
    elif isinstance(settings, int | float) and not isinstance(settings, bool):
        yield place


def test_no_boolean_is_a_number_and_whole_numbers_are_floats() -> None:
    places = list(_places_of_numbers(TrainSettings().model_dump()))
    assert ("block", "ease", "regularization") in places
    for place in places:
        boolean = functools.reduce(lambda inner, name: {name: inner}, reversed(place), True)
        with pytest.raises(ValidationError, match=r"valid (integer|number)"):
            TrainSettings.model_validate(boolean)
    whole = TrainSettings.model_validate({"block": {"ease": {"regularization": 3}, "shared": {"exponents": [1]}}}).block
    assert (whole.ease.regularization, whole.shared.exponents) == (3.0, (1.0,))


def test_a_file_that_is_no_text_or_not_there_is_told(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_bytes(b"\xff\xfe\x00")
    for name, said in (("s.toml", "not TOML"), ("absent.toml", "No such file"), ("", "directory")):
        with pytest.raises(BadSettings, match=said):
            TrainSettings.read(tmp_path / name)


def test_the_schema_in_the_documentation_is_current() -> None:
    path = Path(__file__).parents[2] / "docs" / "settings.schema.json"
    assert path.read_text(encoding="utf-8") == settings_schema_text()
    assert json.loads(settings_schema_text())["additionalProperties"] is False


def test_a_bundle_is_trained_by_a_file_and_flags_come_first(tmp_path: Path) -> None:
    rows = "".join(f"u{n % 13},i{(n * n + n % 3) % 11}\n" for n in range(160))
    (tmp_path / "likes.csv").write_text(f"user_id,item_id\n{rows}")
    domain, store = tmp_path / "domain.yaml", tmp_path / "store"
    assert main(["init", str(tmp_path / "likes.csv"), "--out", str(domain)]) == 0
    assert main(["load", str(domain), "--store", str(store)]) == 0
    (tmp_path / "s.toml").write_text(FILE)
    common = ["train", "--store", str(store), "--settings", str(tmp_path / "s.toml")]
    assert main([*common, "--bundle", str(tmp_path / "one")]) == 0
    assert main([*common, "--bundle", str(tmp_path / "two"), "--seed", "9", "--min-users", "2"]) == 0
    one, two = (Bundle.load(tmp_path / name) for name in ("one", "two"))
    assert (one.record.choices.seed, one.model.asked.min_users) == (7, 1)
    assert one.model.asked.block.ease.regularization == 31.5
    assert set(one.model.states) <= {"ease", "popularity"}
    assert (two.record.choices.seed, two.model.asked.min_users) == (9, 2)

"""Read the NEO4J_ variables, by place: the environment of the process, or `.env` in the working folder.

Either place is used as a whole. The sender of a folder can put a `.env` into it, so its content must not decide where a
password of the environment is sent, nor read files of the user elsewhere. Parsing takes ten lines, for which
python-dotenv would be one more dependency; it does not do the rest of this module.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from kg.neo4j_url import MalformedUrl, Neo4jUrl
from kg.stores.neo4j.address import BadAddress, Credentials

Setting = Literal["user", "password", "database"]

ENVIRONMENT = "the environment"
LARGEST_FILE = 1 << 16
"""Maximum bytes of a `.env` or a password file; larger files are something else."""

VARIABLES: Mapping[Setting, tuple[str, ...]] = {
    "user": ("NEO4J_USERNAME",),
    "password": ("NEO4J_PASSWORD", "NEO4J_PASSWORD_FILE"),
    "database": ("NEO4J_DATABASE",),
}
"""The variables of each setting; of two, the first counts."""

NAMES = ("NEO4J_URI", *(name for names in VARIABLES.values() for name in names))
"""All variables that are read."""


@dataclass(frozen=True)
class Settings:
    """The variables of one place, which `place` names in messages; `folder` is that of a `.env`, else None."""

    place: str
    variables: Mapping[str, str] = field(repr=False)
    folder: Path | None = None

    @property
    def server(self) -> Neo4jUrl | None:
        """The server in NEO4J_URI; None if that is not set, or is not a URL."""
        try:
            return Neo4jUrl.parse(self.variables["NEO4J_URI"])
        except (KeyError, MalformedUrl):
            return None

    def name_of(self, setting: Setting) -> str | None:
        """The variable that has a setting; None if none has."""
        return next((name for name in VARIABLES[setting] if name in self.variables), None)

    @property
    def database(self) -> str | None:
        """NEO4J_DATABASE. Raises BadAddress if no database can have that name."""
        name = self.variables.get("NEO4J_DATABASE")
        if name is not None and not name.isprintable():
            raise BadAddress(f"NEO4J_DATABASE in {self.place} is no name of a database")
        return name

    def credentials(self) -> Credentials | None:
        """User and password; None without a password. Raises BadAddress."""
        password = self.variables.get("NEO4J_PASSWORD")
        if password is None and "NEO4J_PASSWORD_FILE" in self.variables:
            password = self._password_in(Path(self.variables["NEO4J_PASSWORD_FILE"]))
        if password is None:
            return None
        user = self.variables.get("NEO4J_USERNAME", "neo4j")
        if not (_is_text(user) and _is_text(password)):
            raise BadAddress(f"NEO4J_USERNAME and the password in {self.place} must be UTF-8 text")
        return Credentials(user, password)

    def _password_in(self, path: Path) -> str:
        file = f"NEO4J_PASSWORD_FILE ({path}) in {self.place}"
        if self.folder is not None:
            path = _beside(self.folder, path, file)
        content = _read(path, file, regular=self.folder is not None)
        assert content is not None
        password = content.rstrip("\r\n")
        if "\n" in password:
            raise BadAddress(f"{file} has more than one line, so it is no file with a password")
        return password


def read_settings(environment: Mapping[str, str] | None = None, folder: Path | None = None) -> tuple[Settings, ...]:
    """The settings of the environment, then those of `.env` in the working folder.

    Raises BadAddress if `.env` exists and cannot be read.
    """
    environment = os.environ if environment is None else environment
    folder = Path() if folder is None else folder
    path = folder / ".env"
    # A folder of that name is a virtual environment.
    text = None if path.is_dir() else _read(path, str(path.absolute()), regular=True, may_be_absent=True)
    return (
        Settings(ENVIRONMENT, {name: environment[name] for name in NAMES if environment.get(name)}),
        Settings(str(path.absolute()), _variables_of(text or ""), folder),
    )


def _variables_of(text: str) -> dict[str, str]:
    """NAME=VALUE of the known names: `export` before it, quotes around the value and comment lines are understood."""
    values: dict[str, str] = {}
    for line in text.split("\n"):
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        name, value = name.strip(), value.strip()
        if len(value) >= 2 and value[0] == value[-1] and value[0] in "'\"":
            value = value[1:-1]
        if equals and name in NAMES and value:
            values.setdefault(name, value)
    return values


def _beside(folder: Path, path: Path, shown: str) -> Path:
    """The file that a `.env` names, with links followed. Raises BadAddress if it is not in the same folder.

    A `.env` also names the server, so it could send any file of the user there.
    """
    try:
        file, home = (folder / path).resolve(), folder.resolve()
    except (OSError, ValueError, RuntimeError) as error:
        raise BadAddress(f"{shown} cannot be read: {type(error).__name__}") from None
    if file.parent != home:
        raise BadAddress(
            f"{shown}: a .env file may name only a file in its own folder, as it may come from a stranger; put the"
            " password file there, or set NEO4J_PASSWORD_FILE and NEO4J_URI in the environment"
        )
    return file


def _read(path: Path, shown: str, *, regular: bool, may_be_absent: bool = False) -> str | None:
    """Text of a small file. Raises BadAddress with the description of the file and why it cannot be read."""
    try:
        # Opening a FIFO would wait for a writer.
        mode = os.O_RDONLY | getattr(os, "O_BINARY", 0) | (getattr(os, "O_NONBLOCK", 0) if regular else 0)
        descriptor = os.open(path, mode)
        try:
            if regular and not stat.S_ISREG(os.fstat(descriptor).st_mode):
                reason = "it is no regular file"
            elif len(content := _bytes_of(descriptor)) > LARGEST_FILE:
                reason = f"it has more than {LARGEST_FILE:,} bytes"
            else:
                return content.decode("utf-8-sig")
        finally:
            os.close(descriptor)
    except FileNotFoundError as error:
        if may_be_absent:
            return None
        reason = type(error).__name__
    except (OSError, ValueError) as error:
        reason = type(error).__name__
    # Raised here, so that no error with the content is the context of this one.
    raise BadAddress(f"{shown} cannot be read: {reason}")


def _bytes_of(descriptor: int) -> bytes:
    """The whole content, or more than LARGEST_FILE bytes of it."""
    content = b""
    while len(content) <= LARGEST_FILE and (block := os.read(descriptor, LARGEST_FILE)):
        content += block
    return content


def _is_text(value: str) -> bool:
    """Whether the driver can send it; variables that are not UTF-8 come with surrogates."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True

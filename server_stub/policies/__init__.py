"""The shipped policies, as TOML documents in this folder."""

from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Final

DEFAULT: Final = "export-2021-09"


def names() -> tuple[str, ...]:
    """The names of all shipped policies."""
    found = (Path(entry.name) for entry in files(__package__).iterdir())
    return tuple(sorted(path.stem for path in found if path.suffix == ".toml"))


@lru_cache(maxsize=16)
def read(name: str) -> str:
    """The document of the shipped policy called `name`. Raises FileNotFoundError."""
    return files(__package__).joinpath(f"{name}.toml").read_text("utf-8")

"""The tables of the modem dialects in `dialects.toml`. `forms.find_dialect` makes the forms of one."""

import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

SHIPPED: Final = Path(__file__).with_name("dialects.toml")


@lru_cache(maxsize=1)
def dialect_tables() -> Mapping[str, Any]:
    """The tables of the shipped dialects, by name."""
    return tomllib.loads(SHIPPED.read_text("utf-8"))


def dialect_names() -> tuple[str, ...]:
    """The names of the shipped dialects."""
    return tuple(dialect_tables())

"""The policies that are shipped, as TOML documents beside this file."""

from importlib.resources import files
from typing import Final

from server_stub.domain.policy import Policy

DEFAULT: Final = "export-2021-09"


def shipped(name: str = DEFAULT) -> Policy:
    """The shipped policy called `name`. Raises FileNotFoundError or PolicyError."""
    document = f"{name}.toml"
    return Policy.parse(files(__package__).joinpath(document).read_text("utf-8"), document)

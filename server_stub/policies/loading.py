"""Policies by name or from a file."""

from pathlib import Path

from server_stub import policies
from server_stub.policy.policy import Policy
from text_input.files import UnusableFileError, read_text
from text_input.suggestions import suggestion
from text_input.toml import FILE_MAX


def shipped(name: str = policies.DEFAULT) -> Policy:
    """The shipped policy called `name`. Raises FileNotFoundError or PolicyError."""
    return Policy.parse(policies.read(name), f"{name}.toml")


def load(place: str) -> Policy:
    """The policy in the TOML file `place`, or the shipped one of that name. Raises PolicyError, UnusableFileError."""
    if "/" in place or place.endswith(".toml"):
        return Policy.parse(read_text(Path(place), FILE_MAX), place)
    if place not in policies.names():
        raise UnusableFileError(Path(place), f"is no policy; {suggestion(place, policies.names())}")
    return shipped(place)

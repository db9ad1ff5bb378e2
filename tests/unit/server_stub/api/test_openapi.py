"""The OpenAPI document: two schemas of one name stay two schemas."""

from enum import StrEnum

from pydantic import BaseModel

from server_stub.api.openapi import _add


class Colour(StrEnum):
    """A part of one message."""

    RED = "red"


class One(BaseModel):
    colour: Colour


def other() -> type[BaseModel]:
    class Colour(BaseModel):
        hue: int

    class Two(BaseModel):
        colour: Colour

    return Two


def test_a_name_that_is_taken_is_not_overwritten() -> None:
    """The document would describe the one message by a part of the other, and no client could tell."""
    schemas: dict[str, object] = {}
    _add(schemas, One)
    _add(schemas, other())
    assert set(schemas) == {"One", "Colour", "Two", "TwoColour"}
    assert schemas["Colour"]["enum"] == ["red"]  # type: ignore[index]
    assert schemas["Two"]["properties"]["colour"]["$ref"] == "#/components/schemas/TwoColour"  # type: ignore[index]


def test_a_part_that_two_messages_share_is_there_once() -> None:
    """A second look at the same message changes nothing."""
    schemas: dict[str, object] = {}
    _add(schemas, One)
    before = dict(schemas)
    _add(schemas, One)
    assert schemas == before

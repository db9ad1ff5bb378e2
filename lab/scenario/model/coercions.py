"""Short ways to write what is often written: a word in place of a list, a word in place of a table."""

from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema


@dataclass(frozen=True, slots=True)
class Listed:
    """One value may stand for a list that holds it alone."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(_listed, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        array = handler(schema)
        return {"anyOf": [array["items"], array]}


@dataclass(frozen=True, slots=True)
class Short:
    """What is no table stands for a table with this one member."""

    member: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._table, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        table = handler(schema)
        whole = handler.resolve_ref_schema(table)
        return {"anyOf": [whole["properties"][self.member], table]}

    def _table(self, value: Any) -> Any:
        return (
            value if isinstance(value, dict) or hasattr(value, "model_fields_set") else {self.member: value}
        )


def _listed(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else [value]


@dataclass(frozen=True, slots=True)
class Everybody:
    """A list of names; one name may stand for it, and nothing stands for all."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(_named, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        array, nothing = handler(schema)["anyOf"]
        return {"anyOf": [array["items"], array, nothing]}


def _named(value: Any) -> Any:
    return value if value is None or isinstance(value, list | tuple) else [value]

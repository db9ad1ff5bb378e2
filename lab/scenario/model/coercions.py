"""Short forms of what is often written: a value for a list, or a value for a table."""

from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema


@dataclass(frozen=True, slots=True)
class Listed:
    """A single value stands for a list with this value. In an optional list, no value stands for None."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        inner = handler(source)
        optional = inner["type"] == "nullable"

        def listed(value: Any) -> Any:
            return value if isinstance(value, list | tuple) or (optional and value is None) else [value]

        return core_schema.no_info_before_validator_function(listed, inner)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        inner = handler(schema)
        forms = inner.get("anyOf", [inner])
        return {"anyOf": [forms[0]["items"], *forms]}


@dataclass(frozen=True, slots=True)
class Short:
    """A value that is not a table stands for a table with this one member."""

    member: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        def table(value: Any) -> Any:
            is_table = isinstance(value, dict) or hasattr(value, "model_fields_set")
            return value if is_table else {self.member: value}

        return core_schema.no_info_before_validator_function(table, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        table = handler(schema)
        whole = handler.resolve_ref_schema(table)
        return {"anyOf": [whole["properties"][self.member], table]}


@dataclass(frozen=True, slots=True)
class Unwrapped:
    """A table with this one member means its value."""

    member: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        def value_of(value: Any) -> Any:
            if not isinstance(value, dict):
                return value
            if set(value) != {self.member}:
                others = ", ".join(f"`{name}`" for name in value if name != self.member)
                message = f"is a table with more than `{self.member}`; write {others} next to it, not in it"
                raise ValueError(message if others else f"is empty; write `{self.member}`")
            return value[self.member]

        return core_schema.no_info_before_validator_function(value_of, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        inner = handler(schema)
        table = {"type": "object", "properties": {self.member: inner}, "required": [self.member]}
        return {"anyOf": [*inner.get("anyOf", [inner]), table | {"additionalProperties": False}]}

"""The committed OpenAPI document: it is current, readable, complete, and consistent with the messages' schemas."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from typer.testing import CliRunner

from lab.cli.main import app
from server_stub.admin.context import PREFIX
from wire import media, schemas
from wire.verdict import Verdict

FILE = Path(__file__).parents[4] / "docs" / "developers" / "openapi.json"
DOCUMENT: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
COMPONENTS: dict[str, dict[str, Any]] = DOCUMENT["components"]
OPERATIONS: list[tuple[str, dict[str, Any]]] = [
    (path, operation) for path, methods in DOCUMENT["paths"].items() for operation in methods.values()
]


def resolved(node: dict[str, Any]) -> dict[str, Any]:
    """`node`, or the component that it refers to."""
    if "$ref" not in node:
        return node
    kind, name = node["$ref"].removeprefix("#/components/").split("/")
    return COMPONENTS[kind][name]


def references(node: Any) -> set[str]:
    if isinstance(node, list):
        return set().union(*map(references, node))
    if not isinstance(node, dict):
        return set()
    own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
    return own.union(*map(references, node.values()))


@pytest.mark.slow  # test_other_client compares it with that of a running server
def test_the_command_prints_the_committed_document() -> None:
    assert CliRunner().invoke(app, ["openapi"]).stdout == FILE.read_text("utf-8"), "run `make generate`"


def test_operation_ids_are_unique_and_readable() -> None:
    ids = [operation["operationId"] for _, operation in OPERATIONS]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z]+([A-Z][a-z]+)+", each) for each in ids)
    assert {"requestChallenge", "requestVerdict", "getKeyMetadata", "lockDevice", "putPolicyInForce"} <= {
        *ids
    }


def test_every_operation_has_a_described_tag_and_says_whether_it_needs_the_token() -> None:
    described = {tag["name"] for tag in DOCUMENT["tags"] if tag["description"]}
    assert {tag for _, operation in OPERATIONS for tag in operation["tags"]} == described
    for path, operation in OPERATIONS:
        admin = path.startswith(PREFIX)
        assert operation["security"] == ([{"adminToken": []}] if admin else []), path
        assert operation["tags"][0].startswith("admin-") == admin, path
    assert [server["url"] for server in DOCUMENT["servers"]] == ["/", "http://127.0.0.1:8021"]

    for name, message in schemas.MESSAGES.items():
        file = json.loads(schemas.path(name).read_text("utf-8").replace("#/$defs/", "#/components/schemas/"))
        component = COMPONENTS["schemas"][message.__name__]
        assert {*component} - {*file} <= {"examples"}
        assert {*file} - {*component} <= {"$schema", "$id", "$defs", "title"}
        for parts, described in ((file, component), (file.get("$defs", {}), COMPONENTS["schemas"])):
            for part in parts.keys() - {"$schema", "$id", "$defs", "title"}:
                assert described[part] == parts[part]


def test_the_schemas_are_valid_and_all_are_used() -> None:
    for schema in COMPONENTS["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    known = {f"#/components/{kind}/{name}" for kind, parts in COMPONENTS.items() for name in parts}
    assert references(DOCUMENT) == known - {"#/components/securitySchemes/adminToken"}


def test_each_message_has_a_valid_example() -> None:
    for message in schemas.MESSAGES.values():
        [example] = COMPONENTS["schemas"][message.__name__]["examples"]
        schema = {"$ref": f"#/components/schemas/{message.__name__}"} | DOCUMENT
        jsonschema.Draft202012Validator(schema).validate(example)
    assert Verdict.model_validate(COMPONENTS["schemas"]["Verdict"]["examples"][0])


def test_a_verdict_is_described_with_its_evidence_token_and_errors() -> None:
    verdicts = DOCUMENT["paths"][media.VERDICTS_PATH]["post"]
    for content, media_type, claims in (
        (verdicts["requestBody"]["content"], media.EVIDENCE, "Evidence"),
        (verdicts["responses"]["200"]["content"], media.VERDICT, "Verdict"),
    ):
        assert set(content) == {media_type}
        assert references(content) == {f"#/components/schemas/{claims}"}
    errors = {status: resolved(each) for status, each in verdicts["responses"].items() if status != "200"}
    own = {"400", "401", "406", "409", "415", "422", "500", "503"}
    assert errors.keys() == own | {"408", "413", "421", "429", "431", "505"}
    assert all(set(each["content"]) == {media.PROBLEM} for each in errors.values())


def test_every_response_is_described_with_its_headers() -> None:
    """The request id on all, `Retry-After` on 429 and 503; errors of limits on all routes."""
    for _, operation in OPERATIONS:
        assert {"400", "408", "413", "429", "431", "500", "503"} <= operation["responses"].keys()
        for status, answer in operation["responses"].items():
            headers = {name: resolved(header) for name, header in resolved(answer)["headers"].items()}
            assert headers["X-Request-Id"]["required"]
            assert ("Retry-After" in headers) == (status in ("429", "503"))


def strings(node: dict[str, Any], where: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The strings in a schema, by name."""
    schema = resolved(node)
    if schema.get("type") == "string":
        yield where, schema
    for name, each in schema.get("properties", {}).items():
        yield from strings(each, name)
    for each in (*schema.get("anyOf", ()), *([schema["items"]] if "items" in schema else ())):
        yield from strings(each, where)


def test_no_string_that_the_admin_api_takes_may_contain_a_nul() -> None:
    """PostgreSQL does not store U+0000. Text on one line has no control character at all."""
    taken: list[tuple[str, dict[str, Any]]] = []
    for path, operation in OPERATIONS:
        if path.startswith(PREFIX):
            for parameter in map(resolved, operation.get("parameters", ())):
                taken += strings(parameter["schema"], parameter["name"])
            for body in operation.get("requestBody", {}).get("content", {}).values():
                taken += strings(body["schema"], path)
    assert {"reason", "batch", "text", "challenge", "cursor", "if-match", "sub"} <= {
        name for name, _ in taken
    }
    for name, schema in taken:
        line = name in ("reason", "batch", "distributor", "model", "sale_region", "actor", "subject")
        for each in "\0\x1b\n\x85\x9b" if line else "\0":
            assert "enum" in schema or not re.search(schema["pattern"], f"a{each}b"), name

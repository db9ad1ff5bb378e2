"""The key repository as HTTP clients meet it."""

import http.client
from collections.abc import Iterator
from pathlib import Path
from typing import Never
from urllib.parse import urlsplit

import pytest
import requests

from server_stub.store.records import StoreFault, StoreUnavailableError
from server_stub.store.sql import SqlStore
from server_stub.store.transaction import Transaction
from tests.support.tuf import DAY, TufEnvironment, open_environment
from wire import media
from wire.codes import ProblemCode
from wire.key_repository import METADATA_PATH, TARGETS_PATH
from wire.problem import Problem


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[TufEnvironment]:
    with open_environment(tmp_path) as made:
        yield made


def raw(environment: TufEnvironment, path: str, method: str = "GET") -> tuple[int, str | None, bytes]:
    """Request exactly this path, which other clients would normalize."""
    address = urlsplit(environment.mirror.upstream)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
    connection.request(method, path)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, answer.headers["Content-Type"], body


def test_every_published_file_is_served_unchanged(environment: TufEnvironment) -> None:
    for name, content in environment.files().items():
        assert raw(environment, f"/tuf/{name}") == (200, media.JSON, content)


@pytest.mark.parametrize(
    "path",
    [
        METADATA_PATH,
        METADATA_PATH + "root.json",
        METADATA_PATH + "2.root.json",
        METADATA_PATH + "0.root.json",
        METADATA_PATH + "01.root.json",
        METADATA_PATH + "1.root.json.next",
        METADATA_PATH + "1.root.json%00",
        METADATA_PATH + "1.timestamp.json",
        METADATA_PATH + "1.other.json",
        METADATA_PATH + "9" * 5000 + ".root.json",
        METADATA_PATH + "../metadata/1.root.json",
        METADATA_PATH + "..%2Fmetadata%2F1.root.json",
        METADATA_PATH + "%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        METADATA_PATH + "..",
        METADATA_PATH + "..\\..\\secret",
        TARGETS_PATH + "verdict-keys.json",
        TARGETS_PATH + "a" * 64 + ".verdict-keys.json",
        TARGETS_PATH + "..%2f..%2fsecret",
        "/tuf/",
        "/tuf/secret",
    ],
)
def test_unpublished_name_is_not_found(environment: TufEnvironment, path: str) -> None:
    status, media_type, body = raw(environment, path)
    assert (status, media_type) == (404, media.PROBLEM)
    assert Problem.model_validate_json(body).code is ProblemCode.NOT_FOUND


def test_other_methods_and_media_types_are_rejected(environment: TufEnvironment) -> None:
    for method in ("POST", "PUT", "DELETE"):
        assert raw(environment, METADATA_PATH + "1.root.json", method)[0] == 405
    url = environment.mirror.upstream + METADATA_PATH + "1.root.json"
    answer = requests.get(url, headers={"Accept": "text/html"}, timeout=60)
    assert (answer.status_code, answer.json()["code"]) == (406, ProblemCode.NOT_ACCEPTABLE)


@pytest.mark.parametrize("name", ["timestamp.json", "1.root.json", "2.root.json"])
def test_store_that_does_not_respond_makes_the_repository_unavailable(
    environment: TufEnvironment, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Also for the absence of a file. Only a file that was read before, and never changes, needs no store."""
    monkeypatch.setattr(SqlStore, "reading", unavailable)
    status, _, body = raw(environment, METADATA_PATH + name)
    problem = Problem.model_validate_json(body)
    assert (status, problem.code) == (503, ProblemCode.UNAVAILABLE)
    assert problem.detail.startswith("store-locked: ")


def unavailable(_: SqlStore) -> Never:
    raise StoreUnavailableError("it does not respond", StoreFault.LOCKED)


def test_full_disk_makes_the_repository_unavailable(
    environment: TufEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An outdated timestamp is not served."""

    def full(self: Transaction, files: dict[str, bytes]) -> int:
        raise StoreUnavailableError("no space", StoreFault.FULL)

    monkeypatch.setattr(Transaction, "publish", full)
    assert raw(environment, METADATA_PATH + "timestamp.json")[0] == 200
    environment.world.wait(DAY)
    status, _, body = raw(environment, METADATA_PATH + "timestamp.json")
    problem = Problem.model_validate_json(body)
    assert (status, problem.code) == (503, ProblemCode.UNAVAILABLE)
    assert problem.detail.startswith("store-full: ")


def test_openapi_document_describes_the_repository(environment: TufEnvironment) -> None:
    document = requests.get(environment.mirror.upstream + "/openapi.json", timeout=60).json()
    for prefix in (METADATA_PATH, TARGETS_PATH):
        answers = document["paths"][prefix + "{name}"]["get"]["responses"]
        assert set(answers["200"]["content"]) == {media.JSON}
        assert {"404", "406", "500", "503"} <= set(answers)

"""The key repository as HTTP clients meet it."""

import http.client
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from server_stub.key_repository.files import Folder
from tests.support.tuf import DAY, Stage, stage
from wire import media
from wire.codes import ProblemCode
from wire.key_repository import METADATA_PATH, TARGETS_PATH
from wire.problem import Problem


@pytest.fixture
def scenery(tmp_path: Path) -> Iterator[Stage]:
    with stage(tmp_path) as made:
        yield made


def raw(scenery: Stage, path: str, method: str = "GET") -> tuple[int, str | None, bytes]:
    """Ask for exactly these characters; clients that mean well would tidy them up."""
    address = urlsplit(scenery.mirror.upstream)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
    connection.request(method, path)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, answer.headers["Content-Type"], body


def test_every_published_file_is_served_as_it_lies_in_the_folder(scenery: Stage) -> None:
    """Signatures are over octets; nothing may touch them on the way."""
    for folder, prefix in (("metadata", METADATA_PATH), ("targets", TARGETS_PATH)):
        for path in (scenery.folder / folder).iterdir():
            assert raw(scenery, prefix + path.name) == (200, media.JSON, path.read_bytes())


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
def test_what_is_not_published_is_not_found(scenery: Stage, path: str) -> None:
    """Only names that a repository has are looked up; no path leads out of it."""
    (scenery.folder.parent / "secret").write_text("secret")
    status, media_type, body = raw(scenery, path)
    assert (status, media_type) == (404, media.PROBLEM)
    assert Problem.model_validate_json(body).code is ProblemCode.NOT_FOUND


def test_only_get_is_allowed_and_only_json_is_answered(scenery: Stage) -> None:
    """Like every other resource of the server."""
    for method in ("POST", "PUT", "DELETE"):
        assert raw(scenery, METADATA_PATH + "1.root.json", method)[0] == 405
    url = scenery.mirror.upstream + METADATA_PATH + "1.root.json"
    answer = requests.get(url, headers={"Accept": "text/html"}, timeout=60)
    assert (answer.status_code, answer.json()["code"]) == (406, ProblemCode.NOT_ACCEPTABLE)


def test_a_full_disk_is_unavailable_for_now(scenery: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A timestamp that cannot be signed anew is no reason to serve a stale one, nor to say why."""

    def full(self: Folder, path: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Folder, "put", full)
    assert raw(scenery, METADATA_PATH + "timestamp.json")[0] == 200
    scenery.world.wait(DAY)
    status, _, body = raw(scenery, METADATA_PATH + "timestamp.json")
    assert (status, Problem.model_validate_json(body).code) == (503, ProblemCode.UNAVAILABLE)
    assert b"space" not in body


def test_the_openapi_document_describes_the_repository(scenery: Stage) -> None:
    """A stranger finds the routes, their media type and their errors."""
    document = requests.get(scenery.mirror.upstream + "/openapi.json", timeout=60).json()
    for prefix in (METADATA_PATH, TARGETS_PATH):
        answers = document["paths"][prefix + "{name}"]["get"]["responses"]
        assert set(answers["200"]["content"]) == {media.JSON}
        assert {"404", "406", "500", "503"} <= set(answers)

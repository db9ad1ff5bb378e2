"""`activation unlock`, and `activation device` with the code: typed, from a file, from a QR picture."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
import pytest
from click.testing import Result
from PIL import Image
from typer.testing import CliRunner

from lab.cli.main import app
from lab.handset.storage import DevicePersistence, PersistenceError
from lab.manufacturer.manufacturer import Manufacturer
from lab.reports import qr
from server_stub.configuration import Configuration
from server_stub.key_repository import VerdictSigner
from server_stub.server import ServerThread, build_service, system_clock
from server_stub.settings_sources import LoadedSettings
from server_stub.store.records import AuditEntry
from tests.support.stores import open_store


@dataclass
class RunningServer:
    """A verdict server, and commands that use it or its database."""

    folder: Path
    origin: str

    def run(self, *words: str, typed: bytes = b"") -> Result:
        return CliRunner().invoke(app, list(words), input=typed)

    def device(self, *words: str, typed: bytes = b"", place: str = "havana") -> dict[str, Any]:
        state = str(self.folder / "phone")
        result = self.run(
            "device", "--profile", "official-global", "--place", place, "--server", self.origin,
            "--state", state, "--json", *words, typed=typed,
        )  # fmt: skip
        assert result.exit_code == 0, result.output
        report: dict[str, Any] = json.loads(result.stdout)
        return report

    def unlock(self, challenge: str, *words: str) -> Result:
        return self.run("unlock", challenge, "--db", str(self.folder / "a.sqlite"), *words)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    manufacturer, store = Manufacturer("2021"), open_store(tmp_path / "a.sqlite")
    keys = manufacturer.secrets.signing_keys
    configured = Configuration.load(LoadedSettings())
    repository = manufacturer.ceremony.open(store, keys, system_clock)
    service = build_service(
        configured,
        manufacturer.secrets,
        store,
        issuer=manufacturer.issuer,
        audience=manufacturer.audience,
        key=VerdictSigner(keys, repository.keys, system_clock).key,
    )
    with ServerThread(service, repository=repository) as thread:
        yield RunningServer(tmp_path, thread.origin)
    store.close()


def test_a_typed_code_unlocks_and_the_device_stays_unlocked(server: RunningServer) -> None:
    locked = server.device()
    assert locked["outcome"] == "locked"
    code = server.unlock(locked["screen"]["challenge"]).stdout
    assert server.device("--offline", "--code", "-", typed=code.encode())["outcome"] == "activated"
    assert server.device("--offline")["outcome"] == "activated"
    assert server.device()["outcome"] == "activated"


def test_no_code_is_signed_before_the_newest_record(server: RunningServer) -> None:
    locked = server.device()
    store = open_store(server.folder / "a.sqlite")
    with store.transaction() as transaction:
        later = system_clock() + 3600
        transaction.append_audit(AuditEntry(later, "test", "test.entry", "server", "a test", {}))
    store.close()
    result = server.unlock(locked["screen"]["challenge"])
    assert (result.exit_code, "clock-behind" in result.stderr) == (3, True)


def test_code_is_read_from_a_file_or_a_qr_picture(server: RunningServer) -> None:
    asked = server.device()["screen"]["challenge"]
    typed = asked.lower().replace("-", " ").replace("o", "0")
    assert server.unlock(typed, "--out", str(server.folder / "code.jwt")).exit_code == 0
    assert server.unlock(typed, "--qr", str(server.folder / "code.png")).exit_code == 0
    assert qr.read(server.folder / "code.png").count(b".") == 2
    assert server.device("--offline", "--code-qr", str(server.folder / "code.png"))["outcome"] == "activated"
    refused = server.device("--offline", "--code", str(server.folder / "code.jwt"))
    assert [e["detail"]["rejected"] for e in refused["timeline"] if e["what"] == "code-refused"] == [
        "not-locked"
    ]


def test_a_code_for_another_device_does_not_unlock(server: RunningServer) -> None:
    code = server.unlock(server.device()["screen"]["challenge"]).stdout
    report = server.device("--offline", "--code", "-", typed=code.replace(".", "..", 1).encode())
    assert report["outcome"] == "locked"
    assert any("does not unlock" in paragraph for paragraph in report["screen"]["body"])


@pytest.mark.parametrize(
    ("challenge", "exit_code", "expected"),
    [
        ("FSKEV-N4HU4-AAAAA-AAAAA-AAAAA-CGIY", 1, "device-unknown"),
        ("FSKEV-N4HU4-AAAAA-AAAAA-AAAAA-CGIZ", 2, "challenge-not-canonical"),
        ("FSKEV", 2, "challenge-length"),
        ("!", 2, "challenge-character"),
    ],
)
def test_an_invalid_challenge_is_rejected(
    server: RunningServer, challenge: str, exit_code: int, expected: str
) -> None:
    refused = server.unlock(challenge)
    assert refused.exit_code == exit_code
    assert expected in refused.stderr


def test_a_code_is_signed_with_the_key_that_the_database_lists(server: RunningServer) -> None:
    challenge, manufacturer = server.device()["screen"]["challenge"], Manufacturer("2021")
    [first, second, *_] = manufacturer.secrets.signing_keys
    successor = manufacturer.verdict_key(first.algorithm, 1)
    store = open_store(server.folder / "a.sqlite")
    repository = manufacturer.ceremony.open(store, [first, second], system_clock)
    repository.introduce(successor.public_jwk())
    assert jwt.get_unverified_header(server.unlock(challenge).stdout.strip())["kid"] == successor.kid
    repository.revoke(successor.kid)
    assert jwt.get_unverified_header(server.unlock(challenge).stdout.strip())["kid"] == first.kid
    repository.revoke(first.kid)
    refused = server.unlock(challenge)
    assert (refused.exit_code, "lists no Ed25519 key that may sign" in refused.stderr) == (3, True)
    store.close()


def test_no_code_is_signed_from_a_database_that_publishes_no_keys(tmp_path: Path) -> None:
    open_store(tmp_path / "a.sqlite").close()
    challenge = "FSKEV-N4HU4-AAAAA-AAAAA-AAAAA-CGIY"
    refused = CliRunner().invoke(app, ["unlock", challenge, "--db", str(tmp_path / "a.sqlite")])
    assert refused.exit_code == 3
    assert "publishes no keys yet; start the server first" in " ".join(refused.stderr.split())
    assert not (tmp_path / "a-keys").exists()


def test_the_challenge_of_an_unlocked_device_is_rejected(server: RunningServer) -> None:
    locked = server.device()
    server.device(
        "--offline", "--code", "-", typed=server.unlock(locked["screen"]["challenge"]).stdout.encode()
    )
    server.device()
    refused = server.unlock(locked["screen"]["challenge"])
    assert (refused.exit_code, "device-not-locked" in refused.stderr) == (1, True)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--qr", "x.png", "--algorithm", "ML-DSA-65"], "ML-DSA-65 verdict does not fit into a QR code"),
        (["--case", "two words"], "not a case number"),
        (["--reason", ""], "--reason"),
        (["--db", "nowhere.sqlite"], "there is no nowhere.sqlite"),
        (["--algorithm", "RS256"], "no algorithm is called 'RS256'"),
    ],
)
def test_a_wrong_option_exits_before_anything_is_signed(
    server: RunningServer, words: list[str], expected: str
) -> None:
    refused = server.unlock("FSKEV-N4HU4-AAAAA-AAAAA-AAAAA-CGIY", *words)
    assert refused.exit_code == 2
    assert expected in refused.stderr


def test_an_es256_code_fits_into_a_qr_picture(server: RunningServer) -> None:
    asked = server.device()["screen"]["challenge"]
    picture = str(server.folder / "code.png")
    assert server.unlock(asked, "--qr", picture, "--algorithm", "ES256").exit_code == 0
    assert server.device("--offline", "--code-qr", picture)["outcome"] == "activated"


def test_locked_device_prints_its_challenge_as_text_and_qr_code(server: RunningServer) -> None:
    shown = server.run("device", "--profile", "official-global", "--place", "havana").stdout
    assert re.search(r"([A-Z2-7]{5}-){5}[A-Z2-7]{4}", shown)
    assert "██ ▄▄▄▄▄ █" in shown


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"\x89PNG\r\n\x1a\nnot really"])
def test_qr_read_rejects_a_file_that_is_not_a_picture(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.png").write_bytes(content)
    with pytest.raises(qr.QrError, match=r"x\.png is not a valid picture"):
        qr.read(tmp_path / "x.png")


def test_qr_read_rejects_a_picture_without_a_qr_code(tmp_path: Path) -> None:
    Image.new("L", (200, 200), 255).save(tmp_path / "x.png")
    with pytest.raises(qr.QrError, match="contains 0 readable QR codes"):
        qr.read(tmp_path / "x.png")


def test_qr_read_rejects_a_picture_that_decompresses_to_gigabytes(tmp_path: Path) -> None:
    Image.new("1", (8000, 8000)).save(tmp_path / "x.png")
    with pytest.raises(qr.QrError, match="is too large; crop it"):
        qr.read(tmp_path / "x.png")


def test_qr_write_rejects_text_that_is_too_long() -> None:
    qr.to_png("x" * qr.BYTES_MAX)
    with pytest.raises(qr.QrError, match="2954 bytes do not fit"):
        qr.to_png("x" * (qr.BYTES_MAX + 1))


@pytest.mark.parametrize("label", [b"", b"{}", b"[]", b'{"name": 1, "imeis": []}', b"\xff"])
def test_a_damaged_state_folder_is_rejected(tmp_path: Path, label: bytes) -> None:
    (tmp_path / "phone.json").write_bytes(label)
    with pytest.raises(PersistenceError, match=r"phone\.json names no phone"):
        DevicePersistence.open(tmp_path, "phone")

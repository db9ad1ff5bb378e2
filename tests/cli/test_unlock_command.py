"""`activation unlock` and the phone that takes the code: typed, from a file, from a picture, on another day."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from PIL import Image
from typer.testing import CliRunner

from lab.cli.main import app
from lab.handset.storage import DevicePersistence, PersistenceError
from lab.manufacturer.manufacturer import Manufacturer
from lab.reports import qr
from server_stub.key_repository import VerdictSigner
from server_stub.server import ServerThread, build_service, system_clock
from server_stub.settings import Settings
from server_stub.store.sql import SqlStore


@dataclass
class Desk:
    """A server as `activation serve` runs it, and the commands of a phone's owner and of support."""

    folder: Path
    origin: str

    def run(self, *words: str, typed: bytes = b"") -> Result:
        return CliRunner().invoke(app, list(words), input=typed)

    def phone(self, *words: str, typed: bytes = b"", place: str = "havana") -> dict[str, Any]:
        state = str(self.folder / "phone")
        said = self.run(
            "device", "--profile", "official-global", "--place", place, "--server", self.origin,
            "--state", state, "--json", *words, typed=typed,
        )  # fmt: skip
        assert said.exit_code == 0, said.output
        seen: dict[str, Any] = json.loads(said.stdout)
        return seen

    def unlock(self, challenge: str, *words: str) -> Result:
        return self.run("unlock", challenge, "--db", str(self.folder / "a.sqlite"), *words)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    vendor, store = Manufacturer("2021"), SqlStore(tmp_path / "a.sqlite")
    keys = vendor.secrets.signing_keys
    settings = Settings(issuer=vendor.issuer, audience=vendor.audience)
    with vendor.ceremony.open(tmp_path / "a-keys", keys, system_clock) as repository:
        signer = VerdictSigner(keys, lambda: repository.keys, system_clock)
        service = build_service(settings, vendor.secrets, store, signer=signer)
        with ServerThread(service, repository=repository) as server:
            yield Desk(tmp_path, server.origin)
    store.close()


def test_a_locked_phone_takes_a_code_that_is_typed_and_stays_unlocked(desk: Desk) -> None:
    """Locked on one day, given a code on the next, seen again on the third: the same phone each time."""
    locked = desk.phone()
    assert locked["outcome"] == "locked"
    code = desk.unlock(locked["screen"]["challenge"]).stdout
    assert desk.phone("--offline", "--code", "-", typed=code.encode())["outcome"] == "activated"
    assert desk.phone("--offline")["outcome"] == "activated"
    assert desk.phone()["outcome"] == "activated"


def test_a_code_comes_from_a_file_or_from_a_picture(desk: Desk) -> None:
    """The challenge as a person types it: small letters, spaces, a zero for the letter."""
    asked = desk.phone()["screen"]["challenge"]
    typed = asked.lower().replace("-", " ").replace("o", "0")
    assert desk.unlock(typed, "--out", str(desk.folder / "code.jwt")).exit_code == 0
    assert desk.unlock(typed, "--qr", str(desk.folder / "code.png")).exit_code == 0
    assert qr.read(desk.folder / "code.png").count(b".") == 2
    assert desk.phone("--offline", "--code-qr", str(desk.folder / "code.png"))["outcome"] == "activated"
    refused = desk.phone("--offline", "--code", str(desk.folder / "code.jwt"))
    assert [e["detail"]["rejected"] for e in refused["timeline"] if e["what"] == "code-refused"] == [
        "not-locked"
    ]


def test_a_code_that_was_not_for_this_phone_leaves_it_locked(desk: Desk) -> None:
    """The screen says so, in the words of the user's language."""
    code = desk.unlock(desk.phone()["screen"]["challenge"]).stdout
    seen = desk.phone("--offline", "--code", "-", typed=code.replace(".", "..", 1).encode())
    assert seen["outcome"] == "locked"
    assert any("does not unlock" in paragraph for paragraph in seen["screen"]["body"])


@pytest.mark.parametrize(
    ("challenge", "exit_code", "said"),
    [
        ("FSKEV-N4HU4-AAAAA-AAAAA-AAAAA-CGIY", 1, "device-unknown"),
        ("FSKEV-N4HU4-AAAAA-AAAAA-AAAAA-CGIZ", 2, "challenge-not-canonical"),
        ("FSKEV", 2, "challenge-length"),
        ("!", 2, "challenge-character"),
    ],
)
def test_a_challenge_of_no_locked_phone_is_refused_by_name(
    desk: Desk, challenge: str, exit_code: int, said: str
) -> None:
    """Exit code 1: not in order; 2: cannot be carried out as written."""
    refused = desk.unlock(challenge)
    assert refused.exit_code == exit_code
    assert said in refused.stderr


def test_the_challenge_of_an_unlocked_phone_is_refused_by_name(desk: Desk) -> None:
    """Somebody who was locked and is not any more needs no code."""
    locked = desk.phone()
    desk.phone("--offline", "--code", "-", typed=desk.unlock(locked["screen"]["challenge"]).stdout.encode())
    desk.phone()
    refused = desk.unlock(locked["screen"]["challenge"])
    assert (refused.exit_code, "device-not-locked" in refused.stderr) == (1, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--qr", "x.png", "--algorithm", "ML-DSA-65"], "ML-DSA-65 verdict does not fit into a QR code"),
        (["--case", "two words"], "no case number"),
        (["--reason", ""], "--reason"),
        (["--db", "nowhere.sqlite"], "there is no nowhere.sqlite"),
        (["--algorithm", "RS256"], "no algorithm is called 'RS256'"),
    ],
)
def test_a_wish_that_cannot_be_met_is_refused_before_anything_is_signed(
    desk: Desk, words: list[str], said: str
) -> None:
    """What is wrong, where, and what to do."""
    refused = desk.unlock("FSKEV-N4HU4-AAAAA-AAAAA-AAAAA-CGIY", *words)
    assert refused.exit_code == 2
    assert said in refused.stderr


def test_an_es256_code_fits_into_a_picture_too(desk: Desk) -> None:
    """Both algorithms that the first server publishes."""
    asked = desk.phone()["screen"]["challenge"]
    picture = str(desk.folder / "code.png")
    assert desk.unlock(asked, "--qr", picture, "--algorithm", "ES256").exit_code == 0
    assert desk.phone("--offline", "--code-qr", picture)["outcome"] == "activated"


def test_a_locked_phone_shows_its_challenge_as_text_and_as_a_picture(desk: Desk) -> None:
    """In a terminal, the QR code stands below the screen."""
    said = desk.run("device", "--profile", "official-global", "--place", "havana").stdout
    assert re.search(r"([A-Z2-7]{5}-){5}[A-Z2-7]{4}", said)
    assert "██ ▄▄▄▄▄ █" in said


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"\x89PNG\r\n\x1a\nnot really"])
def test_a_file_that_is_no_picture_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    """A user picks the wrong file."""
    (tmp_path / "x.png").write_bytes(content)
    with pytest.raises(qr.QrError, match=r"x\.png is not a valid picture"):
        qr.read(tmp_path / "x.png")


def test_a_picture_without_a_qr_code_is_refused_by_name(tmp_path: Path) -> None:
    """A photograph of something else."""
    Image.new("L", (200, 200), 255).save(tmp_path / "x.png")
    with pytest.raises(qr.QrError, match="contains 0 readable QR codes"):
        qr.read(tmp_path / "x.png")


def test_a_picture_that_would_unfold_to_gigabytes_is_refused_by_name(tmp_path: Path) -> None:
    """A small file can stand for a very large picture."""
    Image.new("1", (8000, 8000)).save(tmp_path / "x.png")
    with pytest.raises(qr.QrError, match="is too large; crop it"):
        qr.read(tmp_path / "x.png")


def test_what_is_too_long_for_a_picture_is_refused_by_name() -> None:
    """An ML-DSA-65 token has more than five thousand characters."""
    qr.to_png("x" * qr.BYTES_MAX)
    with pytest.raises(qr.QrError, match="2954 bytes do not fit"):
        qr.to_png("x" * (qr.BYTES_MAX + 1))


@pytest.mark.parametrize("label", [b"", b"{}", b"[]", b'{"name": 1, "imeis": []}', b"\xff"])
def test_a_folder_that_holds_no_phone_is_refused_by_name(tmp_path: Path, label: bytes) -> None:
    """A phone must not come up as another one because a file is damaged."""
    (tmp_path / "phone.json").write_bytes(label)
    with pytest.raises(PersistenceError, match=r"phone\.json names no phone"):
        DevicePersistence.open(tmp_path, "phone")

"""`activation evidence`: printing, editing and signing the evidence of a device."""

import base64
import json
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from joserfc.jwk import thumbprint
from typer.testing import CliRunner, Result

from lab.cli.main import app
from server_stub.server import ServerThread
from server_stub.store.sql import SqlStore
from tests.support import server_phone
from wire import media

ACTIVATION = str(Path(sys.executable).with_name("activation"))
SEED = "evidence command"
STORE = SqlStore()


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    manufacturer = server_phone.Manufacturer(SEED)
    service = server_phone.VerdictService(
        secrets=manufacturer.secrets,
        policy=server_phone.shipped(),
        store=STORE,
        issuer=manufacturer.issuer,
        audience=manufacturer.audience,
        clock=server_phone.Clock(),
        random=server_phone.Randomness(),
    )
    with ServerThread(service) as server:
        yield server.origin


def evidence(*arguments: str, given: str = "") -> Result:
    return CliRunner().invoke(app, ["evidence", *arguments, "--seed", SEED], input=given)


def challenge(origin: str) -> str:
    return requests.post(origin + media.CHALLENGES_PATH, timeout=5).text


def send(origin: str, token: str) -> requests.Response:
    headers = {"Content-Type": media.EVIDENCE}
    return requests.post(origin + media.VERDICTS_PATH, token.encode(), headers=headers, timeout=5)


def decision(answer: requests.Response) -> Any:
    payload = answer.text.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["decision"]


def test_printed_evidence_gets_a_verdict(origin: str) -> None:
    for place, decided in (("havana", "deny"), ("paris", "allow")):
        made = evidence("-", "--place", place, given=challenge(origin))
        assert made.exit_code == 0
        assert decision(send(origin, made.stdout)) == decided


def test_evidence_of_a_post_quantum_key_gets_a_verdict_for_this_key(origin: str, tmp_path: Path) -> None:
    """`--key` writes the key as a JWK of type AKP (RFC 9964), whose thumbprint is in the verdict."""
    file = tmp_path / "key.jwk"
    made = evidence("-", "--attested-key", "ML-DSA-65", "--key", str(file), given=challenge(origin))
    assert made.exit_code == 0
    answer = send(origin, made.stdout)
    assert decision(answer) == "allow"
    key = json.loads(file.read_text("utf-8"))
    assert (key["kty"], key["alg"], len(key["x5c"])) == ("AKP", "ML-DSA-65", 2)
    payload = answer.text.split(".")[1]
    confirmed = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["cnf"]["jkt"]
    assert confirmed == thumbprint({name: key[name] for name in ("alg", "kty", "pub")})


def test_edited_claims_are_signed_unchanged(origin: str, tmp_path: Path) -> None:
    file = tmp_path / "claims.json"
    shown = evidence("-", "--place", "havana", "--show-claims", given=challenge(origin))
    claims = json.loads(shown.stdout)
    plmn = {"mcc": "208", "mnc": "01"}
    claims["telephony"]["serving"] = {"registration": "home", "plmn": plmn}
    claims["telephony"]["sims"] = [{"slot": 0, "status": "absent"}]
    claims["wifi"] = {"connected": True}
    claims.pop("location", None)
    file.write_text(json.dumps(claims), encoding="utf-8")
    made = evidence("-", "--claims", str(file), "--place", "havana", given=challenge(origin))
    assert decision(send(origin, made.stdout)) == "allow"
    file.write_text(json.dumps(claims | {"surprise": 1}), encoding="utf-8")
    made = evidence("-", "--claims", str(file), "--place", "havana", given=challenge(origin))
    assert send(origin, made.stdout).json()["code"] == "evidence-claims-invalid"


def test_key_file_is_private_and_has_the_attested_key(tmp_path: Path) -> None:
    file = tmp_path / "key.jwk"
    made = evidence("A" * 44, "--key", str(file))
    header = json.loads(base64.urlsafe_b64decode(made.stdout.split(".")[0] + "=="))
    key = json.loads(file.read_text("utf-8"))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert (key["kty"], key["crv"], key["x5c"]) == ("EC", "P-256", header["x5c"])


@pytest.mark.parametrize("content", ["another's", None])
def test_key_is_not_written_through_a_link(tmp_path: Path, content: str | None) -> None:
    link, file = tmp_path / "link", tmp_path / "key.jwk"
    link.symlink_to(file)
    if content is not None:
        file.write_text(content, encoding="utf-8")
    made = evidence("A" * 44, "--key", str(link))
    assert made.exit_code == 3
    assert f"cannot write {link}: it is a symbolic link; choose another path" in made.stderr
    assert (file.read_text("utf-8") if file.exists() else None) == content


def test_key_can_be_written_to_standard_output() -> None:
    """`/dev/stdout` is a link to the stream of the process."""
    done = subprocess.run(
        [ACTIVATION, "evidence", "A" * 44, "--key", "/dev/stdout", "--show-claims"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert '"kty": "EC"' in done.stdout


@pytest.mark.parametrize(
    ("arguments", "given", "hint"),
    [
        (["short"], "", "POST /v1/challenges"),
        (["-"], '{"nonce": "x"}', "POST /v1/challenges"),
        (["-"], "", "POST /v1/challenges"),
        (["A" * 44, "--place", "parris"], "", "did you mean 'paris'?"),
        (["A" * 44, "--profile", "custom-aosp"], "", "sends no evidence"),
        (["A" * 44, "--claims", "/nowhere.json"], "", "cannot read /nowhere.json"),
    ],
)
def test_a_usage_error_exits_with_2_and_a_hint(arguments: list[str], given: str, hint: str) -> None:
    made = evidence(*arguments, given=given)
    assert made.exit_code == 2
    assert hint in made.stderr
    assert not made.stdout


def test_claims_that_are_not_an_object_are_rejected(tmp_path: Path) -> None:
    file = tmp_path / "claims.json"
    for text, hint in (("[]", "no object"), ("{", "not JSON")):
        file.write_text(text, encoding="utf-8")
        made = evidence("A" * 44, "--claims", str(file))
        assert (made.exit_code, hint in made.stderr) == (2, True)

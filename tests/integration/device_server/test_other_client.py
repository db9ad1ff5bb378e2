"""A client that uses no code of this project, against a real server process: the guide is sufficient."""

import ast
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from joserfc import jws
from joserfc.jwk import OKPKey

from firmware_profiles.loader import load_named
from lab.simulation.standalone_evidence import prepare_evidence
from lab.world.places import find_place
from tests.integration.device_server import other_client
from tests.integration.device_server.other_client import Client, RefusedError, UntrustedError, thumbprint

ACTIVATION = str(Path(sys.executable).with_name("activation"))
GUIDE = Path(__file__).parents[3] / "docs" / "developers" / "writing-a-client.md"
OURS = {"wire", "agent", "server_stub", "firmware_profiles", "lab", "tests"}
Keystore = Callable[[str, str], tuple[dict[str, Any], dict[str, Any]]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("other")


@pytest.fixture(scope="module")
def origin(folder: Path) -> Iterator[str]:
    command = [ACTIVATION, "serve", "--port", "0", "--db", str(folder / "records.sqlite")]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=folder
    ) as server:
        assert server.stdout
        found = re.search(r"http://\S+", server.stdout.readline())
        assert found
        yield found[0]
        server.terminate()
        assert server.wait(15) == 0


@pytest.fixture
def client(origin: str, folder: Path, tmp_path: Path) -> Client:
    root = (folder / "records-keys" / "metadata" / "1.root.json").read_bytes()
    return Client(origin, root, tmp_path, "https://verdicts.solvane.example", "solvane-phones")


@pytest.fixture(scope="module")
def keystore() -> Keystore:
    """The device's secure hardware, which a client cannot implement; see `activation evidence`."""

    def attest(nonce: str, place: str) -> tuple[dict[str, Any], dict[str, Any]]:
        now = int(time.time())
        made = prepare_evidence("2021", load_named("official-global"), find_place(place), nonce, now)
        assert made
        return made.claims, made.key.private_jwk()

    return attest


def test_the_client_imports_nothing_of_this_project() -> None:
    tree = ast.parse(Path(other_client.__file__).read_text("utf-8"))
    imported = {
        name.partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
        )
    }
    assert imported - sys.stdlib_module_names == {"joserfc", "requests", "tuf"}
    assert imported.isdisjoint(OURS)


def test_the_server_sends_the_committed_openapi_document(origin: str) -> None:
    committed = json.loads(GUIDE.with_name("openapi.json").read_text("utf-8"))
    assert requests.get(origin + "/openapi.json", timeout=60).json() == committed


def test_the_client_gets_and_verifies_verdicts(client: Client, keystore: Keystore) -> None:
    """A deny and an allow, for two devices; serials increase."""
    for place, decision, territory in (("havana", "deny", "CU"), ("paris", "allow", "FR")):
        claims, key = keystore(client.challenge(), place)
        client.memory = {"serial": 0, "policy_version": 0}
        verdict = client.ask(claims, key)
        assert (verdict["decision"], verdict["territory"]) == (decision, territory)
    claims, key = keystore(client.challenge(), "paris")
    again = client.ask(claims | {"intent": "check-in", "lock_state": "activated"}, key)
    assert (again["sub"], again["serial"]) == (verdict["sub"], verdict["serial"] + 1)


def test_the_client_reads_every_error_by_its_code(client: Client, keystore: Keystore) -> None:
    """Each has the request id, which support needs."""
    claims, key = keystore(client.challenge(), "paris")
    token = client.evidence(claims, key)
    client.send(token)
    unspent = client.evidence(*keystore(client.challenge(), "paris"))
    for sent, status, code in (
        (token, 409, "challenge-spent"),
        (unspent[:-4] + "AAAA", 401, "evidence-signature-invalid"),
        ("a.b.c", 400, "evidence-malformed"),
        ("A" * 70_000, 413, "body-too-large"),
        (client.evidence(claims | {"uptime": -1}, key), 422, "evidence-claims-invalid"),
        (client.evidence(claims | {"eat_nonce": "A" * 44}, key), 401, "challenge-invalid"),
    ):
        with pytest.raises(RefusedError) as caught:
            client.send(sent)
        assert (caught.value.status, caught.value.code) == (status, code)
        assert re.fullmatch(r"[0-9a-f-]{36}", caught.value.request_id)


NOW = 1_700_000_000
JKT = "A" * 43
NONCE = "N" * 44
VERDICT: dict[str, Any] = {
    "iss": "i",
    "aud": "a",
    "sub": "d-1",
    "cnf": {"jkt": JKT},
    "eat_nonce": NONCE,
    "iat": NOW,
    "nbf": NOW,
    "exp": NOW + 3600,
    "jti": "j",
    "serial": 7,
    "decision": "defer",
    "reason": "territory-unknown",
    "policy": {"id": "p", "version": 3, "rule": "r"},
    "trust": "affirming",
    "retry_after": 60,
}
KEY = OKPKey.generate_key("Ed25519")
LISTED: dict[str, Any] = KEY.as_dict(private=False) | {
    "kid": "k",
    "alg": "Ed25519",
    "use": "sig",
    "status": "active",
}


def signed(changes: dict[str, Any], **header: Any) -> str:
    head = {"alg": "Ed25519", "kid": "k", "typ": "activation-verdict+jwt"} | header
    claims = {name: value for name, value in (VERDICT | changes).items() if value is not None}
    registry = jws.JWSRegistry(algorithms=["Ed25519"], strict_check_header=False)
    return jws.serialize_compact(head, json.dumps(claims), KEY, registry=registry)


BAD: list[tuple[int, str, dict[str, Any]]] = [
    (1, "A" * 20_000, {}),
    (2, "a.b", {}),
    (2, signed({})[:-1] + "B", {}),
    (3, signed({}, jku="https://x.example"), {}),
    (4, signed({}, typ="JWT"), {}),
    (5, signed({}, kid="other"), {}),
    (5, signed({}), {"status": "revoked"}),
    (5, signed({}), {"exp": NOW - 300}),
    (5, signed({}), {"nbf": NOW + 301}),
    (6, signed({}), {"alg": "ES256"}),
    (7, signed({}), {"x": OKPKey.generate_key("Ed25519").as_dict(private=False)["x"]}),
    (8, signed({"extra": 1}), {}),
    (8, signed({"iat": float(NOW)}), {}),
    (8, signed({"trust": None}), {}),
    (9, signed({"iss": "x"}), {}),
    (9, signed({"aud": "x"}), {}),
    (10, signed({"cnf": {"jkt": "B" * 43}}), {}),
    (11, signed({"eat_nonce": "M" * 44}), {}),
    (12, signed({"exp": NOW + 24 * 3600 + 1}), {}),
    (12, signed({"iat": NOW - 4000, "nbf": NOW - 4000, "exp": NOW - 300}), {}),
    (12, signed({"iat": NOW + 301, "nbf": NOW + 301, "exp": NOW + 400}), {}),
    (13, signed({"serial": 6}), {}),
    (13, signed({"policy": {"id": "p", "version": 2, "rule": "r"}}), {}),
    (14, signed({"decision": "explode"}), {}),
    (14, signed({"decision": "deny"}), {}),
    (14, signed({"retry_after": None}), {}),
]


@pytest.mark.parametrize(
    ("step", "token", "key"), BAD, ids=[f"{n}-step-{row[0]}" for n, row in enumerate(BAD)]
)
def test_each_step_rejects_its_error(step: int, token: str, key: dict[str, Any], tmp_path: Path) -> None:
    """All fourteen; an unchanged verdict passes."""
    client = Client("http://127.0.0.1:9", b"", tmp_path, "i", "a")
    client.memory = {"serial": 6, "policy_version": 3}
    with pytest.raises(UntrustedError) as caught:
        client.verify(token, [LISTED | key], NONCE, JKT, NOW)
    assert caught.value.step == step
    assert client.memory["serial"] == 6
    assert client.verify(signed({}), [LISTED], NONCE, JKT, NOW)["serial"] == 7
    assert client.memory == {"serial": 7, "policy_version": 3}


def test_the_thumbprint_is_that_of_rfc_7638() -> None:
    """Section 3.1 gives an RSA key; the members of a P-256 key are those of section 3.2."""
    point = {
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    }
    key = {"kty": "EC", "crv": "P-256", **point, "d": "ignored"}
    assert thumbprint(key) == "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U"


@pytest.mark.slow
def test_the_guide_contains_every_limit_and_step_of_the_client() -> None:
    """A change of one requires a change of the other."""
    guide = GUIDE.read_text("utf-8")
    for word in (
        "16 KiB",
        "64 KiB",
        "256 bytes",
        "300 s",
        "24 hours",
        "application/eat+jwt",
        "application/jwt",
    ):
        assert word in guide
    steps = re.findall(r"^\| (\d+) \|", guide, re.MULTILINE)
    assert steps == [str(number) for number in range(1, 15)]

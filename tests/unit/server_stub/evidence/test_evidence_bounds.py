"""How much the claims of evidence may contain: everything that the contract allows, and little more."""

import json
from typing import Any

import pytest

from server_stub.evidence import evidence_token, strict_json
from server_stub.evidence.errors import EvidenceError
from server_stub.evidence.strict_json import JsonError, read_object
from tests.support.hostile_evidence import CLAIMS, TOKENS, evidence, rsa_spki, self_made
from tests.support.server_phone import claims
from wire import limits
from wire.codes import ProblemCode

NONCE = "bm9uY2Ut" * 4
CHAIN = self_made(rsa_spki(2048), 256, 2)


def largest() -> dict[str, Any]:
    """Claims with every member, as many as the contract allows, and with parts in their texts."""
    text = "{[," * 40
    sim = {
        "slot": 1, "status": "ready", "mcc": "208", "mnc": "01", "mnc_length": 2, "iccid": "8953011234567890123",
        "spn": text, "gid1": "0A" * 4,
    }  # fmt: skip
    fault = {"code": "modem-silent", "source": "AT+COPS?{[,{[,{[,{[,{[,", "slot": 1}
    serving = {
        "registration": "roaming", "plmn": {"mcc": "208", "mnc": "01"},
        "cell": {"area": 1, "id": 2, "technology": "lte"},
    }  # fmt: skip
    telephony = {
        "sims": [sim] * limits.SIM_SLOTS, "serving": serving, "bands": [text] * 64,
        "faults": [fault] * limits.TELEPHONY_FAULTS_MAX,
    }  # fmt: skip
    return claims(
        NONCE,
        telephony=telephony,
        wifi={"connected": True, "country": "FR"},
        location={"latitude": 1.5, "longitude": 2.5, "accuracy": 3.5},
        last_verdict={"jti": "1", "serial": 1},
    )


def test_the_largest_claims_of_the_contract_are_read() -> None:
    """Their texts contain many more parts than the limit."""
    payload = json.dumps(largest()).encode()
    assert payload.count(b",") > limits.CLAIMS_PARTS_MAX
    read = evidence_token.read(evidence(NONCE, CHAIN, payload))
    assert len(read.evidence.telephony.faults or ()) == limits.TELEPHONY_FAULTS_MAX


@pytest.mark.parametrize(
    "shape", [name for name in CLAIMS if name.startswith("many ") and name != "many escapes"]
)
def test_claims_of_too_many_parts_are_not_parsed(shape: str, monkeypatch: pytest.MonkeyPatch) -> None:
    token = TOKENS[f"claims: {shape}"](NONCE)
    decoded: list[bytes] = []
    decode = strict_json._decoded

    def record(content: bytes) -> Any:
        decoded.append(content)
        return decode(content)

    monkeypatch.setattr(strict_json, "_decoded", record)
    with pytest.raises(EvidenceError, match="made of more than 512 parts") as caught:
        evidence_token.read(token)
    assert caught.value.code is ProblemCode.EVIDENCE_MALFORMED
    assert len(decoded) == 1  # the header


@pytest.mark.parametrize("most", range(6))
@pytest.mark.parametrize(
    ("content", "parts"),
    [
        (b"{}", 1),
        (b'{"a":[],"b":1}', 3),
        (b'{"{[,":"{[,","\\"{":"\\\\"}', 2),
        (b'{"a":"\\"[[[[","b":[1,{}]}', 5),
    ],
)
def test_parts_are_counted_outside_of_strings(content: bytes, parts: int, most: int) -> None:
    if most >= parts:
        assert read_object(content, most) == json.loads(content)
        return
    with pytest.raises(JsonError, match=f"more than {most} parts"):
        read_object(content, most)


def test_many_errors_are_counted_and_not_listed() -> None:
    for count, detail in ((3, "unknown"), (16, "unknown"), (17, "more than 16 claims")):
        payload = json.dumps(claims(NONCE) | {f"x{number}": 1 for number in range(count)}).encode()
        with pytest.raises(EvidenceError, match=detail) as caught:
            evidence_token.read(evidence(NONCE, CHAIN, payload))
        assert caught.value.code is ProblemCode.EVIDENCE_CLAIMS_INVALID

"""Attacks on the server with evidence that is replayed, changed or relayed, or with a nonce that it never issued."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from agent.ports import Answer
from lab.attacks.harness.environment import TrialContext
from lab.attacks.harness.interceptor import Handler, InterceptedRequest
from lab.attacks.harness.target_device import TargetDevice
from lab.attacks.harness.token_forge import claims_of, header_of, to_json, with_claims, with_header
from lab.attacks.model import Attack, Topic
from lab.attacks.server.transport import (
    MakeHandler,
    network_attack,
    on_challenge_request,
    on_verdict_request,
)
from lab.attacks.substitution import LOCKED, request_under
from lab.world.jose import b64
from wire import limits, media

_T = Topic


def _changed(name: str, sentence: str, source: str, code: str, change: Callable[[bytes], bytes]) -> Attack:
    """The network changes the evidence, and the device gets the server's problem document."""
    make_handler = on_verdict_request(lambda _, __, request: request.forward(change(request.body)))
    return network_attack(
        name, sentence, source, (_T.EVIDENCE_TAMPERED,), code, make_handler, targets=(LOCKED,)
    )


def _with_payload(evidence: bytes, payload: bytes) -> bytes:
    header, _, signature = evidence.split(b".")
    return b".".join((header, b64(payload), signature))


def _french_network(evidence: bytes) -> bytes:
    telephony: dict[str, Any] = claims_of(evidence)["telephony"]
    telephony["serving"] = {"registration": "home", "plmn": {"mcc": "208", "mnc": "01"}}
    return with_claims(evidence, telephony=telephony)


_replayed: Final = on_verdict_request(
    lambda _, device, request: request.forward(device.interceptor.evidence[-1])
)


def _replayed_late(trial: TrialContext, device: TargetDevice) -> Handler:
    trial.world.wait(limits.NONCE_LIFETIME + 1)
    return _replayed(trial, device)


def _sent_twice(_: TrialContext, __: TargetDevice, request: InterceptedRequest) -> Answer:
    request.forward()
    return request.forward()


def _ask_with_challenge_of(trial: TrialContext, device: TargetDevice, other: TargetDevice) -> None:
    """`other` requests a verdict with the challenge that `device` got last."""
    challenge = device.interceptor.challenges[-1]
    request_under(other, on_challenge_request(lambda *_: challenge)(trial, other))


def _relayed(trial: TrialContext, device: TargetDevice) -> Handler:
    """An allowed device uses the challenge of the locked one, and its verdict goes to the locked one."""
    other = trial.activated()

    def respond(trial: TrialContext, device: TargetDevice, request: InterceptedRequest) -> Answer:
        _ask_with_challenge_of(trial, device, other)
        answer = Answer(200, media.VERDICT, other.interceptor.tokens[-1])
        device.capture(answer.body, request.body)
        return answer

    return on_verdict_request(respond)(trial, device)


def _shared_nonce(trial: TrialContext, device: TargetDevice) -> Handler:
    """Another device uses the challenge first."""
    other = trial.activated()

    def respond(trial: TrialContext, device: TargetDevice, request: InterceptedRequest) -> Answer:
        _ask_with_challenge_of(trial, device, other)
        return request.forward()

    return on_verdict_request(respond)(trial, device)


def _nonce(change: Callable[[str], str]) -> MakeHandler:
    """The device gets a nonce that the server never issued."""

    def respond(_: TrialContext, __: TargetDevice, request: InterceptedRequest) -> Answer:
        genuine = request.forward()
        challenge = json.loads(genuine.body)
        return replace(genuine, body=to_json(challenge | {"nonce": change(challenge["nonce"])}))

    return on_challenge_request(respond)


def _issued_later(nonce: str) -> str:
    """The nonce with a time of issue an hour later; this time is in its first five bytes."""
    content = base64.urlsafe_b64decode(nonce)
    later = int.from_bytes(content[:5], "big") + 3600
    return base64.urlsafe_b64encode(later.to_bytes(5, "big") + content[5:]).decode()


def _delayed(trial: TrialContext, _: TargetDevice, request: InterceptedRequest) -> Answer:
    trial.world.wait(limits.NONCE_LIFETIME + 1)
    return request.forward()


ATTACKS: Final[tuple[Attack, ...]] = (
    network_attack("evidence-replayed", "Send the evidence of an earlier exchange again.", "CWE-294",
                   (_T.EVIDENCE_REPLAY, _T.NONCE_SPENT), "challenge-spent", _replayed),
    network_attack("evidence-replayed-late", "Send old evidence again after its nonce has expired.",
                   "CWE-294", (_T.EVIDENCE_REPLAY,), "challenge-expired", _replayed_late),
    network_attack("evidence-sent-twice", "Send evidence twice and forward the second response.", "CWE-294",
                   (_T.NONCE_SPENT,), "challenge-spent",
                   on_verdict_request(_sent_twice)),
    network_attack("evidence-relayed", "Let an allowed device respond to the challenge of a locked one.",
                   "RFC 9334 section 16.1", (_T.OTHER_DEVICE, _T.SWAP), "key-binding-mismatch", _relayed,
                   targets=(LOCKED,)),
    network_attack("nonce-forged", "Give the device a nonce that the attacker chose.", "CWE-330",
                   (_T.NONCE_FORGED,), "challenge-invalid", _nonce(lambda _: "A" * 44)),
    network_attack("nonce-short", "Give the device a nonce of minimal length.", "CWE-330",
                   (_T.NONCE_FORGED,), "challenge-invalid", _nonce(lambda _: "A" * limits.NONCE_MIN)),
    network_attack("nonce-long", "Give the device a nonce of maximal length.", "CWE-330",
                   (_T.NONCE_FORGED,), "challenge-invalid", _nonce(lambda nonce: nonce * 2)),
    network_attack("nonce-made-younger", "Change the time of issue in a genuine nonce.", "CWE-345",
                   (_T.NONCE_FORGED,), "challenge-invalid", _nonce(_issued_later)),
    network_attack("nonce-spent", "Give the device a nonce that it has used before.", "CWE-294",
                   (_T.NONCE_SPENT, _T.REPLAY), "challenge-spent",
                   on_challenge_request(lambda _, device, __: device.interceptor.challenges[-1])),
    network_attack("nonce-shared", "Give one nonce to two devices.", "CWE-294",
                   (_T.NONCE_SPENT,), "challenge-spent", _shared_nonce, targets=(LOCKED,)),
    network_attack("nonce-kept", "Delay the evidence until its challenge has expired.", "CWE-613",
                   (_T.NONCE_FORGED, _T.EXPIRED), "challenge-expired", on_verdict_request(_delayed)),
    _changed("evidence-position", "Change the position that the device signed.", "CWE-345",
             "evidence-signature-invalid",
             lambda e: with_claims(e, location={"latitude": 48.85, "longitude": 2.35, "accuracy": 10.0})),
    _changed("evidence-network", "Change the network that the device signed.", "CWE-345",
             "evidence-signature-invalid", _french_network),
    _changed("evidence-no-telephony", "Replace cards and network in the signed evidence by a fault.", "CWE-345",
             "evidence-signature-invalid",
             lambda e: with_claims(e, telephony={"faults": [{"code": "modem-silent", "source": "AT"}]})),
    _changed("evidence-identity", "Put the identity of another device into the evidence.", "CWE-290",
             "evidence-signature-invalid", lambda e: with_claims(e, ueid="AwACAQAHAAEJCQkJCQkJ")),
    _changed("evidence-unsigned", "State that the evidence is unsigned.", "RFC 8725 section 2.1",
             "evidence-malformed", lambda e: with_header(e, alg="none")),
    _changed("evidence-algorithm", "Name another algorithm than the key has.", "RFC 8725 section 2.1",
             "evidence-signature-invalid", lambda e: with_header(e, alg="Ed25519")),
    _changed("evidence-header-member", "Embed a key in the header of the evidence.", "RFC 7515 section 4.1.3",
             "evidence-malformed", lambda e: with_header(e, jwk={"kty": "OKP"})),
    _changed("evidence-type", "Send evidence with the type of a verdict.", "RFC 8725 section 3.11",
             "evidence-malformed", lambda e: with_header(e, typ=media.VERDICT_TYP)),
    _changed("evidence-claim-twice", "Name a claim twice.", "RFC 7519 section 4",
             "evidence-malformed",
             lambda e: _with_payload(e, b'{"intent":"check-in",' + to_json(claims_of(e))[1:])),
    _changed("evidence-claim-unknown", "Add a claim that the contract does not define.", "CWE-1287",
             "evidence-claims-invalid", lambda e: with_claims(e, admin=True)),
    _changed("evidence-claim-missing", "Remove the telephony claim.", "CWE-1287",
             "evidence-claims-invalid", lambda e: with_claims(e, telephony=None)),
    _changed("evidence-claim-null", "Write null as the value of a claim, which some parsers treat as absent.",
             "CWE-476", "evidence-claims-invalid",
             lambda e: _with_payload(e, to_json(claims_of(e) | {"location": None}))),
    _changed("evidence-control-character", "Put a character that terminals obey into a name.", "CWE-150",
             "evidence-claims-invalid", lambda e: with_claims(e, swname="Solvane\x1b[2J")),
    _changed("evidence-over-long", "Send evidence longer than allowed.", "CWE-770",
             "evidence-malformed", lambda e: e + b"A" * limits.TOKEN_MAX),
    _changed("evidence-endless", "Send a request body longer than allowed.", "CWE-770",
             "body-too-large", lambda e: e + b"A" * limits.BODY_MAX),
    _changed("evidence-truncated", "Remove the second half of the evidence.", "CWE-345",
             "evidence-malformed", lambda e: e[: len(e) // 2]),
    network_attack("evidence-mixed-chain", "Combine the chain of an earlier exchange with new claims.", "CWE-347",
                   (_T.EVIDENCE_TAMPERED, _T.CHAIN_FORGED), "evidence-signature-invalid",
                   on_verdict_request(lambda _, device, request: request.forward(
                       with_header(request.body, x5c=header_of(device.interceptor.evidence[-1])["x5c"]))),
                   targets=(LOCKED,)),
    _changed("evidence-chain-rubbish", "Put bytes that are not a certificate into the chain.", "CWE-20",
             "chain-invalid", lambda e: with_header(e, x5c=["AAAA"])),
)  # fmt: skip

"""Attacks on the server through evidence: replayed, changed, relayed, or about a nonce that it never issued."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from agent.ports import Answer
from lab.attacks.harness.environment import TrialContext
from lab.attacks.harness.evidence_forge import claims_of, header_of, with_claims, with_header
from lab.attacks.harness.interceptor import Act, Call
from lab.attacks.harness.target_phone import Phone
from lab.attacks.harness.token_forge import b64, text
from lab.attacks.model import Attack, AttackerCapability, Topic
from lab.attacks.server.transport import disturbed, on_verdict_request, to_challenge
from lab.attacks.substitution import ALL_TARGETS, LOCKED, request_under
from wire import limits, media

_T = Topic
_FLASH: Final = (AttackerCapability.NETWORK, AttackerCapability.FLASH_ACCESS)


def _sends(change: Callable[[bytes], bytes]) -> Callable[[TrialContext, Phone], Act]:
    """Send changed evidence on."""
    return on_verdict_request(lambda call: call.forward(change(call.body)))


def _changed(name: str, sentence: str, source: str, told: str, change: Callable[[bytes], bytes]) -> Attack:
    """Evidence that the network changes on its way; the server's problem comes back to the phone."""
    return disturbed(name, sentence, source, (_T.EVIDENCE_TAMPERED,), told, _sends(change), targets=(LOCKED,))


def _claim_twice(evidence: bytes) -> bytes:
    header, _, signature = evidence.split(b".")
    payload = b'{"intent":"check-in",' + text(claims_of(evidence))[1:]
    return b".".join((header, b64(payload), signature))


def _in_paris(evidence: bytes) -> bytes:
    return with_claims(evidence, location={"latitude": 48.85, "longitude": 2.35, "accuracy": 10.0})


def _on_a_french_network(evidence: bytes) -> bytes:
    telephony: dict[str, Any] = claims_of(evidence)["telephony"]
    telephony["serving"] = {"registration": "home", "plmn": {"mcc": "208", "mnc": "01"}}
    return with_claims(evidence, telephony=telephony)


def _mixed_chain(_stage: TrialContext, phone: Phone) -> Act:
    """The chain of an earlier answer, whose key was another."""
    chain = header_of(phone.wire.evidence[-1])["x5c"]
    return lambda call: (
        call.forward(with_header(call.body, x5c=chain)) if call.asks_verdict else call.forward()
    )


def _replayed(_stage: TrialContext, phone: Phone) -> Act:
    earlier = phone.wire.evidence[-1]
    return lambda call: call.forward(earlier) if call.asks_verdict else call.forward()


def _replayed_late(stage: TrialContext, phone: Phone) -> Act:
    stage.world.wait(limits.NONCE_LIFETIME + 1)
    return _replayed(stage, phone)


def _sent_twice(call: Call) -> Answer:
    """The network sends the evidence twice and hands on the second answer."""
    call.forward()
    return call.forward()


def _relayed(stage: TrialContext, phone: Phone) -> Act:
    """An innocent phone answers the locked phone's challenge, and its verdict goes to the locked one."""
    innocent = stage.activated()

    def act(call: Call) -> Answer:
        if not call.asks_verdict:
            return call.forward()
        challenge = phone.wire.challenges[-1]
        request_under(innocent, to_challenge(lambda _: challenge)(stage, innocent))
        answer = Answer(200, media.VERDICT, innocent.wire.tokens[-1])
        phone.note(answer.body, call.body)
        return answer

    return act


def _shared_nonce(stage: TrialContext, phone: Phone) -> Act:
    """Another phone spends the challenge first."""
    other = stage.activated()

    def act(call: Call) -> Answer:
        if call.asks_verdict:
            challenge = phone.wire.challenges[-1]
            request_under(other, to_challenge(lambda _: challenge)(stage, other))
        return call.forward()

    return act


def _nonce(change: Callable[[str], str]) -> Callable[[TrialContext, Phone], Act]:
    """Hand the phone a nonce that the server never issued."""

    def answer(call: Call) -> Answer:
        genuine = call.forward()
        challenge = json.loads(genuine.body)
        return replace(genuine, body=text(challenge | {"nonce": change(challenge["nonce"])}))

    return to_challenge(answer)


def _younger(nonce: str) -> str:
    """The same nonce with a later time of issue (its first five octets)."""
    octets = base64.urlsafe_b64decode(nonce)
    later = int.from_bytes(octets[:5], "big") + 3600
    return base64.urlsafe_b64encode(later.to_bytes(5, "big") + octets[5:]).decode()


def _old_challenge(_stage: TrialContext, phone: Phone) -> Act:
    spent = phone.wire.challenges[-1]
    return lambda call: spent if call.asks_challenge else call.forward()


def _kept_challenge(stage: TrialContext, _phone: Phone) -> Act:
    def act(call: Call) -> Answer:
        answer = call.forward()
        if call.asks_challenge:
            stage.world.wait(limits.NONCE_LIFETIME + 1)
        return answer

    return act


REPLAYED: Final[tuple[Attack, ...]] = (
    disturbed("evidence-replayed", "Send the evidence of an earlier exchange again.", "CWE-294",
              (_T.EVIDENCE_REPLAY, _T.NONCE_SPENT), "challenge-spent", _replayed),
    disturbed("evidence-replayed-late", "Send old evidence again once the server may have forgotten its nonce.",
              "CWE-294", (_T.EVIDENCE_REPLAY,), "challenge-expired", _replayed_late, targets=ALL_TARGETS),
    disturbed("evidence-sent-twice", "Send evidence twice and hand on the second answer.", "CWE-294",
              (_T.NONCE_SPENT,), "challenge-spent", on_verdict_request(_sent_twice)),
    disturbed("evidence-relayed", "Let an innocent phone answer the challenge of a locked one.",
              "RFC 9334 section 16.1", (_T.OTHER_DEVICE, _T.SWAP), "key-binding-mismatch", _relayed,
              targets=(LOCKED,)),
)  # fmt: skip

NONCES: Final[tuple[Attack, ...]] = (
    disturbed("nonce-forged", "Hand the phone a nonce that the attacker has chosen.", "CWE-330",
              (_T.NONCE_FORGED,), "challenge-invalid", _nonce(lambda _: "A" * 44)),
    disturbed("nonce-short", "Hand the phone a nonce of the least length.", "CWE-330",
              (_T.NONCE_FORGED,), "challenge-invalid", _nonce(lambda _: "A" * limits.NONCE_MIN)),
    disturbed("nonce-long", "Hand the phone a nonce of the greatest length.", "CWE-330",
              (_T.NONCE_FORGED,), "challenge-invalid", _nonce(lambda nonce: nonce * 2)),
    disturbed("nonce-made-younger", "Change the time of issue in a genuine nonce.", "CWE-345",
              (_T.NONCE_FORGED,), "challenge-invalid", _nonce(_younger)),
    disturbed("nonce-spent", "Hand the phone a nonce that it has spent before.", "CWE-294",
              (_T.NONCE_SPENT, _T.REPLAY), "challenge-spent", _old_challenge),
    disturbed("nonce-shared", "Hand one nonce to two phones.", "CWE-294",
              (_T.NONCE_SPENT,), "challenge-spent", _shared_nonce, targets=(LOCKED,)),
    disturbed("nonce-kept", "Hold a challenge back until it has expired.", "CWE-613",
              (_T.NONCE_FORGED, _T.EXPIRED), "challenge-expired", _kept_challenge),
)  # fmt: skip

TAMPERED: Final[tuple[Attack, ...]] = (
    _changed("evidence-position", "Change the position that the phone signed.", "CWE-345",
             "evidence-signature-invalid", _in_paris),
    _changed("evidence-network", "Change the network that the phone signed.", "CWE-345",
             "evidence-signature-invalid", _on_a_french_network),
    _changed("evidence-identity", "Put another phone's identity into the evidence.", "CWE-290",
             "evidence-signature-invalid", lambda e: with_claims(e, ueid="AwACAQAHAAEJCQkJCQkJ")),
    _changed("evidence-unsigned", "Say that the evidence is unsigned.", "RFC 8725 section 2.1",
             "evidence-malformed", lambda e: with_header(e, alg="none")),
    _changed("evidence-algorithm", "Name another algorithm than the key's.", "RFC 8725 section 2.1",
             "evidence-signature-invalid", lambda e: with_header(e, alg="Ed25519")),
    _changed("evidence-header-member", "Bring a key in the header of the evidence.", "RFC 7515 section 4.1.3",
             "evidence-malformed", lambda e: with_header(e, jwk={"kty": "OKP"})),
    _changed("evidence-type", "Send evidence under the type of a verdict.", "RFC 8725 section 3.11",
             "evidence-malformed", lambda e: with_header(e, typ=media.VERDICT_TYP)),
    _changed("evidence-claim-twice", "Name a claim twice.", "RFC 7519 section 4",
             "evidence-malformed", _claim_twice),
    _changed("evidence-claim-unknown", "Add a claim that the contract does not know.", "CWE-1287",
             "evidence-claims-invalid", lambda e: with_claims(e, admin=True)),
    _changed("evidence-claim-missing", "Take the telephony out.", "CWE-1287",
             "evidence-claims-invalid", lambda e: with_claims(e, telephony=None)),
    _changed("evidence-over-long", "Send more than evidence may have.", "CWE-770",
             "evidence-malformed", lambda e: e + b"A" * limits.TOKEN_MAX),
    _changed("evidence-endless", "Send more than a body may have.", "CWE-770",
             "body-too-large", lambda e: e + b"A" * limits.BODY_MAX),
    _changed("evidence-truncated", "Cut the evidence off.", "CWE-345",
             "evidence-malformed", lambda e: e[: len(e) // 2]),
    disturbed("evidence-mixed-chain", "Put the chain of an earlier exchange before new claims.", "CWE-347",
              (_T.EVIDENCE_TAMPERED, _T.CHAIN_FORGED), "evidence-signature-invalid", _mixed_chain,
              targets=(LOCKED,)),
    _changed("evidence-chain-rubbish", "Put rubbish into the chain.", "CWE-20",
             "chain-invalid", lambda e: with_header(e, x5c=["AAAA"])),
)  # fmt: skip

ATTACKS: Final = REPLAYED + NONCES + TAMPERED

"""Attacks with a verdict that is signed and well-formed, but not for this phone, this question or this moment."""

from typing import Final

from agent.core.screens import ScreenId
from agent.core.states import Lock
from agent.verification.errors import Code
from lab.attacks.device_state import DeviceState
from lab.attacks.harness.environment import VENDOR, TrialContext
from lab.attacks.harness.target_phone import Phone
from lab.attacks.harness.token_forge import TokenForge
from lab.attacks.model import Attack, AttackerCapability, AttackRun, Topic, Trial
from lab.attacks.substitution import (
    ACTIVATED,
    LOCKED,
    Make,
    Target,
    replace_response,
    request_under,
    substitute_token,
    token,
)
from server_stub.policy.policy import Policy
from wire import limits
from wire.codes import Decision

_STOLEN: Final = (AttackerCapability.NETWORK, AttackerCapability.STOLEN_KEY)
_T = Topic
_HOUR: Final = 3600


def _claims(name: str, sentence: str, source: str, topic: Topic, code: Code, **changes: object) -> Attack:
    """A verdict of the vendor's key with claims changed."""
    return token(
        name, sentence, source, (topic,), code, lambda f: f.signed(f.claims(**changes)), means=_STOLEN
    )


def _timed(name: str, sentence: str, source: str, topic: Topic, code: Code, *offsets: int) -> Attack:
    """A verdict of the vendor's key whose `iat`, `nbf` and `exp` lie so many seconds from the server's time."""

    def make(forge: TokenForge) -> bytes:
        times = {
            claim: forge.said["iat"] + offset
            for claim, offset in zip(("iat", "nbf", "exp"), offsets, strict=True)
        }
        return forge.signed(forge.claims(**times))

    return token(name, sentence, source, (topic,), code, make, means=_STOLEN)


def _serial(forge: TokenForge, step: int) -> bytes:
    """A serial so many above the one that the phone has sealed."""
    return forge.signed(forge.claims(serial=forge.said["serial"] - 1 + step))


PARTIES: Final[tuple[Attack, ...]] = (
    _claims("issuer-other", "Sign in the name of another issuer.", "RFC 8725 section 3.8", _T.OTHER_ISSUER,
            Code.ISSUER_MISMATCH, iss="https://verdicts.attacker.example"),
    _claims("issuer-slash", "Add a slash to the issuer's name.", "RFC 8725 section 3.8", _T.OTHER_ISSUER,
            Code.ISSUER_MISMATCH, iss="https://verdicts.solvane.example/"),
    _claims("issuer-prefix", "Use an issuer whose name begins with the right one.", "CWE-183", _T.OTHER_ISSUER,
            Code.ISSUER_MISMATCH, iss="https://verdicts.solvane.example.attacker.example"),
    _claims("audience-other", "Use a verdict that is meant for another product.", "RFC 8725 section 3.9",
            _T.OTHER_AUDIENCE, Code.AUDIENCE_MISMATCH, aud="solvane-watches"),
    _claims("audience-case", "Write the audience in capitals.", "CWE-178",
            _T.OTHER_AUDIENCE, Code.AUDIENCE_MISMATCH, aud="SOLVANE-PHONES"),
    _claims("audience-list", "Name several audiences, the right one among them.", "RFC 7519 section 4.1.3",
            _T.OTHER_AUDIENCE, Code.CLAIM_MALFORMED, aud=["solvane-watches", "solvane-phones"]),
    _claims("key-binding-other", "Bind the verdict to the key of another phone.", "RFC 7800 section 3.1",
            _T.OTHER_DEVICE, Code.KEY_BINDING_MISMATCH, cnf={"jkt": "A" * 43}),
    _claims("nonce-other", "Answer another challenge than the outstanding one.", "RFC 9711 section 4.1",
            _T.OTHER_NONCE, Code.NONCE_MISMATCH, eat_nonce="bm9uY2Utb2YtYW5vdGhlcg"),
)  # fmt: skip

REPLAYED: Final[tuple[Attack, ...]] = (
    token("verdict-replayed", "Hand the phone the verdict that it took before.",
          "CWE-294", (_T.REPLAY, _T.OTHER_NONCE), Code.KEY_BINDING_MISMATCH, lambda f: f.earlier),
)  # fmt: skip

TIMES: Final[tuple[Attack, ...]] = (
    _timed("expired", "Use a verdict that expired an hour ago.", "RFC 7519 section 4.1.4", _T.EXPIRED,
           Code.EXPIRED, -2 * _HOUR, -2 * _HOUR, -_HOUR),
    _timed("issued-in-past", "Use a verdict that was issued before the challenge, and is still valid.",
           "RFC 9334 section 10", _T.EXPIRED, Code.ISSUED_IN_PAST, -_HOUR, -_HOUR, _HOUR),
    _timed("issued-in-future", "Use a verdict that will be issued in an hour.", "RFC 7519 section 4.1.6", _T.FUTURE,
           Code.ISSUED_IN_FUTURE, _HOUR, _HOUR, 2 * _HOUR),
    _timed("not-yet-valid", "Use a verdict that becomes valid in an hour.", "RFC 7519 section 4.1.5", _T.FUTURE,
           Code.NOT_YET_VALID, 0, _HOUR, 2 * _HOUR),
    _timed("lifetime-too-long", "Use a verdict that lives longer than any may.", "CWE-613", _T.TIMES,
           Code.LIFETIME_TOO_LONG, 0, 0, limits.LIFETIME_MAX + 1),
    _timed("lifetime-endless", "Use a verdict that expires when numbers end.", "CWE-613", _T.TIMES,
           Code.LIFETIME_TOO_LONG, 0, 0, 2**52),
    _timed("expiry-before-issue", "Use a verdict that expires before it is issued.", "CWE-682", _T.TIMES,
           Code.TIMES_CONTRADICTORY, 0, 0, -1),
    _timed("valid-never", "Use a verdict that becomes valid after it expires.", "CWE-682", _T.TIMES,
           Code.TIMES_CONTRADICTORY, 0, 2 * _HOUR, _HOUR),
)  # fmt: skip

FRESHNESS: Final[tuple[Attack, ...]] = (
    token("serial-same", "Use the serial that the phone has sealed once more.", "CWE-294", (_T.SERIAL_ROLLBACK,),
          Code.SERIAL_NOT_NEWER, lambda f: _serial(f, 0), means=_STOLEN, targets=(LOCKED,)),
    _claims("serial-rolled-back", "Use the serial of the first verdict.", "CWE-294", _T.SERIAL_ROLLBACK,
            Code.SERIAL_NOT_NEWER, serial=1),
    _claims("policy-rolled-back", "Rest the verdict on a policy older than the one that the phone knows.",
            "CWE-1328", _T.POLICY_ROLLBACK, Code.POLICY_ROLLED_BACK,
            policy={"id": "export-2021-09", "version": 0, "rule": "eligible"}),
)  # fmt: skip

DECISIONS: Final[tuple[Attack, ...]] = (
    _claims("decision-unknown", "Take a decision that the phone does not know.", "CWE-1287", _T.DECISION,
            Code.DECISION_UNKNOWN, decision="erase"),
    _claims("decision-case", "Write the decision in capitals.", "CWE-178", _T.DECISION,
            Code.DECISION_UNKNOWN, decision="RELEASE"),
    _claims("reason-unknown", "Give a reason that the phone does not know.", "CWE-1287", _T.DECISION,
            Code.REASON_UNKNOWN, reason="because"),
    _claims("decision-incomplete", "Leave away what the decision needs.", "CWE-1287", _T.DECISION,
            Code.DECISION_INCOMPLETE, check_in=None),
    token("decision-contradictory", "Release the phone and set a deadline for its return.", "CWE-1287",
          (_T.DECISION,), Code.DECISION_CONTRADICTORY,
          lambda f: f.signed(f.claims("release", offline_limit=60)), means=_STOLEN),
    token("lock-before-issue", "Announce a lock for a time that has passed, to lock without a notice.", "CWE-1287",
          (_T.DECISION, _T.TIMES), Code.LOCK_BEFORE_ISSUE,
          lambda f: f.signed(f.claims(
              "allow", decision="notice", reason="territory-prohibited", message={"key": "notice-of-lock"},
              case="FORGED-1", not_before_lock=f.said["iat"] - 1)), means=_STOLEN),
)  # fmt: skip


_SPEAKS: Final = "whoever holds a verdict key speaks for the vendor until the key is revoked"


def _falls(  # noqa: PLR0913, PLR0917 - a row of a table has its columns
    name: str, sentence: str, target: Target, make: Make, ending: DeviceState, falls: str
) -> Attack:
    trial = Trial(target.name, substitute_token(target, make), ending)
    return Attack(name, sentence, "CWE-522", _STOLEN, (_T.STOLEN_KEY,), (trial,), falls)


def _then_undisturbed(make: Make, policy_version: int | None = None) -> AttackRun:
    """A forged verdict for a locked phone; then the phone asks again, undisturbed, under a newer policy if given."""

    def play(stage: TrialContext) -> Phone:
        phone = substitute_token(LOCKED, make)(stage)
        if policy_version is not None:
            phone.wire.onward = stage.server(_published(stage, policy_version)).transport
        request_under(phone, replace_response(stage, phone, Decision.DENY, lambda forge: forge.genuine))
        return phone

    return play


def _published(stage: TrialContext, version: int) -> Policy:
    """The vendor's policy under another version."""
    policy = stage.theatre.houses[VENDOR].policy
    text = policy.text.replace(f"version = {policy.document.version}\n", f"version = {version}\n", 1)
    return Policy.parse(text, "export.toml")


def _all_serials(forge: TokenForge) -> bytes:
    return forge.signed(forge.claims("allow", serial=limits.INTEGER_MAX))


def _all_versions(forge: TokenForge) -> bytes:
    policy = {"id": "export-2021-09", "version": limits.INTEGER_MAX, "rule": "all"}
    return forge.signed(forge.claims("allow", policy=policy))


_DENIED_AGAIN: Final = DeviceState(Lock.LOCKED, ScreenId.LOCKED, "deny territory-prohibited")
"""The forged verdict had unlocked the phone; the vendor's next one counts."""

STOLEN: Final[tuple[Attack, ...]] = (
    _falls("stolen-key-locks", "Lock an innocent phone with a stolen verdict key.", ACTIVATED,
           lambda f: f.signed(f.claims("deny")),
           DeviceState(Lock.LOCKED, ScreenId.LOCKED, "deny territory-prohibited"), _SPEAKS),
    _falls("stolen-key-unlocks", "Unlock a locked phone with a stolen verdict key.", LOCKED,
           lambda f: f.signed(f.claims("allow")),
           DeviceState(Lock.ACTIVATED, ScreenId.HOME, "allow territory-eligible"), _SPEAKS),
    _falls("stolen-key-releases", "Release a locked phone for good with a stolen verdict key.", LOCKED,
           lambda f: f.signed(f.claims("release")),
           DeviceState(Lock.RELEASED, ScreenId.HOME, "release given-up"),
           "a release is final, so this outlasts the key's revocation"),
    Attack("stolen-key-exhausts-serial", "Use up all serials, so that no later verdict of the vendor's is newer.",
           "CWE-522", _STOLEN, (_T.STOLEN_KEY,),
           (Trial("locked", _then_undisturbed(_all_serials), _DENIED_AGAIN),)),
    Attack("stolen-key-exhausts-policy",
           "Use up all versions of a policy, so that the vendor can never publish a higher one.",
           "CWE-522", _STOLEN, (_T.STOLEN_KEY,),
           (Trial("locked", _then_undisturbed(_all_versions, 2 * limits.FLOOR_STEP_MAX), _DENIED_AGAIN),)),
    Attack("stolen-key-raises-policy", "Raise the version of the policy above the one that the vendor has.",
           "CWE-522", _STOLEN, (_T.STOLEN_KEY,),
           (Trial("locked", _then_undisturbed(_all_versions),
                  DeviceState(Lock.ACTIVATED, ScreenId.HOME, Code.POLICY_ROLLED_BACK.value)),),
           "what a stolen key said lasts until the vendor publishes the policy under a version above the raised floor"),
)  # fmt: skip

ATTACKS: Final = PARTIES + REPLAYED + TIMES + FRESHNESS + DECISIONS + STOLEN

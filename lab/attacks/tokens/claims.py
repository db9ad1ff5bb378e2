"""Attacks with a validly signed verdict that is for another device, challenge or moment."""

from typing import Final

from agent.core.screens import ScreenId
from agent.core.states import Lock
from agent.verification.errors import Code
from lab.attacks.harness.environment import MANUFACTURER, TrialContext
from lab.attacks.harness.target_device import DeviceState, TargetDevice
from lab.attacks.harness.token_forge import TokenForge
from lab.attacks.model import STOLEN_KEY, Attack, Topic, Trial
from lab.attacks.substitution import (
    ACTIVATED,
    LOCKED,
    MakeToken,
    Target,
    replace_response,
    request_under,
    signed_token,
    substitute_token,
    token_attack,
)
from server_stub.policy.policy import Policy
from wire import limits
from wire.codes import Decision

_T = Topic
_HOUR: Final = 3600
_DENIED: Final = DeviceState(Lock.LOCKED, ScreenId.LOCKED, "deny territory-prohibited")


def _claims(name: str, sentence: str, source: str, topic: Topic, code: Code, **changes: object) -> Attack:
    """A verdict of the manufacturer's key with changed claims."""
    return signed_token(name, sentence, source, (topic,), code,
                        lambda f: f.signed(f.claims(**changes)))  # fmt: skip


def _times(name: str, sentence: str, source: str, topic: Topic, code: Code, *offsets: int) -> Attack:
    """A verdict of the manufacturer's key; `iat`, `nbf` and `exp` are this many seconds after the server's time."""

    def make(forge: TokenForge) -> bytes:
        now = forge.genuine_claims["iat"]
        iat, nbf, exp = (now + offset for offset in offsets)
        return forge.signed(forge.claims(iat=iat, nbf=nbf, exp=exp))

    return signed_token(name, sentence, source, (topic,), code, make)


PARTIES: Final[tuple[Attack, ...]] = (
    _claims("issuer-other", "Sign in the name of another issuer.", "RFC 8725 section 3.8", _T.OTHER_ISSUER,
            Code.ISSUER_MISMATCH, iss="https://verdicts.attacker.example"),
    _claims("issuer-slash", "Append a slash to the issuer.", "RFC 8725 section 3.8", _T.OTHER_ISSUER,
            Code.ISSUER_MISMATCH, iss="https://verdicts.solvane.example/"),
    _claims("issuer-prefix", "Use an issuer that begins with the right one.", "CWE-183", _T.OTHER_ISSUER,
            Code.ISSUER_MISMATCH, iss="https://verdicts.solvane.example.attacker.example"),
    _claims("audience-other", "Use a verdict for another product.", "RFC 8725 section 3.9",
            _T.OTHER_AUDIENCE, Code.AUDIENCE_MISMATCH, aud="solvane-watches"),
    _claims("audience-case", "Write the audience in upper case.", "CWE-178",
            _T.OTHER_AUDIENCE, Code.AUDIENCE_MISMATCH, aud="SOLVANE-PHONES"),
    _claims("audience-list", "Write a list of audiences that contains the right one.", "RFC 7519 section 4.1.3",
            _T.OTHER_AUDIENCE, Code.CLAIM_MALFORMED, aud=["solvane-watches", "solvane-phones"]),
    _claims("key-binding-other", "Bind the verdict to the key of another device.", "RFC 7800 section 3.1",
            _T.OTHER_DEVICE, Code.KEY_BINDING_MISMATCH, cnf={"jkt": "A" * 43}),
    _claims("nonce-other", "Respond to a challenge that is not outstanding.", "RFC 9711 section 4.1",
            _T.OTHER_NONCE, Code.NONCE_MISMATCH, eat_nonce="bm9uY2Utb2YtYW5vdGhlcg"),
    token_attack("verdict-replayed", "Give the device the verdict that it accepted before.",
                 "CWE-294", (_T.REPLAY, _T.OTHER_NONCE), Code.KEY_BINDING_MISMATCH, lambda f: f.earlier),
)  # fmt: skip

TIMES: Final[tuple[Attack, ...]] = (
    _times("expired", "Use a verdict that expired a day before the floor.", "RFC 7519 section 4.1.4", _T.EXPIRED,
           Code.EXPIRED, -50 * _HOUR, -50 * _HOUR, -49 * _HOUR),
    _times("issued-in-past", "Use a verdict that was issued a day before the floor, and is valid until after that day.",
           "RFC 9334 section 10", _T.EXPIRED, Code.ISSUED_IN_PAST, -25 * _HOUR, -25 * _HOUR, -_HOUR),
    _times("issued-after-timestamp", "Use a verdict with a time of issue after the expiry of the timestamp.",
           "RFC 7519 section 4.1.6", _T.FUTURE, Code.ISSUED_AFTER_TIMESTAMP, 49 * _HOUR, 49 * _HOUR, 50 * _HOUR),
    _times("not-yet-valid", "Use a verdict that becomes valid after the expiry of the timestamp.",
           "RFC 7519 section 4.1.5", _T.FUTURE, Code.NOT_YET_VALID, 2 * _HOUR, 25 * _HOUR, 26 * _HOUR),
    _times("lifetime-too-long", "Use a verdict that is valid for longer than allowed.", "CWE-613", _T.TIMES,
           Code.LIFETIME_TOO_LONG, 0, 0, limits.LIFETIME_MAX + 1),
    _times("lifetime-endless", "Use a verdict with the largest expiry time that fits.", "CWE-613", _T.TIMES,
           Code.LIFETIME_TOO_LONG, 0, 0, 2**52),
    _times("expiry-before-issue", "Use a verdict that expires before its time of issue.", "CWE-682", _T.TIMES,
           Code.TIMES_CONTRADICTORY, 0, 0, -1),
    _times("valid-never", "Use a verdict that becomes valid after it expires.", "CWE-682", _T.TIMES,
           Code.TIMES_CONTRADICTORY, 0, 2 * _HOUR, _HOUR),
)  # fmt: skip

FRESHNESS: Final[tuple[Attack, ...]] = (
    signed_token("serial-same", "Use the serial that the device has sealed again.", "CWE-294", (_T.SERIAL_ROLLBACK,),
                 Code.SERIAL_NOT_NEWER, lambda f: f.signed(f.claims(serial=f.genuine_claims["serial"] - 1)),
                 targets=(LOCKED,)),
    _claims("serial-rolled-back", "Use the serial of the first verdict.", "CWE-294", _T.SERIAL_ROLLBACK,
            Code.SERIAL_NOT_NEWER, serial=1),
    _claims("policy-rolled-back", "Name a policy version below the one that the device has sealed.",
            "CWE-1328", _T.POLICY_ROLLBACK, Code.POLICY_ROLLED_BACK,
            policy={"id": "export-2021-09", "version": 0, "rule": "eligible"}),
)  # fmt: skip

DECISIONS: Final[tuple[Attack, ...]] = (
    _claims("decision-unknown", "Use a decision that the agent does not know.", "CWE-1287", _T.DECISION,
            Code.DECISION_UNKNOWN, decision="erase"),
    _claims("decision-case", "Write the decision in upper case.", "CWE-178", _T.DECISION,
            Code.DECISION_UNKNOWN, decision="RELEASE"),
    _claims("reason-unknown", "Use a reason that the agent does not know.", "CWE-1287", _T.DECISION,
            Code.REASON_UNKNOWN, reason="because"),
    _claims("decision-incomplete", "Omit a claim that the decision requires.", "CWE-1287", _T.DECISION,
            Code.DECISION_INCOMPLETE, check_in=None),
    signed_token("decision-contradictory", "Release the device and set an offline limit.", "CWE-1287",
                 (_T.DECISION,), Code.DECISION_CONTRADICTORY,
                 lambda f: f.signed(f.claims("release", offline_limit=60))),
    signed_token("lock-before-issue", "Announce a lock for a time in the past, to lock without notice.", "CWE-1287",
                 (_T.DECISION, _T.TIMES), Code.LOCK_BEFORE_ISSUE,
                 lambda f: f.signed(f.claims(
                     "allow", decision="notice", reason="territory-prohibited", message={"key": "notice-of-lock"},
                     case="FORGED-1", not_before_lock=f.genuine_claims["iat"] - 1))),
)  # fmt: skip


def _stolen_key(  # noqa: PLR0913, PLR0917 - a row of a table has its columns
    name: str, sentence: str, target: Target, wanted: str, state: DeviceState, succeeds_because: str
) -> Attack:
    run = substitute_token(target, lambda f: f.signed(f.claims(wanted)))
    trial = Trial(target.name, run, state)
    return Attack(name, sentence, "CWE-522", STOLEN_KEY, (_T.STOLEN_KEY,), (trial,), succeeds_because)


def _then_genuine(  # noqa: PLR0913, PLR0917 - a row of a table has its columns
    name: str,
    sentence: str,
    make: MakeToken,
    version: int | None = None,
    expected: DeviceState = _DENIED,
    succeeds_because: str = "",
) -> Attack:
    """A forged verdict for a locked device; then a genuine one, under a newer version of the policy if given."""

    def run(trial: TrialContext) -> TargetDevice:
        device = substitute_token(LOCKED, make)(trial)
        if version is not None:
            policy = trial.environment.owners[MANUFACTURER].policy
            text = policy.text.replace(f"version = {policy.document.version}\n", f"version = {version}\n", 1)
            server = trial.server(Policy.parse(text, "export.toml"))
            device.interceptor.upstream = server.transport
        request_under(device, replace_response(trial, device, Decision.DENY, lambda forge: forge.genuine))
        return device

    trial = Trial("locked", run, expected)
    return Attack(name, sentence, "CWE-522", STOLEN_KEY, (_T.STOLEN_KEY,), (trial,), succeeds_because)


def _highest_version(forge: TokenForge) -> bytes:
    policy = {"id": "export-2021-09", "version": limits.INTEGER_MAX, "rule": "all"}
    return forge.signed(forge.claims("allow", policy=policy))


_ACCEPTED: Final = "a device accepts every verdict of a verdict key until the key is revoked"

STOLEN: Final[tuple[Attack, ...]] = (
    _stolen_key("stolen-key-locks", "Lock another person's device with a stolen verdict key.", ACTIVATED, "deny",
                _DENIED, _ACCEPTED),
    _stolen_key("stolen-key-unlocks", "Unlock a locked device with a stolen verdict key.", LOCKED, "allow",
                DeviceState(Lock.ACTIVATED, ScreenId.HOME, "allow territory-eligible"), _ACCEPTED),
    _stolen_key("stolen-key-releases", "Release a locked device permanently with a stolen verdict key.", LOCKED,
                "release", DeviceState(Lock.RELEASED, ScreenId.HOME, "release given-up"),
                "a release is final, so it stays in effect after the key is revoked"),
    _then_genuine("stolen-key-exhausts-serial", "Use the highest serial, so that no later verdict has a higher one.",
                  lambda f: f.signed(f.claims("allow", serial=limits.INTEGER_MAX))),
    _then_genuine("stolen-key-exhausts-policy",
                  "Use the highest policy version, so that the manufacturer cannot publish a higher one.",
                  _highest_version, 2 * limits.FLOOR_STEP_MAX),
    _then_genuine("stolen-key-raises-policy", "Use a policy version above the one that the manufacturer has published.",
                  _highest_version,
                  expected=DeviceState(Lock.ACTIVATED, ScreenId.HOME, Code.POLICY_ROLLED_BACK.value),
                  succeeds_because="the forged verdict stays in effect until the manufacturer publishes the policy "
                                   "under a version above the raised floor"),
)  # fmt: skip

ATTACKS: Final = PARTIES + TIMES + FRESHNESS + DECISIONS + STOLEN

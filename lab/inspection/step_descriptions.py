"""Descriptions of what each step of a verification compared.

Before the signature is verified they contain no part of the token.
"""

import datetime
import json
from typing import Final

from agent.verification.keyset import KeySet
from agent.verification.verdict import time_bounds
from lab.inspection.verification_trace import Expectations, VerificationStepResult, VerificationTrace
from wire import limits, media

NAMES: Final = {
    1: "size, alphabet",
    2: "segments",
    3: "header",
    4: "type",
    5: "key",
    6: "algorithm",
    7: "signature",
    8: "payload",
    9: "parties",
    10: "key binding",
    11: "nonce",
    12: "times",
    13: "freshness",
    14: "decision",
}


def compared(step: int, trace: VerificationTrace, token: bytes, keys: KeySet) -> str:
    """What `step` compared."""
    return _of_token(step, trace, token, keys) if step <= 7 else _of_claims(step, trace)


def quoted(value: str) -> str:
    """Text of a token as a JSON string in ASCII, which cannot control a terminal."""
    return json.dumps(value)


def instant(seconds: int) -> str:
    """A time in ISO 8601, or in seconds if it is beyond the calendar."""
    try:
        moment = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    except (OverflowError, ValueError, OSError):
        return f"second {seconds}"
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _of_token(step: int, trace: VerificationTrace, token: bytes, keys: KeySet) -> str:
    kid = "kid" if trace.opened is None else f"kid {trace.opened.key.kid}"
    alg = "alg" if trace.opened is None else f"alg {trace.opened.key.ALG}"
    counts = {"usable": keys.keys, "revoked": keys.revoked, "unfit": keys.left_out}
    key_set = ", ".join(f"{len(some)} {what}" for what, some in counts.items() if some) or "empty"
    return {
        1: f"{len(token)} characters with at most {limits.VERDICT_MAX}, all of base64url or a full stop",
        2: f"{token.count(b'.') + 1} segments with 3, none empty, each canonical unpadded base64url",
        3: f"at most {limits.VERDICT_HEADER_MAX} bytes of strict JSON: exactly alg, kid and typ, all strings",
        4: f"typ with {media.VERDICT_TYP}",
        5: f"{kid} with the key set ({key_set}), {_within(trace.expected)}",
        6: f"{alg} with the one algorithm of that key",
        7: "the signature over the first two segments with that key",
    }[step]


def _of_claims(step: int, trace: VerificationTrace) -> str:
    claims, expected = trace.claims, trace.expected
    if claims is None or trace.result(step) is VerificationStepResult.NOT_REACHED:
        return _NOT_REACHED[step]
    members = claims.model_fields_set
    return {
        8: f"{len(members)} claims, strict JSON, all known, each in its form",
        9: _pairs(("iss", claims.iss, expected.issuer), ("aud", claims.aud, expected.audience)),
        10: _pairs(("cnf.jkt", claims.cnf.jkt, expected.thumbprint)),
        11: _pairs(("eat_nonce", claims.eat_nonce, expected.nonce)),
        12: f"iat {instant(claims.iat)}, nbf {instant(claims.nbf)}, exp {instant(claims.exp)} "
        f"with each other, {_within(expected)}",
        13: _floor("serial", claims.serial, expected.serial, "greater than")
        + "; "
        + _floor("policy.version", claims.policy.version, expected.policy_version, "at least"),
        14: f"decision {quoted(claims.decision)}, reason {quoted(claims.reason)}, and the claims with what "
        "that decision needs and allows",
    }[step]


_NOT_REACHED: Final = {
    8: "strict JSON, every claim known and in its form",
    9: "iss and aud with the expected ones",
    10: "cnf.jkt with the thumbprint of the device key",
    11: "eat_nonce with the outstanding nonce",
    12: "iat, nbf and exp with each other and with the time",
    13: "serial and policy.version with the sealed ones",
    14: "decision and reason with the known ones, the claims with what the decision needs and allows",
}


def _within(expected: Expectations) -> str:
    """The bounds of the time."""
    earliest, latest = time_bounds(expected.now, expected.latest)
    end = "without a ceiling" if latest is None else f"to {instant(latest)}"
    return f"from {instant(earliest)} {end}"


def _pairs(*pairs: tuple[str, str, str | None]) -> str:
    return "; ".join(
        f"{name} {quoted(value)} with " + ("no expectation" if expected is None else quoted(expected))
        for name, value, expected in pairs
    )


def _floor(name: str, value: int, sealed: int | None, relation: str) -> str:
    return f"{name} {value} with " + ("no expectation" if sealed is None else f"{relation} {sealed}")

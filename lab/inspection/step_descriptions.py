"""What each step of a verification compared, in words.

Before the signature holds, the words say what was asked of the token and nothing that stands in it.
"""

import datetime
import json
from collections.abc import Collection
from typing import Final

from agent.verification.fast_claims import Claims
from agent.verification.keyset import KeySet
from lab.inspection.verification_trace import Result, Trace
from wire import limits, media
from wire.verdict import UncheckedVerdict

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


def compared(step: int, trace: Trace, token: bytes, keys: KeySet) -> str:
    """What `step` compared with what."""
    if step <= 7:
        return _of_the_token(step, trace, token, keys)
    return _of_the_claims(step, trace)


def quoted(value: str) -> str:
    """Text from outside as a JSON string in ASCII: it can neither move the cursor nor change the direction."""
    return json.dumps(value)


def instant(seconds: int) -> str:
    """A time as people write it; in seconds where the calendar ends."""
    try:
        moment = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    except (OverflowError, ValueError, OSError):
        return f"second {seconds}"
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _of_the_token(step: int, trace: Trace, token: bytes, keys: KeySet) -> str:
    named = "kid" if trace.opened is None else f"kid {trace.opened.key.kid}"
    alg = "alg" if trace.opened is None else f"alg {trace.opened.key.ALG}"
    return {
        1: f"{len(token)} characters with at most {limits.TOKEN_MAX}, all of base64url or a full stop",
        2: f"{token.count(b'.') + 1} segments with 3, none empty, each canonical unpadded base64url",
        3: f"at most {limits.VERDICT_HEADER_MAX} octets of strict JSON: exactly alg, kid and typ, all strings",
        4: f"typ with {media.VERDICT_TYP}",
        5: f"{named} with {_census(keys)}, at {instant(trace.wanted.now)} ± {limits.SKEW} s",
        6: f"{alg} with the one algorithm of that key",
        7: "the signature over the first two segments with that key",
    }[step]


def _census(keys: KeySet) -> str:
    counted = {"usable": keys.keys, "revoked": keys.revoked, "unfit": keys.left_out}
    words = ", ".join(f"{len(some)} {what}" for what, some in counted.items() if some)
    return f"the key set ({words or 'empty'})"


def _named(claims: Claims | UncheckedVerdict) -> Collection[str]:
    return claims.members() if isinstance(claims, Claims) else claims.model_fields_set


def _of_the_claims(step: int, trace: Trace) -> str:
    claims, wanted = trace.claims, trace.wanted
    if claims is None or trace.result(step) is Result.NOT_REACHED:
        return _ASKED[step]
    return {
        8: f"{len(_named(claims))} claims, strict JSON, all known, each in its form",
        9: _pairs(("iss", claims.iss, wanted.issuer), ("aud", claims.aud, wanted.audience)),
        10: _pairs(("cnf.jkt", claims.cnf.jkt, wanted.thumbprint)),
        11: _pairs(("eat_nonce", claims.eat_nonce, wanted.nonce)),
        12: f"iat {instant(claims.iat)}, nbf {instant(claims.nbf)}, exp {instant(claims.exp)} "
        f"with now {instant(wanted.now)} ± {limits.SKEW} s",
        13: _floor("serial", claims.serial, wanted.serial, "greater than")
        + "; "
        + _floor("policy.version", claims.policy.version, wanted.policy_version, "at least"),
        14: f"decision {quoted(claims.decision)}, reason {quoted(claims.reason)}, and the claims with what "
        "that decision needs and allows",
    }[step]


_ASKED: Final = {
    8: "strict JSON, every claim known and in its form",
    9: "iss and aud with the expected ones",
    10: "cnf.jkt with the thumbprint of the device key",
    11: "eat_nonce with the outstanding nonce",
    12: "iat, nbf and exp with each other and with the time",
    13: "serial and policy.version with the sealed ones",
    14: "decision and reason with the known ones, the claims with what the decision needs and allows",
}


def _pairs(*pairs: tuple[str, str, str | None]) -> str:
    return "; ".join(
        f"{name} {quoted(value)} with " + ("no expectation" if wanted is None else quoted(wanted))
        for name, value, wanted in pairs
    )


def _floor(name: str, value: int, wanted: int | None, relation: str) -> str:
    return f"{name} {value} with " + ("no expectation" if wanted is None else f"{relation} {wanted}")

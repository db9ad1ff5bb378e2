"""Compact JWS (RFC 7515 section 7.1) with the restrictions for verdicts: steps 1 to 7 of 14.

This list is normative. The functions below follow it in this order; the first failing step ends the verification.

1. Size and alphabet: at most `limits.VERDICT_MAX` characters, all of base64url or the full stop.
2. Exactly three segments, none empty, each in canonical unpadded base64url.
3. Header: at most `limits.VERDICT_HEADER_MAX` bytes of strict JSON without repeated members. Exactly the members
   `alg`, `kid` and `typ` (`typ` only if a type is requested), each a string. Members that contain or locate a key
   (`jwk`, `jku`, `x5u`, `x5c`) or change the processing (`crit`, `b64`) are thus rejected.
4. `typ` is exactly the requested type (RFC 8725 section 3.11).
5. `kid` names a key in the set that is neither revoked nor unfit. If the key has a validity period, the time is
   known and in the period.
6. `alg` is the only algorithm of that key (RFC 8725 section 3.1): the key determines it, not the token.
7. The signature over the first two segments verifies with the key.
"""

from functools import lru_cache
from typing import Final, NamedTuple

import msgspec

from agent.verification import base64url, strict_json
from agent.verification.errors import Code, VerificationError
from agent.verification.keys import VerdictKey
from agent.verification.keyset import KeySet
from agent.verification.strict_json import JsonFault
from agent.verification.validity import ALWAYS, TimeBounds, ValidityViolation
from wire import limits

_ALPHABET: Final = base64url.ALPHABET + b"."
_MEMBERS: Final = frozenset({"alg", "kid", "typ"})
_FAULTS: Final = {
    JsonFault.NOT_JSON: Code.HEADER_NOT_JSON,
    JsonFault.MEMBER_DUPLICATE: Code.HEADER_MEMBER_DUPLICATE,
    JsonFault.TOO_DEEP: Code.HEADER_TOO_DEEP,
    JsonFault.NUMBER: Code.HEADER_NUMBER,
}
_VIOLATIONS: Final = {
    ValidityViolation.OVER: Code.KEY_EXPIRED,
    ValidityViolation.NOT_YET: Code.KEY_NOT_YET_VALID,
}


class Segments(msgspec.Struct, frozen=True, gc=False):
    """The decoded segments of a token, and the signed characters."""

    header: bytes
    payload: bytes
    signature: bytes
    signing_input: bytes


class Header(NamedTuple):
    """The JOSE header. `typ` is None if the header has none."""

    alg: str
    kid: str
    typ: str | None


class VerifiedPayload(msgspec.Struct, frozen=True, gc=False):
    """The result of steps 1 to 7: the payload and the key that signed it."""

    payload: bytes
    key: VerdictKey


def verify_compact(token: str | bytes, keys: KeySet, *, typ: str | None) -> bytes:
    """Do steps 1 to 7 and return the payload. `typ=None` requires a header without `typ`.

    Keys with a validity period are rejected here; see `open_compact`. Raises VerificationError, which contains no part
    of the token.
    """
    return open_compact(token, keys, typ=typ, time=None).payload


def open_compact(
    token: str | bytes, keys: KeySet, *, typ: str | None, time: TimeBounds | None
) -> VerifiedPayload:
    """Like `verify_compact`, and accepts keys with a validity period: `time` is what is known of the time."""
    data = check_size_and_alphabet(token)
    segments = split(data)
    header = read_header(segments.header)
    check_typ(header, typ)
    key = select_key(header, keys, time)
    check_alg(header, key)
    check_signature(segments, key)
    return VerifiedPayload(segments.payload, key)


def check_size_and_alphabet(token: str | bytes) -> bytes:
    """Step 1 (RFC 7515 sections 2 and 7.1, RFC 8725 section 3.11). Returns the token as bytes."""
    if len(token) > limits.VERDICT_MAX:
        raise VerificationError(Code.TOO_LONG)
    data = token if isinstance(token, bytes) else token.encode("ascii", "replace")
    if data.translate(None, _ALPHABET):
        raise VerificationError(Code.ALPHABET)
    return data


def split(data: bytes) -> Segments:
    """Step 2, after step 1 (RFC 7515 section 5.2, RFC 4648 sections 3.5 and 5). Returns the decoded segments."""
    decoded = base64url.decode_three(data)
    if decoded is None:
        if data.count(b".") != 2:
            raise VerificationError(Code.SEGMENT_COUNT)
        empty = b"" in data.split(b".")
        raise VerificationError(Code.SEGMENT_EMPTY if empty else Code.SEGMENT_ENCODING)
    return Segments(*decoded, data.rpartition(b".")[0])


# Verdicts have only a few different headers. The function is pure, so caching does not change its results. The cache
# is bounded, each entry by `VERDICT_HEADER_MAX`, and exceptions are not cached.
@lru_cache(maxsize=16)
def read_header(data: bytes) -> Header:
    """Step 3 (RFC 7515 sections 4 and 5.2, RFC 7493). Returns the header."""
    if len(data) > limits.VERDICT_HEADER_MAX:
        raise VerificationError(Code.HEADER_TOO_LONG)
    members = strict_json.read(data)
    if isinstance(members, JsonFault):
        raise VerificationError(_FAULTS[members])
    if not members.keys() <= _MEMBERS:
        raise VerificationError(Code.HEADER_MEMBER_UNKNOWN)
    if "alg" not in members or "kid" not in members:
        raise VerificationError(Code.HEADER_MEMBER_MISSING)
    for value in members.values():
        if not isinstance(value, str):
            raise VerificationError(Code.HEADER_MEMBER_NOT_TEXT)
    return Header(members["alg"], members["kid"], members.get("typ"))


def check_typ(header: Header, typ: str | None) -> None:
    """Step 4 (RFC 8725 section 3.11, RFC 7515 section 4.1.9)."""
    if header.typ != typ:
        raise VerificationError(Code.TYP_MISMATCH)


def select_key(header: Header, keys: KeySet, time: TimeBounds | None) -> VerdictKey:
    """Step 5 (RFC 7515 section 4.1.4, RFC 7517 section 4). Returns the key of `kid`, if it is valid at `time`."""
    if header.kid in keys.revoked:
        raise VerificationError(Code.KEY_REVOKED)
    key = keys.find(header.kid)
    if key is None:
        raise VerificationError(Code.KEY_UNFIT if header.kid in keys.unfit else Code.KEY_UNKNOWN)
    if key.validity is not ALWAYS:
        if time is None:
            raise VerificationError(Code.KEY_TIME_UNKNOWN)
        violation = key.validity.violation(time)
        if violation is not None:
            raise VerificationError(_VIOLATIONS[violation])
    return key


def check_alg(header: Header, key: VerdictKey) -> None:
    """Step 6 (RFC 8725 section 3.1, RFC 9864)."""
    if header.alg != key.ALG:
        raise VerificationError(Code.ALG_MISMATCH)


def check_signature(segments: Segments, key: VerdictKey) -> None:
    """Step 7 (RFC 7518 section 3.4, RFC 8032 section 5.1.7, FIPS 186-5 section 6.4.2), by the class of the key."""
    code = key.check(segments.signature, segments.signing_input)
    if code is not None:
        raise VerificationError(code)

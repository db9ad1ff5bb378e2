"""Compact JWS (RFC 7515 section 7.1) under the narrow profile of verdicts: steps 1 to 7 of 14.

This list is normative; the functions below follow it in this order, and the first that refuses ends it.

1. Size and alphabet: at most `limits.TOKEN_MAX` characters, all of base64url or the full stop.
2. Exactly three segments, none empty, each in canonical unpadded base64url.
3. Header: at most `limits.VERDICT_HEADER_MAX` octets of strict JSON, no member twice, exactly the members
   `alg`, `kid` and `typ` (`typ` only where one is asked for), each a string. Nothing that brings or locates
   a key (`jwk`, `jku`, `x5u`, `x5c`) and nothing that changes the processing (`crit`, `b64`) gets past here.
4. `typ` is, character by character, the type asked for (RFC 8725 section 3.11).
5. `kid` names a key of the set that is not revoked and was not left out as unfit. Where the key says when it may
   be used, the time is known and lies within; where no time is given, such a key is not used at all.
6. `alg` is the one algorithm of that key (RFC 8725 section 3.1): the key decides, never the token.
7. The signature over the first two segments is the key's.
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
_LAPSES: Final = {ValidityViolation.OVER: Code.KEY_EXPIRED, ValidityViolation.NOT_YET: Code.KEY_NOT_YET_VALID}


class Segments(msgspec.Struct, frozen=True, gc=False):
    """A token taken apart: the decoded segments, and the characters that were signed."""

    header: bytes
    payload: bytes
    signature: bytes
    signing_input: bytes


class Header(NamedTuple):
    """The JOSE header. `typ` is None where the header has none."""

    alg: str
    kid: str
    typ: str | None


class VerifiedPayload(msgspec.Struct, frozen=True, gc=False):
    """What steps 1 to 7 yield: the payload, and the key whose signature it bears."""

    payload: bytes
    key: VerdictKey


def verify_compact(token: str | bytes, keys: KeySet, *, typ: str | None) -> bytes:
    """Take steps 1 to 7 and return the payload. `typ=None` asks for a header without `typ`.

    A key that may be used at certain times only is refused here: see `open_compact`. Raises VerificationError,
    with nothing of the token on it.
    """
    return open_compact(token, keys, typ=typ, time=None).payload


def open_compact(
    token: str | bytes, keys: KeySet, *, typ: str | None, time: TimeBounds | None
) -> VerifiedPayload:
    """Like `verify_compact`, with what is known of the time, so that keys that say when they are valid can be used."""
    octets = check_size_and_alphabet(token)
    segments = split(octets)
    header = read_header(segments.header)
    check_typ(header, typ)
    key = select_key(header, keys, time)
    check_alg(header, key)
    check_signature(segments, key)
    return VerifiedPayload(segments.payload, key)


def check_size_and_alphabet(token: str | bytes) -> bytes:
    """Step 1. Returns the token as octets."""
    if len(token) > limits.TOKEN_MAX:
        raise VerificationError(Code.TOO_LONG)
    octets = token if isinstance(token, bytes) else token.encode("ascii", "replace")
    if octets.translate(None, _ALPHABET):
        raise VerificationError(Code.ALPHABET)
    return octets


def split(octets: bytes) -> Segments:
    """Step 2, for what passed step 1. Returns the decoded segments."""
    decoded = base64url.decode_three(octets)
    if decoded is None:
        raise VerificationError(_why_not_three(octets))
    return Segments(*decoded, octets.rpartition(b".")[0])


def _why_not_three(octets: bytes) -> Code:
    if octets.count(b".") != 2:
        return Code.SEGMENT_COUNT
    return Code.SEGMENT_EMPTY if b"" in octets.split(b".") else Code.SEGMENT_ENCODING


# Verdicts share a handful of headers. The memo is of a pure function by its exact octets, so it can change no
# answer; it is bounded, each entry by `VERDICT_HEADER_MAX`, and refusals are never kept.
@lru_cache(maxsize=16)
def read_header(octets: bytes) -> Header:
    """Step 3. Returns the header, every member a string."""
    if len(octets) > limits.VERDICT_HEADER_MAX:
        raise VerificationError(Code.HEADER_TOO_LONG)
    members = strict_json.read(octets)
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
    """Step 4."""
    if header.typ != typ:
        raise VerificationError(Code.TYP_MISMATCH)


def select_key(header: Header, keys: KeySet, time: TimeBounds | None) -> VerdictKey:
    """Step 5. Returns the key that `kid` names, if it may be used at `time`."""
    if header.kid in keys.revoked:
        raise VerificationError(Code.KEY_REVOKED)
    key = keys.find(header.kid)
    if key is None:
        raise VerificationError(Code.KEY_UNFIT if header.kid in keys.unfit else Code.KEY_UNKNOWN)
    if key.validity is not ALWAYS:
        _check_validity(key, time)
    return key


def _check_validity(key: VerdictKey, time: TimeBounds | None) -> None:
    """The second half of step 5."""
    if time is None:
        raise VerificationError(Code.KEY_TIME_UNKNOWN)
    lapse = key.validity.lapse(time)
    if lapse is not None:
        raise VerificationError(_LAPSES[lapse])


def check_alg(header: Header, key: VerdictKey) -> None:
    """Step 6."""
    if header.alg != key.ALG:
        raise VerificationError(Code.ALG_MISMATCH)


def check_signature(segments: Segments, key: VerdictKey) -> None:
    """Step 7. Each algorithm's class knows its own signature's form."""
    code = key.check(segments.signature, segments.signing_input)
    if code is not None:
        raise VerificationError(code)

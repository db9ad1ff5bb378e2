"""Fuzzing of the verifier. The first byte of an input selects the use of the rest.

| byte | the rest |
|---|---|
| `T` | a token: steps 1 to 7 |
| `S` | a selector, the header, NUL, the payload; signed, so that the steps after the signature are reached |
| `P` | a selector, the payload; signed with a valid header: steps 8 to 14 |
| `K` | a JWK Set, with which a valid token is verified |

The low two bits of the selector choose the key, the others the certainty of the time, and the time.
"""

import json
from collections.abc import Iterator
from functools import cache
from typing import Final

from agent.verification.errors import VerificationError
from agent.verification.jws import verify_compact
from agent.verification.keyset import KeySet, KeySetError
from agent.verification.verdict import VerifiedVerdict, verify
from fuzz.fault import hold
from tests.support import tokens
from tests.support.tokens import EXPECTED, KEYS, NOW, SIGNERS, compact, header_of, make_verdict, sign
from wire import media

_TIMES: Final = (NOW, 0, NOW - 86_400, NOW + 7200)


def fuzz_one(data: bytes) -> None:
    """Run one input. Raises no error unless the verifier breaks a rule."""
    kind, rest = data[:1], data[1:]
    if kind == b"S" and rest:
        header, _, payload = rest[1:].partition(b"\0")
        _signed(rest[0], header, payload)
    elif kind == b"P" and rest:
        _signed(rest[0], None, rest[1:])
    elif kind == b"K":
        _key_set(rest)
    else:
        _token(rest)


def seeds() -> Iterator[bytes]:
    """The start of the search: valid inputs of every kind."""
    for index, signer in enumerate(SIGNERS):
        for decision in tokens.CLAIMS:
            payload = compact(make_verdict(decision))
            yield b"P" + bytes((index,)) + payload
            yield b"S" + bytes((index | 4,)) + compact(header_of(signer)) + b"\0" + payload
    yield from (b"T" + token for token in _valid_tokens())
    yield b"K" + compact(tokens.jwks(*SIGNERS))
    yield b"K" + compact({"keys": [tokens.ED25519.jwk(nbf=NOW - 10, exp=NOW + 10, key_ops=["verify"])]})
    yield b"K" + compact({"keys": [tokens.ES256.jwk(status="revoked"), tokens.ES256.jwk(d="AA")]})


@cache
def _valid_tokens() -> tuple[bytes, ...]:
    """The same in every run, because Ed25519 signatures are deterministic."""
    return tuple(sign(make_verdict(decision)).encode() for decision in tokens.CLAIMS)


def _token(token: bytes) -> None:
    try:
        payload = verify_compact(token, KEYS, typ=media.VERDICT_TYP)
    except VerificationError:
        hold("verify rejects each token that verify_compact rejects", holds=_verify(token) is None)
        return
    hold("a token without a valid signature is rejected", holds=token in _valid_tokens())
    hold("verify_compact returns a payload that was signed", holds=payload.startswith(b"{"))


def _signed(selector: int, header: bytes | None, payload: bytes) -> None:
    signer = SIGNERS[(selector & 3) % len(SIGNERS)]
    token = sign(payload, signer, header_of(signer) if header is None else header)
    verdict = _verify(token, ceiling=not selector & 4, now=_TIMES[selector >> 3 & 3])
    if verdict is None:
        return
    # The JSON reader of the standard library must read the same from an accepted token.
    claims = verdict.claims.model_dump(mode="json", exclude_none=True)
    hold("the verdict has the claims of the payload", holds=tokens.spelt_out(json.loads(payload)) == claims)
    for name in ("iss", "aud", "cnf", "eat_nonce"):
        hold(f"{name} is the expected one", holds=claims[name] == make_verdict()[name])
    if header is not None:
        hold("the header is the one of its key", holds=json.loads(header) == header_of(signer))


def _key_set(document: bytes) -> None:
    try:
        keys = KeySet.from_jwks(document)
    except KeySetError:
        return
    hold("a revoked key is not active", holds=keys.revoked.isdisjoint(key.kid for key in keys.keys))
    for token in (_valid_tokens()[0], b"e30.e30.AA"):
        _verify(token, keys=keys)


def _verify(
    token: str | bytes, *, keys: KeySet = KEYS, ceiling: bool = True, now: int = NOW
) -> VerifiedVerdict | None:
    """The verdict, or None if the verifier raises its documented error."""
    try:
        return verify(token, keys, expected=EXPECTED, now=now, latest=now + 300 if ceiling else None)
    except VerificationError:
        return None

"""Attacks on the signature and on the key that should have made it."""

from typing import Final

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from agent.verification.errors import Code
from lab.attacks.harness.key_sets import (
    DEGENERATE_KID,
    IDENTITY,
    NONCANONICAL_IDENTITY,
    NONCANONICAL_KID,
    SMALL_ORDER_KID,
)
from lab.attacks.harness.token_forge import ED25519_ORDER, P256_ORDER, Signer, TokenForge, to_json
from lab.attacks.model import NETWORK, OWN_SERVER, Attack, Topic, Trial
from lab.attacks.substitution import ACTIVATED, FRESH, LOCKED, signed_token, substitute_token, token_attack
from lab.world.jose import b64, unb64

_T = Topic


def _signed_parts(forge: TokenForge, signer: Signer, claims: object = None) -> tuple[bytes, bytes]:
    """The signing input of the wanted verdict, or of other claims, and a valid signature over it."""
    message = forge.signed(claims, signer.header(), by=signer).rpartition(b".")[0]
    return message, signer.sign(message)


def _with_length(forge: TokenForge, signer: Signer, length: int) -> bytes:
    """The wanted verdict with its valid signature cut or filled with zeros to `length` bytes."""
    message, signature = _signed_parts(forge, signer)
    return message + b"." + b64((signature + bytes(8))[:length])


def _replaced_r(forge: TokenForge, r: bytes) -> bytes:
    message, signature = _signed_parts(forge, forge.keys.genuine)
    return message + b"." + b64(r + signature[32:])


def _raised_s(forge: TokenForge) -> bytes:
    """The genuine verdict with S + L in place of S: equal modulo the group order L (RFC 8032 section 5.1.7)."""
    header, payload, signature = forge.parts
    r, s = unb64(signature)[:32], int.from_bytes(unb64(signature)[32:], "little")
    return b".".join((header, payload, b64(r + (s + ED25519_ORDER).to_bytes(32, "little"))))


def _der(forge: TokenForge) -> bytes:
    message, signature = _signed_parts(forge, forge.keys.genuine_es256)
    numbers = (int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))
    return message + b"." + b64(encode_dss_signature(*numbers))


def _negated_s(forge: TokenForge) -> bytes:
    """The genuine claims under ES256 with n - s in place of s, which is valid too."""
    message, signature = _signed_parts(forge, forge.keys.genuine_es256, forge.genuine_claims)
    s = P256_ORDER - int.from_bytes(signature[32:], "big")
    return message + b"." + b64(signature[:32] + s.to_bytes(32, "big"))


def _range(name: str, sentence: str, r: int, s: int, code: Code = Code.SIGNATURE_RANGE) -> Attack:
    signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    return token_attack(f"es256-{name}", sentence, "CVE-2022-21449, FIPS 186-5 section 6.4.2", (_T.ECDSA,), code,
                        lambda f: f.with_signature(signature, f.keys.genuine_es256))  # fmt: skip


def _unusable_key(  # noqa: PLR0913, PLR0917 - a row of a table has its columns
    signer: str, name: str, sentence: str, code: Code, topic: Topic, source: str
) -> Attack:
    """A verdict in which only the key is wrong."""

    def make(forge: TokenForge) -> bytes:
        key: Signer = getattr(forge.keys, signer)
        return forge.signed(header=key.header(), by=key)

    return signed_token(name, sentence, source, (topic,), code, make)


FORGED: Final[tuple[Attack, ...]] = (
    token_attack("signed-by-own-key", "Sign with the attacker's key under the manufacturer's key id.",
                 "CWE-347", (_T.SIGNATURE,), Code.SIGNATURE_INVALID,
                 lambda f: f.signed(header=f.keys.genuine.header(), by=f.keys.own), capabilities=OWN_SERVER),
    token_attack("claims-changed", "Change the decision of the genuine verdict and keep its signature.",
                 "CWE-347", (_T.SIGNATURE,), Code.SIGNATURE_INVALID,
                 lambda f: b".".join((f.parts[0], b64(to_json(f.claims())), f.parts[2]))),
    token_attack("signature-of-another-verdict", "Put the signature of an earlier verdict under the genuine claims.",
                 "CWE-347", (_T.SIGNATURE,), Code.SIGNATURE_INVALID,
                 lambda f: b".".join((*f.parts[:2], f.earlier.split(b".")[2]))),
    token_attack("signature-zero", "Use zero bytes as the signature.",
                 "CWE-347", (_T.SIGNATURE, _T.ED25519), Code.SIGNATURE_INVALID, lambda f: f.with_signature(bytes(64))),
    token_attack("signature-one-octet", "Use one byte as the signature.",
                 "RFC 8032 section 5.1.7", (_T.SIGNATURE,), Code.SIGNATURE_LENGTH, lambda f: f.with_signature(b"\x01")),
)  # fmt: skip

ED25519: Final[tuple[Attack, ...]] = (
    token_attack("ed25519-raised-s", "Add the group order to S of the genuine signature.",
                 "RFC 8032 section 5.1.7", (_T.ED25519, _T.MALLEABILITY), Code.SIGNATURE_INVALID, _raised_s),
    signed_token("ed25519-small-order-r", "Replace R by a point of small order.",
                 "RFC 8032 section 5.1.7", (_T.ED25519,), Code.SIGNATURE_INVALID,
                 lambda f: _replaced_r(f, IDENTITY)),
    signed_token("ed25519-non-canonical-r", "Replace R by the non-canonical encoding of a point.",
                 "RFC 8032 section 5.1.3", (_T.ED25519,), Code.SIGNATURE_INVALID,
                 lambda f: _replaced_r(f, NONCANONICAL_IDENTITY)),
    signed_token("ed25519-small-order-key", "Use a published key of small order, under which R = S·B verifies.",
                 "RFC 7748 section 6.1, CWE-327", (_T.ED25519, _T.KEY_USE), Code.KEY_UNFIT,
                 lambda f: f.joined(f.keys.genuine.header(kid=SMALL_ORDER_KID), IDENTITY + bytes(32))),
    signed_token("ed25519-non-canonical-key", "Use the same key in an encoding that lists of weak keys do not contain.",
                 "RFC 8032 section 5.1.3", (_T.ED25519, _T.KEY_USE), Code.KEY_UNFIT,
                 lambda f: f.joined(f.keys.genuine.header(kid=NONCANONICAL_KID), NONCANONICAL_IDENTITY + bytes(32))),
    signed_token("ed25519-short", "Remove the last byte of a valid signature.",
                 "RFC 8032 section 5.1.7", (_T.ED25519,), Code.SIGNATURE_LENGTH,
                 lambda f: _with_length(f, f.keys.genuine, 63)),
)  # fmt: skip

ECDSA: Final[tuple[Attack, ...]] = (
    _range("zeros", "Sign with r = s = 0, which faulty verifiers accept for any message.", 0, 0),
    _range("r-zero", "Sign with r = 0.", 0, 1),
    _range("s-zero", "Sign with s = 0.", 1, 0),
    _range("r-order", "Sign with r equal to the group order.", P256_ORDER, 1),
    _range("s-order", "Sign with s equal to the group order.", 1, P256_ORDER),
    _range("largest", "Sign with the largest numbers that 64 bytes hold.", 2**256 - 1, 2**256 - 1),
    _range("ones", "Sign with r = s = 1.", 1, 1, Code.SIGNATURE_INVALID),
    signed_token("es256-der", "Encode a valid signature in DER, as X.509 does.",
                 "RFC 7518 section 3.4", (_T.ECDSA, _T.MALLEABILITY), Code.SIGNATURE_LENGTH, _der),
    signed_token("es256-short", "Remove the last byte of a valid signature.",
                 "RFC 7518 section 3.4", (_T.ECDSA,), Code.SIGNATURE_LENGTH,
                 lambda f: _with_length(f, f.keys.genuine_es256, 63)),
    signed_token("es256-long", "Append a byte to a valid signature.",
                 "RFC 7518 section 3.4", (_T.ECDSA,), Code.SIGNATURE_LENGTH,
                 lambda f: _with_length(f, f.keys.genuine_es256, 65)),
)  # fmt: skip

MALLEATED: Final = Attack(
    "es256-malleated",
    "Replace the signature (r, s) of the server's ES256 verdict by (r, n - s).",
    "RFC 8725 section 2, FIPS 186-5 section 6.4",
    NETWORK,
    (_T.ECDSA, _T.MALLEABILITY),
    tuple(
        Trial(target.name, substitute_token(target, _negated_s), target.unchanged(code))
        for target, code in ((LOCKED, "deny territory-prohibited"), (ACTIVATED, "allow territory-eligible"))
    ),
    succeeds_because=(
        "the changed verdict states the same, and it is nonce and serial that make a verdict count once, not its bytes"
    ),
)

KEYS: Final[tuple[Attack, ...]] = (
    _unusable_key("revoked", "key-revoked", "Sign with a stolen key that the manufacturer has revoked.",
                  Code.KEY_REVOKED, _T.KEY_REVOKED, "CWE-299"),
    _unusable_key("encryption", "key-for-encryption", "Sign with the manufacturer's key for encryption.",
                  Code.KEY_UNFIT, _T.KEY_USE, "RFC 7517 section 4.2"),
    _unusable_key("cannot_verify", "key-ops-without-verify", "Sign with a key whose `key_ops` do not allow to verify.",
                  Code.KEY_UNFIT, _T.KEY_USE, "RFC 7517 section 4.3"),
    _unusable_key("published", "key-published-whole", "Sign with a key whose private part was published with it.",
                  Code.KEY_UNFIT, _T.KEY_USE, "CWE-321"),
    _unusable_key("twin", "key-name-twice", "Sign with one of two published keys that have the same key id.",
                  Code.KEY_UNFIT, _T.KID, "RFC 7517 section 4.5"),
)  # fmt: skip

KEY_TIMES: Final[tuple[Attack, ...]] = (
    _unusable_key("future", "key-not-yet-valid", "Sign with a key of the manufacturer that is not valid yet.",
                  Code.KEY_NOT_YET_VALID, _T.KEY_NOT_YET_VALID, "CWE-298"),
    _unusable_key("expired", "key-expired", "Sign with a key of the manufacturer that has expired.",
                  Code.KEY_EXPIRED, _T.KEY_USE, "CWE-298"),
    signed_token("key-not-yet-valid-first-contact",
                 "Sign with a key that is not valid yet, for a device that has received no verdict.",
                 "CWE-298", (_T.KEY_NOT_YET_VALID, _T.TIMES), Code.KEY_NOT_YET_VALID,
                 lambda f: f.signed(header=f.keys.future.header(), by=f.keys.future), targets=(FRESH,)),
    _unusable_key("lapsed", "key-expired-recently", "Sign with a key of the manufacturer that expired an hour ago.",
                  Code.ISSUED_OUTSIDE_KEY_VALIDITY, _T.KEY_USE, "CWE-298"),
)  # fmt: skip

ML_DSA: Final[tuple[Attack, ...]] = (
    token_attack("ml-dsa-zero", "Use zero bytes as an ML-DSA-65 signature.",
                 "FIPS 204 section 6.3", (_T.ML_DSA, _T.SIGNATURE), Code.SIGNATURE_INVALID,
                 lambda f: f.with_signature(bytes(3309), f.keys.ml_dsa)),
    token_attack("ml-dsa-short", "Use a signature of the length of Ed25519 under an ML-DSA-65 key.",
                 "FIPS 204 section 4", (_T.ML_DSA, _T.SIGNATURE), Code.SIGNATURE_LENGTH,
                 lambda f: f.with_signature(bytes(64), f.keys.ml_dsa)),
    token_attack("ml-dsa-other-parameters", "Name a smaller parameter set than the key has.",
                 "RFC 9964 section 3", (_T.ML_DSA, _T.ALGORITHM_CONFUSION), Code.ALG_MISMATCH,
                 lambda f: f.signed(header=f.keys.ml_dsa.header(alg="ML-DSA-44"), by=f.keys.genuine)),
    signed_token("ml-dsa-degenerate-key", "Use a published key of zero bytes, for which anyone could make signatures.",
                 "FIPS 204 section 7.2, CWE-327", (_T.ML_DSA, _T.KEY_USE), Code.KEY_UNFIT,
                 lambda f: f.signed(header=f.keys.ml_dsa.header(kid=DEGENERATE_KID), by=f.keys.own)),
)  # fmt: skip

ATTACKS: Final = (*FORGED, *ED25519, *ECDSA, MALLEATED, *ML_DSA, *KEYS, *KEY_TIMES)

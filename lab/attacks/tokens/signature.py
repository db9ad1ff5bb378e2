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
from lab.attacks.harness.token_forge import ED25519_ORDER, P256_ORDER, Signer, TokenForge, b64, text, unb64
from lab.attacks.model import Attack, AttackerCapability, Topic, Trial
from lab.attacks.substitution import ACTIVATED, FRESH, LOCKED, Target, substitute_token, token

_STOLEN: Final = (AttackerCapability.NETWORK, AttackerCapability.STOLEN_KEY)
_OWN: Final = (AttackerCapability.NETWORK, AttackerCapability.OWN_SERVER)
_T = Topic


def _es256(r: int, s: int) -> bytes:
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def _changed_after_signing(forge: TokenForge) -> bytes:
    header, _, signature = forge.parts
    return b".".join((header, b64(text(forge.claims())), signature))


def _earlier_signature(forge: TokenForge) -> bytes:
    return b".".join((*forge.parts[:2], forge.earlier.split(b".")[2]))


def _raised_s(forge: TokenForge) -> bytes:
    """The genuine verdict with S + L for S: the same number modulo the group's order (RFC 8032 section 5.1.7)."""
    header, payload, signature = forge.parts
    octets = unb64(signature)
    s = int.from_bytes(octets[32:], "little") + ED25519_ORDER
    return b".".join((header, payload, b64(octets[:32] + s.to_bytes(32, "little"))))


def _bent(forge: TokenForge, r: bytes | None = None) -> bytes:
    """A right signature whose R is replaced."""
    message = forge.signed().rpartition(b".")[0]
    octets = forge.ring.vendor.sign(message)
    return message + b"." + b64((r or octets[:32]) + octets[32:])


def _universal(forge: TokenForge, kid: str, point: bytes) -> bytes:
    """Under the neutral element as a key, R = S·B holds for every message; here with S = 0."""
    header = forge.ring.vendor.header(kid=kid)
    return b".".join(map(b64, (text(header), text(forge.claims()), point + bytes(32))))


def _der(forge: TokenForge) -> bytes:
    signer = forge.ring.vendor_es256
    message = forge.signed(header=signer.header(), by=signer).rpartition(b".")[0]
    octets = signer.sign(message)
    numbers = (int.from_bytes(octets[:32], "big"), int.from_bytes(octets[32:], "big"))
    return message + b"." + b64(encode_dss_signature(*numbers))


def _cut(forge: TokenForge, signer: Signer, length: int) -> bytes:
    message = forge.signed(header=signer.header(), by=signer).rpartition(b".")[0]
    return message + b"." + b64((signer.sign(message) + bytes(8))[:length])


def _range(name: str, sentence: str, r: int, s: int, code: Code = Code.SIGNATURE_RANGE) -> Attack:
    return token(f"es256-{name}", sentence, "CVE-2022-21449, FIPS 186-5 section 6.4.2", (_T.ECDSA,), code,
                 lambda f: f.with_signature(_es256(r, s), f.ring.vendor_es256))  # fmt: skip


def _malleated(forge: TokenForge) -> bytes:
    """The server's own claims under ES256, with n - s for s: it verifies as the original does."""
    signer = forge.ring.vendor_es256
    message = forge.signed(forge.said, signer.header(), by=signer).rpartition(b".")[0]
    octets = signer.sign(message)
    s = P256_ORDER - int.from_bytes(octets[32:], "big")
    return message + b"." + b64(octets[:32] + s.to_bytes(32, "big"))


def _by(  # noqa: PLR0913, PLR0917 - a row of a table has its columns
    signer: str, name: str, sentence: str, code: Code, topic: Topic, source: str
) -> Attack:
    """A verdict that is right in all but the key's fitness."""

    def make(forge: TokenForge) -> bytes:
        key: Signer = getattr(forge.ring, signer)
        return forge.signed(header=key.header(), by=key)

    return token(name, sentence, source, (topic,), code, make, means=_STOLEN)


FORGED: Final[tuple[Attack, ...]] = (
    token("signed-by-own-key", "Sign with an own key under the vendor's name for its key.",
          "CWE-347", (_T.SIGNATURE,), Code.SIGNATURE_INVALID, lambda f: f.by_own(), means=_OWN),
    token("claims-changed", "Change the genuine verdict's decision and leave its signature.",
          "CWE-347", (_T.SIGNATURE,), Code.SIGNATURE_INVALID, _changed_after_signing),
    token("signature-of-another-verdict", "Put an earlier verdict's signature under the genuine claims.",
          "CWE-347", (_T.SIGNATURE,), Code.SIGNATURE_INVALID, _earlier_signature),
    token("signature-zero", "Put zeros in the place of a signature.",
          "CWE-347", (_T.SIGNATURE, _T.ED25519), Code.SIGNATURE_INVALID, lambda f: f.with_signature(bytes(64))),
    token("signature-one-octet", "Put one octet in the place of a signature.",
          "RFC 8032 section 5.1.7", (_T.SIGNATURE,), Code.SIGNATURE_LENGTH, lambda f: f.with_signature(b"\x01")),
)  # fmt: skip

ED25519: Final[tuple[Attack, ...]] = (
    token("ed25519-raised-s", "Add the group's order to S of the genuine signature.",
          "RFC 8032 section 5.1.7", (_T.ED25519, _T.MALLEABILITY), Code.SIGNATURE_INVALID, _raised_s),
    token("ed25519-small-order-r", "Replace R by a point of small order.",
          "RFC 8032 section 5.1.7", (_T.ED25519,), Code.SIGNATURE_INVALID, lambda f: _bent(f, IDENTITY),
          means=_STOLEN),
    token("ed25519-non-canonical-r", "Replace R by a point in its second spelling.",
          "RFC 8032 section 5.1.3", (_T.ED25519,), Code.SIGNATURE_INVALID,
          lambda f: _bent(f, NONCANONICAL_IDENTITY), means=_STOLEN),
    token("ed25519-small-order-key", "Use a published key of small order, under which anybody signs anything.",
          "RFC 7748 section 6.1, CWE-327", (_T.ED25519, _T.KEY_USE), Code.KEY_UNFIT,
          lambda f: _universal(f, SMALL_ORDER_KID, IDENTITY), means=_STOLEN),
    token("ed25519-non-canonical-key", "Use the same key in the spelling that a list of weak keys does not have.",
          "RFC 8032 section 5.1.3", (_T.ED25519, _T.KEY_USE), Code.KEY_UNFIT,
          lambda f: _universal(f, NONCANONICAL_KID, NONCANONICAL_IDENTITY), means=_STOLEN),
    token("ed25519-short", "Cut the last octet of a signature that is right.",
          "RFC 8032 section 5.1.7", (_T.ED25519,), Code.SIGNATURE_LENGTH,
          lambda f: _cut(f, f.ring.vendor, 63), means=_STOLEN),
)  # fmt: skip

ECDSA: Final[tuple[Attack, ...]] = (
    _range("zeros", "Sign with r = s = 0, which some verifiers take for any message.", 0, 0),
    _range("r-zero", "Sign with r = 0.", 0, 1),
    _range("s-zero", "Sign with s = 0.", 1, 0),
    _range("r-order", "Sign with r equal to the group's order.", P256_ORDER, 1),
    _range("s-order", "Sign with s equal to the group's order.", 1, P256_ORDER),
    _range("largest", "Sign with the largest numbers that 64 octets hold.", 2**256 - 1, 2**256 - 1),
    _range("ones", "Sign with r = s = 1.", 1, 1, Code.SIGNATURE_INVALID),
    token("es256-der", "Encode a right signature as X.509 does.",
          "RFC 7518 section 3.4", (_T.ECDSA, _T.MALLEABILITY), Code.SIGNATURE_LENGTH, _der, means=_STOLEN),
    token("es256-short", "Cut the last octet of a right signature.",
          "RFC 7518 section 3.4", (_T.ECDSA,), Code.SIGNATURE_LENGTH,
          lambda f: _cut(f, f.ring.vendor_es256, 63), means=_STOLEN),
    token("es256-long", "Append an octet to a right signature.",
          "RFC 7518 section 3.4", (_T.ECDSA,), Code.SIGNATURE_LENGTH,
          lambda f: _cut(f, f.ring.vendor_es256, 65), means=_STOLEN),
)  # fmt: skip


def _malleated_trial(target: Target, told: str) -> Trial:
    return Trial(target.name, substitute_token(target, _malleated), target.unchanged(told))


MALLEATED: Final = Attack(
    "es256-malleated",
    "Turn the signature of the server's ES256 verdict into its twin (r, n - s).",
    "RFC 8725 section 2, FIPS 186-5 section 6.4",
    (AttackerCapability.NETWORK,),
    (_T.ECDSA, _T.MALLEABILITY),
    (
        _malleated_trial(LOCKED, "deny territory-prohibited"),
        _malleated_trial(ACTIVATED, "allow territory-eligible"),
    ),
    succeeds_because=(
        "the twin says what the original says, and a verdict counts once by nonce and serial, not by its "
        "octets"
    ),
)

KEYS: Final[tuple[Attack, ...]] = (
    _by("revoked", "key-revoked", "Sign with a stolen key that the vendor has revoked.",
        Code.KEY_REVOKED, _T.KEY_REVOKED, "CWE-299"),
    _by("encryption", "key-for-encryption", "Sign with the vendor's key for encryption.",
        Code.KEY_UNFIT, _T.KEY_USE, "RFC 7517 section 4.2"),
    _by("cannot_verify", "key-ops-without-verify", "Sign with a key that may not be used to verify.",
        Code.KEY_UNFIT, _T.KEY_USE, "RFC 7517 section 4.3"),
    _by("published", "key-published-whole", "Sign with a key whose private half was published with it.",
        Code.KEY_UNFIT, _T.KEY_USE, "CWE-321"),
    _by("twin", "key-name-twice", "Sign with one of two published keys that have the same name.",
        Code.KEY_UNFIT, _T.KID, "RFC 7517 section 4.5"),
)  # fmt: skip

KEY_TIMES: Final[tuple[Attack, ...]] = (
    _by("future", "key-not-yet-valid", "Sign with a key of the vendor's that is not valid yet.",
        Code.KEY_NOT_YET_VALID, _T.KEY_NOT_YET_VALID, "CWE-298"),
    _by("expired", "key-expired", "Sign with a key of the vendor's that is not valid any more.",
        Code.KEY_EXPIRED, _T.KEY_USE, "CWE-298"),
    token("key-not-yet-valid-first-contact",
          "Sign with a key that is not valid yet, for a phone that does not know how late it is.",
          "CWE-298", (_T.KEY_NOT_YET_VALID, _T.TIMES), Code.ISSUED_OUTSIDE_KEY_VALIDITY,
          lambda f: f.signed(header=f.ring.future.header(), by=f.ring.future), means=_STOLEN, targets=(FRESH,)),
)  # fmt: skip

ML_DSA: Final[tuple[Attack, ...]] = (
    token("ml-dsa-zero", "Put zeros in the place of an ML-DSA-65 signature.",
          "FIPS 204 section 6.3", (_T.ML_DSA, _T.SIGNATURE), Code.SIGNATURE_INVALID,
          lambda f: f.with_signature(bytes(3309), f.ring.ml_dsa)),
    token("ml-dsa-short", "Put an Ed25519 signature in the place of an ML-DSA-65 one.",
          "FIPS 204 section 4", (_T.ML_DSA, _T.SIGNATURE), Code.SIGNATURE_LENGTH,
          lambda f: f.with_signature(bytes(64), f.ring.ml_dsa)),
    token("ml-dsa-other-parameters", "Name a smaller parameter set than the key's.",
          "RFC 9964 section 3", (_T.ML_DSA, _T.ALGORITHM_CONFUSION), Code.ALG_MISMATCH,
          lambda f: f.signed(header=f.ring.ml_dsa.header(alg="ML-DSA-44"), by=f.ring.vendor)),
    token("ml-dsa-degenerate-key", "Use a published key that is all zeros, under which anybody could sign.",
          "FIPS 204 section 7.2, CWE-327", (_T.ML_DSA, _T.KEY_USE), Code.KEY_UNFIT,
          lambda f: f.signed(header=f.ring.ml_dsa.header(kid=DEGENERATE_KID), by=f.ring.own), means=_STOLEN),
)  # fmt: skip

ATTACKS: Final = (*FORGED, *ED25519, *ECDSA, MALLEATED, *ML_DSA, *KEYS, *KEY_TIMES)

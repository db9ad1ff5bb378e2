"""Attacks on the header of a verdict: which algorithm, which key, which type, and what else it may say."""

import hashlib
import hmac
from typing import Final

from agent.verification.errors import Code
from lab.attacks.harness.token_forge import Signer, TokenForge, b64, text
from lab.attacks.model import Attack, AttackerCapability, Topic
from lab.attacks.substitution import Make, token

_STOLEN: Final = (AttackerCapability.NETWORK, AttackerCapability.STOLEN_KEY)
_OWN: Final = (AttackerCapability.NETWORK, AttackerCapability.OWN_SERVER)
_T = Topic


def _unsigned(forge: TokenForge, alg: str, signature: bytes = b"\x00") -> bytes:
    return b".".join(map(b64, (text(forge.ring.vendor.header(alg=alg)), text(forge.claims()), signature)))


def _without_signature(forge: TokenForge) -> bytes:
    header, claims = text(forge.ring.vendor.header(alg="none")), text(forge.claims())
    return b64(header) + b"." + b64(claims) + b"."


def _keyed_by_public_key(forge: TokenForge) -> bytes:
    """HMAC under the octets of the public key, which everybody knows (RFC 8725 section 2.1)."""
    message = b".".join(map(b64, (text(forge.ring.vendor.header(alg="HS256")), text(forge.claims()))))
    secret = str(forge.ring.vendor.jwk()["x"]).encode()
    return message + b"." + b64(hmac.digest(secret, message, hashlib.sha256))


def _own_key_in(forge: TokenForge, **member: object) -> bytes:
    """The attacker's key signs, and the header brings it or says where it is."""
    return forge.signed(header=forge.ring.own.header(**member), by=forge.ring.own)


def _public(signer: Signer) -> dict[str, object]:
    return {name: signer.jwk()[name] for name in ("kty", "crv", "x")}


def _header(forge: TokenForge, octets: bytes) -> bytes:
    """A right signature of the vendor's key over a header of these octets."""
    return forge.signed(header=octets)


def _deep(forge: TokenForge) -> bytes:
    return _header(forge, text(forge.ring.vendor.header())[:-1] + b',"a":' + b"[" * 8 + b"]" * 8 + b"}")


def _named_twice(forge: TokenForge, name: str, first: str) -> bytes:
    return _header(
        forge, b'{"%b":"%b",' % (name.encode(), first.encode()) + text(forge.ring.vendor.header())[1:]
    )


ALGORITHM: Final[tuple[Attack, ...]] = (
    token("alg-none", "Claim that the verdict is unsigned, and put any octet for a signature.",
          "RFC 8725 section 2.1", (_T.NONE, _T.ALGORITHM_CONFUSION), Code.ALG_MISMATCH, lambda f: _unsigned(f, "none")),
    token("alg-none-empty", "Claim that the verdict is unsigned, and leave the signature away.",
          "RFC 8725 section 2.1", (_T.NONE,), Code.SEGMENT_EMPTY, _without_signature),
    token("alg-none-mixed-case", "Spell `none` so that a comparison with small letters misses it.",
          "CWE-178", (_T.NONE,), Code.ALG_MISMATCH, lambda f: _unsigned(f, "nOnE")),
    token("alg-empty", "Name the empty algorithm.",
          "RFC 8725 section 3.1", (_T.NONE,), Code.ALG_MISMATCH, lambda f: _unsigned(f, "")),
    token("alg-hs256-by-public-key", "Name HMAC and use the public key, which is known, as its secret.",
          "RFC 8725 section 2.1", (_T.ALGORITHM_CONFUSION,), Code.ALG_MISMATCH, _keyed_by_public_key),
    token("alg-of-another-family", "Sign with ES256 under the name of an Ed25519 key.",
          "RFC 8725 section 3.1", (_T.ALGORITHM_CONFUSION,), Code.ALG_MISMATCH,
          lambda f: f.signed(header=f.ring.vendor.header(alg="ES256"), by=f.ring.own_es256), means=_OWN),
    token("alg-eddsa", "Call Ed25519 by the name that does not say which curve; the signature is right.",
          "RFC 9864 section 2", (_T.ALGORITHM_CONFUSION,), Code.ALG_MISMATCH,
          lambda f: f.signed(header=f.ring.vendor.header(alg="EdDSA")), means=_STOLEN),
    token("alg-es384", "Name a larger curve; the signature is right for the smaller.",
          "RFC 8725 section 3.1", (_T.ALGORITHM_CONFUSION,), Code.ALG_MISMATCH,
          lambda f: f.signed(header=f.ring.vendor_es256.header(alg="ES384"), by=f.ring.vendor_es256), means=_STOLEN),
    token("alg-missing", "Leave the algorithm away; the signature is right.",
          "RFC 7515 section 4.1.1", (_T.ALGORITHM_CONFUSION,), Code.HEADER_MEMBER_MISSING,
          lambda f: f.signed(header=f.ring.vendor.header(alg=None)), means=_STOLEN),
    token("alg-list", "Offer a list of algorithms to choose from; the signature is right.",
          "CWE-843", (_T.ALGORITHM_CONFUSION,), Code.HEADER_MEMBER_NOT_TEXT,
          lambda f: f.signed(header=f.ring.vendor.header(alg=["none", "Ed25519"])), means=_STOLEN),
)  # fmt: skip

KEYS_BROUGHT: Final[tuple[Attack, ...]] = (
    token("jwk-embedded", "Sign with an own key and bring it in the header.",
          "RFC 7515 section 4.1.3", (_T.JWK,), Code.HEADER_MEMBER_UNKNOWN,
          lambda f: _own_key_in(f, jwk=_public(f.ring.own), kid="own"), means=_OWN),
    token("jku", "Sign with an own key and name a URL where its key set is.",
          "RFC 7515 section 4.1.2", (_T.JKU,), Code.HEADER_MEMBER_UNKNOWN,
          lambda f: _own_key_in(f, jku="https://keys.attacker.example/jwks.json"), means=_OWN),
    token("jku-vendor-lookalike", "Name a URL that begins with the vendor's name.",
          "CWE-918", (_T.JKU,), Code.HEADER_MEMBER_UNKNOWN,
          lambda f: _own_key_in(f, jku="https://verdicts.solvane.example@attacker.example/"), means=_OWN),
    token("x5u", "Sign with an own key and name a URL where its certificate is.",
          "RFC 7515 section 4.1.5", (_T.X5U,), Code.HEADER_MEMBER_UNKNOWN,
          lambda f: _own_key_in(f, x5u="https://keys.attacker.example/chain.pem"), means=_OWN),
    token("x5c", "Sign with an own key and bring a certificate for it.",
          "RFC 7515 section 4.1.6", (_T.X5C,), Code.HEADER_MEMBER_UNKNOWN,
          lambda f: _own_key_in(f, x5c=["MIIB"]), means=_OWN),
    token("x5c-of-real-size", "Bring a chain of real size, longer than any header of a verdict.",
          "RFC 7515 section 4.1.6", (_T.X5C, _T.LENGTH), Code.HEADER_TOO_LONG,
          lambda f: _own_key_in(f, x5c=["MIIB" * 200]), means=_OWN),
    token("x5t", "Name a certificate by its thumbprint.",
          "RFC 7515 section 4.1.8", (_T.X5C, _T.UNKNOWN_MEMBER), Code.HEADER_MEMBER_UNKNOWN,
          lambda f: _own_key_in(f, **{"x5t#S256": "A" * 43}), means=_OWN),
    token("own-key-own-name", "Sign with an own key under its own name.",
          "RFC 7515 section 4.1.4", (_T.KID,), Code.KEY_UNKNOWN, _own_key_in, means=_OWN),
)  # fmt: skip

MEMBERS: Final[tuple[Attack, ...]] = (
    token("crit-unknown", "Declare an extension critical that nobody knows; the signature is right.",
          "RFC 7515 section 4.1.11", (_T.CRIT,), Code.HEADER_MEMBER_UNKNOWN,
          lambda f: f.signed(header=f.ring.vendor.header(crit=["urgent"], urgent=True)), means=_STOLEN),
    token("crit-empty", "Declare an empty list of critical extensions; the signature is right.",
          "RFC 7515 section 4.1.11", (_T.CRIT,), Code.HEADER_MEMBER_UNKNOWN,
          lambda f: f.signed(header=f.ring.vendor.header(crit=[])), means=_STOLEN),
    token("b64-false", "Say that the payload is not encoded, while it is; the signature is right.",
          "RFC 7797 section 3", (_T.B64, _T.CRIT), Code.HEADER_MEMBER_UNKNOWN,
          lambda f: f.signed(header=f.ring.vendor.header(b64=False, crit=["b64"])), means=_STOLEN),
    token("zip", "Say that the payload is compressed; the signature is right.",
          "RFC 8725 section 2.5", (_T.UNKNOWN_MEMBER,), Code.HEADER_MEMBER_UNKNOWN,
          lambda f: f.signed(header=f.ring.vendor.header(zip="DEF")), means=_STOLEN),
    token("header-member-unknown", "Add a member that means nothing; the signature is right.",
          "RFC 8725 section 3.2", (_T.UNKNOWN_MEMBER,), Code.HEADER_MEMBER_UNKNOWN,
          lambda f: f.signed(header=f.ring.vendor.header(note="trust me")), means=_STOLEN),
    token("header-member-case", "Add a member that differs from a known one by its case alone.",
          "CWE-178", (_T.UNKNOWN_MEMBER, _T.ALGORITHM_CONFUSION), Code.HEADER_MEMBER_UNKNOWN,
          lambda f: f.signed(header=f.ring.vendor.header(Alg="none")), means=_STOLEN),
    token("header-alg-twice", "Name two algorithms, so that two readers see two.",
          "RFC 7515 section 4", (_T.DUPLICATE_MEMBER, _T.ALGORITHM_CONFUSION), Code.HEADER_MEMBER_DUPLICATE,
          lambda f: _named_twice(f, "alg", "none"), means=_STOLEN),
    token("header-kid-twice", "Name two keys, so that two readers use two.",
          "RFC 7515 section 4", (_T.DUPLICATE_MEMBER, _T.KID), Code.HEADER_MEMBER_DUPLICATE,
          lambda f: _named_twice(f, "kid", "own"), means=_STOLEN),
    token("header-kid-twice-escaped", "Name two keys, the member's second name spelled with an escape.",
          "RFC 7493 section 2.3", (_T.DUPLICATE_MEMBER, _T.KID), Code.HEADER_MEMBER_DUPLICATE,
          lambda f: _named_twice(f, r"\u006bid", "own"), means=_STOLEN),
    token("header-too-deep", "Nest arrays in the header until a reader gives up.",
          "CWE-674", (_T.DEPTH,), Code.HEADER_TOO_DEEP, _deep, means=_STOLEN),
    token("header-number", "Put a number that is not exact into the header.",
          "RFC 7493 section 2.2", (_T.NUMBERS,), Code.HEADER_NUMBER,
          lambda f: _header(f, text(f.ring.vendor.header())[:-1] + b',"v":1e400}'), means=_STOLEN),
    token("header-padded", "Make the header long with white space; the signature is right.",
          "CWE-770", (_T.LENGTH,), Code.HEADER_TOO_LONG,
          lambda f: _header(f, text(f.ring.vendor.header()) + b" " * 256), means=_STOLEN),
    token("header-not-json", "Sign a header that is no JSON.",
          "RFC 7515 section 5.2", (_T.JSON,), Code.HEADER_NOT_JSON,
          lambda f: _header(f, b"alg=Ed25519"), means=_STOLEN),
    token("header-array", "Sign a header that is an array.",
          "RFC 7515 section 5.2", (_T.JSON,), Code.HEADER_NOT_JSON,
          lambda f: f.signed(header=[f.ring.vendor.header()]), means=_STOLEN),
    token("header-byte-order-mark", "Begin the header with a byte order mark.",
          "RFC 8259 section 8.1", (_T.ENCODINGS,), Code.HEADER_NOT_JSON,
          lambda f: _header(f, b"\xef\xbb\xbf" + text(f.ring.vendor.header())), means=_STOLEN),
    token("header-utf16", "Write the header in UTF-16.",
          "RFC 8259 section 8.1", (_T.ENCODINGS,), Code.HEADER_NOT_JSON,
          lambda f: _header(f, text(f.ring.vendor.header(kid="k")).decode().encode("utf-16-le")), means=_STOLEN),
    token("header-lone-surrogate", "Put half of a surrogate pair into the header.",
          "RFC 7493 section 2.1", (_T.ENCODINGS,), Code.HEADER_NOT_JSON,
          lambda f: _header(f, text(f.ring.vendor.header())[:-1] + rb',"n":"\ud800"}'), means=_STOLEN),
)  # fmt: skip


def _named(kid: str) -> Make:
    """The attacker's key signs, and the header names it so."""
    return lambda forge: forge.signed(header=forge.ring.own.header(kid=kid), by=forge.ring.own)


NAMES: Final[tuple[Attack, ...]] = tuple(
    token(f"kid-{name}", sentence, source, (_T.KID,), Code.KEY_UNKNOWN, _named(kid), means=_OWN)
    for name, sentence, source, kid in (
        ("path", "Name a key by the path of a file.", "CWE-22", "../../../../dev/null"),
        ("sql", "Name a key by a fragment of a query.", "CWE-89", "x' UNION SELECT 'own"),
        ("command", "Name a key by a command.", "CWE-78", "|curl attacker.example"),
        ("url", "Name a key by a URL.", "CWE-918", "https://keys.attacker.example/own"),
        ("empty", "Name no key.", "RFC 7515 section 4.1.4", ""),
        ("nul", "Name a key with a NUL in it, where other readers stop.", "CWE-158", "own\0"),
    )
)

KID: Final[tuple[Attack, ...]] = (
    token("kid-missing", "Name no key, in the hope that all are tried; the signature is right.",
          "RFC 8725 section 3.8", (_T.KID,), Code.HEADER_MEMBER_MISSING,
          lambda f: f.signed(header=f.ring.vendor.header(kid=None)), means=_STOLEN),
    token("kid-unknown-right-key", "Sign with the vendor's key under another name.",
          "RFC 8725 section 3.8", (_T.KID,), Code.KEY_UNKNOWN,
          lambda f: f.signed(header=f.ring.vendor.header(kid="vendor-2")), means=_STOLEN),
    token("kid-trailing-space", "Name the right key with a space behind its name.",
          "CWE-178", (_T.KID,), Code.KEY_UNKNOWN,
          lambda f: f.signed(header=f.ring.vendor.header(kid=f.ring.vendor.kid + " ")), means=_STOLEN),
    token("kid-number", "Name a key by a number.",
          "CWE-843", (_T.KID,), Code.HEADER_MEMBER_NOT_TEXT,
          lambda f: f.signed(header=f.ring.vendor.header(kid=0)), means=_STOLEN),
    token("kid-of-the-other-key", "Name the vendor's other key, whose algorithm is another.",
          "RFC 8725 section 3.1", (_T.KID, _T.ALGORITHM_CONFUSION), Code.ALG_MISMATCH,
          lambda f: f.signed(header=f.ring.vendor.header(kid=f.ring.vendor_es256.kid)), means=_STOLEN),
)  # fmt: skip

TYPE: Final[tuple[Attack, ...]] = (
    token("typ-missing", "Leave the type away; the signature is right.",
          "RFC 8725 section 3.11", (_T.TYPE,), Code.TYP_MISMATCH,
          lambda f: f.signed(header=f.ring.vendor.header(typ=None)), means=_STOLEN),
    token("typ-jwt", "Hand the phone a token of another kind that the same key signed.",
          "RFC 8725 section 2.8", (_T.TYPE, _T.KEY_USE), Code.TYP_MISMATCH,
          lambda f: f.signed(header=f.ring.vendor.header(typ="JWT")), means=_STOLEN),
    token("typ-case", "Write the type in capitals.",
          "CWE-178", (_T.TYPE,), Code.TYP_MISMATCH,
          lambda f: f.signed(header=f.ring.vendor.header(typ="ACTIVATION-VERDICT+JWT")), means=_STOLEN),
    token("typ-with-prefix", "Write the type with its media type's prefix.",
          "RFC 7515 section 4.1.9", (_T.TYPE,), Code.TYP_MISMATCH,
          lambda f: f.signed(header=f.ring.vendor.header(typ="application/activation-verdict+jwt")), means=_STOLEN),
    token("evidence-reflected", "Hand the phone its own evidence as the verdict.",
          "RFC 8725 section 2.8", (_T.TYPE, _T.KEY_USE), Code.HEADER_TOO_LONG, lambda f: f.evidence),
)  # fmt: skip

ATTACKS: Final = ALGORITHM + KEYS_BROUGHT + MEMBERS + NAMES + KID + TYPE

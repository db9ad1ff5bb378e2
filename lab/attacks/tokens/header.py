"""Attacks on the header of a verdict: algorithm, key, type, and members that it may not have."""

import hashlib
import hmac
from collections.abc import Callable
from typing import Final

from agent.verification.errors import Code
from lab.attacks.harness.token_forge import TokenForge, to_json
from lab.attacks.model import OWN_SERVER, Attack, Topic
from lab.attacks.substitution import Row, signed_token, token_attack
from lab.world.jose import b64

_T = Topic


def _header(*row: *Row, **members: object) -> Attack:
    """A verdict with a valid signature of the manufacturer's key, and changed members in its header."""
    return signed_token(*row, lambda f: f.signed(header=f.keys.genuine.header(**members)))


def _header_text(*row: *Row, change: Callable[[bytes], bytes]) -> Attack:
    """A verdict with a valid signature of the manufacturer's key over a header whose JSON text is changed."""
    return signed_token(*row, lambda f: f.signed(header=change(to_json(f.keys.genuine.header()))))


def _own_key(*row: *Row, **members: object) -> Attack:
    """A verdict that the attacker's key signs, and a header that contains this key or refers to it."""
    return token_attack(
        *row,
        lambda f: f.signed(header=f.keys.own.header(**members), by=f.keys.own),
        capabilities=OWN_SERVER,
    )


def _embedded_key(forge: TokenForge) -> bytes:
    public = forge.keys.own.jwk()
    jwk = {name: public[name] for name in ("kty", "crv", "x")}
    return forge.signed(header=forge.keys.own.header(jwk=jwk, kid="own"), by=forge.keys.own)


def _keyed_by_public_key(forge: TokenForge) -> bytes:
    """HMAC with the public key as its secret (RFC 8725 section 2.1)."""
    message = b".".join(map(b64, (to_json(forge.keys.genuine.header(alg="HS256")), to_json(forge.claims()))))
    secret = str(forge.keys.genuine.jwk()["x"]).encode()
    return message + b"." + b64(hmac.digest(secret, message, hashlib.sha256))


ALGORITHM: Final[tuple[Attack, ...]] = (
    token_attack("alg-none", "State that the verdict is unsigned, with one arbitrary byte as its signature.",
                 "RFC 8725 section 2.1", (_T.NONE, _T.ALGORITHM_CONFUSION), Code.ALG_MISMATCH,
                 lambda f: f.joined(f.keys.genuine.header(alg="none"), b"\x00")),
    token_attack("alg-none-empty", "State that the verdict is unsigned, with an empty signature.",
                 "RFC 8725 section 2.1", (_T.NONE,), Code.SEGMENT_EMPTY,
                 lambda f: f.joined(f.keys.genuine.header(alg="none"), b"")),
    token_attack("alg-none-mixed-case", "Write `none` in mixed case, which a comparison with lower case misses.",
                 "CWE-178", (_T.NONE,), Code.ALG_MISMATCH,
                 lambda f: f.joined(f.keys.genuine.header(alg="nOnE"), b"\x00")),
    token_attack("alg-empty", "Write an empty algorithm name.", "RFC 8725 section 3.1", (_T.NONE,), Code.ALG_MISMATCH,
                 lambda f: f.joined(f.keys.genuine.header(alg=""), b"\x00")),
    token_attack("alg-hs256-by-public-key", "Name HMAC as the algorithm, and use the public key as its secret.",
                 "RFC 8725 section 2.1", (_T.ALGORITHM_CONFUSION,), Code.ALG_MISMATCH, _keyed_by_public_key),
    token_attack("alg-of-another-family", "Sign with ES256 under the name of an Ed25519 key.",
                 "RFC 8725 section 3.1", (_T.ALGORITHM_CONFUSION,), Code.ALG_MISMATCH,
                 lambda f: f.signed(header=f.keys.genuine.header(alg="ES256"), by=f.keys.own_es256),
                 capabilities=OWN_SERVER),
    _header("alg-eddsa", "Use the name EdDSA, which does not state the curve; the signature is valid.",
            "RFC 9864 section 2", (_T.ALGORITHM_CONFUSION,), Code.ALG_MISMATCH, alg="EdDSA"),
    signed_token("alg-es384", "Name ES384 with a valid ES256 signature.",
                 "RFC 8725 section 3.1", (_T.ALGORITHM_CONFUSION,), Code.ALG_MISMATCH,
                 lambda f: f.signed(header=f.keys.genuine_es256.header(alg="ES384"), by=f.keys.genuine_es256)),
    _header("alg-missing", "Omit the algorithm; the signature is valid.",
            "RFC 7515 section 4.1.1", (_T.ALGORITHM_CONFUSION,), Code.HEADER_MEMBER_MISSING, alg=None),
    _header("alg-list", "Write a list of algorithms; the signature is valid.",
            "CWE-843", (_T.ALGORITHM_CONFUSION,), Code.HEADER_MEMBER_NOT_TEXT, alg=["none", "Ed25519"]),
)  # fmt: skip

OWN_KEYS: Final[tuple[Attack, ...]] = (
    token_attack("jwk-embedded", "Sign with the attacker's key and embed it in the header.",
                 "RFC 7515 section 4.1.3", (_T.JWK,), Code.HEADER_MEMBER_UNKNOWN, _embedded_key,
                 capabilities=OWN_SERVER),
    _own_key("jku", "Sign with the attacker's key and give the URL of a key set that contains it.",
             "RFC 7515 section 4.1.2", (_T.JKU,), Code.HEADER_MEMBER_UNKNOWN,
             jku="https://keys.attacker.example/jwks.json"),
    _own_key("jku-vendor-lookalike", "Give the URL of a key set that begins with the manufacturer's host name.",
             "CWE-918", (_T.JKU,), Code.HEADER_MEMBER_UNKNOWN,
             jku="https://verdicts.solvane.example@attacker.example/"),
    _own_key("x5u", "Sign with the attacker's key and give the URL of its certificate.",
             "RFC 7515 section 4.1.5", (_T.X5U,), Code.HEADER_MEMBER_UNKNOWN,
             x5u="https://keys.attacker.example/chain.pem"),
    _own_key("x5c", "Sign with the attacker's key and embed a certificate for it.",
             "RFC 7515 section 4.1.6", (_T.X5C,), Code.HEADER_MEMBER_UNKNOWN, x5c=["MIIB"]),
    _own_key("x5c-of-real-size", "Embed a certificate chain of realistic size, longer than any header of a verdict.",
             "RFC 7515 section 4.1.6", (_T.X5C, _T.LENGTH), Code.HEADER_TOO_LONG, x5c=["MIIB" * 200]),
    _own_key("x5t", "Name a certificate by its thumbprint.",
             "RFC 7515 section 4.1.8", (_T.X5C, _T.UNKNOWN_MEMBER), Code.HEADER_MEMBER_UNKNOWN,
             **{"x5t#S256": "A" * 43}),
    _own_key("own-key-own-name", "Sign with the attacker's key under its own key id.",
             "RFC 7515 section 4.1.4", (_T.KID,), Code.KEY_UNKNOWN),
)  # fmt: skip

MEMBERS: Final[tuple[Attack, ...]] = (
    _header("crit-unknown", "Declare an unknown extension critical; the signature is valid.",
            "RFC 7515 section 4.1.11", (_T.CRIT,), Code.HEADER_MEMBER_UNKNOWN, crit=["urgent"], urgent=True),
    _header("crit-empty", "Declare an empty list of critical extensions; the signature is valid.",
            "RFC 7515 section 4.1.11", (_T.CRIT,), Code.HEADER_MEMBER_UNKNOWN, crit=[]),
    _header("b64-false", "State that the payload is not encoded, although it is; the signature is valid.",
            "RFC 7797 section 3", (_T.B64, _T.CRIT), Code.HEADER_MEMBER_UNKNOWN, b64=False, crit=["b64"]),
    _header("zip", "State that the payload is compressed; the signature is valid.",
            "RFC 8725 section 2.5", (_T.UNKNOWN_MEMBER,), Code.HEADER_MEMBER_UNKNOWN, zip="DEF"),
    _header("header-member-unknown", "Add a member without a meaning; the signature is valid.",
            "RFC 8725 section 3.2", (_T.UNKNOWN_MEMBER,), Code.HEADER_MEMBER_UNKNOWN, note="trust me"),
    _header("header-member-case", "Add a member that differs from a known one only in case.",
            "CWE-178", (_T.UNKNOWN_MEMBER, _T.ALGORITHM_CONFUSION), Code.HEADER_MEMBER_UNKNOWN, Alg="none"),
    _header_text("header-alg-twice", "Name two algorithms, so that two parsers may use different ones.",
                 "RFC 7515 section 4", (_T.DUPLICATE_MEMBER, _T.ALGORITHM_CONFUSION), Code.HEADER_MEMBER_DUPLICATE,
                 change=lambda header: b'{"alg":"none",' + header[1:]),
    _header_text("header-kid-twice", "Name two keys, so that two parsers may use different ones.",
                 "RFC 7515 section 4", (_T.DUPLICATE_MEMBER, _T.KID), Code.HEADER_MEMBER_DUPLICATE,
                 change=lambda header: b'{"kid":"own",' + header[1:]),
    _header_text("header-kid-twice-escaped", "Name two keys, one member name written with an escape sequence.",
                 "RFC 7493 section 2.3", (_T.DUPLICATE_MEMBER, _T.KID), Code.HEADER_MEMBER_DUPLICATE,
                 change=lambda header: rb'{"\u006bid":"own",' + header[1:]),
    _header_text("header-too-deep", "Nest arrays in the header deeper than allowed.",
                 "CWE-674", (_T.DEPTH,), Code.HEADER_TOO_DEEP,
                 change=lambda header: header[:-1] + b',"a":' + b"[" * 8 + b"]" * 8 + b"}"),
    _header_text("header-number", "Put a number outside the range of a double into the header.",
                 "RFC 7493 section 2.2", (_T.NUMBERS,), Code.HEADER_NUMBER,
                 change=lambda header: header[:-1] + b',"v":1e400}'),
    _header_text("header-padded", "Make the header too long with white space; the signature is valid.",
                 "CWE-770", (_T.LENGTH,), Code.HEADER_TOO_LONG, change=lambda header: header + b" " * 256),
    _header_text("header-not-json", "Sign a header that is not JSON.",
                 "RFC 7515 section 5.2", (_T.JSON,), Code.HEADER_NOT_JSON, change=lambda _: b"alg=Ed25519"),
    _header_text("header-array", "Sign a header that is an array.",
                 "RFC 7515 section 5.2", (_T.JSON,), Code.HEADER_NOT_JSON, change=lambda header: b"[" + header + b"]"),
    _header_text("header-byte-order-mark", "Put a byte order mark before the header.",
                 "RFC 8259 section 8.1", (_T.ENCODINGS,), Code.HEADER_NOT_JSON,
                 change=lambda header: b"\xef\xbb\xbf" + header),
    signed_token("header-utf16", "Encode the header in UTF-16.",
                 "RFC 8259 section 8.1", (_T.ENCODINGS,), Code.HEADER_NOT_JSON,
                 lambda f: f.signed(header=to_json(f.keys.genuine.header(kid="k")).decode().encode("utf-16-le"))),
    _header_text("header-lone-surrogate", "Put one half of a surrogate pair into the header.",
                 "RFC 7493 section 2.1", (_T.ENCODINGS,), Code.HEADER_NOT_JSON,
                 change=lambda header: header[:-1] + rb',"n":"\ud800"}'),
)  # fmt: skip

KID: Final[tuple[Attack, ...]] = (
    *(
        _own_key(f"kid-{name}", sentence, source, (_T.KID,), Code.KEY_UNKNOWN, kid=kid)
        for name, sentence, source, kid in (
            ("path", "Use the path of a file as the key id.", "CWE-22", "../../../../dev/null"),
            ("sql", "Use a fragment of an SQL query as the key id.", "CWE-89", "x' UNION SELECT 'own"),
            ("command", "Use a shell command as the key id.", "CWE-78", "|curl attacker.example"),
            ("url", "Use a URL as the key id.", "CWE-918", "https://keys.attacker.example/own"),
            ("empty", "Use an empty key id.", "RFC 7515 section 4.1.4", ""),
            ("nul", "Use a key id with a NUL character, at which some parsers stop.", "CWE-158", "own\0"),
        )
    ),
    _header("kid-missing", "Omit the key id, so that a verifier may try all keys; the signature is valid.",
            "RFC 8725 section 3.8", (_T.KID,), Code.HEADER_MEMBER_MISSING, kid=None),
    _header("kid-unknown-right-key", "Sign with the manufacturer's key under an unknown key id.",
            "RFC 8725 section 3.8", (_T.KID,), Code.KEY_UNKNOWN, kid="vendor-2"),
    signed_token("kid-trailing-space", "Append a space to the right key id.",
                 "CWE-178", (_T.KID,), Code.KEY_UNKNOWN,
                 lambda f: f.signed(header=f.keys.genuine.header(kid=f.keys.genuine.kid + " "))),
    _header("kid-number", "Use a number as the key id.",
            "CWE-843", (_T.KID,), Code.HEADER_MEMBER_NOT_TEXT, kid=0),
    signed_token("kid-of-the-other-key", "Use the id of the manufacturer's other key, which has another algorithm.",
                 "RFC 8725 section 3.1", (_T.KID, _T.ALGORITHM_CONFUSION), Code.ALG_MISMATCH,
                 lambda f: f.signed(header=f.keys.genuine.header(kid=f.keys.genuine_es256.kid))),
)  # fmt: skip

TYPE: Final[tuple[Attack, ...]] = (
    _header("typ-missing", "Omit the type; the signature is valid.",
            "RFC 8725 section 3.11", (_T.TYPE,), Code.TYP_MISMATCH, typ=None),
    _header("typ-jwt", "Give the device a token of another type that the same key signed.",
            "RFC 8725 section 2.8", (_T.TYPE, _T.KEY_USE), Code.TYP_MISMATCH, typ="JWT"),
    _header("typ-case", "Write the type in upper case.",
            "CWE-178", (_T.TYPE,), Code.TYP_MISMATCH, typ="ACTIVATION-VERDICT+JWT"),
    _header("typ-with-prefix", "Write the type with the prefix of its media type.",
            "RFC 7515 section 4.1.9", (_T.TYPE,), Code.TYP_MISMATCH, typ="application/activation-verdict+jwt"),
    token_attack("evidence-reflected", "Give the device its own evidence as the verdict.",
                 "RFC 8725 section 2.8", (_T.TYPE, _T.KEY_USE), Code.HEADER_TOO_LONG, lambda f: f.evidence),
)  # fmt: skip

ATTACKS: Final = ALGORITHM + OWN_KEYS + MEMBERS + KID + TYPE

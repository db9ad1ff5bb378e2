"""Attacks on the JSON of a payload that the manufacturer's key signs: what a parser may misinterpret."""

from collections.abc import Callable
from typing import Final

from agent.verification.errors import Code
from lab.attacks.harness.token_forge import TokenForge, to_json
from lab.attacks.model import Attack, Topic
from lab.attacks.substitution import Row, signed_token

_T = Topic


def _payload(*row: *Row, make: Callable[[TokenForge], bytes]) -> Attack:
    """An attack whose payload the manufacturer's key signs, so that only its form can be rejected."""
    return signed_token(*row, lambda f: f.signed(make(f)))


def _text(*row: *Row, change: Callable[[bytes], bytes]) -> Attack:
    """The same with the JSON text of the wanted claims changed."""
    return _payload(*row, make=lambda f: change(to_json(f.claims())))


def _number(name: str, sentence: str, serial: str, code: Code = Code.PAYLOAD_NUMBER) -> Attack:
    """An attack with a serial that no honest issuer writes."""
    source = "RFC 7493 section 2.2" if code is Code.PAYLOAD_NUMBER else "CWE-1287"
    row = (f"number-{name}", sentence, source, (_T.NUMBERS,), code)
    return _payload(*row, make=lambda f: f.literal(serial=serial))


def _without(claim: str) -> Callable[[TokenForge], bytes]:
    return lambda forge: to_json(forge.claims(**{claim: None}))


def _policy_twice(forge: TokenForge) -> bytes:
    policy = to_json(forge.claims()["policy"]).decode()
    return forge.literal(policy=policy[:-1] + ',"version":9}')


DUPLICATES: Final[tuple[Attack, ...]] = (
    _text("claim-twice", "Name the decision twice, so that two parsers may read different ones.",
          "RFC 7519 section 4", (_T.DUPLICATE_MEMBER,), Code.PAYLOAD_MEMBER_DUPLICATE,
          change=lambda claims: b'{"decision":"release",' + claims[1:]),
    _payload("claim-twice-the-same", "Name the decision twice with the same value.",
             "RFC 7519 section 4", (_T.DUPLICATE_MEMBER,), Code.PAYLOAD_MEMBER_DUPLICATE,
             make=lambda f: b'{"decision":"%b",' % str(f.claims()["decision"]).encode() + to_json(f.claims())[1:]),
    _text("claim-twice-escaped", "Name the decision twice, once with an escape sequence in its name.",
          "RFC 7493 section 2.3", (_T.DUPLICATE_MEMBER, _T.ENCODINGS), Code.PAYLOAD_MEMBER_DUPLICATE,
          change=lambda claims: rb'{"\u0064ecision":"release",' + claims[1:]),
    _payload("member-twice-inside", "Name the version of the policy twice.",
             "RFC 7493 section 2.3", (_T.DUPLICATE_MEMBER, _T.POLICY_ROLLBACK), Code.PAYLOAD_MEMBER_DUPLICATE,
             make=_policy_twice),
)  # fmt: skip

DEPTH: Final[tuple[Attack, ...]] = (
    _text("deep", "Nest arrays one level deeper than allowed.",
          "CWE-674", (_T.DEPTH,), Code.PAYLOAD_TOO_DEEP,
          change=lambda claims: b'{"x":' + b"[" * 8 + b"]" * 8 + b"," + claims[1:]),
    _text("very-deep", "Nest arrays as deep as the token size allows, to exhaust the parser's stack.",
          "CWE-674", (_T.DEPTH, _T.LENGTH), Code.PAYLOAD_TOO_DEEP,
          change=lambda claims: b'{"x":' + b"[" * 5000 + b"]" * 5000 + b"," + claims[1:]),
    _text("deep-and-open", "Open thousands of arrays and close none.",
          "CWE-674", (_T.DEPTH,), Code.PAYLOAD_TOO_DEEP, change=lambda _: b"[" * 8000),
)  # fmt: skip

NUMBERS: Final[tuple[Attack, ...]] = (
    _number("float", "Write the serial as a float that equals an integer.", "9.0"),
    _number("exponent", "Write the serial with an exponent.", "9e3"),
    _number("infinite", "Write a serial that overflows a double.", "1e400"),
    _number("nan", "Write NaN as the serial, for which every comparison is false.", "NaN"),
    _number("infinity", "Write Infinity as the serial, which is higher than any other.", "Infinity"),
    _number("inexact", "Write a serial that a double cannot represent exactly.", str(2**53 + 1)),
    _number("huge", "Write a serial of thousands of digits.", "9" * 5000),
    _number("negative-huge", "Write a negative serial of hundreds of digits.", "-" + "9" * 400),
    _number("negative", "Write a negative serial.", "-1", Code.CLAIM_MALFORMED),
    _number("boolean", "Write true as the serial, which some parsers read as 1.", "true", Code.CLAIM_MALFORMED),
    _number("string", "Write the serial as a string.", '"9"', Code.CLAIM_MALFORMED),
    _number("zero", "Write serial 0, which no verdict has.", "0", Code.CLAIM_MALFORMED),
    _number("leading-zero", "Write the serial with a leading zero, octal in some languages.", "010",
            Code.PAYLOAD_NOT_JSON),
    _number("hexadecimal", "Write the serial in hexadecimal.", "0x10", Code.PAYLOAD_NOT_JSON),
    _payload("time-float", "Write the expiry time with a fraction, as JWT allows.",
             "RFC 7519 section 2", (_T.NUMBERS, _T.TIMES), Code.PAYLOAD_NUMBER,
             make=lambda f: f.literal(exp=f"{f.genuine_claims['exp']}.5")),
    _payload("time-boolean", "Write true as the beginning of validity.",
             "CWE-1287", (_T.NUMBERS, _T.TIMES), Code.CLAIM_MALFORMED, make=lambda f: f.literal(nbf="true")),
    _payload("time-negative", "Write a time of issue before 1970.",
             "CWE-1287", (_T.NUMBERS, _T.TIMES), Code.CLAIM_MALFORMED, make=lambda f: f.literal(iat="-1")),
)  # fmt: skip

ENCODINGS: Final[tuple[Attack, ...]] = (
    _text("payload-byte-order-mark", "Put a byte order mark before the payload.",
          "RFC 8259 section 8.1", (_T.ENCODINGS,), Code.PAYLOAD_NOT_JSON,
          change=lambda claims: b"\xef\xbb\xbf" + claims),
    _text("payload-utf16", "Encode the payload in UTF-16.",
          "RFC 8259 section 8.1", (_T.ENCODINGS,), Code.PAYLOAD_NOT_JSON,
          change=lambda claims: claims.decode().encode("utf-16")),
    _text("payload-invalid-utf8", "Put a byte into the case number that UTF-8 never contains.",
          "RFC 3629 section 3", (_T.ENCODINGS,), Code.PAYLOAD_NOT_JSON,
          change=lambda claims: b'{"case":"C\xff",' + claims[1:]),
    _text("payload-overlong-utf8", "Encode an ASCII letter in two bytes.",
          "RFC 3629 section 10", (_T.ENCODINGS,), Code.PAYLOAD_NOT_JSON,
          change=lambda claims: b'{"case":"\xc1\x81",' + claims[1:]),
    _payload("payload-lone-surrogate", "Put one half of a surrogate pair into the subject.",
             "RFC 7493 section 2.1", (_T.ENCODINGS,), Code.PAYLOAD_NOT_JSON,
             make=lambda f: f.literal(sub=r'"\ud800"')),
    _payload("payload-lookalike-letter", "Write an identifier with a similar letter of another script.",
             "CWE-1007", (_T.ENCODINGS,), Code.CLAIM_MALFORMED,
             make=lambda f: to_json(f.claims(jti="verdict-\u0430"))),
)  # fmt: skip

SYNTAX: Final[tuple[Attack, ...]] = (
    _text("payload-not-json", "Sign a payload that is not JSON.",
          "RFC 7519 section 7.2", (_T.JSON,), Code.PAYLOAD_NOT_JSON, change=lambda _: b"decision=release"),
    _text("payload-two-objects", "Sign two objects in one payload.",
          "RFC 8259 section 2", (_T.JSON,), Code.PAYLOAD_NOT_JSON, change=lambda claims: claims + claims),
    _text("payload-comment", "Put a comment into the payload.",
          "RFC 8259 section 2", (_T.JSON,), Code.PAYLOAD_NOT_JSON, change=lambda claims: claims + b"/* allow */"),
    _text("payload-trailing-comma", "Put a comma before the end of the object.",
          "RFC 8259 section 4", (_T.JSON,), Code.PAYLOAD_NOT_JSON, change=lambda claims: claims[:-1] + b",}"),
    _text("payload-array", "Sign an array that contains the claims.",
          "RFC 7519 section 7.2", (_T.JSON,), Code.PAYLOAD_NOT_JSON, change=lambda claims: b"[" + claims + b"]"),
    _text("payload-string", "Sign a string that contains the claims as JSON.",
          "RFC 7519 section 7.2", (_T.JSON,), Code.PAYLOAD_NOT_JSON, change=lambda claims: to_json(claims.decode())),
)  # fmt: skip

FORM: Final[tuple[Attack, ...]] = (
    _payload("claim-unknown", "Add a claim that the contract does not define.",
             "CWE-1287", (_T.UNKNOWN_MEMBER, _T.CLAIM_FORM), Code.CLAIM_UNKNOWN,
             make=lambda f: to_json(f.claims() | {"admin": True})),
    _payload("claim-case", "Add a claim that differs from a known one only in case.",
             "CWE-178", (_T.UNKNOWN_MEMBER, _T.CLAIM_FORM), Code.CLAIM_UNKNOWN,
             make=lambda f: to_json(f.claims() | {"Decision": "release"})),
    _payload("claim-prototype", "Add a claim whose name sets the prototype of an object in JavaScript.",
             "CWE-1321", (_T.UNKNOWN_MEMBER, _T.CLAIM_FORM), Code.CLAIM_UNKNOWN,
             make=lambda f: to_json(f.claims() | {"__proto__": {"decision": "release"}})),
    _text("claims-empty", "Sign an empty object.",
          "RFC 8725 section 3.8", (_T.CLAIM_FORM,), Code.CLAIM_MISSING, change=lambda _: b"{}"),
    _payload("claim-null", "Write null as the value of a claim, which some parsers treat as absent.",
             "CWE-476", (_T.CLAIM_FORM,), Code.CLAIM_MALFORMED, make=lambda f: f.literal(territory="null")),
    _payload("claim-object", "Write an object as the value of a claim that is a string.",
             "CWE-843", (_T.CLAIM_FORM,), Code.CLAIM_MALFORMED, make=lambda f: f.literal(iss='{"$ne":""}')),
    *(
        _payload(f"claim-missing-{claim}", f"Omit `{claim}`.", "RFC 8725 section 3.8", (_T.CLAIM_FORM,),
                 Code.CLAIM_MISSING, make=_without(claim))
        for claim in ("iss", "aud", "cnf", "eat_nonce", "exp", "serial", "policy")
    ),
)  # fmt: skip

ATTACKS: Final = DUPLICATES + DEPTH + NUMBERS + ENCODINGS + SYNTAX + FORM

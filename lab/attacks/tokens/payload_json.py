"""Attacks on the JSON of a payload, signed by the vendor's own key: what a reader may be made to misread."""

from collections.abc import Callable
from typing import Final

from agent.verification.errors import Code
from lab.attacks.harness.token_forge import TokenForge, text
from lab.attacks.model import Attack, AttackerCapability, Topic
from lab.attacks.substitution import token

_STOLEN: Final = (AttackerCapability.NETWORK, AttackerCapability.STOLEN_KEY)
_T = Topic


def _signed(  # noqa: PLR0913, PLR0917 - a row of a table has its columns
    name: str,
    sentence: str,
    source: str,
    topics: tuple[Topic, ...],
    code: Code,
    payload: Callable[[TokenForge], bytes],
) -> Attack:
    """An attack whose payload the vendor's key signs, so that nothing but its form can refuse it."""
    return token(
        name, sentence, source, topics, code, lambda forge: forge.signed(payload(forge)), means=_STOLEN
    )


def _number(name: str, sentence: str, serial: str, code: Code = Code.PAYLOAD_NUMBER) -> Attack:
    """An attack that writes the serial as no honest issuer does."""
    source = "RFC 7493 section 2.2" if code is Code.PAYLOAD_NUMBER else "CWE-1287"
    return _signed(
        f"number-{name}", sentence, source, (_T.NUMBERS,), code, lambda f: f.literal(serial=serial)
    )


def _front(forge: TokenForge, member: bytes) -> bytes:
    return b"{" + member + b"," + text(forge.claims())[1:]


def _wanted(forge: TokenForge) -> bytes:
    return str(forge.claims()["decision"]).encode()


def _policy_twice(forge: TokenForge) -> bytes:
    policy = text(forge.claims()["policy"])
    return forge.literal(policy=policy[:-1].decode() + ',"version":9}')


def _deep(forge: TokenForge, depth: int) -> bytes:
    return _front(forge, b'"x":' + b"[" * depth + b"]" * depth)


def _without(name: str) -> Callable[[TokenForge], bytes]:
    return lambda forge: text(forge.claims(**{name: None}))


def _utf16(forge: TokenForge) -> bytes:
    return text(forge.claims()).decode().encode("utf-16")


DUPLICATES: Final[tuple[Attack, ...]] = (
    _signed("claim-twice", "Name the decision twice, so that two readers take two decisions.",
            "RFC 7519 section 4", (_T.DUPLICATE_MEMBER,), Code.PAYLOAD_MEMBER_DUPLICATE,
            lambda f: _front(f, b'"decision":"release"')),
    _signed("claim-twice-the-same", "Name the decision twice with the same value.",
            "RFC 7519 section 4", (_T.DUPLICATE_MEMBER,), Code.PAYLOAD_MEMBER_DUPLICATE,
            lambda f: _front(f, b'"decision":"' + _wanted(f) + b'"')),
    _signed("claim-twice-escaped", "Name the decision twice, once spelled with an escape.",
            "RFC 7493 section 2.3", (_T.DUPLICATE_MEMBER, _T.ENCODINGS), Code.PAYLOAD_MEMBER_DUPLICATE,
            lambda f: _front(f, rb'"\u0064ecision":"release"')),
    _signed("member-twice-inside", "Name the policy's version twice.",
            "RFC 7493 section 2.3", (_T.DUPLICATE_MEMBER, _T.POLICY_ROLLBACK), Code.PAYLOAD_MEMBER_DUPLICATE,
            _policy_twice),
)  # fmt: skip

DEPTH: Final[tuple[Attack, ...]] = (
    _signed("deep", "Nest arrays one deeper than allowed.",
            "CWE-674", (_T.DEPTH,), Code.PAYLOAD_TOO_DEEP, lambda f: _deep(f, 8)),
    _signed("very-deep", "Nest arrays as deep as a token is long, to exhaust the reader's stack.",
            "CWE-674", (_T.DEPTH, _T.LENGTH), Code.PAYLOAD_TOO_DEEP, lambda f: _deep(f, 5000)),
    _signed("deep-and-open", "Open thousands of arrays and close none.",
            "CWE-674", (_T.DEPTH,), Code.PAYLOAD_TOO_DEEP, lambda _: b"[" * 8000),
)  # fmt: skip

NUMBERS: Final[tuple[Attack, ...]] = (
    _number("float", "Write the serial as a float that equals an integer.", "9.0"),
    _number("exponent", "Write the serial with an exponent.", "9e3"),
    _number("infinite", "Write the serial so large that a float overflows.", "1e400"),
    _number("nan", "Write a serial that no comparison holds for.", "NaN"),
    _number("infinity", "Write a serial that everything is below.", "Infinity"),
    _number("inexact", "Write a serial that other readers round.", str(2**53 + 1)),
    _number("huge", "Write a serial of thousands of digits.", "9" * 5000),
    _number("negative-huge", "Write a serial far below zero.", "-" + "9" * 400),
    _number("negative", "Write a negative serial.", "-1", Code.CLAIM_MALFORMED),
    _number("boolean", "Write true for the serial, which some readers take for 1.", "true", Code.CLAIM_MALFORMED),
    _number("string", "Write the serial as a string.", '"9"', Code.CLAIM_MALFORMED),
    _number("zero", "Write serial 0, which no verdict has.", "0", Code.CLAIM_MALFORMED),
    _number("leading-zero", "Write the serial with a leading zero, octal for some.", "010", Code.PAYLOAD_NOT_JSON),
    _number("hexadecimal", "Write the serial in hexadecimal.", "0x10", Code.PAYLOAD_NOT_JSON),
    _signed("time-float", "Write the expiry with a fraction, as JWT would allow.",
            "RFC 7519 section 2", (_T.NUMBERS, _T.TIMES), Code.PAYLOAD_NUMBER,
            lambda f: f.literal(exp=f"{f.said['exp']}.5")),
    _signed("time-boolean", "Write true for the begin of validity.",
            "CWE-1287", (_T.NUMBERS, _T.TIMES), Code.CLAIM_MALFORMED, lambda f: f.literal(nbf="true")),
    _signed("time-negative", "Write an issue time before 1970.",
            "CWE-1287", (_T.NUMBERS, _T.TIMES), Code.CLAIM_MALFORMED, lambda f: f.literal(iat="-1")),
)  # fmt: skip

ENCODINGS: Final[tuple[Attack, ...]] = (
    _signed("payload-byte-order-mark", "Begin the payload with a byte order mark.",
            "RFC 8259 section 8.1", (_T.ENCODINGS,), Code.PAYLOAD_NOT_JSON,
            lambda f: b"\xef\xbb\xbf" + text(f.claims())),
    _signed("payload-utf16", "Write the payload in UTF-16.",
            "RFC 8259 section 8.1", (_T.ENCODINGS,), Code.PAYLOAD_NOT_JSON, _utf16),
    _signed("payload-invalid-utf8", "Put an octet into the case number that UTF-8 never has.",
            "RFC 3629 section 3", (_T.ENCODINGS,), Code.PAYLOAD_NOT_JSON,
            lambda f: _front(f, b'"case":"C\xff"')),
    _signed("payload-overlong-utf8", "Write a letter in two octets where one would do.",
            "RFC 3629 section 10", (_T.ENCODINGS,), Code.PAYLOAD_NOT_JSON,
            lambda f: _front(f, b'"case":"\xc1\x81"')),
    _signed("payload-lone-surrogate", "Put half of a surrogate pair into the subject.",
            "RFC 7493 section 2.1", (_T.ENCODINGS,), Code.PAYLOAD_NOT_JSON,
            lambda f: f.literal(sub=r'"\ud800"')),
    _signed("payload-lookalike-letter", "Write an identifier with a letter of another script.",
            "CWE-1007", (_T.ENCODINGS,), Code.CLAIM_MALFORMED, lambda f: text(f.claims(jti="verdict-\u0430"))),
)  # fmt: skip

SYNTAX: Final[tuple[Attack, ...]] = (
    _signed("payload-not-json", "Sign a payload that is no JSON.",
            "RFC 7519 section 7.2", (_T.JSON,), Code.PAYLOAD_NOT_JSON, lambda _: b"decision=release"),
    _signed("payload-two-objects", "Sign two objects, one behind the other.",
            "RFC 8259 section 2", (_T.JSON,), Code.PAYLOAD_NOT_JSON,
            lambda f: text(f.claims()) + text(f.claims())),
    _signed("payload-comment", "Put a comment into the payload.",
            "RFC 8259 section 2", (_T.JSON,), Code.PAYLOAD_NOT_JSON,
            lambda f: text(f.claims()) + b"/* allow */"),
    _signed("payload-trailing-comma", "End the object with a comma.",
            "RFC 8259 section 4", (_T.JSON,), Code.PAYLOAD_NOT_JSON,
            lambda f: text(f.claims())[:-1] + b",}"),
    _signed("payload-array", "Sign an array of claims.",
            "RFC 7519 section 7.2", (_T.JSON,), Code.PAYLOAD_NOT_JSON, lambda f: text([f.claims()])),
    _signed("payload-string", "Sign a string that holds JSON.",
            "RFC 7519 section 7.2", (_T.JSON,), Code.PAYLOAD_NOT_JSON,
            lambda f: text(text(f.claims()).decode())),
)  # fmt: skip

FORM: Final[tuple[Attack, ...]] = (
    _signed("claim-unknown", "Add a claim that this contract does not know.",
            "CWE-1287", (_T.UNKNOWN_MEMBER, _T.CLAIM_FORM), Code.CLAIM_UNKNOWN,
            lambda f: text(f.claims() | {"admin": True})),
    _signed("claim-case", "Add a claim that differs from a known one by its case alone.",
            "CWE-178", (_T.UNKNOWN_MEMBER, _T.CLAIM_FORM), Code.CLAIM_UNKNOWN,
            lambda f: text(f.claims() | {"Decision": "release"})),
    _signed("claim-prototype", "Add a claim with a name that some languages take for an object's own.",
            "CWE-1321", (_T.UNKNOWN_MEMBER, _T.CLAIM_FORM), Code.CLAIM_UNKNOWN,
            lambda f: text(f.claims() | {"__proto__": {"decision": "release"}})),
    _signed("claims-empty", "Sign an empty object.",
            "RFC 8725 section 3.8", (_T.CLAIM_FORM,), Code.CLAIM_MISSING, lambda _: b"{}"),
    _signed("claim-null", "Write null for a claim, which some readers take for absence.",
            "CWE-476", (_T.CLAIM_FORM,), Code.CLAIM_MALFORMED, lambda f: f.literal(territory="null")),
    _signed("claim-object", "Write an object where a string belongs.",
            "CWE-843", (_T.CLAIM_FORM,), Code.CLAIM_MALFORMED, lambda f: f.literal(iss='{"$ne":""}')),
    *(
        _signed(f"claim-missing-{name}", f"Leave `{name}` away.",
                "RFC 8725 section 3.8", (_T.CLAIM_FORM,), Code.CLAIM_MISSING,
                _without(name))
        for name in ("iss", "aud", "cnf", "eat_nonce", "exp", "serial", "policy")
    ),
)  # fmt: skip

ATTACKS: Final = DUPLICATES + DEPTH + NUMBERS + ENCODINGS + SYNTAX + FORM

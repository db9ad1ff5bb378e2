"""Each code of the fourteen steps, with a token that has only one error."""

from dataclasses import replace

import pytest

from agent.verification.errors import RULES, Code, VerificationError
from agent.verification.jws import verify_compact
from agent.verification.keyset import KeySet
from agent.verification.verdict import verify
from tests.support import tokens
from tests.support.tokens import ED25519, ES256, EXPECTED, KEYS, NOW, header_of, make_verdict, sign
from wire import limits
from wire.media import VERDICT_TYP

DAY = limits.LIFETIME_MAX
LATEST = NOW + limits.SKEW

GOOD = sign(make_verdict())
HEADER, PAYLOAD, SIGNATURE = GOOD.split(".")


def with_header(header: object) -> str:
    return sign(make_verdict(), header=header if isinstance(header, bytes) else tokens.compact(header))


def with_payload(**changes: object) -> str:
    return sign(make_verdict(**changes))


def with_signature(signature: bytes) -> str:
    return f"{HEADER}.{PAYLOAD}.{tokens.encode(signature)}"


def es256_with(r: int, s: int) -> str:
    head, payload, _ = sign(make_verdict(), ES256).split(".")
    return f"{head}.{payload}.{tokens.encode(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


HEAD = tokens.compact(header_of(ED25519))
BODY = tokens.compact(make_verdict())

REFUSED: dict[Code, list[str]] = {
    Code.TOO_LONG: [GOOD + "A" * limits.VERDICT_MAX],
    Code.ALPHABET: [
        GOOD + "=",
        GOOD + "\n",
        " " + GOOD,
        GOOD.replace(".", "+", 1),
        GOOD + "é",
        '{"payload":""}',
    ],
    Code.SEGMENT_COUNT: ["", "A", f"{HEADER}.{PAYLOAD}", f"{GOOD}.{SIGNATURE}", f"{GOOD}.", f".{GOOD}"],
    Code.SEGMENT_EMPTY: ["..", f"{HEADER}..{SIGNATURE}", f"{HEADER}.{PAYLOAD}.", f".{PAYLOAD}.{SIGNATURE}"],
    Code.SEGMENT_ENCODING: [f"{GOOD[:-1]}{chr(ord(GOOD[-1]) + 1)}", f"A.{PAYLOAD}.{SIGNATURE}", f"{GOOD}AAA"],
    Code.HEADER_TOO_LONG: [with_header(HEAD + b" " * limits.VERDICT_HEADER_MAX)],
    Code.HEADER_NOT_JSON: [
        with_header(header)
        for header in (
            b"{",
            b"[]",
            b'"a"',
            b"1",
            b"null",
            b"\xff",
            b"\xef\xbb\xbf" + HEAD,
            HEAD + b"x",
            b"{'a':1}",
        )
    ],
    Code.HEADER_MEMBER_DUPLICATE: [
        with_header(HEAD[:-1] + b',"alg":"Ed25519"}'),
        with_header(HEAD[:-1] + b',"\\u0061lg":"Ed25519"}'),
    ],
    Code.HEADER_TOO_DEEP: [with_header(b'{"alg":' + b"[" * 100), with_header(b"[" * 8 + b"{}" + b"]" * 8)],
    Code.HEADER_NUMBER: [
        with_header(HEAD[:-1] + b',"n":' + n + b"}") for n in (b"1.5", b"NaN", b"1e3", b"9" * 99)
    ],
    Code.HEADER_MEMBER_MISSING: [
        with_header(header_of(ED25519, alg=None)),
        with_header(header_of(ED25519, kid=None)),
        with_header(b"{}"),
    ],
    Code.HEADER_MEMBER_UNKNOWN: [
        with_header(header_of(ED25519, **{name: value}))
        for name, value in {
            "jwk": {"kty": "oct"},
            "jku": "https://keys.example",
            "x5u": "https://keys.example",
            "x5c": ["AA"],
            "x5t": "AA",
            "crit": ["exp"],
            "b64": True,
            "cty": "JWT",
            "zip": "DEF",
            "ALG": "none",
        }.items()
    ],
    Code.HEADER_MEMBER_NOT_TEXT: [
        with_header(HEAD.replace(b'"verdict-ed25519"', value))
        for value in (b"1", b"null", b"[]", b"{}", b"true")
    ]
    + [with_header(HEAD.replace(b'"activation-verdict+jwt"', b"null"))],
    Code.TYP_MISMATCH: [
        with_header(header_of(ED25519, typ=typ))
        for typ in (
            None,
            "JWT",
            "eat+jwt",
            "Activation-Verdict+JWT",
            "application/activation-verdict+jwt",
            "",
        )
    ],
    Code.KEY_UNKNOWN: [
        with_header(header_of(ED25519, kid=kid))
        for kid in (
            "",
            "other",
            "Verdict-ed25519",
            "verdict-ed25519 ",
            "../../dev/null",
            "' OR 1=1 --",
            "\x00",
        )
    ],
    Code.ALG_MISMATCH: [
        with_header(header_of(ED25519, alg=alg))
        for alg in ("none", "None", "", "EdDSA", "ES256", "HS256", "ed25519", "Ed448", "ML-DSA-65", "RS256")
    ],
    Code.SIGNATURE_LENGTH: [with_signature(b"\0"), with_signature(b"\0" * 63), with_signature(b"\0" * 65)],
    Code.SIGNATURE_RANGE: [es256_with(0, 1), es256_with(1, 0), es256_with(0, 0), es256_with(2**256 - 1, 1)],
    Code.SIGNATURE_INVALID: [with_signature(b"\0" * 64), es256_with(1, 1)],
    Code.PAYLOAD_NOT_JSON: [
        sign(body)
        for body in (b"{", b"[]", b"null", b"\xff", b"\xef\xbb\xbf" + BODY, BODY + b"0", b"{,}", b"1")
    ]
    + [sign(BODY.replace(b'"SV-2021-0042"', b'"\\ud800"')), sign(BODY.replace(b'"SV-2021-0042"', b'"a\nb"'))],
    Code.PAYLOAD_MEMBER_DUPLICATE: [
        sign(BODY[:-1] + b',"serial":7}'),
        sign(BODY[:-1] + b',"ser\\u0069al":7}'),
        sign(BODY.replace(b'"version":3', b'"version":3,"version":3')),
        sign(BODY.replace(b'"territory":"CU"}', b'"territory":"CU","territory":"CU"}')),
    ],
    Code.PAYLOAD_TOO_DEEP: [sign(b'{"a":' * 9 + b"1" + b"}" * 9), sign(b"[" * 11000), sign(b'{"a":' * 2000)],
    Code.PAYLOAD_NUMBER: [
        sign(BODY.replace(b'"serial":7', b'"serial":' + number))
        for number in (b"7.0", b"7e0", b"NaN", b"Infinity", b"-Infinity", b"9007199254740992", b"9" * 5000)
    ],
    Code.CLAIM_UNKNOWN: [with_payload(admin=True), with_payload(Serial=8)],
    Code.CLAIM_MISSING: [sign({})]
    + [with_payload(**{name: None}) for name in ("iss", "cnf", "serial", "decision")],
    Code.CLAIM_MALFORMED: [
        with_payload(serial="7"),
        with_payload(serial=True),
        with_payload(serial=0),
        with_payload(iat=-1),
        with_payload(aud=[tokens.AUDIENCE]),
        with_payload(cnf={"jkt": tokens.THUMBPRINT, "jwk": {}}),
        with_payload(trust="absolute"),
        with_payload(territory="cu"),
        with_payload(decision=1),
        with_payload(message={"key": "shout"}),
        sign(BODY.replace(b'"case":"SV-2021-0042"', b'"case":null')),
    ],
    Code.ISSUER_MISMATCH: [
        with_payload(iss="https://activation.other.example"),
        with_payload(iss=tokens.ISSUER + "/"),
    ],
    Code.AUDIENCE_MISMATCH: [with_payload(aud="other")],
    Code.KEY_BINDING_MISMATCH: [with_payload(cnf={"jkt": "A" * 43})],
    Code.NONCE_MISMATCH: [with_payload(eat_nonce="A" * 24), with_payload(eat_nonce=tokens.NONCE + "A")],
    Code.TIMES_CONTRADICTORY: [
        with_payload(exp=NOW),
        with_payload(exp=NOW - 1),
        with_payload(nbf=NOW + 3601),
    ],
    Code.LIFETIME_TOO_LONG: [with_payload(exp=NOW + limits.LIFETIME_MAX + 1)],
    Code.EXPIRED: [with_payload(iat=NOW - DAY - 60, nbf=NOW - DAY - 60, exp=NOW - DAY)],
    Code.ISSUED_IN_PAST: [with_payload(iat=NOW - DAY - 1, nbf=NOW - DAY, exp=NOW - 2)],
    Code.ISSUED_AFTER_TIMESTAMP: [with_payload(iat=LATEST + 1, nbf=NOW, exp=LATEST + 2)],
    Code.NOT_YET_VALID: [with_payload(nbf=LATEST + 1)],
    Code.SERIAL_NOT_NEWER: [with_payload(serial=6), with_payload(serial=1)],
    Code.POLICY_ROLLED_BACK: [
        with_payload(policy={"id": "export-2021-09", "version": 2, "rule": "prohibited"})
    ],
    Code.DECISION_UNKNOWN: [
        with_payload(decision="Deny"),
        with_payload(decision=""),
        with_payload(decision="wipe"),
    ],
    Code.REASON_UNKNOWN: [with_payload(reason="because")],
    Code.DECISION_INCOMPLETE: [
        with_payload(case=None),
        with_payload(message=None),
        with_payload(check_in=None),
    ],
    Code.DECISION_CONTRADICTORY: [with_payload(retry_after=60), with_payload(not_before_lock=NOW + 1)],
    Code.LOCK_BEFORE_ISSUE: [sign(make_verdict("notice", not_before_lock=NOW - 1))],
}
HOUR = 3600


def timed(**times: int) -> KeySet:
    return KeySet.from_jwks({"keys": [ED25519.jwk(**times), ES256.jwk()]})


BY_KEYS = {
    Code.KEY_EXPIRED: timed(nbf=NOW - DAY - HOUR, exp=NOW - DAY),
    Code.KEY_NOT_YET_VALID: timed(nbf=NOW + limits.SKEW + 1, exp=NOW + HOUR),
    Code.KEY_REVOKED: KeySet.from_jwks({"keys": [ED25519.jwk(status="revoked"), ES256.jwk()]}),
    Code.KEY_UNFIT: KeySet.from_jwks({"keys": [ED25519.jwk(use="enc"), ES256.jwk()]}),
}
CASES = [(code, KEYS, token) for code, all_tokens in REFUSED.items() for token in all_tokens]
CASES += [(code, keys, GOOD) for code, keys in BY_KEYS.items()]
CASES += [
    (Code.ISSUED_OUTSIDE_KEY_VALIDITY, timed(exp=NOW - limits.SKEW + 1), with_payload(iat=NOW + 2)),
    (Code.ISSUED_OUTSIDE_KEY_VALIDITY, timed(nbf=NOW + limits.SKEW), with_payload(iat=NOW - 1)),
]


@pytest.mark.parametrize(
    ("code", "keys", "token"), CASES, ids=[f"{code}-{index}" for index, (code, _, _) in enumerate(CASES)]
)
def test_token_with_one_error_is_rejected_with_its_code_and_step(
    code: Code, keys: KeySet, token: str
) -> None:
    with pytest.raises(VerificationError) as rejected:
        verify(token, keys, expected=EXPECTED, now=NOW, latest=LATEST)
    assert rejected.value.code is code
    assert rejected.value.step == RULES[code][0]


def test_every_code_has_a_token() -> None:
    assert {code for code, _, _ in CASES} == set(Code) - {Code.KEY_TIME_UNKNOWN}
    # `verify` always knows the time; `verify_compact` never does.
    with pytest.raises(VerificationError) as rejected:
        verify_compact(GOOD, timed(exp=NOW + HOUR), typ=VERDICT_TYP)
    assert rejected.value.code is Code.KEY_TIME_UNKNOWN


def test_every_code_has_a_step_in_order_and_a_sentence() -> None:
    steps = [RULES[code][0] for code in Code]
    assert steps == sorted(steps)
    assert set(steps) == set(range(1, 15))
    assert all(sentence.endswith(".") for _, sentence in RULES.values())


@pytest.mark.parametrize("decision", tokens.CLAIMS)
@pytest.mark.parametrize("signer", tokens.SIGNERS, ids=lambda signer: signer.alg)
def test_verdict_of_every_decision_and_algorithm_is_verified(decision: str, signer: tokens.Signer) -> None:
    verdict = verify(sign(make_verdict(decision), signer), KEYS, expected=EXPECTED, now=NOW)
    assert verdict.decision == decision
    assert verdict.claims.model_dump(mode="json", exclude_none=True) == make_verdict(decision)


def test_verdict_with_other_order_and_white_space_is_verified() -> None:
    spaced = b" \n" + BODY.replace(b",", b" ,\t").replace(b'"iss"', b'"\\u0069ss"') + b"\r\n"
    reordered = tokens.compact(dict(reversed(make_verdict().items())))
    claims = [
        verify(sign(body), KEYS, expected=EXPECTED, now=NOW).claims for body in (BODY, spaced, reordered)
    ]
    assert claims[0] == claims[1] == claims[2]


def test_token_can_be_text_or_bytes() -> None:
    assert verify(GOOD, KEYS, expected=EXPECTED, now=NOW) == verify(
        GOOD.encode(), KEYS, expected=EXPECTED, now=NOW
    )


def test_first_failing_step_determines_the_code() -> None:
    """The payload is not read before the signature is verified."""
    everything_wrong = make_verdict(iss="x", eat_nonce="A" * 24, exp=0, serial=1, decision="wipe")
    wrong_type = sign(everything_wrong, tokens.ed25519_signer(seed=2), header_of(ED25519))
    for token, expected_step in ((wrong_type, 7), (sign(everything_wrong), 9)):
        with pytest.raises(VerificationError) as rejected:
            verify(token, KEYS, expected=EXPECTED, now=NOW)
        assert rejected.value.step == expected_step


def test_step_13_comes_before_step_14_for_incomplete_claims() -> None:
    with pytest.raises(VerificationError) as rejected:
        verify(with_payload(case=None, serial=6), KEYS, expected=EXPECTED, now=NOW)
    assert rejected.value.code is Code.SERIAL_NOT_NEWER


@pytest.mark.parametrize("serial", [0, 5, 6])
def test_first_contact_accepts_any_serial_and_policy_version(serial: int) -> None:
    expected = replace(EXPECTED, serial=serial, policy_version=0)
    assert verify(GOOD, KEYS, expected=expected, now=NOW).claims.serial == 7

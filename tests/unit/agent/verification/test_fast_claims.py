"""The fast types and the models of the contract have the same names, order, bounds and characters."""

import itertools
import json
from typing import Any

import msgspec
import pytest

from agent.verification import jws, strict_json
from agent.verification.claims import parse_fast, read_claims
from agent.verification.fast_claims import (
    Claims,
    FastConfirmation,
    FastMessage,
    FastPolicyReference,
    is_complete,
)
from agent.verification.jws import Segments, VerifiedPayload
from tests.support.tokens import CLAIMS, KEYS, compact, make_verdict
from wire import limits, verdict
from wire.codes import Decision
from wire.verdict import OPTIONAL_CLAIMS, REQUIRED, UncheckedVerdict, Verdict

PAIRS: list[tuple[type[msgspec.Struct], type[Any]]] = [
    (Claims, Verdict),
    (FastConfirmation, verdict.Confirmation),
    (FastPolicyReference, verdict.PolicyReference),
    (FastMessage, verdict.CatalogueMessage),
]


@pytest.mark.parametrize(("quick", "model"), PAIRS, ids=lambda kind: kind.__name__)
def test_both_have_the_same_members_in_the_same_order(quick: type[msgspec.Struct], model: type[Any]) -> None:
    assert quick.__struct_fields__ == tuple(model.model_fields)


def test_same_claims_are_optional() -> None:
    fields = msgspec.structs.fields(Claims)
    assert {field.name for field in fields if not field.required} == OPTIONAL_CLAIMS


def test_unknown_member_is_rejected_at_every_level() -> None:
    assert all(quick.__struct_config__.forbid_unknown_fields for quick, _ in PAIRS)
    assert all(quick.__struct_config__.frozen for quick, _ in PAIRS)


ALL: dict[str, Any] = {name: value for claims in CLAIMS.values() for name, value in claims.items()}
PATHS: list[tuple[str, ...]] = [
    *((name,) for name in UncheckedVerdict.model_fields if name not in {"cnf", "policy", "message"}),
    *(("policy", name) for name in ("id", "version", "rule")),
    *(("cnf", "jkt"), ("message", "key"), ("message", "args", "territory")),
]
EDGES = (0, 1, 2, limits.NONCE_MIN, 43, limits.CODE_MAX, limits.NONCE_MAX, limits.TEXT_MAX, limits.PARTY_MAX)
TEXTS = [
    *("a" * (edge + step) for edge in EDGES for step in (-1, 0, 1) if edge + step >= 0),
    *(f"{'a' * before}{chr(code)}{'a' * (42 - before)}" for code in range(256) for before in (0, 20, 42)),
    *(f"{'a' * 42}{character}" for character in "\u0430\u2028\uff21\ufeff\U0001f512"),
    *("CU", "UA-43", "UA-", "UA-4333", "cu", "CUB", "C1", "UA-a", "AA\n", "UA-43\n", "CU ", " CU"),
    *("allow", "not-sold-here", "affirming", "given-up", "release", "defer", "Allow"),
]
NUMBERS = [
    *(
        edge + step
        for edge in (0, 1, limits.DURATION_MAX, limits.INTEGER_MAX, 2**63, 2**64)
        for step in (-1, 0, 1)
    ),
    *(-(2**63), 10**40, True, False, 1.0, 0.5, 1e300),
]
OTHERS: list[Any] = [None, [], {}, ["a"], {"a": "a"}]


def put(path: tuple[str, ...], value: object) -> dict[str, Any]:
    """Valid claims with `value` at `path`, with a decision that permits it."""
    carriers = (decision for decision in ("notice", "defer") if path[0] in CLAIMS[decision])
    claims = make_verdict(next(carriers, "release"))
    if path[:2] == ("message", "args"):
        claims["message"] = {"key": "not-sold-here", "args": {"territory": "CU"}}
    return _with(claims, path, value)


def _with(members: dict[str, Any], path: tuple[str, ...], value: object) -> dict[str, Any]:
    name, *rest = path
    return members | {name: _with(members[name], tuple(rest), value) if rest else value}


def fast_result(payload: bytes) -> dict[str, Any] | None:
    """The result of the fast reader."""
    claims = parse_fast(payload)
    return None if claims is None else claims.members()


def strict_result(payload: bytes) -> dict[str, Any] | None:
    """The result of the strict JSON reader and the model of the contract."""
    members = strict_json.read(payload)
    if isinstance(members, strict_json.JsonFault) or None in members.values():
        return None
    try:
        return Verdict.model_validate(members).model_dump(mode="json", exclude_none=True)
    except ValueError:
        return None


@pytest.mark.parametrize("path", PATHS, ids=".".join)
def test_each_claim_accepts_the_same_values_in_both(path: tuple[str, ...]) -> None:
    """Every ASCII and Latin byte at the ends and inside, every length and number at its bounds, every other type."""
    accepted = 0
    for value in itertools.chain(TEXTS, NUMBERS, OTHERS):
        payload = compact(put(path, value))
        quick = fast_result(payload)
        assert quick == strict_result(payload), value
        accepted += quick is not None
    assert accepted


@pytest.mark.parametrize("count", [0, 1, limits.ARGUMENTS_MAX, limits.ARGUMENTS_MAX + 1])
def test_number_of_arguments_has_the_same_bound_in_both(count: int) -> None:
    message = {"key": "not-sold-here", "args": {f"a{index}": "b" for index in range(count)}}
    payload = compact(make_verdict("deny", message=message))
    assert (fast_result(payload) is not None) is (count <= limits.ARGUMENTS_MAX)
    assert fast_result(payload) == strict_result(payload)


def test_names_of_arguments_accept_the_same_characters_in_both() -> None:
    for name in TEXTS:
        payload = compact(make_verdict("deny", message={"key": "not-sold-here", "args": {name: "b"}}))
        assert fast_result(payload) == strict_result(payload), name


def test_claims_of_the_strict_reader_are_unchanged() -> None:
    for decision in CLAIMS:
        spaced = json.dumps(make_verdict(decision), indent=1, sort_keys=True).encode()
        assert parse_fast(spaced) is None
        assert read_claims(spaced) == parse_fast(compact(make_verdict(decision)))


@pytest.mark.parametrize("decision", Decision)
def test_decision_permits_exactly_the_claims_of_the_contract(
    decision: Decision,
) -> None:
    """All 128 combinations of optional claims, compared with the validator of the contract."""
    bare = make_verdict("release", decision=decision.value)
    for present in itertools.product((True, False), repeat=len(OPTIONAL_CLAIMS)):
        chosen = {
            name: ALL[name] for name, there in zip(sorted(OPTIONAL_CLAIMS), present, strict=True) if there
        }
        claims = msgspec.convert(bare | chosen, Claims)
        payload = msgspec.json.encode(claims)
        assert (
            is_complete(claims) is (parse_fast(payload) is not None) is (strict_result(payload) is not None)
        )
    assert is_complete(msgspec.convert(bare | {name: ALL[name] for name in REQUIRED[decision]}, Claims))


def test_writer_has_one_output_for_each_character() -> None:
    """So equal bytes prove that no member was dropped."""
    short = {'"': 2, "\\": 2, "\b": 2, "\f": 2, "\n": 2, "\r": 2, "\t": 2}
    for code in itertools.chain(range(0xD800), range(0xE000, 0x110000, 17)):
        character = chr(code)
        length = short.get(character, 6 if code < 0x20 else len(character.encode()))
        assert len(msgspec.json.encode(character)) == length + 2, code


@pytest.mark.parametrize(
    "part", [jws.split(b"AA.AA.AA"), VerifiedPayload(b"", KEYS.keys[0])], ids=lambda part: type(part).__name__
)
def test_results_of_the_steps_are_immutable(part: Segments | VerifiedPayload) -> None:
    with pytest.raises(AttributeError, match="immutable"):
        part.payload = b""  # type: ignore[misc]  # the assignment that must fail

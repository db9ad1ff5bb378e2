"""The content of errors, and the creation of `VerifiedVerdict`."""

import ast
import copy
import pickle
import traceback
from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import pytest
from pydantic import ValidationError

import agent
from agent.verification.errors import VerificationError
from agent.verification.verdict import VerifiedVerdict, verify
from tests.support.tokens import (
    ED25519,
    EXPECTED,
    KEYS,
    NOW,
    compact,
    encode,
    header_of,
    make_verdict,
    sign,
    verified,
)

CANARY = "canary-3b1f0c"


def tokens_with_a_canary() -> list[str]:
    valid = sign(make_verdict())
    bad_json = compact(make_verdict(case=CANARY))[:-1]
    claims: list[dict[str, object]] = [
        {CANARY: 1},
        {"case": f"{CANARY} "},
        {"iss": CANARY},
        {"aud": CANARY},
        {"eat_nonce": CANARY},
        {"decision": CANARY},
        {"reason": CANARY},
        {"serial": CANARY},
        {"jti": CANARY, "serial": 1},
        {"policy": {"id": CANARY, "version": 1, "rule": CANARY}},
        {"case": CANARY, "retry_after": 5},
    ]
    headers: list[dict[str, object]] = [
        {"kid": CANARY},
        {"alg": CANARY},
        {"typ": CANARY},
        {CANARY: CANARY},
        {"kid": [CANARY]},
    ]
    return [
        CANARY,
        f"{valid}{CANARY}é",
        f"{encode(CANARY.encode())}.{valid.split('.', 1)[1]}",
        sign(bad_json),
        sign(bad_json + b"\xff}"),
        sign(compact({CANARY: CANARY})[:-1] + f',"{CANARY}":1}}'.encode()),
        *(sign(make_verdict(**changes)) for changes in claims),
        *(sign(make_verdict(), header=header_of(ED25519, **changes)) for changes in headers),
    ]


@pytest.mark.parametrize("token", tokens_with_a_canary())
def test_error_contains_no_part_of_the_token(token: str) -> None:
    """Errors are logged and shown."""
    with pytest.raises(VerificationError) as rejected:
        verify(token, KEYS, expected=EXPECTED, now=NOW)
    error = rejected.value
    assert error.__cause__ is None
    assert error.__context__ is None
    shown = "".join(traceback.format_exception(error)) + repr(error) + str(error) + repr(vars(error))
    assert CANARY not in shown
    assert encode(CANARY.encode()) not in shown


def test_verified_verdict_cannot_be_created_or_copied_by_others() -> None:
    valid = verified()
    for make in (
        lambda: VerifiedVerdict(valid.claims, object()),
        lambda: VerifiedVerdict(valid.claims, None),
        lambda: replace(valid, claims=valid.claims),
        lambda: replace(valid, authority=object()),
        lambda: pickle.loads(pickle.dumps(valid)),
        lambda: copy.copy(valid),
    ):
        with pytest.raises((TypeError, ValueError)):
            make()


def test_verified_verdict_is_immutable() -> None:
    valid = verified()
    with pytest.raises(FrozenInstanceError):
        valid.claims = valid.claims  # type: ignore[misc]  # the assignment that must fail
    with pytest.raises(ValidationError, match="frozen"):
        valid.claims.serial = 99  # type: ignore[misc]  # the assignment that must fail


def test_no_other_module_of_the_agent_constructs_a_verified_verdict() -> None:
    folder = Path(agent.__file__).parent
    makers = {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if (isinstance(node, ast.Call) and "VerifiedVerdict" in ast.unparse(node.func))
        or (isinstance(node, ast.Name) and node.id == "_AUTHORITY")
        or (isinstance(node, ast.Attribute) and node.attr == "_AUTHORITY")
    }
    assert makers == {"verification/verdict.py"}

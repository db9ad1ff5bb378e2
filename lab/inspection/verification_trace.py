"""A verification that reports its progress. It calls the agent's own `verify` and does not repeat its steps.

If an expectation is missing, the claim itself is used, so that the comparison cannot fail, and the step is reported as
not checked. Only claims with a valid signature are used in this way.
"""

from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Final

from agent.verification import jws
from agent.verification.claims import read_claims
from agent.verification.errors import RULES, Code, VerificationError
from agent.verification.jws import VerifiedPayload
from agent.verification.keyset import KeySet
from agent.verification.verdict import Expected, time_bounds, verify
from wire import media
from wire.verdict import UncheckedVerdict

STEPS: Final = range(1, 15)


class VerificationStepResult(StrEnum):
    """The result of one step."""

    PASS = "pass"  # noqa: S105 - not a password
    FAIL = "FAIL"
    NOT_REACHED = "not reached"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True, slots=True)
class Expectations:
    """What the caller expects, None for no expectation. `now` is the floor of trusted time.

    `latest` is the ceiling, which comes with a key repository; None without one.
    """

    now: int
    latest: int | None = None
    issuer: str | None = None
    audience: str | None = None
    thumbprint: str | None = None
    nonce: str | None = None
    serial: int | None = None
    policy_version: int | None = None

    def unchecked(self) -> frozenset[int]:
        """The steps without any expectation."""
        given = {
            9: (self.issuer, self.audience),
            10: (self.thumbprint,),
            11: (self.nonce,),
            13: (self.serial, self.policy_version),
        }
        return frozenset(step for step, values in given.items() if all(value is None for value in values))

    def missing(self) -> tuple[str, ...]:
        """The names of the expectations that a device has and that are not given here."""
        names = (field.name for field in fields(self) if field.name != "latest")
        return tuple(name for name in names if getattr(self, name) is None)

    def filled(self, claims: UncheckedVerdict) -> Expected:
        """The expectations of `verify`; those that are not given are taken from `claims`, so that they are met."""
        return Expected(
            issuer=claims.iss if self.issuer is None else self.issuer,
            audience=claims.aud if self.audience is None else self.audience,
            thumbprint=claims.cnf.jkt if self.thumbprint is None else self.thumbprint,
            nonce=claims.eat_nonce if self.nonce is None else self.nonce,
            serial=claims.serial - 1 if self.serial is None else self.serial,
            policy_version=claims.policy.version if self.policy_version is None else self.policy_version,
        )


@dataclass(frozen=True, slots=True)
class VerificationTrace:
    """The progress of one verification. `opened` is set if steps 1 to 7 passed, `claims` if step 8 passed too."""

    expected: Expectations
    code: Code | None
    opened: VerifiedPayload | None
    claims: UncheckedVerdict | None

    @property
    def verified(self) -> bool:
        """Whether no step failed."""
        return self.code is None

    @property
    def failed_at(self) -> int | None:
        """The step that failed."""
        return None if self.code is None else RULES[self.code][0]

    def result(self, step: int) -> VerificationStepResult:
        """The result of `step`, 1 to 14."""
        end = len(STEPS) + 1 if self.failed_at is None else self.failed_at
        if step >= end:
            return VerificationStepResult.FAIL if step == end else VerificationStepResult.NOT_REACHED
        return (
            VerificationStepResult.NOT_CHECKED
            if step in self.expected.unchecked()
            else VerificationStepResult.PASS
        )


def trace(token: str | bytes, keys: KeySet, expected: Expectations) -> VerificationTrace:
    """Verify `token` as `verify` does, and return its progress instead of raising an error."""
    opened: VerifiedPayload | None = None
    claims: UncheckedVerdict | None = None
    try:
        time = time_bounds(expected.now, expected.latest)
        opened = jws.open_compact(token, keys, typ=media.VERDICT_TYP, time=time)
        claims = read_claims(opened.payload)
        verify(token, keys, expected=expected.filled(claims), now=expected.now, latest=expected.latest)
    except VerificationError as error:
        return VerificationTrace(expected, error.code, opened, claims)
    return VerificationTrace(expected, None, opened, claims)

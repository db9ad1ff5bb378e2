"""A verification that tells how far it came. It is the agent's own `verify`; nothing of the steps is repeated here.

Where no expectation is given for a claim, the claim itself is filled in, so that its comparison cannot fail; the
step is reported as not checked. That is done with claims whose signature holds, never with others.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from agent.verification import jws
from agent.verification.claims import read_claims
from agent.verification.errors import RULES, Code, VerificationError
from agent.verification.fast_claims import Claims
from agent.verification.jws import VerifiedPayload
from agent.verification.keyset import KeySet
from agent.verification.verdict import Expected, TimeCertainty, time_bounds, verify
from wire import media
from wire.verdict import UncheckedVerdict

STEPS: Final = range(1, 15)
OPENED_BY: Final = 7
"""The step after which header and payload are known to be the key holder's."""


class Result(StrEnum):
    """What became of one step."""

    PASS = "pass"  # noqa: S105 - the word for it, not a password
    FAIL = "FAIL"
    NOT_REACHED = "not reached"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the caller expects. None stands for no expectation; `now` is trusted time, known exactly."""

    now: int
    issuer: str | None = None
    audience: str | None = None
    thumbprint: str | None = None
    nonce: str | None = None
    serial: int | None = None
    policy_version: int | None = None

    def unchecked(self) -> frozenset[int]:
        """The steps for which no expectation is given at all."""
        given = {
            9: (self.issuer, self.audience),
            10: (self.thumbprint,),
            11: (self.nonce,),
            13: (self.serial, self.policy_version),
        }
        return frozenset(step for step, values in given.items() if all(value is None for value in values))

    def complete(self) -> bool:
        """Whether everything that a phone expects is given."""
        return None not in (
            *(self.issuer, self.audience, self.thumbprint),
            *(self.nonce, self.serial, self.policy_version),
        )

    def filled(self, claims: Claims | UncheckedVerdict) -> Expected:
        """The expectations, with what is not expected taken from `claims` so that it is met."""
        return Expected(
            issuer=claims.iss if self.issuer is None else self.issuer,
            audience=claims.aud if self.audience is None else self.audience,
            thumbprint=claims.cnf.jkt if self.thumbprint is None else self.thumbprint,
            nonce=claims.eat_nonce if self.nonce is None else self.nonce,
            serial=claims.serial - 1 if self.serial is None else self.serial,
            policy_version=claims.policy.version if self.policy_version is None else self.policy_version,
            reckoning=TimeCertainty.EXACT,
        )


@dataclass(frozen=True, slots=True)
class Trace:
    """How far a token came. `opened` is there if steps 1 to 7 passed, `claims` if step 8 did too."""

    wanted: Wanted
    code: Code | None
    opened: VerifiedPayload | None
    claims: Claims | UncheckedVerdict | None

    @property
    def verified(self) -> bool:
        """Whether no step refused."""
        return self.code is None

    @property
    def failed_at(self) -> int | None:
        """The step that refused."""
        return None if self.code is None else RULES[self.code][0]

    def result(self, step: int) -> Result:
        """What became of `step`, 1 to 14."""
        end = len(STEPS) + 1 if self.failed_at is None else self.failed_at
        if step >= end:
            return Result.FAIL if step == end else Result.NOT_REACHED
        return Result.NOT_CHECKED if step in self.wanted.unchecked() else Result.PASS


def trace(token: str | bytes, keys: KeySet, wanted: Wanted) -> Trace:
    """Take the fourteen steps as `verify` does, and report instead of raising."""
    opened: VerifiedPayload | None = None
    claims: Claims | UncheckedVerdict | None = None
    try:
        time = time_bounds(TimeCertainty.EXACT, wanted.now)
        opened = jws.open_compact(token, keys, typ=media.VERDICT_TYP, time=time)
        claims = read_claims(opened.payload)
        verify(token, keys, expected=wanted.filled(claims), now=wanted.now)
    except VerificationError as refused:
        return Trace(wanted, refused.code, opened, claims)
    return Trace(wanted, None, opened, claims)

"""Steps of the operators of the server, and of thieves of its keys."""

from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field, StringConstraints

from lab.scenario.model.field_types import Duration, Line, Name, Subject, Word
from lab.scenario.model.named_files import PolicyName
from lab.scenario.model.step import HandsetStep, Reason, Step

CLOCK_OFFSET_MAX: Final = 3660 * 86_400
"""Seconds, ten years: how far the server's clock can be wrong."""

ClockOffset = Annotated[int, Field(ge=-CLOCK_OFFSET_MAX, le=CLOCK_OFFSET_MAX)]


class StealableKey(StrEnum):
    """A key of the server that a thief can use."""

    VERDICT = "verdict"
    TIMESTAMP = "timestamp"


class OperatorStep(HandsetStep):
    """A decision about single devices. `reason` is for the records."""

    reason: Reason = "scenario"
    case: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]+$", max_length=64)] | None = Field(
        None, description="The case number that the user quotes."
    )


class Lock(OperatorStep):
    """Lock the device at its next check-in."""

    lock: Subject


class Unlock(OperatorStep):
    """Unlock the device at its next check-in."""

    unlock: Subject


class Release(OperatorStep):
    """Release the device at its next check-in: it stops contacting the server."""

    release: Subject


class Withdraw(HandsetStep):
    """Withdraw the operator's decision, so that the policy decides again."""

    withdraw: Subject
    reason: Reason = "scenario"


class IssueCode(OperatorStep):
    """Read the challenge on the lock screen to support, and get an unlock code for it."""

    issue_code: Subject
    as_: Name = "code"
    undelivered: Annotated[int, Field(ge=0)] = Field(
        0, description="How many of the newest verdicts never reached the device."
    )


class PutInForce(Step):
    """Put a policy in force."""

    put_in_force: PolicyName = Field(description="A shipped policy, or the path of a TOML file.")
    reason: Reason = "scenario"


class StartCampaign(Step):
    """Start a campaign of the policy in force."""

    start_campaign: Line
    reason: Reason = "scenario"


class LiftCampaign(Step):
    """End a campaign."""

    lift_campaign: Line
    reason: Reason = "scenario"


class RotateKey(Step):
    """Replace the verdict key that signs by a new one."""

    rotate_key: None = None


class RevokeKey(Step):
    """Revoke the verdict key that signs; another one replaces it."""

    revoke_key: None = None


class ReplaceOnlineKeys(Step):
    """Publish a root, signed in a ceremony, that replaces the online keys of the key repository."""

    replace_online_keys: None = None


class StealKey(Step):
    """Let a man in the middle sign with the present key: verdicts with the latest time that a device accepts, or
    timestamps with a high version and clock number."""

    steal_key: Word[StealableKey]
    seconds: ClockOffset = Field(
        0,
        description="How much later timestamps are than those of the server, and verdicts than the latest time.",
    )
    for_: Duration = Field(description="How long the thief is in the middle.")


class SetServerClock(Step):
    """Set the server's clock: the seconds by which it is ahead of the true time, negative for behind, 0 for right."""

    set_server_clock: ClockOffset


class AcceptClock(Step):
    """Accept the server's clock as it is, so that the server signs again after its clock was stepped."""

    accept_clock: None = None
    reason: Reason = "scenario"


class RestartServer(Step):
    """Restart the server with the same records."""

    restart_server: None = None


class BackUp(Step):
    """Back up the server's records."""

    back_up: None = None
    as_: Name = "backup"


class RestoreBackup(Step):
    """Replace the server's records by a backup."""

    restore_backup: None = None
    from_: Name = "backup"


class LoseRecords(Step):
    """Replace the server's records by an empty database."""

    lose_records: None = None

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
    """Lock at the next check-in."""

    lock: Subject


class Unlock(OperatorStep):
    """Unlock at the next check-in."""

    unlock: Subject


class Release(OperatorStep):
    """Release at the next check-in: the device stops contacting the server."""

    release: Subject


class Withdraw(HandsetStep):
    """Withdraw the operator's decision; the policy decides again."""

    withdraw: Subject
    reason: Reason = "scenario"


class IssueCode(OperatorStep):
    """Get an unlock code for the challenge on the lock screen."""

    issue_code: Subject
    as_: Name = "code"
    undelivered: Annotated[int, Field(ge=0)] = Field(
        0, description="The number of newest verdicts that were lost."
    )


class PutInForce(Step):
    """Put a policy in force."""

    put_in_force: PolicyName = Field(description="A name or a path.")
    reason: Reason = "scenario"


class StartCampaign(Step):
    """Start a campaign of the policy."""

    start_campaign: Line
    reason: Reason = "scenario"


class LiftCampaign(Step):
    """End a campaign."""

    lift_campaign: Line
    reason: Reason = "scenario"


class RotateKey(Step):
    """Replace the verdict key by a new one."""

    rotate_key: None = None


class RevokeKey(Step):
    """Revoke the verdict key; another one replaces it."""

    revoke_key: None = None


class ReplaceOnlineKeys(Step):
    """Publish a root that replaces the online keys of the key repository."""

    replace_online_keys: None = None


class StealKey(Step):
    """Let a man in the middle sign verdicts with the latest accepted time, or timestamps with a high version."""

    steal_key: Word[StealableKey]
    seconds: ClockOffset = Field(
        0,
        description="How much later they are.",
    )
    for_: Duration = Field(description="The duration.")


class SetServerClock(Step):
    """Set the seconds by which the server's clock is ahead, negative for behind."""

    set_server_clock: ClockOffset


class AcceptClock(Step):
    """Accept the server's clock after it was stepped, so that the server signs again."""

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
    """Restore the server's records from a backup."""

    restore_backup: None = None
    from_: Name = "backup"


class LoseRecords(Step):
    """Replace the server's records by an empty database."""

    lose_records: None = None

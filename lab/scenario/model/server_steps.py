"""Steps of those who run the server."""

from typing import Annotated

from pydantic import Field, StringConstraints

from lab.scenario.model.field_types import Line, Name, Subject
from lab.scenario.model.step import HandsetStep, Reason, Step


class OperatorStep(HandsetStep):
    """A decision about single phones. `reason` is for the records."""

    reason: Reason = "scenario"
    case: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]+$", max_length=64)] | None = Field(
        None, description="The case number that the user quotes."
    )


class Lock(OperatorStep):
    """Decide that this phone is to be locked at its next check-in."""

    lock: Subject


class Unlock(OperatorStep):
    """Decide that this phone is to be unlocked at its next check-in."""

    unlock: Subject


class Release(OperatorStep):
    """Give this phone up at its next check-in."""

    release: Subject


class Withdraw(HandsetStep):
    """Let the policy decide about this phone again."""

    withdraw: Subject
    reason: Reason = "scenario"


class IssueCode(OperatorStep):
    """Read the challenge on the phone's lock screen to support, and get an unlock code for it."""

    issue_code: Subject
    as_: Name = "code"
    undelivered: Annotated[int, Field(ge=0)] = Field(
        0, description="How many of the newest verdicts never reached the phone."
    )


class PutInForce(Step):
    """Let a policy decide from now on."""

    put_in_force: Line = Field(description="A shipped policy, or a TOML file beside the scenario.")
    reason: Reason = "scenario"


class StartCampaign(Step):
    """Begin a campaign of the policy in force."""

    start_campaign: Line
    reason: Reason = "scenario"


class LiftCampaign(Step):
    """End a campaign."""

    lift_campaign: Line
    reason: Reason = "scenario"


class RotateKey(Step):
    """Let a new verdict key take over from the one that signs."""

    rotate_key: None = None


class RevokeKey(Step):
    """Revoke the verdict key that signs. Another one takes over."""

    revoke_key: None = None


class RestartServer(Step):
    """Stop the server and start it again on the same records."""

    restart_server: None = None


class BackUp(Step):
    """Keep a copy of the server's records."""

    back_up: None = None
    as_: Name = "backup"


class RestoreBackup(Step):
    """Let the server go on with the records of a backup."""

    restore_backup: None = None
    from_: Name = "backup"


class LoseRecords(Step):
    """Let the server go on with an empty database."""

    lose_records: None = None

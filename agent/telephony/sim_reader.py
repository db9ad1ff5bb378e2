"""Reads one SIM for the evidence: PIN state, identity, home network, names."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar

from agent.telephony import commands, sim_files
from agent.telephony.errors import (
    ElementaryFile,
    MalformedAnswerError,
    SimFault,
    SimFileCode,
    SimFileError,
    TelephonyCode,
    TelephonyError,
)
from agent.telephony.identity import assumed_mnc_length
from agent.telephony.session import ModemSession
from agent.telephony.sim_access import SimUnavailableError, read_file, refusal, sim_status
from wire.codes import SimStatus
from wire.evidence import Sim

T = TypeVar("T")

_PIN_STATES: Final = {
    "READY": SimStatus.READY,
    "SIM PIN": SimStatus.PIN_REQUIRED,
    "SIM PUK": SimStatus.PUK_REQUIRED,
    "SIM PIN2": SimStatus.READY,  # required only by commands that the agent does not use
    "SIM PUK2": SimStatus.READY,
    "NOT INSERTED": SimStatus.ABSENT,
}
"""`<code>` of +CPIN (3GPP TS 27.007 clause 8.3). With a personalisation lock (PH-…) the SIM is unreadable."""

_IMSI: Final = re.compile(r'"?([0-9]{6,15})"?')
_ICCID: Final = re.compile(r'"?([0-9]{18,20})[Ff]?"?')


@dataclass(frozen=True, slots=True)
class _Card:
    """A card that is being read. Each file that cannot be read is recorded in `faults`."""

    session: ModemSession
    slot: int
    faults: list[SimFault] = field(default_factory=list)

    def from_file(self, file: ElementaryFile, parse: Callable[[bytes], T | None]) -> T | None:
        """The parsed content of `file`, or None if it is absent or invalid."""
        try:
            content = read_file(self.session, file)
            return None if content is None else parse(content)
        except SimFileError as error:
            self.faults.append(SimFault(self.slot, error.file, error.code, error.offset))
            return None

    def from_command(
        self, command: commands.Command, form: re.Pattern[str], file: ElementaryFile
    ) -> str | None:
        """The content of `file` from a command of the modem, or None."""
        reply = self.session.ask(command)
        if not reply.ok:
            error = refusal(reply, file)
            if isinstance(error, SimUnavailableError):
                raise error
            return None
        try:
            match = form.fullmatch(reply.only(command))
        except MalformedAnswerError:
            match = None
        if match is None:
            self.faults.append(SimFault(self.slot, file, SimFileCode.ANSWER))
        return match and match[1]


def read_sim(session: ModemSession, slot: int) -> tuple[Sim, tuple[SimFault, ...]]:
    """The SIM in the selected slot, and the files that could not be read. Raises TelephonyError.

    For a card that is absent, locked, unusable or without a readable IMSI, only the status is returned.
    """
    card = _Card(session, slot)
    try:
        status = _pin_status(session)
        sim = _read_ready(card) if status is SimStatus.READY else Sim(slot=slot, status=status)
    except SimUnavailableError as error:
        sim = Sim(slot=slot, status=error.status)
    except TelephonyError as error:
        if error.code is not TelephonyCode.COMMAND_TIMED_OUT:
            raise
        sim = Sim(slot=slot, status=SimStatus.UNREADABLE)
    return sim, tuple(card.faults)


def _pin_status(session: ModemSession) -> SimStatus:
    reply = session.ask(commands.PIN_STATE)
    if not reply.ok:
        return sim_status(reply.result) or SimStatus.UNREADABLE
    try:
        return _PIN_STATES.get(reply.only(commands.PIN_STATE).upper(), SimStatus.UNREADABLE)
    except MalformedAnswerError:
        return SimStatus.UNREADABLE


def _read_ready(card: _Card) -> Sim:
    imsi = card.from_command(commands.IMSI, _IMSI, ElementaryFile.IMSI)
    imsi = imsi or card.from_file(ElementaryFile.IMSI, sim_files.parse_imsi)
    if imsi is None:
        return Sim(slot=card.slot, status=SimStatus.UNREADABLE)
    iccid = card.from_file(ElementaryFile.ICCID, sim_files.parse_iccid)
    stated = card.from_file(ElementaryFile.AD, sim_files.parse_mnc_length)
    length = stated or assumed_mnc_length(imsi[:3])
    return Sim(
        slot=card.slot,
        status=SimStatus.READY,
        mcc=imsi[:3],
        mnc=imsi[3 : 3 + length] if length is not None else None,
        mnc_length=stated,
        iccid=iccid or card.from_command(commands.CARD_NUMBER, _ICCID, ElementaryFile.ICCID),
        spn=card.from_file(ElementaryFile.SPN, sim_files.parse_spn),
        gid1=card.from_file(ElementaryFile.GID1, sim_files.parse_gid1),
    )

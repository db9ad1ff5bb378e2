"""Reads one SIM for the evidence: PIN state, identity, home network, names."""

import re
from collections.abc import Callable
from typing import Any, Final, TypeVar

from agent.telephony import commands, sim_files
from agent.telephony.alphabet import SimText
from agent.telephony.errors import ElementaryFile, FaultCode, FaultLog, MalformedError
from agent.telephony.results import CmeError, in_plain_characters
from agent.telephony.session import CommandReply, ModemSession
from agent.telephony.sim_access import read_file
from wire.codes import Registration, SimStatus
from wire.evidence import Serving, Sim

T = TypeVar("T")

_PIN_STATES: Final = {
    "READY": SimStatus.READY,
    "SIMREADY": SimStatus.READY,
    "SIMPIN": SimStatus.PIN_REQUIRED,
    "SIMPUK": SimStatus.PUK_REQUIRED,
    "SIMPIN2": SimStatus.READY,  # required only by commands that the agent does not use
    "SIMPUK2": SimStatus.READY,
    "NOTINSERTED": SimStatus.ABSENT,
    "SIMNOTINSERTED": SimStatus.ABSENT,
    "NOSIM": SimStatus.ABSENT,
    "ABSENT": SimStatus.ABSENT,
    "REMOVED": SimStatus.ABSENT,
    "SIMREMOVED": SimStatus.ABSENT,
    "BLOCKED": SimStatus.UNREADABLE,
    "SIMBLOCKED": SimStatus.UNREADABLE,
}
"""`<code>` of +CPIN (3GPP TS 27.007 clause 8.3) without spaces. PH-… is a personalisation lock: unreadable."""

_STARTING: Final = frozenset(
    {"NOTREADY", "SIMNOTREADY", "SIMBUSY", "BUSY", "INIT", "INITIALIZING", "INITIALISING"}
)
"""Makers' words for a SIM that is still starting."""

_PIN_ERRORS: Final = {
    CmeError.SIM_NOT_INSERTED: SimStatus.ABSENT,
    CmeError.SIM_PIN_REQUIRED: SimStatus.PIN_REQUIRED,
    CmeError.INCORRECT_PASSWORD: SimStatus.PIN_REQUIRED,
    CmeError.SIM_PUK_REQUIRED: SimStatus.PUK_REQUIRED,
}
"""The errors that say what is wrong with the whole card. After any other error its files may still be readable."""

_IMSI: Final = re.compile(r'"?([0-9]{6,15})[Ff]?"?')
_ICCID: Final = re.compile(r"(?<![0-9A-Za-z])([0-9A-Fa-f]{10,20})[pP]{0,2}(?![0-9A-Za-z])")
_SILENT_FILES: Final = 2
"""After so many files without a response, the others are not asked for."""


class SimReader:
    """A card that is being read. `status` is None until its PIN state is known."""

    def __init__(self, session: ModemSession, slot: int, faults: FaultLog) -> None:
        self._session = session
        self._slot = slot
        self._faults = faults
        self._imsi = ""
        self._silent_files = 0
        self._members: dict[str, Any] = {}
        self.status: SimStatus | None = None

    @property
    def has_subscriber(self) -> bool:
        """Whether the IMSI is known."""
        return bool(self._imsi)

    @property
    def sim(self) -> Sim | None:
        """What is known of the card so far."""
        if self.status is None:
            return None
        return Sim(slot=self._slot, status=self.status, **self._members)

    def read(self) -> None:
        """Read the SIM in the selected slot. Raises SessionEndedError.

        Of a card that is absent or locked, only the status is read. Each file that cannot be read is absent, with a
        fault. Without a PIN state that says that the card is ready, a readable IMSI shows it.
        """
        stated = self._pin_status()
        self.status = stated or SimStatus.UNREADABLE
        if stated not in (SimStatus.READY, None):
            return
        self._imsi = self._imsi_of_command() or self._file(ElementaryFile.IMSI, sim_files.parse_imsi) or ""
        if self._imsi:
            self.status = SimStatus.READY
            self._members["mcc"] = self._imsi[:3]
        elif stated is None:
            return
        length = self._file(ElementaryFile.AD, sim_files.parse_mnc_length)
        if length is not None:
            self._members |= {"mnc_length": length, "mnc": self._imsi[3 : 3 + length] or None}
        iccid = self._file(ElementaryFile.ICCID, sim_files.parse_iccid)
        self._members["iccid"] = iccid or self._shown_iccid()
        self._members["spn"] = self._name()
        self._members["gid1"] = self._file(ElementaryFile.GID1, sim_files.parse_gid1)

    def complete(self, serving: Serving) -> None:
        """The MNC from the network on which this SIM is registered at home, if EF_AD did not give its length."""
        plmn = serving.plmn
        if plmn is None or serving.registration is not Registration.HOME or self._members.get("mnc"):
            return
        if self._imsi.startswith(plmn.mcc + plmn.mnc):
            self._members["mnc"] = plmn.mnc

    def _note(self, code: FaultCode, source: str) -> None:
        self._faults.note(code, source, self._slot)

    def _pin_status(self) -> SimStatus | None:
        """The status of the card; None if it is not known. Waits for a card that is still starting."""
        reply = self._session.ask(commands.PIN_STATE)
        while _is_starting(reply) and self._session.wait_for_sim():
            reply = self._session.ask(commands.PIN_STATE)
        if reply.error in _PIN_ERRORS:
            return _PIN_ERRORS[reply.error]
        for code in reversed(_pin_codes(reply)):
            if code in _PIN_STATES:
                return _PIN_STATES[code]
            if code.startswith("PH"):
                return SimStatus.UNREADABLE
        self._note(reply.fault or FaultCode.ANSWER_MALFORMED, commands.PIN_STATE.text)
        return None

    def _imsi_of_command(self) -> str | None:
        reply = self._session.ask(commands.IMSI)
        for line in reply.information:
            match = _IMSI.fullmatch(in_plain_characters(line.strip('"')))
            if match is not None and match[1].strip("0"):
                return match[1]
        self._note(reply.fault or FaultCode.ANSWER_MALFORMED, commands.IMSI.text)
        return None

    def _shown_iccid(self) -> str | None:
        """The ICCID from the first maker's command that shows it."""
        for command in commands.CARD_NUMBERS:
            reply = self._session.ask(command)
            if reply.fault is FaultCode.COMMAND_TIMED_OUT:
                self._note(reply.fault, command.text)
                return None
            for number in (number for line in reply.information for number in _ICCID.findall(line)):
                try:
                    return sim_files.card_number(number)
                except MalformedError as error:
                    self._note(error.code, command.text)
        return None

    def _name(self) -> str | None:
        name = self._file(ElementaryFile.SPN, sim_files.parse_spn) or SimText("", damaged=False)
        if name.damaged:
            self._note(FaultCode.CHARACTER, ElementaryFile.SPN)
        return name.text or None

    def _file(self, file: ElementaryFile, parse: Callable[[bytes], T | None]) -> T | None:
        """The parsed content of `file`, or None if it is absent or cannot be used."""
        if self._silent_files >= _SILENT_FILES:
            self._note(FaultCode.COMMAND_TIMED_OUT, file)
            return None
        try:
            content = read_file(self._session, file)
            return None if content is None else parse(content)
        except MalformedError as error:
            self._silent_files += error.code is FaultCode.COMMAND_TIMED_OUT
            self._note(error.code, file)
            return None


def _pin_codes(reply: CommandReply) -> list[str]:
    """The codes of +CPIN in capitals and without quotes and spaces, in the order of the lines and their parameters."""
    fields = [field for line in reply.information for field in line.split(",")]
    return [re.sub(r"[^0-9A-Z]", "", field.upper()) for field in fields]


def _is_starting(reply: CommandReply) -> bool:
    """Whether the card may still become ready. Modems report a failure of a card that they have not yet powered up."""
    codes = _pin_codes(reply)
    return reply.error is CmeError.SIM_FAILURE or bool(codes and codes[-1] in _STARTING)

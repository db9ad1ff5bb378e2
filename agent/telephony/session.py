"""Commands and answers over the `Modem` port: time-outs, retries, and getting back into step after a time-out.

An AT answer does not say which command it answers. After a time-out the old answer may still come, so the session
probes before it asks anything else: it sends a command with an information response that no outstanding command
can have produced, and drops everything until that response comes. A modem answers in order, so whatever was
outstanding has come by then or never will. A probe that is not answered ends the session.

A time-out is a silence: the line said nothing for so long. There is no clock in here; a modem that keeps talking
is stopped by the bounds of the dialogue.
"""

from dataclasses import dataclass
from typing import Final

from agent.ports import Modem, ModemError
from agent.telephony import commands
from agent.telephony.commands import Command
from agent.telephony.dialogue import Dialogue
from agent.telephony.errors import MalformedAnswerError, TelephonyCode, TelephonyError
from agent.telephony.events import Broken, Ended, Event, Information
from agent.telephony.results import CmeError, FinalResult


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds of silence, and how often to ask.

    `settle` is how long the line must be quiet before a probe, `busy` the pause before a busy SIM is asked again.
    """

    answer: float = 5.0
    settle: float = 0.3
    busy: float = 0.5
    attempts: int = 2
    busy_attempts: int = 5


@dataclass(frozen=True, slots=True)
class CommandReply:
    """What a command brought."""

    information: tuple[str, ...]
    result: FinalResult

    @property
    def ok(self) -> bool:
        """True when the command was carried out."""
        return self.result.ok

    def only(self, command: Command) -> str:
        """The one information line, or the newest where the command allows several. Raises MalformedAnswerError."""
        if not self.information or (len(self.information) > 1 and not command.repeats):
            raise MalformedAnswerError(f"{len(self.information)} information lines")
        return self.information[-1]


_PROBES: Final = (commands.ERROR_MODE, commands.IMEI)
_DRAIN_READS: Final = 64


def _told_apart(probe: Command, outstanding: Command | None) -> bool:
    """Whether a late answer to `outstanding` cannot pass for the probe's: IMSI, IMEI and card number are all digits."""
    return outstanding is None or (probe != outstanding and not (probe.bare and outstanding.bare))


class ModemSession:
    """A conversation with one modem. Every method raises TelephonyError when the modem is gone, silent or babbling."""

    def __init__(self, modem: Modem, patience: Patience) -> None:
        self._modem = modem
        self._patience = patience
        self._dialogue = Dialogue()

    def open(self) -> None:
        """Clear the line, ask for no echo, worded results and numbered errors, and make sure of being in step.

        A modem that knows one of these settings not is read all the same.
        """
        self._drain()
        for setting in (commands.PLAIN_ANSWERS, commands.NUMERIC_ERRORS):
            if self._exchange(setting) is None:
                self._synchronise(setting)
        self._synchronise(None)

    def ask(self, command: Command) -> CommandReply:
        """Send `command` and wait for its answer; again after a time-out, and while the SIM is busy."""
        for _ in range(self._patience.attempts):
            reply = self._ask_while_busy(command)
            if reply is not None:
                return reply
            self._synchronise(command)
        raise TelephonyError(
            TelephonyCode.COMMAND_TIMED_OUT, command.text, "the modem answers other commands"
        )

    def _ask_while_busy(self, command: Command) -> CommandReply | None:
        reply = self._exchange(command)
        for _ in range(self._patience.busy_attempts):
            if reply is None or reply.result.error is not CmeError.SIM_BUSY:
                break
            self.pause()
            reply = self._exchange(command)
        return reply

    def pause(self) -> None:
        """Give the modem time, listening."""
        self._events(self._patience.busy)

    def _exchange(self, command: Command, *, probing: bool = False) -> CommandReply | None:
        """One command and its answer, or None after a time-out."""
        self._write(self._dialogue.send(command, probing=probing))
        information: list[str] = []
        while (events := self._events(self._patience.answer)) is not None:
            for event in events:
                if isinstance(event, Information):
                    information.append(event.content)
                elif isinstance(event, Ended):
                    return CommandReply(tuple(information), event.result)
        self._dialogue.abandon()
        return None

    def _synchronise(self, outstanding: Command | None) -> None:
        for probe in _PROBES:
            self._drain()
            if _told_apart(probe, outstanding) and self._exchange(probe, probing=True) is not None:
                return
        text = outstanding.text if outstanding is not None else _PROBES[-1].text
        raise TelephonyError(TelephonyCode.MODEM_SILENT, text, "no answer, and none to a probe")

    def _drain(self) -> None:
        for _ in range(_DRAIN_READS):
            if self._events(self._patience.settle) is None:
                return

    def _events(self, timeout: float) -> tuple[Event, ...] | None:
        """What the next octets mean; None when none came in time."""
        try:
            data = self._modem.read(timeout)
        except ModemError as error:
            raise self._gone(error) from error
        events = self._dialogue.receive(data)
        for event in events:
            if isinstance(event, Broken):
                raise TelephonyError(event.code, self._asking(), "the modem broke a bound of the dialogue")
        return events if data else None

    def _write(self, data: bytes) -> None:
        try:
            self._modem.write(data)
        except ModemError as error:
            raise self._gone(error) from error

    def _gone(self, error: ModemError) -> TelephonyError:
        return TelephonyError(TelephonyCode.MODEM_GONE, self._asking(), f"the line failed: {error.code}")

    def _asking(self) -> str:
        return self._dialogue.pending.text if self._dialogue.pending is not None else "idle line"

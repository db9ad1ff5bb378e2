"""Commands and responses over the `Modem` port: time-outs, retries, and synchronisation after a time-out.

An AT response does not identify its command. After a time-out the old response may still arrive, so the session sends
a probe before any other command: a command whose information response differs from that of the pending command. All
input before the response to the probe is ignored. A modem responds in order, so no older response can arrive after it.
If there is no response to a probe, the session fails.

A time-out means that no byte arrived for a period. No clock is needed: the bounds of the dialogue stop a modem that
sends without end.
"""

from dataclasses import dataclass
from typing import Final

from agent.ports import Modem, ModemError
from agent.telephony import commands
from agent.telephony.commands import Command
from agent.telephony.dialogue import Broken, Dialogue, DialogueEvent, Ended, Information
from agent.telephony.errors import MalformedAnswerError, TelephonyCode, TelephonyError
from agent.telephony.results import CmeError, FinalResult


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds without input, and how often to try.

    `settle` is how long the line must be quiet before a probe, `busy` the pause before a busy SIM is asked again.
    """

    answer: float = 5.0
    settle: float = 0.3
    busy: float = 0.5
    attempts: int = 2
    busy_attempts: int = 5


@dataclass(frozen=True, slots=True)
class CommandReply:
    """The response to a command."""

    information: tuple[str, ...]
    result: FinalResult

    @property
    def ok(self) -> bool:
        """Whether the command succeeded."""
        return self.result.ok

    def only(self, command: Command) -> str:
        """The only information line, or the last one if the command allows several. Raises MalformedAnswerError."""
        if not self.information or (len(self.information) > 1 and not command.repeats):
            raise MalformedAnswerError(f"{len(self.information)} information lines")
        return self.information[-1]


_PROBES: Final = (commands.ERROR_MODE, commands.IMEI)
_DRAIN_READS: Final = 64


class ModemSession:
    """A dialogue with one modem. All methods raise TelephonyError if the line fails, times out or exceeds a bound."""

    def __init__(self, modem: Modem, patience: Patience) -> None:
        self._modem = modem
        self._patience = patience
        self._dialogue = Dialogue()

    def open(self) -> None:
        """Clear the line, set no echo, text results and numeric errors, and synchronise.

        Settings that the modem does not support are skipped.
        """
        self._drain()
        for setting in (commands.PLAIN_ANSWERS, commands.NUMERIC_ERRORS):
            if self._exchange(setting) is None:
                self._synchronise(setting)
        self._synchronise(None)

    def ask(self, command: Command) -> CommandReply:
        """Send `command` and return the response. Repeats it after a time-out and while the SIM is busy."""
        for _ in range(self._patience.attempts):
            reply = self._ask_while_busy(command)
            if reply is not None:
                return reply
            self._synchronise(command)
        raise TelephonyError(
            TelephonyCode.COMMAND_TIMED_OUT,
            command.text,
            "no response, but the modem responds to other commands",
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
        """Wait while reading input."""
        self._events(self._patience.busy)

    def _exchange(self, command: Command, *, probing: bool = False) -> CommandReply | None:
        """One command and its response, or None after a time-out."""
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
            # A late response to `outstanding` must not look like that of the probe: IMEI and IMSI are both digits.
            distinct = outstanding is None or (probe != outstanding and not (probe.bare and outstanding.bare))
            if distinct and self._exchange(probe, probing=True) is not None:
                return
        text = outstanding.text if outstanding is not None else _PROBES[-1].text
        raise TelephonyError(TelephonyCode.MODEM_SILENT, text, "no response, and none to a probe")

    def _drain(self) -> None:
        for _ in range(_DRAIN_READS):
            if self._events(self._patience.settle) is None:
                return

    def _events(self, timeout: float) -> tuple[DialogueEvent, ...] | None:
        """The events of the next input, or None after a time-out."""
        try:
            data = self._modem.read(timeout)
        except ModemError as error:
            raise self._line_error(error) from error
        events = self._dialogue.receive(data)
        for event in events:
            if isinstance(event, Broken):
                raise TelephonyError(
                    event.code, self._pending_text(), "the modem exceeded a bound of the dialogue"
                )
        return events if data else None

    def _write(self, data: bytes) -> None:
        try:
            self._modem.write(data)
        except ModemError as error:
            raise self._line_error(error) from error

    def _line_error(self, error: ModemError) -> TelephonyError:
        return TelephonyError(
            TelephonyCode.MODEM_GONE, self._pending_text(), f"the line failed: {error.code}"
        )

    def _pending_text(self) -> str:
        return self._dialogue.pending.text if self._dialogue.pending is not None else "idle line"

"""Commands and responses over the `Modem` port: time-outs, retries, and synchronisation after a time-out.

An AT response does not identify its command. After a time-out the old response may still arrive, so the session sends
a probe before any other command: a command whose information response differs from that of the pending command. All
input before the response to the probe is ignored. A modem responds in order, so no older response can arrive after it.
If there is no response to any probe, the session ends.

Each command has a deadline, and so has the session. Time is the sum of the time-outs of the reads that returned
nothing, or what the optional `elapsed` of the port says, whichever is more: a modem that sends a byte now and then does
not extend a deadline, and a port that returns immediately costs no waiting.
"""

from dataclasses import dataclass
from typing import Final

from agent.ports import Modem, ModemError
from agent.telephony import commands
from agent.telephony.commands import Command
from agent.telephony.dialogue import Broken, Dialogue, DialogueEvent, Ended, Information, Stale, Uninformed
from agent.telephony.errors import FaultCode, SessionEndedError
from agent.telephony.results import CmeError, FinalResult


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds, and how often to try.

    `answer` is for one command that matters and `optional` for one that does not, `reading` for all of them together.
    `late` is how long a modem that has answered a probe before may still work on an older command.
    `settle` is how long the line must be quiet before a probe. A SIM that is busy or still starting is asked again
    after `busy` seconds, for `start` seconds in all.
    """

    answer: float = 5.0
    optional: float = 3.0
    late: float = 20.0
    reading: float = 90.0
    settle: float = 0.3
    busy: float = 0.5
    start: float = 30.0
    attempts: int = 2


@dataclass(frozen=True, slots=True)
class CommandReply:
    """The response to a command.

    `result` is None without a final result code. `fault` says why there is no information, or, for a command without
    information, why it has not succeeded.
    """

    information: tuple[str, ...] = ()
    result: FinalResult | None = None
    fault: FaultCode | None = None

    @property
    def ok(self) -> bool:
        """Whether the command succeeded."""
        return self.result is not None and self.result.ok

    @property
    def error(self) -> CmeError | None:
        """The error with which the command ended, if it has a number or a text."""
        return self.result.error if self.result is not None else None


_DRAIN_READS: Final = 64
_SILENT_PROBES: Final = 3
"""After so many probes without a line of output, the modem is silent."""


class ModemSession:
    """A dialogue with one modem. All methods raise SessionEndedError if it cannot continue."""

    def __init__(self, modem: Modem, patience: Patience) -> None:
        self._modem = modem
        self._patience = patience
        self._dialogue = Dialogue()
        self._waited = 0.0
        self._elapsed = getattr(modem, "elapsed", lambda: 0.0)
        self._started = self._elapsed()
        self._start_left = patience.start
        self._heard = False
        self._stale: list[bool] = []
        self._events_heard = 0
        self._probe: Command | None = None  # one that this modem has answered

    def open(self) -> None:
        """Clear the line, set no echo, text results and numeric errors, and synchronise.

        Settings that the modem does not support are skipped.
        """
        self._drain()
        for setting in (commands.PLAIN_ANSWERS, commands.NUMERIC_ERRORS):
            if self._exchange(setting).result is None:
                self._synchronise(setting)
        self._synchronise(None)

    def ask(self, command: Command) -> CommandReply:
        """Send `command` and return the response.

        Repeated while the SIM is busy. After a time-out repeated if the response came late, or once if the command is
        not optional.
        """
        reply = CommandReply()
        for _ in range(self._patience.attempts):
            reply = self._ask_while_busy(command)
            if reply.result is not None:
                break
            came_late = self._synchronise(command)
            again = came_late or (reply.fault is FaultCode.COMMAND_TIMED_OUT and not command.optional)
            if reply.information or not again:
                break
        return reply

    def wait_for_sim(self) -> bool:
        """Wait for a SIM that is still starting. False if the time for that is used up."""
        if self._start_left <= 0:
            return False
        before = self._now()
        for _ in range(_DRAIN_READS):
            left = before + self._patience.busy - self._now()
            if left <= 0:
                break
            self._events(left)
        self._start_left -= max(self._patience.busy, self._now() - before)
        return True

    def _ask_while_busy(self, command: Command) -> CommandReply:
        reply = self._exchange(command)
        while reply.error is CmeError.SIM_BUSY and self.wait_for_sim():
            reply = self._exchange(command)
        return reply

    def _exchange(
        self, command: Command, *, probing: bool = False, seconds: float | None = None
    ) -> CommandReply:
        """One command and its response; without a result after a time-out, an excess, or OK without information."""
        now = self._now()
        if now >= self._patience.reading:
            raise SessionEndedError(FaultCode.READING_TIMED_OUT, command.text)
        quick = command.optional or probing
        usual = self._patience.optional if quick else self._patience.answer
        deadline = now + (usual if seconds is None else seconds)
        self._write(self._dialogue.send(command, probing=probing))
        information: list[str] = []
        fault = FaultCode.COMMAND_TIMED_OUT
        while (left := deadline - self._now()) > 0 and self._dialogue.pending is not None:
            for event in self._events(left):
                match event:
                    case Information(content):
                        information.append(content)
                    case Ended(result):
                        sufficient = bool(information) if command.form is not None else result.ok
                        refused = None if sufficient else FaultCode.COMMAND_REFUSED
                        return CommandReply(tuple(information), result, refused)
                    case Uninformed():
                        # The information may follow, or the OK may belong to an older command.
                        fault = FaultCode.ANSWER_EMPTY
                        deadline = min(deadline, self._now() + self._patience.settle)
                    case Broken(code):
                        fault = code
                    case _:
                        pass
        self._dialogue.abandon()
        return CommandReply(tuple(information), None, None if information else fault)

    def _synchronise(self, outstanding: Command | None) -> bool:
        """Make sure that no older response can arrive. Returns whether that to `outstanding` has arrived meanwhile.

        A modem that refuses each probe with one error, and has not answered one of them before, is taken as
        synchronised: after each error the line was quiet until the time-out. The probe that was answered last comes
        first, with more time: some modems answer a question about the network or the SIM only when it has been found.
        """
        self._heard = False
        self._events_heard = 0
        self._stale.clear()
        self._drain()
        refused: list[bool] = []
        probes = self._probes_for(outstanding)
        for probe in probes:
            before = len(self._stale)
            late = self._patience.late if probe == self._probe else None
            reply = self._exchange(probe, probing=True, seconds=late)
            if reply.information and reply.ok:
                self._probe = probe
                return bool(self._stale)
            self._drain()
            refused.append(self._stale[before:] == [False])
            if not self._events_heard and len(refused) == _SILENT_PROBES:
                break
        if all(refused) and self._probe not in probes:
            return False
        code = FaultCode.MODEM_NOT_UNDERSTOOD if self._heard else FaultCode.MODEM_SILENT
        raise SessionEndedError(code, (outstanding or commands.PROBES[0]).text)

    def _probes_for(self, outstanding: Command | None) -> list[Command]:
        """The probes whose response cannot be mistaken for a late one to `outstanding`.

        IMEI, IMSI and ICCID are all digits.
        """
        probes = sorted(commands.PROBES, key=lambda probe: probe != self._probe)
        if outstanding is None:
            return probes
        return [probe for probe in probes if probe != outstanding and not (probe.bare and outstanding.bare)]

    def _drain(self) -> None:
        """Ignore input until the line is quiet."""
        deadline = self._now() + self._patience.optional
        for _ in range(_DRAIN_READS):
            before = self._waited
            self._events(self._patience.settle)
            if self._waited > before or self._now() >= deadline:
                return

    def _events(self, timeout: float) -> tuple[DialogueEvent, ...]:
        """The events of the next input; none after a time-out, which is then added to the time."""
        try:
            data = self._modem.read(timeout)
        except ModemError:
            raise SessionEndedError(FaultCode.MODEM_GONE, self._pending_text()) from None
        if not data:
            self._waited += timeout
            return ()
        self._heard = True
        events = self._dialogue.receive(data)
        self._events_heard += len(events)
        self._stale += [event.ok for event in events if isinstance(event, Stale)]
        return events

    def _write(self, data: bytes) -> None:
        try:
            self._modem.write(data)
        except ModemError:
            raise SessionEndedError(FaultCode.MODEM_GONE, self._pending_text()) from None

    def _now(self) -> float:
        """Seconds since the session began."""
        elapsed: float = self._elapsed() - self._started
        return max(self._waited, elapsed)

    def _pending_text(self) -> str:
        return self._dialogue.pending.text if self._dialogue.pending is not None else "idle line"

"""Parts of a device that can fail: store, counter and modem with faults, and a power cut at a chosen effect."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from agent.ports import Answer, CounterError, Modem, ModemError, StoreError
from lab.handset.storage import EmulatedCounter, EmulatedStore
from lab.scenario.model.device_steps import ModemBreakage
from lab.world.network import ForwardingTransport, Request, UpstreamTransport

if TYPE_CHECKING:
    from collections.abc import Callable


class PowerCut(BaseException):
    """The device loses power. Not an `Exception`, so that the agent cannot catch it."""


@dataclass
class PowerCutTrigger:
    """Cuts the power at effect number `at`, counted from 1; 0 for never. `effects` counts those so far; `fired` says
    whether it was cut.

    Effects are what remains after a cut: a write, a count, a request, a screen. Each has a checkpoint before and after.
    """

    at: int = 0
    effects: int = 0
    fired: bool = False

    def set(self, at: int) -> None:
        """Count from 0 again."""
        self.at, self.effects, self.fired = at, 0, False

    def checkpoint(self) -> None:
        """Count an effect. Raises PowerCut."""
        self.effects += 1
        if self.at and self.effects == self.at:
            self.at, self.fired = 0, True
            raise PowerCut


class FaultyStore(EmulatedStore):
    """A state partition that can be full, and whose content can be replaced from outside.

    `on_change` is called with each new content.
    """

    def __init__(self, power_cut: PowerCutTrigger) -> None:
        super().__init__()
        self._power_cut = power_cut
        self.full = False
        self.on_change: Callable[[bytes | None], None] = lambda _: None

    def write(self, content: bytes) -> None:
        """Replace the content. Raises StoreError if the disk is full."""
        self._power_cut.checkpoint()
        if self.full:
            raise StoreError("disk-full", "no space left")
        super().write(content)
        self.on_change(content)
        self._power_cut.checkpoint()

    def put(self, content: bytes | None) -> None:
        """Replace the content from outside; None deletes it."""
        self._content = content
        self.on_change(content)

    def erase(self) -> None:
        """Erase the content, as a factory reset does."""
        self.put(None)


class FaultyCounter(EmulatedCounter):
    """A monotonic counter that can stop answering, or be replaced by another chip."""

    def __init__(self, power_cut: PowerCutTrigger) -> None:
        super().__init__()
        self._power_cut = power_cut
        self.silent = False

    def value(self) -> int:
        """The count. Raises CounterError if it does not respond."""
        if self.silent:
            raise CounterError("counter-silent", "the counter does not respond")
        return super().value()

    def increment(self) -> int:
        """Count up by one. Raises CounterError if it does not respond."""
        self._power_cut.checkpoint()
        self.value()
        count = super().increment()
        self._power_cut.checkpoint()
        return count

    def replace(self, count: int = 0) -> None:
        """Put in another chip with this count."""
        self._value = count


class FaultyModemLine:
    """The line between the agent and its modem. `connect` makes the port of the agent; all of them break together."""

    def __init__(self) -> None:
        self.breakage: ModemBreakage | None = None

    def break_by(self, breakage: ModemBreakage | None) -> None:
        """Fail in this way from now on; None repairs the line."""
        self.breakage = breakage

    def connect(self, modem: Modem) -> Modem:
        """The port of the agent to `modem`."""
        return _FaultyModem(self, modem)


_SENSELESS: Final = {
    ModemBreakage.SENSELESS: b"\r\n%STATUS <<7|?>>\r\n\r\nDONE SO\r\n",
    ModemBreakage.NOISY: bytes(range(0x80, 0x90)) + b"\x00\xff\r\n",
}
_CUT_AFTER: Final = 5
"""Commands that are answered before the line is cut."""


class _FaultyModem:
    """Implements `agent.ports.Modem`."""

    def __init__(self, line: FaultyModemLine, modem: Modem) -> None:
        self._line = line
        self._modem = modem
        self._garbage = b""
        self._commands = 0

    def write(self, data: bytes) -> None:
        """Send all of `data`, unless the line is broken. Raises ModemError."""
        self._check()
        match self._line.breakage:
            case None | ModemBreakage.CUT:
                self._commands += data.count(b"\r")
                self._modem.write(data)
            case ModemBreakage.SENSELESS | ModemBreakage.NOISY as how:
                self._garbage += _SENSELESS[how] * data.count(b"\r")

    def read(self, timeout: float) -> bytes:
        """The next bytes, or what a broken line gives. Raises ModemError."""
        self._check()
        if self._line.breakage in (None, ModemBreakage.CUT):
            return self._modem.read(timeout)
        garbage, self._garbage = self._garbage, b""
        return garbage

    def _check(self) -> None:
        how = self._line.breakage
        if how is ModemBreakage.GONE:
            raise ModemError("modem-removed", "there is no such port")
        if how is not ModemBreakage.CUT:
            self._commands = 0
        elif self._commands >= _CUT_AFTER:
            self._commands = 0  # the next reading opens the line again
            raise ModemError("line-cut", "the line failed")


@dataclass
class PowerCutTransport(ForwardingTransport):
    """Sends requests on `upstream`, with a checkpoint before each request and after its response."""

    upstream: UpstreamTransport
    power_cut: PowerCutTrigger

    def _carry(self, request: Request) -> Answer:
        self.power_cut.checkpoint()
        answer = request.send(self.upstream)
        self.power_cut.checkpoint()
        return answer

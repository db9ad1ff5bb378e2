"""The timeline of a device: the journal of its agent, its requests, and what its user saw and did."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from agent.core.effects import Effect
from agent.core.events import CodeRefused, Collected, Event, EventKind, Failed, VerdictReceived
from agent.core.screens import LockCause, ScreenFacts, ScreenId
from agent.core.states import State
from agent.core.step import RejectedEventError
from agent.ports import PortError
from agent.sealing import SealFault
from lab.handset import unverified_tokens
from lab.world.network import Request
from wire import media
from wire.evidence import TelephonyFault

if TYPE_CHECKING:
    from agent.verification.verdict import VerifiedVerdict


COMPLETE: Final = "complete"
"""The modem has reported everything that the evidence needs."""


class Who(StrEnum):
    """The source of an entry."""

    PHONE = "phone"
    USER = "user"
    AGENT = "agent"
    NETWORK = "network"
    SCREEN = "screen"
    MANUFACTURER = "vendor"


@dataclass(frozen=True, slots=True)
class Entry:
    """One event, `at` seconds after the device was created. `detail` is JSON."""

    at: float
    who: Who
    what: str
    detail: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The members of the JSON output; an empty detail is omitted."""
        entry = {"at": self.at, "who": self.who.value, "what": self.what}
        return entry | ({"detail": self.detail} if self.detail else {})


_UNSAID: tuple[Any, ...] = (None, "", (), [], LockCause.NONE)


class Timeline:
    """Implements `agent.ports.Journal`, and keeps its entries together with those of the lab."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._began = now()
        self.entries: list[Entry] = []
        self.verdicts: list[VerifiedVerdict] = []

    def note(self, who: Who, what: str, **detail: Any) -> None:
        """Add an entry. Details with the value None are omitted."""
        at = round(self._now() - self._began, 3)
        self.entries.append(Entry(at, who, what, {k: v for k, v in detail.items() if v is not None}))

    def recovered(self, state: State, fault: SealFault | None) -> None:
        """The state that was found at boot."""
        self.note(Who.AGENT, "recovered", fault=fault, setup=state.setup, lock=state.lock)

    def stepped(self, event: Event, before: State, after: State, effects: Sequence[Effect]) -> None:
        """An event and its effects."""
        if isinstance(event, VerdictReceived):
            self.verdicts.append(event.verdict)
        moved = {
            name: f"{getattr(before, name)} → {getattr(after, name)}"
            for name in ("setup", "exchange", "lock", "attention")
            if getattr(before, name) is not getattr(after, name)
        }
        if before.modem is not after.modem and event.kind is EventKind.COLLECTED:
            moved["modem"] = f"{before.modem or COMPLETE} → {after.modem or COMPLETE}"
        done = [type(effect).__name__ for effect in effects]
        self.note(Who.AGENT, event.kind.value, **moved, **_why(event), effects=done or None)

    def rejected(self, error: RejectedEventError) -> None:
        """An event that the state machine rejected."""
        self.note(
            Who.AGENT, error.event.kind.value, rejected=error.rejection, by=error.machine, **_why(error.event)
        )

    def not_sealed(self, event: Event, error: PortError) -> None:
        """An event that was undone because its state could not be sealed, with its verdict."""
        if isinstance(event, VerdictReceived):
            self.verdicts.pop()
        self.note(Who.AGENT, event.kind.value, undone=error.code)

    def shown(self, screen: ScreenId, facts: ScreenFacts) -> None:
        """A screen that was shown."""
        values = ((each.name, getattr(facts, each.name)) for each in fields(facts))
        said = {name: value for name, value in values if value not in _UNSAID}
        self.note(Who.SCREEN, screen.value, **said)

    def carried(self, request: Request) -> None:
        """A request that the device sent; `repeat` counts the repeats of one request."""
        sent = unverified_tokens.token(request.body) if request.content_type == media.EVIDENCE else None
        what = f"{request.method} {request.path}"
        last = self.entries[-1] if self.entries else None
        repeat = None
        if last is not None and (last.who, last.what) == (Who.NETWORK, what):
            repeat = last.detail.get("repeat", 0) + 1
        self.note(Who.NETWORK, what, repeat=repeat, sent=sent, **_outcome(request))


def _why(event: Event) -> dict[str, Any]:
    """The failure of an exchange or of an unlock code, and what the modem did not report."""
    if isinstance(event, Failed):
        return {"trouble": event.trouble, "code": event.code}
    if isinstance(event, Collected) and event.faults:
        return {"left_out": [_fault(fault) for fault in event.faults]}
    return {"code": event.code} if isinstance(event, CodeRefused) else {}


def _fault(fault: TelephonyFault) -> str:
    """A part of the reading that was left out: its source, its slot if it is that of a card, and the reason."""
    slot = "" if fault.slot is None else f" in slot {fault.slot + 1}"
    return f"{fault.source}{slot}: {fault.code}"


def _outcome(request: Request) -> dict[str, Any]:
    answer = request.answer
    if answer is None:
        return {"fault": request.fault}
    if request.method == "GET":
        # The file is public, and its meaning appears in the next actions of the agent.
        return {"status": answer.status, "octets": len(answer.body)}
    if answer.media_type == media.VERDICT:
        return {"status": answer.status, "received": unverified_tokens.token(answer.body)}
    text = answer.body.decode("utf-8", "replace") if len(answer.body) < 2000 else f"{len(answer.body)} bytes"
    return {"status": answer.status, "received": text}

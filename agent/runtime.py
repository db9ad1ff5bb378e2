"""The effect loop: events in, effects carried out in order, their outcomes back in as events. Nothing else.

The order is the contract: a state is sealed before anyone sees it or hears of it. If it cannot be sealed, the
event has not happened.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from enum import Enum
from typing import Final

from agent import evidence, responses, unlock_code
from agent.core.effects import (
    Collect,
    Effect,
    Persist,
    RequestChallenge,
    RequestVerdict,
    SetAlarm,
    Show,
    ShowImei,
)
from agent.core.events import (
    ChallengeReceived,
    CodeRefused,
    Collected,
    Event,
    EventKind,
    Failed,
    SimpleEvent,
    VerdictReceived,
)
from agent.core.screen_selection import facts_of, screen_of
from agent.core.screens import ScreenFacts, ScreenId, Trouble
from agent.core.states import Exchange, Lock, State, fresh
from agent.core.step import RejectedEventError, step
from agent.core.timing import Context, delay, due, trusted_now
from agent.image import Image
from agent.ports import (
    AttestedKey,
    CounterError,
    KeySourceError,
    KeystoreError,
    ModemError,
    Ports,
    StoreError,
    TransportError,
)
from agent.responses import ExchangeError
from agent.sealing import Recovered, SealFault, recover, seal
from agent.telephony.reader import TelephonyError, TelephonyReading, read_telephony
from agent.verification import verdict
from agent.verification.errors import VerificationError
from wire import media
from wire.unlock import UnlockChallenge

UNDER_WAY: Final = (Exchange.COLLECTING, Exchange.CHALLENGING, Exchange.AWAITING_VERDICT)


class Phase(Enum):
    """Whether the agent has started in this boot session."""

    DOWN = "down"
    UP = "up"


class Agent:
    """The agent of one phone between a boot and the next.

    `boot` comes first; then `handle` for what the user and the system do, and `wake` when the alarm goes.
    """

    def __init__(self, image: Image, ports: Ports) -> None:
        self._image = image
        self._ports = ports
        self._state = fresh(image.built_at)
        self._sealing_key = b""
        self._reading: TelephonyReading | None = None
        self._queue: deque[Event] = deque()
        self._phase = Phase.DOWN

    @property
    def state(self) -> State:
        """Where the machines stand."""
        return self._state

    def boot(self) -> None:
        """Recover the sealed state and start. What cannot be read now is left as it is, and tried again later."""
        found = self._recover()
        self._state = found.state
        self._ports.journal.recovered(found.state, found.fault)
        if found.fault is SealFault.UNREADABLE:
            self._complain()
            return
        self._phase = Phase.UP
        self.handle(SimpleEvent(EventKind.BOOTED))

    def handle(self, event: Event) -> None:
        """Let an event happen and do everything that follows from it. On a phone that is not up yet, boot it."""
        if self._phase is Phase.DOWN:
            self.boot()
            return
        self._queue.append(event)
        while self._queue:
            self._step(self._queue.popleft())

    def wake(self) -> None:
        """Let everything happen that is due, each kind once; with nothing due, seal how late it is."""
        if self._phase is Phase.DOWN:
            self.boot()
            return
        done: set[EventKind] = set()
        while (kind := due(self._state, self._context())) and kind not in done:
            done.add(kind)
            self.handle(SimpleEvent(kind))
        if not done:
            self.handle(SimpleEvent(EventKind.HEARTBEAT))

    def enter_code(self, code: bytes) -> None:
        """Somebody gives the lock screen an unlock code: a verdict, typed, from a file or from a picture."""
        if self._state.lock is Lock.LOCKED:
            self.handle(self._judge_code(code))
        else:
            self.handle(CodeRefused("not-locked"))

    def _recover(self) -> Recovered:
        blank = fresh(self._image.built_at, self._ports.clock.elapsed())
        try:
            self._sealing_key = self._ports.keystore.sealing_key()
            content, counter = self._ports.store.read(), self._ports.counter.value()
            found = recover(content, self._sealing_key, counter, blank)
            if found.behind:
                self._ports.counter.increment()
        except (StoreError, CounterError, KeystoreError):
            return Recovered(blank, SealFault.UNREADABLE)
        return found

    def _context(self) -> Context:
        return Context(self._ports.clock.elapsed(), self._ports.entropy.fraction())

    def _step(self, event: Event) -> None:
        before = self._state
        try:
            after, effects = step(before, event, self._context())
        except RejectedEventError as error:
            self._ports.journal.rejected(error)
            return
        self._ports.journal.stepped(event, before, after, effects)
        self._state = after
        try:
            for effect in effects:
                self._perform(effect)
        except (StoreError, CounterError) as error:
            self._undo(event, before, error)

    def _undo(self, event: Event, before: State, error: StoreError | CounterError) -> None:
        """Nothing counts that is not sealed: the phone is as it was, says so, and tries what is due again later."""
        self._ports.journal.not_sealed(event, error)
        self._state = before
        if before.exchange in UNDER_WAY:
            self._queue.append(Failed(Trouble.NO_STORAGE, error.code))
            return
        if event.kind is EventKind.BOOTED:
            self._phase = Phase.DOWN
        self._complain()

    def _complain(self) -> None:
        """Say that the storage fails, on the screen that stands or, before there is one, while waiting; try soon."""
        blank = self._phase is Phase.DOWN and self._state.lock is Lock.UNPROVISIONED
        screen = ScreenId.WAITING if blank else screen_of(self._state)
        context = self._context()
        self._show(screen, replace(facts_of(self._state, context), trouble=Trouble.NO_STORAGE))
        self._ports.alarm.set(delay(Trouble.NO_STORAGE, 1, context.fraction, None))

    def _perform(self, effect: Effect) -> None:
        """Carry out one effect; what comes of it joins the queue."""
        match effect:
            case Persist():
                self._persist()
            case Show(screen, facts):
                self._show(screen, facts)
            case ShowImei(screen, facts):
                self._show(screen, replace(facts, imeis=self._imeis()))
            case SetAlarm(after):
                self._ports.alarm.set(after)
            case Collect():
                self._follow(self._collect)
            case RequestChallenge():
                self._follow(self._request_challenge)
            case RequestVerdict(nonce):
                self._follow(lambda: self._request_verdict(nonce))

    def _show(self, screen: ScreenId, facts: ScreenFacts) -> None:
        """Put a screen before the user; the lock screen with what an unlock code must answer."""
        if screen is ScreenId.TERMS:
            facts = replace(facts, terms_version=self._image.terms_version)
        if screen is ScreenId.LOCKED and (asked := self._challenge()):
            facts = replace(facts, challenge=asked.text())
        self._ports.display.show(screen, facts)

    def _challenge(self) -> UnlockChallenge | None:
        return unlock_code.challenge(self._state.memory, self._sealing_key)

    def _follow(self, act: Callable[[], Event]) -> None:
        """What the outside answered, or how it failed, as the next event."""
        try:
            event = act()
        except TransportError as error:
            event = responses.unreachable(error)
        except ExchangeError as error:
            event = error.failed
        except VerificationError as error:
            event = Failed(Trouble.UNTRUSTED, error.code)
        except KeySourceError as error:
            event = Failed(error.trouble, error.code, error.retry_after)
        except KeystoreError as error:
            event = Failed(Trouble.NO_KEYS, error.code)
        except (ModemError, TelephonyError) as error:
            event = Failed(Trouble.NO_TELEPHONY, error.code)
        self._queue.append(event)

    def _persist(self) -> None:
        counter = self._ports.counter.value() + 1
        self._ports.store.write(seal(self._state, self._sealing_key, counter))
        self._ports.counter.increment()

    def _collect(self) -> Event:
        self._reading = read_telephony(self._ports.modem)
        return Collected(self._reading.imeis[0])

    def _request_challenge(self) -> Event:
        answer = self._ports.transport.post(
            media.CHALLENGES_PATH, b"", content_type=media.JSON, accept=media.JSON
        )
        return ChallengeReceived(responses.challenge_in(answer).nonce)

    def _request_verdict(self, nonce: str) -> Event:
        keys = self._ports.keys.keys(trusted_now(self._state, self._context()))
        key = self._ports.keystore.attest(nonce.encode())
        answer = self._ports.transport.post(
            media.VERDICTS_PATH, self._evidence(key), content_type=media.EVIDENCE, accept=media.VERDICT
        )
        token = responses.token_in(answer)
        now = trusted_now(self._state, self._context())
        return VerdictReceived(
            verdict.verify(token, keys, expected=self._expected(key.thumbprint, nonce), now=now)
        )

    def _judge_code(self, code: bytes) -> Event:
        """The verdict in an unlock code, verified with what this phone has at hand without a network."""
        asked = self._challenge()
        if asked is None:
            return CodeRefused("nothing-asked")
        expected = self._expected(self._state.memory.thumbprint, asked.eat_nonce)
        try:
            keys = self._ports.keys.cached_keys()
            now = trusted_now(self._state, self._context())
            return VerdictReceived(unlock_code.verify(code, keys, expected=expected, now=now))
        except (KeySourceError, VerificationError, unlock_code.CodeError) as error:
            return CodeRefused(error.code)

    def _evidence(self, key: AttestedKey) -> bytes:
        if self._reading is None:
            raise ModemError("not-read", "evidence was asked for before the modem was read")
        ports = self._ports
        observed = evidence.Observed(
            self._reading,
            ports.surroundings.wifi(),
            ports.surroundings.location(),
            int(ports.clock.elapsed()),
            ports.clock.wall(),
        )
        return evidence.sign(evidence.claims(self._state, self._image, observed), key)

    def _expected(self, thumbprint: str, nonce: str) -> verdict.Expected:
        memory = self._state.memory
        return verdict.Expected(
            issuer=self._image.issuer,
            audience=self._image.audience,
            thumbprint=thumbprint,
            nonce=nonce,
            serial=memory.serial,
            policy_version=memory.policy_version,
            reckoning=verdict.TimeCertainty.EXACT if self._state.anchored else verdict.TimeCertainty.AT_LEAST,
        )

    def _imeis(self) -> tuple[str, ...]:
        try:
            return read_telephony(self._ports.modem).imeis
        except (ModemError, TelephonyError):
            return ()

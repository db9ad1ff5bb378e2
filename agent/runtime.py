"""The event loop: takes events, performs their effects in order, and feeds the results back as events.

A state is sealed before it is shown or sent. If it cannot be sealed, the event is undone.
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
from agent.core.timing import Context, bounds_now, delay, due
from agent.image import Image
from agent.ports import (
    AttestedKey,
    CounterError,
    KeySourceError,
    KeystoreError,
    Ports,
    StoreError,
    TransportError,
)
from agent.repeats import EXCHANGE_SECONDS, check_time, repeated
from agent.responses import ExchangeError
from agent.sealing import Recovered, SealFault, recover, seal
from agent.telephony.reader import TelephonyReading, read_telephony
from agent.unlock_code import UnlockNonces
from agent.verification import verdict
from agent.verification.bounds import TimestampBounds
from agent.verification.errors import VerificationError
from wire import media
from wire.unlock import UnlockChallenge

RUNNING: Final = (Exchange.COLLECTING, Exchange.CHALLENGING, Exchange.AWAITING_VERDICT)


class Phase(Enum):
    """Whether the agent has started in this boot session."""

    DOWN = "down"
    UP = "up"


class Agent:
    """The agent of one device from one boot to the next.

    Call `boot` first, then `handle` for events of the user and the system, and `wake` when the alarm fires.
    """

    def __init__(self, image: Image, ports: Ports) -> None:
        self._image = image
        self._ports = ports
        self._state = fresh(image.built_at)
        self._sealing_key = b""
        self._reading: TelephonyReading | None = None
        self._deadline = 0.0  # of the exchange, in seconds since boot
        self._queue: deque[Event] = deque()
        self._phase = Phase.DOWN

    @property
    def state(self) -> State:
        """The current state."""
        return self._state

    @property
    def reading(self) -> TelephonyReading | None:
        """The newest reading of the modem for evidence, None before the first."""
        return self._reading

    def boot(self) -> None:
        """Recover the sealed state and start. If it cannot be read, show the storage error and retry later."""
        found = self._recover()
        self._state = found.state
        self._ports.journal.recovered(found.state, found.fault)
        if found.fault is SealFault.UNREADABLE:
            self._show_storage_error()
            return
        self._phase = Phase.UP
        self.handle(SimpleEvent(EventKind.BOOTED))

    def handle(self, event: Event) -> None:
        """Process an event and all events that result from it. If the agent has not started, boot instead."""
        if self._phase is Phase.DOWN:
            self.boot()
            return
        self._queue.append(event)
        while self._queue:
            self._step(self._queue.popleft())

    def wake(self) -> None:
        """Process all due events, each kind once. If none is due, seal trusted time."""
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
        """Process an unlock code that was entered on the lock screen: typed, from a file or from a picture."""
        if self._state.lock is Lock.LOCKED:
            self.handle(self._verify_code(code))
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
        """If the new state cannot be sealed, restore the previous state, show the storage error, and retry later."""
        self._ports.journal.not_sealed(event, error)
        self._state = before
        if before.exchange in RUNNING:
            self._queue.append(Failed(Trouble.NO_STORAGE, error.code))
            return
        if event.kind is EventKind.BOOTED:
            self._phase = Phase.DOWN
        self._show_storage_error()

    def _show_storage_error(self) -> None:
        """Show the storage error on the current screen (before the start: on the waiting screen), and set the alarm."""
        blank = self._phase is Phase.DOWN and self._state.lock is Lock.UNPROVISIONED
        screen = ScreenId.WAITING if blank else screen_of(self._state)
        context = self._context()
        self._show(screen, replace(facts_of(self._state, context), trouble=Trouble.NO_STORAGE))
        self._ports.alarm.set(delay(Trouble.NO_STORAGE, 1, context.fraction, None))

    def _perform(self, effect: Effect) -> None:
        """Perform one effect. Its result is appended to the queue."""
        match effect:
            case Persist():
                counter = self._ports.counter.value() + 1
                self._ports.store.write(seal(self._state, self._sealing_key, counter))
                self._ports.counter.increment()
            case Show(screen, facts):
                self._show(screen, facts)
            case ShowImei(screen, facts):
                self._show(screen, replace(facts, imeis=self._imeis()))
            case SetAlarm(after):
                self._ports.alarm.set(after)
            case Collect():
                self._queue.append(self._collect())
            case RequestChallenge():
                self._run(self._request_challenge)
            case RequestVerdict(nonce):
                self._run(lambda: self._request_verdict(nonce))

    def _show(self, screen: ScreenId, facts: ScreenFacts) -> None:
        """Show a screen. The lock screen gets the challenge for an unlock code."""
        if screen is ScreenId.TERMS:
            facts = replace(facts, terms_version=self._image.terms_version)
        if screen is ScreenId.LOCKED and (challenge := self._challenge()):
            facts = replace(facts, challenge=challenge.text())
        self._ports.display.show(screen, facts)

    def _challenge(self) -> UnlockChallenge | None:
        return unlock_code.challenge(self._state.memory, self._sealing_key)

    def _run(self, act: Callable[[], Event]) -> None:
        """Append the event that `act` returns, or the event for its failure."""
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
        self._queue.append(event)

    def _collect(self) -> Event:
        """Read the modem. What it does not report is missing in the evidence; the exchange goes on."""
        self._reading = reading = read_telephony(self._ports.modem)
        imei = reading.imeis[0] if reading.imeis else ""
        return Collected(imei, reading.trouble, reading.telephony.faults or ())

    def _request_challenge(self) -> Event:
        transport = self._ports.transport
        self._deadline = self._ports.clock.elapsed() + EXCHANGE_SECONDS
        response = repeated(
            lambda: transport.post(media.CHALLENGES_PATH, b"", content_type=media.JSON, accept=media.JSON),
            self._in_time,
        )
        return ChallengeReceived(responses.challenge_in(response).nonce)

    def _request_verdict(self, nonce: str) -> Event:
        published = self._ports.keys.keys(bounds_now(self._state.memory, self._context()), self._in_time)
        shown_at = self._ports.clock.elapsed()
        key = self._ports.keystore.attest(nonce.encode())
        check_time(self._in_time)
        response = self._ports.transport.post(
            media.VERDICTS_PATH, self._evidence(key), content_type=media.EVIDENCE, accept=media.VERDICT
        )
        token = responses.token_in(response)
        bounds = published.bounds.later(int(self._context().elapsed - shown_at))
        expected = self._expected(key.thumbprint, nonce, bounds)
        verified = verdict.verify(
            token, published.keys, expected=expected, now=bounds.floor, latest=published.latest
        )
        return VerdictReceived(verified, bounds)

    def _in_time(self) -> bool:
        return self._ports.clock.elapsed() < self._deadline

    def _verify_code(self, code: bytes) -> Event:
        """Verify an unlock code without a network, with the cached keys."""
        challenge = self._challenge()
        if challenge is None:
            return CodeRefused("nothing-asked")
        memory = self._state.memory
        expected = self._expected(memory.thumbprint, challenge.eat_nonce, None)
        nonces = UnlockNonces(self._sealing_key)
        try:
            keys = self._ports.keys.cached_keys()
            verified = unlock_code.verify(
                code,
                keys,
                expected=expected,
                floor=bounds_now(self._state.memory, self._context()).floor,
                is_earlier=lambda nonce: nonces.is_earlier(nonce, memory.jti),
            )
            return VerdictReceived(verified)
        except (KeySourceError, VerificationError, unlock_code.CodeError) as error:
            return CodeRefused(error.code)

    def _evidence(self, key: AttestedKey) -> bytes:
        ports = self._ports
        observed = evidence.Observed(
            self._reading or read_telephony(ports.modem),
            ports.surroundings.wifi(),
            ports.surroundings.location(),
            int(ports.clock.elapsed()),
            ports.clock.wall(),
        )
        return evidence.sign(evidence.claims(self._state, self._image, observed), key)

    def _expected(self, thumbprint: str, nonce: str, bounds: TimestampBounds | None) -> verdict.Expected:
        memory = self._state.memory
        return verdict.Expected(
            issuer=self._image.issuer,
            audience=self._image.audience,
            thumbprint=thumbprint,
            nonce=nonce,
            serial=memory.serial,
            policy_version=memory.policy_floor(bounds),
        )

    def _imeis(self) -> tuple[str, ...]:
        """The IMEIs that the modem reports, or else the one that evidence contained last.

        A modem that failed in the newest exchange is not awaited again if an IMEI is known.
        """
        known = (imei,) if (imei := self._state.imei or self._state.memory.imei) else ()
        if known and self._state.modem is not None:
            return known
        return read_telephony(self._ports.modem).imeis or known

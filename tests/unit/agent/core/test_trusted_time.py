"""Trusted time and its floor over courses of exchanges with servers whose clocks are wrong, waits, boots and codes."""

from dataclasses import dataclass, field, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.core import timing
from agent.core.events import VerdictReceived
from agent.core.states import Exchange, Lock, Memory, Setup, State, fresh
from agent.core.step import step
from agent.core.timing import Context
from agent.sealing import recover, seal
from agent.verification.bounds import TimestampBounds
from tests.support.judged import NOW, verified
from tests.support.profiles import examples
from wire.codes import Decision
from wire.limits import LIFETIME_MAX, SKEW, TIMESTAMP_LIFETIME

HOUR, YEAR = 3600, 366 * 86_400
KEY = bytes(range(32))
ages = st.integers(0, 12 * HOUR)
"""How old a timestamp is: a server signs it again when half of its day is left."""


@dataclass
class TimedDevice:
    """A device whose image was built at `NOW`, at the true time `now`; `elapsed` seconds after its boot."""

    now: int = NOW + 30 * 86_400
    elapsed: float = 0.0
    state: State = field(default_factory=lambda: fresh(NOW))

    def memory(self) -> Memory:
        """With trusted time and floor at this instant."""
        return timing.advance(self.state.memory, Context(self.elapsed, 0.0))

    def wait(self, seconds: int) -> None:
        self.now, self.elapsed = self.now + seconds, self.elapsed + seconds

    def boot(self, off: int) -> None:
        """Sealed, switched off, and on again."""
        before = self.memory()
        record = seal(replace(self.state, memory=before), KEY, 1)
        self.now, self.elapsed = self.now + off, 0.0
        self.state = recover(record, KEY, 1, fresh(NOW)).state
        assert (self.memory().time.epoch, self.memory().bounds) == (before.time.epoch, before.bounds)

    def asks(
        self, offset: int, age: int, *, clock: int = 0, key: str = "k", issued: int | None = None
    ) -> bool:
        """Whether an answer is accepted. The server's clock is `offset` ahead, or the verdict is issued elsewhen."""
        known = self.memory()
        shown = TimestampBounds(self.now + offset - age, clock, 1, (key,))
        bounds = shown.after(known.bounds)
        ceiling = shown.floor + TIMESTAMP_LIFETIME + SKEW
        if shown.rolls_back(known.bounds) or shown.floor + TIMESTAMP_LIFETIME <= bounds.floor:
            return False
        iat = self.now + offset if issued is None else issued
        if not bounds.floor - LIFETIME_MAX <= iat <= ceiling:
            return False
        verdict = verified(Decision.ALLOW, iat=iat, nbf=iat, exp=iat + HOUR)
        self._receive(VerdictReceived(verdict, bounds))
        after = self.memory()
        assert after.time.epoch == max(after.bounds.floor, iat) <= ceiling
        assert after.offline_at == after.time.epoch + 30 * 86_400
        assert after.bounds.floor >= known.bounds.floor or shown.retracts(known.bounds)
        return True

    def enters_code(self, issued: int) -> None:
        before = self.memory()
        self._receive(VerdictReceived(verified(Decision.ALLOW, iat=issued, nbf=issued, exp=issued + HOUR)))
        assert (self.memory().time, self.memory().bounds) == (before.time, before.bounds)

    def _receive(self, event: VerdictReceived) -> None:
        waiting = replace(
            self.state, setup=Setup.DONE, lock=Lock.LOCKED, exchange=Exchange.AWAITING_VERDICT, nonce="n"
        )
        self.state, _ = step(waiting, event, Context(self.elapsed, 0.0))
        assert self.memory().bounds.floor <= self.memory().time.epoch


def courses(most: int) -> st.SearchStrategy[list[tuple[str, int, int]]]:
    """Lists of events: a name, the offset of a clock or verdict up to `most`, and an age or the seconds to wait."""
    offsets = st.integers(-most, most)
    names = st.sampled_from(["exchange", "stolen key", "wait", "boot", "code"])
    return st.lists(st.tuples(names, offsets, ages), max_size=6)


def run(device: TimedDevice, course: list[tuple[str, int, int]]) -> None:
    for name, offset, age in course:
        match name:
            case "exchange":
                device.asks(offset, age)
            case "stolen key":
                device.asks(0, age, issued=device.now + offset)
            case "wait":
                device.wait(age)
            case "boot":
                device.boot(age)
            case "code":
                device.enters_code(device.now + offset)


@settings(max_examples=examples(100))
@given(course=courses(10 * YEAR), age=ages)
def test_greater_clock_number_or_another_key_sets_any_device_right(
    course: list[tuple[str, int, int]], age: int
) -> None:
    """Whatever wrong clocks and a thief of a verdict key did before."""
    for change in ({"clock": 1}, {"key": "next"}):
        device = TimedDevice()
        run(device, course)
        assert device.asks(0, age, **change)  # type: ignore[arg-type]  # one of two keyword arguments
        assert device.memory().time.epoch == device.now


@settings(max_examples=examples(100))
@given(course=courses(10 * HOUR), age=ages)
def test_device_recovers_from_clocks_that_were_ten_hours_wrong_without_an_operator(
    course: list[tuple[str, int, int]], age: int
) -> None:
    """Whatever a thief of a verdict key did before; trusted time is right after half a day."""
    device = TimedDevice()
    run(device, course)
    assert device.asks(0, age)
    assert device.now <= device.memory().time.epoch <= device.now + 10 * HOUR


@settings(max_examples=examples(100))
@given(issued=st.integers(-2 * LIFETIME_MAX, 3 * LIFETIME_MAX), age=ages)
def test_thief_of_a_verdict_key_moves_the_time_by_a_day_until_the_next_verdict(issued: int, age: int) -> None:
    device = TimedDevice()
    assert device.asks(0, age)
    floor = device.now - age
    accepted = device.asks(0, age, issued=device.now + issued)
    assert accepted is (floor - LIFETIME_MAX <= device.now + issued <= floor + TIMESTAMP_LIFETIME + SKEW)
    assert floor <= device.memory().time.epoch <= device.now + TIMESTAMP_LIFETIME + SKEW
    assert device.asks(0, age)
    assert device.memory().time.epoch == device.now


def test_bounds_from_before_the_time_passed_do_not_lower_the_floor() -> None:
    """Not even by the fraction of a second."""
    device = TimedDevice()
    assert device.asks(0, 0)
    floor = device.memory().bounds.floor
    device.elapsed += HOUR + 0.9
    device._receive(VerdictReceived(verified(Decision.ALLOW), TimestampBounds(floor, root=1, signers=("k",))))
    assert device.memory().bounds.floor == device.memory().time.epoch == floor + HOUR

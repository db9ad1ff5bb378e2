"""The unlock code with the agent and the server: what unlocks, and the codes of rejections."""

import hmac
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from agent.core.screens import ScreenId, Trouble
from agent.core.states import Lock
from agent.screens import build
from lab.backend.hosts import InProcessHost
from lab.handset.handset import Handset
from lab.handset.outcome import Outcome
from lab.simulation.simulation import Simulation
from lab.world.clock import World
from server_stub.admin.context import device_admin
from server_stub.admin.devices import Act, DeviceAdmin, OperatorError, OperatorFault
from wire.codes import Decision
from wire.unlock import UnlockChallenge

HOUR, DAY = 3600, 86_400


@pytest.fixture(scope="module")
def simulation() -> Iterator[Simulation]:
    with Simulation("unlock", world=World(), host=InProcessHost) as opened:
        yield opened


@pytest.fixture
def locked(simulation: Simulation) -> Handset:
    """A device that was denied in Havana and has lost its network since."""
    phone = simulation.phone("official-global", "havana")
    phone.power_on()
    phone.walk_setup()
    phone.network_down()
    return phone


def challenge(phone: Handset) -> UnlockChallenge:
    """The challenge on the lock screen."""
    display = phone.display.current
    assert display is not None
    assert display.screen is ScreenId.LOCKED
    return UnlockChallenge.parse(display.facts.challenge)


def code_for(simulation: Simulation, phone: Handset, **how: int) -> bytes:
    """The unlock code of support for the lock screen of `phone`."""
    operators = device_admin(simulation.server.service)
    return operators.unlock_code(challenge(phone), reason="ticket 7", case="C-7", **how).token.encode()


def refusal(phone: Handset) -> str:
    """The code with which the newest unlock code was rejected."""
    last = next(e for e in reversed(phone.timeline.entries) if e.what in {"code-refused", "allowed"})
    assert last.what == "code-refused"
    return str(last.detail["rejected"] if "rejected" in last.detail else last.detail["code"])


def test_a_code_unlocks_a_device_without_a_network(simulation: Simulation, locked: Handset) -> None:
    """The device sends nothing."""
    code, asked = code_for(simulation, locked), len(locked.network.requests)
    locked.enter_code(code)
    assert locked.outcome() is Outcome.ACTIVATED
    assert locked.timeline.verdicts[-1].claims.case == "C-7"
    assert len(locked.network.requests) == asked


def test_a_device_unlocked_by_a_code_stays_unlocked_at_its_next_check_in(
    simulation: Simulation, locked: Handset
) -> None:
    """Without the code the policy would deny."""
    locked.enter_code(code_for(simulation, locked))
    locked.network_up()
    locked.power_on()
    assert locked.outcome() is Outcome.ACTIVATED
    assert locked.timeline.verdicts[-1].claims.policy.rule == "operator-unlock"


def test_an_unlocked_device_accepts_later_verdicts(simulation: Simulation, locked: Handset) -> None:
    """A code moves trusted time and may be hours old; a new verdict must not seem to be from the future."""
    locked.power_off()
    simulation.world.wait(3 * DAY)
    locked.power_on()
    code = code_for(simulation, locked)
    locked.wait(5 * HOUR)
    locked.enter_code(code)
    locked.network_up()
    locked.wait(8 * DAY)
    assert locked.outcome() is Outcome.ACTIVATED
    assert "untrusted" not in {entry.detail.get("trouble") for entry in locked.timeline.entries}


@pytest.mark.parametrize("wrap", [1, 5, 64])
def test_a_typed_code_may_contain_white_space(simulation: Simulation, locked: Handset, wrap: int) -> None:
    """Nine hundred characters do not fit on a line."""
    code = code_for(simulation, locked)
    typed = b"\r\n ".join(code[start : start + wrap] for start in range(0, len(code), wrap))
    locked.enter_code(b"\t" + typed + b"\n")
    assert locked.outcome() is Outcome.ACTIVATED


def test_the_challenge_survives_reboots_and_changes_with_every_verdict(
    simulation: Simulation, locked: Handset
) -> None:
    before = challenge(locked)
    locked.power_on()
    locked.wait(2 * HOUR)
    assert challenge(locked) == before
    locked.network_up()
    assert locked.outcome() is Outcome.LOCKED
    assert challenge(locked) != before
    assert challenge(locked).imei14 == before.imei14


def test_the_challenge_needs_no_modem(simulation: Simulation, locked: Handset) -> None:
    before = challenge(locked)
    locked.hardware = replace(locked.hardware, modem=_DeadModem())
    locked.power_on()
    assert challenge(locked) == before
    locked.enter_code(code_for(simulation, locked))
    assert locked.outcome() is Outcome.ACTIVATED


def test_a_code_for_another_device_is_rejected(simulation: Simulation, locked: Handset) -> None:
    """Each device derives its own nonce, and its own key signed its evidence."""
    other = simulation.phone("official-global", "havana")
    other.power_on()
    other.walk_setup()
    locked.enter_code(code_for(simulation, other))
    assert refusal(locked) == "key-binding-mismatch"
    assert locked.outcome() is Outcome.LOCKED


def test_a_code_for_an_earlier_challenge_is_rejected(simulation: Simulation, locked: Handset) -> None:
    code = code_for(simulation, locked)
    device_admin(simulation.server.service).act_on(challenge(locked).imei14, Act.WITHDRAW, reason="withdrawn")
    locked.network_up()
    assert locked.outcome() is Outcome.LOCKED
    locked.enter_code(code)
    assert refusal(locked) == "earlier-challenge"
    assert locked.outcome() is Outcome.LOCKED


def test_a_code_for_a_challenge_from_before_a_factory_reset_is_rejected(
    simulation: Simulation, locked: Handset
) -> None:
    """The sealing key survives the reset, so the device recognizes its challenge."""
    code = code_for(simulation, locked)
    device_admin(simulation.server.service).act_on(challenge(locked).imei14, Act.WITHDRAW, reason="withdrawn")
    locked.factory_reset()
    locked.network_up()
    locked.power_on()
    locked.walk_setup()
    locked.power_on()
    assert locked.outcome() is Outcome.LOCKED
    locked.enter_code(code)
    assert refusal(locked) == "earlier-challenge"


def test_a_code_for_the_challenge_that_the_release_before_showed_is_rejected_by_name(
    simulation: Simulation, locked: Handset
) -> None:
    """It derived the nonce from the sealing key itself. The code for the challenge of this release unlocks."""
    assert locked.agent is not None
    sealing_key = locked.keystore(locked._context.seed).sealing_key()
    jti = locked.agent.state.memory.jti
    nonce = hmac.digest(sealing_key, b"unlock code" + jti.encode(), "sha256")[:10]
    shown = UnlockChallenge(challenge_imei(locked), nonce)
    assert shown != challenge(locked)
    operators = device_admin(simulation.server.service)
    locked.enter_code(operators.unlock_code(shown, reason="ticket 7").token.encode())
    assert refusal(locked) == "earlier-challenge"
    display = locked.display.current
    assert display is not None
    assert (display.screen, display.facts.trouble) == (ScreenId.LOCKED, Trouble.CODE_REFUSED)
    locked.enter_code(code_for(simulation, locked))
    assert locked.outcome() is Outcome.ACTIVATED


def test_a_code_works_once(simulation: Simulation, locked: Handset) -> None:
    """The second time the device is unlocked; when it is locked again, the challenge is another."""
    code = code_for(simulation, locked)
    locked.enter_code(code)
    locked.enter_code(code)
    assert refusal(locked) == "not-locked"
    device_admin(simulation.server.service).act_on(challenge_imei(locked), Act.LOCK, reason="stolen")
    locked.network_up()
    locked.power_on()
    assert locked.outcome() is Outcome.LOCKED
    locked.enter_code(code)
    assert refusal(locked) == "earlier-challenge"
    assert locked.outcome() is Outcome.LOCKED


def test_a_code_for_a_device_that_is_not_locked_is_rejected(simulation: Simulation, locked: Handset) -> None:
    free = simulation.phone("official-global", "paris")
    free.power_on()
    free.walk_setup()
    free.enter_code(code_for(simulation, locked))
    assert refusal(free) == "not-locked"
    assert free.outcome() is Outcome.ACTIVATED


def test_an_expired_code_is_rejected(simulation: Simulation, locked: Handset) -> None:
    """Its expiry is compared with the floor, which is as late as the timestamp of the keys was old."""
    code = code_for(simulation, locked)
    locked.wait(2 * DAY)
    locked.enter_code(code)
    assert refusal(locked) == "expired"
    assert locked.outcome() is Outcome.LOCKED


@pytest.mark.parametrize("code", [b"", b"1234", b"a.b.c", b"\xff" * 40, b"A" * 100_000, b". . ."])
def test_an_invalid_code_is_rejected_on_the_screen(locked: Handset, code: bytes) -> None:
    before = challenge(locked)
    locked.enter_code(code)
    display = locked.display.current
    assert display is not None
    assert (display.screen, display.facts.trouble) == (ScreenId.LOCKED, Trouble.CODE_REFUSED)
    assert challenge(locked) == before


def test_a_changed_byte_of_a_code_is_detected(simulation: Simulation, locked: Handset) -> None:
    """A sample of positions over the whole token."""
    code = code_for(simulation, locked)
    for at in range(0, len(code), 37):
        wrong = code[:at] + (b"A" if code[at : at + 1] != b"A" else b"B") + code[at + 1 :]
        locked.enter_code(wrong)
        assert locked.outcome() is Outcome.LOCKED, at
    locked.enter_code(code)
    assert locked.outcome() is Outcome.ACTIVATED


def test_a_deny_verdict_is_not_accepted_as_a_code(
    simulation: Simulation, locked: Handset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A code can only remove restrictions."""
    override = DeviceAdmin._override
    monkeypatch.setattr(
        DeviceAdmin, "_override", lambda *args: replace(override(*args), decision=Decision.DENY)
    )
    code, before = code_for(simulation, locked), challenge(locked)
    locked.enter_code(code)
    assert refusal(locked) == "not-an-unlock"
    assert challenge(locked) == before


def test_a_code_for_a_released_device_releases_it(simulation: Simulation, locked: Handset) -> None:
    device_admin(simulation.server.service).act_on(
        challenge(locked).imei14, Act.RELEASE, reason="sold abroad"
    )
    locked.enter_code(code_for(simulation, locked))
    assert locked.agent is not None
    assert locked.agent.state.lock is Lock.RELEASED


def test_a_device_that_missed_its_newest_verdict_accepts_a_code_for_the_previous_one(
    simulation: Simulation, locked: Handset
) -> None:
    """Support states how many verdicts were not delivered."""
    before = challenge(locked)
    locked.network.upstream = _LosingVerdicts(locked.network.upstream)
    locked.network_up()
    assert challenge(locked) == before
    locked.enter_code(code_for(simulation, locked))
    assert refusal(locked) == "key-binding-mismatch"
    locked.enter_code(code_for(simulation, locked, undelivered=1))
    assert locked.outcome() is Outcome.ACTIVATED


def test_without_a_key_list_a_code_is_rejected(simulation: Simulation, locked: Handset) -> None:
    """The network still unlocks the device."""
    code = code_for(simulation, locked)
    assert locked.hardware.folder is not None
    shutil.rmtree(locked.hardware.folder)
    locked.enter_code(code)
    assert refusal(locked).startswith("tuf-")
    locked.network_up()
    assert locked.outcome() is Outcome.ACTIVATED


def test_a_code_is_accepted_with_expired_metadata(simulation: Simulation, locked: Handset) -> None:
    """A device that was offline for a year has no newer metadata."""
    locked.power_off()
    simulation.world.wait(400 * DAY)
    locked.power_on()
    locked.enter_code(code_for(simulation, locked))
    assert locked.outcome() is Outcome.ACTIVATED


@pytest.mark.parametrize(
    ("ask", "fault"),
    [
        (lambda _: UnlockChallenge("35" * 7, bytes(10)), OperatorFault.DEVICE_UNKNOWN),
        (lambda free: UnlockChallenge(challenge_imei(free), bytes(10)), OperatorFault.DEVICE_NOT_LOCKED),
    ],
)
def test_no_code_is_signed_for_an_unknown_or_unlocked_device(
    simulation: Simulation, ask: Callable[[Handset], UnlockChallenge], fault: OperatorFault
) -> None:
    free = simulation.phone("official-global", "paris")
    free.power_on()
    free.walk_setup()
    with pytest.raises(OperatorError) as caught:
        device_admin(simulation.server.service).unlock_code(ask(free), reason="a try")
    assert caught.value.fault is fault


@pytest.mark.parametrize("locale", ["en", "ar", "zh"])
def test_the_lock_screen_shows_the_challenge_in_every_locale(locked: Handset, locale: str) -> None:
    """Also where the text runs from right to left."""
    display = locked.display.current
    assert display is not None
    body = "\n".join(build(display.screen, display.facts, locale).body)
    assert display.facts.challenge in body


def test_a_code_fits_into_two_screens_and_one_qr_code(simulation: Simulation, locked: Handset) -> None:
    assert len(code_for(simulation, locked)) < 1000


class _DeadModem:
    def write(self, data: bytes) -> None:
        return None

    def read(self, timeout: float) -> bytes:
        return b""


class _LosingVerdicts:
    """A network that forwards requests and loses each verdict."""

    def __init__(self, inner: object) -> None:
        self._inner = inner

    def get(self, path: str, *, accept: str) -> object:
        return self._inner.get(path, accept=accept)  # type: ignore[attr-defined]

    def post(self, path: str, body: bytes, *, content_type: str, accept: str) -> object:
        answer = self._inner.post(path, body, content_type=content_type, accept=accept)  # type: ignore[attr-defined]
        return replace(answer, status=502, body=b"") if path.endswith("verdicts") else answer


def challenge_imei(phone: Handset) -> str:
    """The IMEI of a device."""
    return phone.imeis[0][:14]


def test_the_lock_screen_shows_the_imei_only_in_the_challenge(locked: Handset) -> None:
    """Its digits are shown on request; the challenge encodes them in base32."""
    display = locked.display.current
    assert display is not None
    assert display.facts.imeis == ()
    assert challenge_imei(locked) not in "".join(build(display.screen, display.facts, "en").body)

"""The unlock code, through the real agent and the real server: what unlocks, and what is refused by name."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from agent.core.screens import ScreenId, Trouble
from agent.core.states import Lock
from agent.screens import build
from lab.handset.handset import Handset
from lab.handset.outcome import Outcome
from lab.simulation.simulation import Simulation
from lab.world.clock import World
from server_stub.admin.context import device_admin
from server_stub.admin.devices import OperatorError, OperatorFault
from wire.codes import Decision
from wire.unlock import UnlockChallenge

HOUR, DAY = 3600, 86_400


@pytest.fixture(scope="module")
def simulation() -> Iterator[Simulation]:
    with Simulation.open("unlock", world=World()) as opened:
        yield opened


@pytest.fixture
def locked(simulation: Simulation) -> Handset:
    """A phone that was denied in Havana and has lost its network since."""
    phone = simulation.phone("official-global", "havana")
    phone.power_on()
    phone.walk_setup()
    phone.network_down()
    return phone


def challenge(phone: Handset) -> UnlockChallenge:
    """What the lock screen shows."""
    shown = phone.panel.now
    assert shown is not None
    assert shown.screen is ScreenId.LOCKED
    return UnlockChallenge.parse(shown.facts.challenge)


def code_for(simulation: Simulation, phone: Handset, **how: int) -> bytes:
    """What support hands out for the lock screen of `phone`."""
    operators = device_admin(simulation.server.service)
    return operators.unlock_code(challenge(phone), reason="ticket 7", case="C-7", **how).token.encode()


def refusal(phone: Handset) -> str:
    """By which name the newest code was refused."""
    last = next(e for e in reversed(phone.timeline.entries) if e.what in {"code-refused", "allowed"})
    assert last.what == "code-refused"
    return str(last.detail["rejected"] if "rejected" in last.detail else last.detail["code"])


def test_a_code_unlocks_a_phone_without_a_network(simulation: Simulation, locked: Handset) -> None:
    """The code of 2021 could be typed nowhere; this one works, and nothing leaves the phone for it."""
    code, asked = code_for(simulation, locked), len(locked.network.requests)
    locked.enter_code(code)
    assert locked.outcome() is Outcome.ACTIVATED
    assert locked.timeline.verdicts[-1].claims.case == "C-7"
    assert len(locked.network.requests) == asked


def test_the_lock_that_a_code_lifted_does_not_come_back_with_the_network(
    simulation: Simulation, locked: Handset
) -> None:
    """Support decided; the next check-in agrees, though the policy alone would deny."""
    locked.enter_code(code_for(simulation, locked))
    locked.network_up()
    locked.power_on()
    assert locked.outcome() is Outcome.ACTIVATED
    assert locked.timeline.verdicts[-1].claims.policy.rule == "operator-unlock"


def test_an_unlocked_phone_takes_later_verdicts_of_the_network(
    simulation: Simulation, locked: Handset
) -> None:
    """A code may be hours old: it moves trusted time, but a fresh answer must not look as if from the future."""
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
def test_a_typed_code_may_be_wrapped_and_indented(simulation: Simulation, locked: Handset, wrap: int) -> None:
    """Nine hundred characters do not fit on a line."""
    code = code_for(simulation, locked)
    typed = b"\r\n ".join(code[start : start + wrap] for start in range(0, len(code), wrap))
    locked.enter_code(b"\t" + typed + b"\n")
    assert locked.outcome() is Outcome.ACTIVATED


def test_the_challenge_stays_over_reboots_and_changes_with_every_verdict(
    simulation: Simulation, locked: Handset
) -> None:
    """A code must outlive a reboot, and must not outlive what it answers."""
    before = challenge(locked)
    locked.power_on()
    locked.wait(2 * HOUR)
    assert challenge(locked) == before
    locked.network_up()
    assert locked.outcome() is Outcome.LOCKED
    assert challenge(locked) != before
    assert challenge(locked).imei14 == before.imei14


def test_the_challenge_needs_no_modem(simulation: Simulation, locked: Handset) -> None:
    """A phone whose modem is broken must still be able to say which phone it is."""
    before = challenge(locked)
    locked._hardware = replace(locked._hardware, modem=_DeadModem())
    locked.power_on()
    assert challenge(locked) == before
    locked.enter_code(code_for(simulation, locked))
    assert locked.outcome() is Outcome.ACTIVATED


def test_a_code_for_another_phone_is_refused(simulation: Simulation, locked: Handset) -> None:
    """Each phone derives its own nonce, and its own key signed its evidence."""
    other = simulation.phone("official-global", "havana")
    other.power_on()
    other.walk_setup()
    locked.enter_code(code_for(simulation, other))
    assert refusal(locked) == "key-binding-mismatch"
    assert locked.outcome() is Outcome.LOCKED


def test_a_code_for_an_earlier_challenge_is_refused(simulation: Simulation, locked: Handset) -> None:
    """Between asking and typing, a verdict came over the network."""
    code = code_for(simulation, locked)
    device_admin(simulation.server.service).withdraw(challenge(locked).imei14)
    locked.network_up()
    assert locked.outcome() is Outcome.LOCKED
    locked.enter_code(code)
    assert refusal(locked) == "key-binding-mismatch"
    assert locked.outcome() is Outcome.LOCKED


def test_a_code_that_is_given_twice_is_refused(simulation: Simulation, locked: Handset) -> None:
    """The second time finds an unlocked phone; when it is locked again, the challenge is another."""
    code = code_for(simulation, locked)
    locked.enter_code(code)
    locked.enter_code(code)
    assert refusal(locked) == "not-locked"
    device_admin(simulation.server.service).lock(challenge_imei(locked), reason="stolen")
    locked.network_up()
    locked.power_on()
    assert locked.outcome() is Outcome.LOCKED
    locked.enter_code(code)
    assert refusal(locked) in {"key-binding-mismatch", "nonce-mismatch"}
    assert locked.outcome() is Outcome.LOCKED


def test_a_code_for_a_phone_that_is_not_locked_is_refused(simulation: Simulation, locked: Handset) -> None:
    """There is nothing that it could lift."""
    free = simulation.phone("official-global", "paris")
    free.power_on()
    free.walk_setup()
    free.enter_code(code_for(simulation, locked))
    assert refusal(free) == "not-locked"
    assert free.outcome() is Outcome.ACTIVATED


def test_an_expired_code_is_refused(simulation: Simulation, locked: Handset) -> None:
    """A code lives for a day; a slip of paper that is found later opens nothing."""
    code = code_for(simulation, locked)
    locked.wait(DAY + HOUR)
    locked.enter_code(code)
    assert refusal(locked) == "expired"
    assert locked.outcome() is Outcome.LOCKED


@pytest.mark.parametrize("code", [b"", b"1234", b"a.b.c", b"\xff" * 40, b"A" * 100_000, b". . ."])
def test_rubbish_is_refused_and_said_on_the_screen(locked: Handset, code: bytes) -> None:
    """People type PINs into whatever asks for a code."""
    before = challenge(locked)
    locked.enter_code(code)
    shown = locked.panel.now
    assert shown is not None
    assert (shown.screen, shown.facts.trouble) == (ScreenId.LOCKED, Trouble.CODE_REFUSED)
    assert challenge(locked) == before


def test_every_changed_octet_of_a_code_is_noticed(simulation: Simulation, locked: Handset) -> None:
    """A slip of the typist must not be more than a slip; a sample of positions over the whole token."""
    code = code_for(simulation, locked)
    for at in range(0, len(code), 37):
        wrong = code[:at] + (b"A" if code[at : at + 1] != b"A" else b"B") + code[at + 1 :]
        locked.enter_code(wrong)
        assert locked.outcome() is Outcome.LOCKED, at
    locked.enter_code(code)
    assert locked.outcome() is Outcome.ACTIVATED


def test_a_deny_is_no_unlock_code(
    simulation: Simulation, locked: Handset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A code can only better the phone's lot: nobody locks a phone, or moves its challenge, by hand."""
    monkeypatch.setattr(
        "server_stub.admin.devices._unlocking", lambda _, override: replace(override, decision=Decision.DENY)
    )
    code, before = code_for(simulation, locked), challenge(locked)
    locked.enter_code(code)
    assert refusal(locked) == "not-an-unlock"
    assert challenge(locked) == before


def test_a_code_for_a_phone_that_was_given_up_releases_it(simulation: Simulation, locked: Handset) -> None:
    """What the operator decided last is what the code says."""
    device_admin(simulation.server.service).release(challenge(locked).imei14, reason="sold abroad")
    locked.enter_code(code_for(simulation, locked))
    assert locked.agent is not None
    assert locked.agent.state.lock is Lock.RELEASED


def test_a_phone_that_never_got_its_newest_verdict_takes_a_code_for_the_one_before(
    simulation: Simulation, locked: Handset
) -> None:
    """The server cannot know that an answer was lost; support can be told."""
    before = challenge(locked)
    locked.network.onward = _LosingVerdicts(locked.network.onward)
    locked.network_up()
    assert challenge(locked) == before
    locked.enter_code(code_for(simulation, locked))
    assert refusal(locked) == "key-binding-mismatch"
    locked.enter_code(code_for(simulation, locked, undelivered=1))
    assert locked.outcome() is Outcome.ACTIVATED


def test_without_the_key_list_that_the_phone_had_there_is_no_unlocking(
    simulation: Simulation, locked: Handset
) -> None:
    """What the phone cannot verify it does not take; the network still unlocks it."""
    code = code_for(simulation, locked)
    assert locked._hardware.folder is not None
    shutil.rmtree(locked._hardware.folder)
    locked.enter_code(code)
    assert refusal(locked).startswith("tuf-")
    locked.network_up()
    assert locked.outcome() is Outcome.ACTIVATED


def test_expired_metadata_does_not_keep_a_code_out(simulation: Simulation, locked: Handset) -> None:
    """A phone that was off the network for a year has old metadata and nothing newer to compare it with."""
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
def test_support_hands_out_no_code_for_a_phone_that_cannot_be_locked(
    simulation: Simulation, ask: Callable[[Handset], UnlockChallenge], fault: OperatorFault
) -> None:
    """A challenge for an unknown or unlocked phone is a mistake or a try."""
    free = simulation.phone("official-global", "paris")
    free.power_on()
    free.walk_setup()
    with pytest.raises(OperatorError) as caught:
        device_admin(simulation.server.service).unlock_code(ask(free), reason="a try")
    assert caught.value.fault is fault


@pytest.mark.parametrize("locale", ["en", "ar", "zh"])
def test_the_lock_screen_names_the_challenge_in_every_script(locked: Handset, locale: str) -> None:
    """It must be readable where the text runs from right to left, too."""
    shown = locked.panel.now
    assert shown is not None
    body = "\n".join(build(shown.screen, shown.facts, locale).body)
    assert shown.facts.challenge in body


def test_a_code_is_short_enough_to_carry(simulation: Simulation, locked: Handset) -> None:
    """Two screens of a telephone, or one QR code."""
    assert len(code_for(simulation, locked)) < 1000


class _DeadModem:
    def write(self, data: bytes) -> None:
        return None

    def read(self, timeout: float) -> bytes:
        return b""


class _LosingVerdicts:
    """A network that carries what the phone sends, and loses each verdict."""

    def __init__(self, inner: object) -> None:
        self._inner = inner

    def get(self, path: str, *, accept: str) -> object:
        return self._inner.get(path, accept=accept)  # type: ignore[attr-defined]

    def post(self, path: str, body: bytes, *, content_type: str, accept: str) -> object:
        answer = self._inner.post(path, body, content_type=content_type, accept=accept)  # type: ignore[attr-defined]
        return replace(answer, status=502, body=b"") if path.endswith("verdicts") else answer


def challenge_imei(phone: Handset) -> str:
    """The IMEI of a phone, as support would be told it."""
    return phone._hardware.imeis[0][:14]


def test_an_imei_is_never_on_the_lock_screen_but_in_the_challenge(locked: Handset) -> None:
    """The digits are shown on request alone; the challenge spells them in base32."""
    shown = locked.panel.now
    assert shown is not None
    assert shown.facts.imeis == ()
    assert challenge_imei(locked) not in "".join(build(shown.screen, shown.facts, "en").body)

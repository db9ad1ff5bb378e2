"""A device whose modem fails, with the agent and the server: the exchange goes on without what the modem reports."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from agent.core.events import EventKind, SimpleEvent
from agent.core.screens import ModemTrouble, ScreenId
from agent.ports import Modem, ModemError
from lab.backend.hosts import InProcessHost
from lab.handset.builder import DeviceOptions
from lab.handset.handset import Handset
from lab.handset.outcome import Outcome
from lab.scenario.engine.breakable_parts import FaultyModemLine
from lab.scenario.model.device_steps import ModemBreakage
from lab.simulation.simulation import Simulation
from server_stub.admin.context import device_admin
from server_stub.admin.devices import Act
from wire import media

SILENT = {ModemBreakage.SILENT, ModemBreakage.GONE, ModemBreakage.CUT}


@pytest.fixture(scope="module")
def simulation() -> Iterator[Simulation]:
    with Simulation("modem faults", host=InProcessHost) as opened:
        yield opened


def device(simulation: Simulation, place: str, line: FaultyModemLine, name: str = "") -> Handset:
    options = DeviceOptions(name=name, ports=lambda ports: replace(ports, modem=line.connect(ports.modem)))
    phone = simulation.phone("official-global", place, options=options)
    phone.power_on()
    return phone


def newest_evidence(phone: Handset) -> dict[str, object]:
    sent = [entry.detail.get("sent") for entry in phone.timeline.entries]
    claims: dict[str, object] = next(each for each in reversed(sent) if each)["claims"]
    return claims


def failures(phone: Handset) -> list[object]:
    return [entry.detail for entry in phone.timeline.entries if entry.what == "failed"]


@pytest.mark.parametrize("how", ModemBreakage)
def test_locked_device_whose_modem_fails_is_unlocked_by_a_server_that_allows_it(
    simulation: Simulation, how: ModemBreakage
) -> None:
    """I7. It restarts with the failing modem."""
    line = FaultyModemLine()
    phone = device(simulation, "havana", line, f"locked {how}")
    phone.walk_setup()
    assert phone.outcome() is Outcome.LOCKED
    line.break_by(how)
    phone.power_on()
    assert phone.outcome() is Outcome.LOCKED
    device_admin(simulation.server.service).act_on(phone.imeis[0], Act.UNLOCK, reason="bought in Panama")
    phone.retry()
    assert phone.outcome() is Outcome.ACTIVATED
    assert phone.agent is not None
    assert phone.agent.state.modem is (
        ModemTrouble.NO_ANSWER if how in SILENT else ModemTrouble.NOT_UNDERSTOOD
    )
    assert failures(phone) == []


@pytest.mark.parametrize("how", ModemBreakage)
def test_lock_screen_shows_the_known_imei_if_the_modem_fails(
    simulation: Simulation, how: ModemBreakage
) -> None:
    line = FaultyModemLine()
    phone = device(simulation, "havana", line, f"imei {how}")
    phone.walk_setup()
    line.break_by(how)
    for _ in range(2):  # before and after an exchange without the modem
        phone.act(SimpleEvent(EventKind.IMEI_REQUESTED))
        assert phone.display.current is not None
        assert phone.display.current.screen is ScreenId.LOCKED
        assert phone.display.current.facts.imeis == phone.imeis[:1]
        phone.retry()


class CutLine:
    """A modem whose line fails after so many commands."""

    def __init__(self, modem: Modem, commands: int) -> None:
        self._modem = modem
        self.left = commands

    def write(self, data: bytes) -> None:
        if not self.left:
            raise ModemError("line-cut", "the line failed")
        self.left -= 1
        self._modem.write(data)

    def read(self, timeout: float) -> bytes:
        return self._modem.read(timeout)


def test_line_that_fails_after_any_command_costs_what_comes_after_it(simulation: Simulation) -> None:
    """The further it comes, the more is in the evidence; each exchange ends with a verdict."""
    phone = simulation.phone("official-global", "paris", options=DeviceOptions(name="cut"))
    modem, known = phone.hardware.modem, 0
    phone.power_on()
    phone.walk_setup()
    whole = newest_evidence(phone)
    for commands in range(60):
        phone.hardware = replace(phone.hardware, modem=CutLine(modem, commands))
        phone.power_on()
        claims, telephony = newest_evidence(phone), newest_evidence(phone)["telephony"]
        assert phone.outcome() is Outcome.ACTIVATED
        assert isinstance(telephony, dict)
        assert isinstance(whole["telephony"], dict)
        found = ("ueid" in claims) + ("sims" in telephony) + ("serving" in telephony)
        assert found >= known
        assert claims.get("ueid", whole["ueid"]) == whole["ueid"]
        if "faults" not in telephony:
            assert (found, telephony) == (3, whole["telephony"])
            break
        known = found
    else:
        pytest.fail("the reading needs more than 60 commands")
    assert commands > 10
    assert failures(phone) == []
    assert {request.path for request in phone.network.requests} >= {media.VERDICTS_PATH}

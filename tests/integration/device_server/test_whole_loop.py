"""The whole loop over HTTP: the outcome of each firmware in each place."""

from collections.abc import Callable

import pytest

from lab.backend.http_host import HttpHost
from lab.handset.outcome import Outcome, Result
from lab.simulation.matrix import all_profiles, run
from lab.simulation.simulation import Simulation
from lab.world.places import load_places

PROHIBITED = {
    "havana": "CU",
    "tehran": "IR",
    "damascus": "SY",
    "pyongyang": "KP",
    "khartoum": "SD",
    "simferopol": "UA-43",
    "sevastopol": "UA-40",
    "havana-french-sim": "CU",
    "tehran-wifi": "IR",
}
ELIGIBLE = {
    "kyiv": "UA",
    "moscow": "RU",
    "juba": "SS",
    "paris": "FR",
    "new-york": "US",
    "paris-cuban-sim": "FR",
}
ENFORCING = [
    "custom-hardened",
    "official-china",
    "official-eea",
    "official-global",
    "official-india",
    "official-legacy",
    "official-russia",
    "official-unlocked",
]
AGENTLESS = ["custom-aosp", "custom-vendor-base"]

Look = Callable[[str, str], Result]


@pytest.fixture(scope="session")
def look(simulation: Simulation) -> Look:
    """Run a device once and cache its result."""
    known: dict[tuple[str, str], Result] = {}

    def of(profile: str, place: str) -> Result:
        if (profile, place) not in known:
            known[profile, place] = next(run(simulation, [profile], [place]))
        return known[profile, place]

    return of


def test_every_shipped_place_and_profile_is_in_a_table() -> None:
    """A new place or profile must be added here."""
    assert set(load_places()) == PROHIBITED.keys() | ELIGIBLE.keys()
    others = {"official-rooted", "official-tampered", "custom-spoofing", "custom-resigned"}
    assert set(all_profiles()) == {*ENFORCING, *AGENTLESS, *others}


@pytest.mark.sample(4)
@pytest.mark.parametrize("profile", ENFORCING)
@pytest.mark.parametrize("place", PROHIBITED)
def test_a_device_with_the_agent_is_locked_in_a_prohibited_territory(
    look: Look, profile: str, place: str
) -> None:
    """Also for a tourist with a French SIM, and without a SIM."""
    result = look(profile, place)
    assert (result.outcome, result.usable) == (Outcome.LOCKED, False)
    assert result.verdict is not None
    assert (result.verdict.decision, result.verdict.territory) == ("deny", PROHIBITED[place])


@pytest.mark.sample(4)
@pytest.mark.parametrize("profile", ENFORCING)
@pytest.mark.parametrize("place", ELIGIBLE)
def test_a_device_with_the_agent_is_activated_elsewhere(look: Look, profile: str, place: str) -> None:
    """Also with a Cuban SIM that roams in Paris, and in South Sudan, which is not Sudan."""
    result = look(profile, place)
    assert (result.outcome, result.usable) == (Outcome.ACTIVATED, True)
    assert result.verdict is not None
    assert (result.verdict.decision, result.verdict.territory) == ("allow", ELIGIBLE[place])


@pytest.mark.parametrize("profile", AGENTLESS)
@pytest.mark.parametrize("place", [*PROHIBITED, *ELIGIBLE])
def test_firmware_without_the_agent_reaches_the_home_screen_and_sends_nothing(
    look: Look, profile: str, place: str
) -> None:
    """I8."""
    result = look(profile, place)
    assert (result.outcome, result.usable) == (Outcome.HOME, True)
    assert not result.contacted
    assert result.verdict is None


@pytest.mark.parametrize("place", PROHIBITED)
def test_a_hooked_agent_sends_requests_and_its_lock_has_no_effect(look: Look, place: str) -> None:
    """The denial is in the server's records; the device is usable."""
    result = look("official-rooted", place)
    assert (result.outcome, result.usable, result.contacted) == (Outcome.IGNORED, True, True)


@pytest.mark.parametrize("place", [*PROHIBITED, *ELIGIBLE])
def test_a_spoofed_position_without_attestation_is_deferred(look: Look, place: str) -> None:
    """The server cannot identify the device."""
    result = look("custom-spoofing", place)
    assert (result.outcome, result.usable) == (Outcome.PENDING, False)
    assert result.verdict is not None
    assert (result.verdict.decision, result.verdict.reason) == ("defer", "evidence-unattested")
    assert result.verdict.territory == "FR"


@pytest.mark.parametrize("place", PROHIBITED)
def test_a_resigned_image_obeys_its_own_server(look: Look, place: str) -> None:
    """Its verdicts have other keys and another policy."""
    result = look("custom-resigned", place)
    assert (result.outcome, result.usable, result.contacted) == (Outcome.ACTIVATED, True, True)


@pytest.mark.parametrize("place", ["havana", "paris"])
def test_a_tampered_image_does_not_boot(look: Look, place: str) -> None:
    """Verified boot: red."""
    result = look("official-tampered", place)
    assert (result.outcome, result.usable, result.contacted) == (Outcome.NO_BOOT, False, False)


@pytest.mark.sample(3)
@pytest.mark.parametrize("place", PROHIBITED)
def test_a_locked_device_stays_locked_over_a_week_with_three_reboots(
    simulation: Simulation, place: str
) -> None:
    """I3."""
    phone = simulation.phone("official-global", place)
    phone.power_on()
    phone.walk_setup()
    for _ in range(3):
        phone.wait(2.5 * 86_400)
        assert phone.outcome() is Outcome.LOCKED
        phone.power_on()
        assert phone.outcome() is Outcome.LOCKED


def test_a_legacy_device_is_not_affected_by_a_later_measure(simulation: Simulation) -> None:
    """Its image starts the agent at setup only."""
    phone = simulation.phone("official-legacy", "paris")
    phone.power_on()
    phone.walk_setup()
    asked = len(phone.network.requests)
    phone.power_on()
    phone.wait(60 * 86_400)
    assert phone.outcome() is Outcome.ACTIVATED
    assert len(phone.network.requests) == asked


def test_a_legacy_device_sends_no_request_when_a_network_becomes_available(simulation: Simulation) -> None:
    """An overdue check-in stays overdue, also within the first boot."""
    phone = simulation.phone("official-legacy", "paris")
    phone.power_on()
    phone.walk_setup()
    asked = len(phone.network.requests)
    phone.network_down()
    phone.wait(30 * 86_400)
    phone.network_up()
    phone.wait(86_400)
    assert phone.outcome() is Outcome.ACTIVATED
    assert len(phone.network.requests) == asked


def test_an_official_device_checks_in_at_the_time_of_its_verdict(simulation: Simulation) -> None:
    """A week here."""
    phone = simulation.phone("official-global", "paris")
    phone.power_on()
    phone.walk_setup()
    asked = len(phone.network.requests)
    phone.wait(6 * 86_400)
    assert len(phone.network.requests) == asked
    phone.wait(2 * 86_400)
    assert len(phone.network.requests) > asked


def test_the_same_seed_gives_the_same_timeline() -> None:
    def story() -> list[dict[str, object]]:
        with Simulation("again", host=HttpHost) as simulation:
            phone = simulation.phone("official-global", "havana")
            phone.power_on()
            phone.walk_setup()
            return [entry.as_json() for entry in phone.timeline.entries]

    assert story() == story()

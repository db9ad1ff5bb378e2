"""The whole loop on real parts: what becomes of each firmware in each place, over HTTP."""

from collections.abc import Callable

import pytest

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
    """Runs a phone once and remembers what became of it."""
    known: dict[tuple[str, str], Result] = {}

    def of(profile: str, place: str) -> Result:
        if (profile, place) not in known:
            known[profile, place] = next(run(simulation, [profile], [place]))
        return known[profile, place]

    return of


def test_every_shipped_place_and_profile_is_spoken_for() -> None:
    """A new place or profile must say here what it is about."""
    assert set(load_places()) == PROHIBITED.keys() | ELIGIBLE.keys()
    others = {"official-rooted", "official-tampered", "custom-spoofing", "custom-resigned"}
    assert set(all_profiles()) == {*ENFORCING, *AGENTLESS, *others}


@pytest.mark.sample(4)
@pytest.mark.parametrize("profile", ENFORCING)
@pytest.mark.parametrize("place", PROHIBITED)
def test_an_official_phone_is_locked_in_a_prohibited_territory(look: Look, profile: str, place: str) -> None:
    """The measure of 2021, for the tourist with a French SIM and for the phone without one as well."""
    result = look(profile, place)
    assert (result.outcome, result.usable) == (Outcome.LOCKED, False)
    assert result.verdict is not None
    assert (result.verdict.decision, result.verdict.territory) == ("deny", PROHIBITED[place])


@pytest.mark.sample(4)
@pytest.mark.parametrize("profile", ENFORCING)
@pytest.mark.parametrize("place", ELIGIBLE)
def test_an_official_phone_is_activated_elsewhere(look: Look, profile: str, place: str) -> None:
    """Also with a Cuban SIM that roams in Paris, and in South Sudan, which is not Sudan."""
    result = look(profile, place)
    assert (result.outcome, result.usable) == (Outcome.ACTIVATED, True)
    assert result.verdict is not None
    assert (result.verdict.decision, result.verdict.territory) == ("allow", ELIGIBLE[place])


@pytest.mark.parametrize("profile", AGENTLESS)
@pytest.mark.parametrize("place", [*PROHIBITED, *ELIGIBLE])
def test_firmware_without_the_agent_reaches_home_and_sends_nothing(
    look: Look, profile: str, place: str
) -> None:
    """I8: phones with unofficial firmware were not affected at all."""
    result = look(profile, place)
    assert (result.outcome, result.usable) == (Outcome.HOME, True)
    assert not result.contacted
    assert result.verdict is None


@pytest.mark.parametrize("place", PROHIBITED)
def test_a_hooked_agent_asks_and_is_not_obeyed(look: Look, place: str) -> None:
    """The denial stands in the server's records; the phone is usable all the same."""
    result = look("official-rooted", place)
    assert (result.outcome, result.usable, result.contacted) == (Outcome.IGNORED, True, True)


@pytest.mark.parametrize("place", [*PROHIBITED, *ELIGIBLE])
def test_a_spoofed_position_does_not_help_a_keystore_without_attestation(look: Look, place: str) -> None:
    """It claims Paris everywhere; the server does not know which phone it talks to and defers."""
    result = look("custom-spoofing", place)
    assert (result.outcome, result.usable) == (Outcome.PENDING, False)
    assert result.verdict is not None
    assert (result.verdict.decision, result.verdict.reason) == ("defer", "evidence-unattested")
    assert result.verdict.territory == "FR"


@pytest.mark.parametrize("place", PROHIBITED)
def test_a_resigned_image_obeys_whoever_holds_its_root(look: Look, place: str) -> None:
    """Its verdicts come from other keys, under another policy."""
    result = look("custom-resigned", place)
    assert (result.outcome, result.usable, result.contacted) == (Outcome.ACTIVATED, True, True)


@pytest.mark.parametrize("place", ["havana", "paris"])
def test_a_tampered_image_does_not_boot(look: Look, place: str) -> None:
    """Verified boot: red."""
    result = look("official-tampered", place)
    assert (result.outcome, result.usable, result.contacted) == (Outcome.NO_BOOT, False, False)


@pytest.mark.sample(3)
@pytest.mark.parametrize("place", PROHIBITED)
def test_a_locked_phone_stays_locked_through_reboots_and_time(simulation: Simulation, place: str) -> None:
    """I3: the sealed state and the server both remember; a week with three reboots changes nothing."""
    phone = simulation.phone("official-global", place)
    phone.power_on()
    phone.walk_setup()
    for _ in range(3):
        phone.wait(2.5 * 86_400)
        assert phone.outcome() is Outcome.LOCKED
        phone.power_on()
        assert phone.outcome() is Outcome.LOCKED


def test_a_legacy_phone_is_never_asked_about_again(simulation: Simulation) -> None:
    """Its image wakes the agent for setup alone, so no later measure reaches it."""
    phone = simulation.phone("official-legacy", "paris")
    phone.power_on()
    phone.walk_setup()
    asked = len(phone.network.requests)
    phone.power_on()
    phone.wait(60 * 86_400)
    assert phone.outcome() is Outcome.ACTIVATED
    assert len(phone.network.requests) == asked


def test_a_legacy_phone_does_not_ask_when_a_network_comes_up(simulation: Simulation) -> None:
    """Its image registers for no networks either: an overdue check-in stays overdue, within the first boot too."""
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


def test_an_official_phone_checks_in_when_its_verdict_says(simulation: Simulation) -> None:
    """The alarm is set to the check-in of the newest verdict, a week here."""
    phone = simulation.phone("official-global", "paris")
    phone.power_on()
    phone.walk_setup()
    asked = len(phone.network.requests)
    phone.wait(6 * 86_400)
    assert len(phone.network.requests) == asked
    phone.wait(2 * 86_400)
    assert len(phone.network.requests) > asked


def test_the_same_seed_tells_the_same_story_to_the_octet() -> None:
    """Everything random derives from the seed, so a report can be reproduced."""

    def story() -> list[dict[str, object]]:
        with Simulation.open("again") as simulation:
            phone = simulation.phone("official-global", "havana")
            phone.power_on()
            phone.walk_setup()
            return [entry.as_json() for entry in phone.timeline.entries]

    assert story() == story()

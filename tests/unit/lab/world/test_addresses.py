"""Where the requests of a phone come from: its carrier, its Wi-Fi or its tunnel, as a server sees it."""

import ipaddress
from threading import Thread

import pytest

from firmware_profiles.loader import load_named
from lab.handset.location import DeviceLocation, Vpn
from lab.handset.surroundings import cards_at
from lab.world.addresses import LOOPBACK, address_in, countries, current_source_address, source_address
from lab.world.places import find_place, load_places
from lab.world.seed import Seed
from wire.evidence import Wifi

SEED = Seed.of("tests")
GLOBAL = load_named("official-global")


def at(place: str) -> DeviceLocation:
    where = find_place(place)
    return DeviceLocation(where, list(cards_at(where, SEED)), SEED)


def country(here: DeviceLocation) -> str | None:
    """What a server of the lab makes of it."""
    return countries()(here.address(GLOBAL))


@pytest.mark.parametrize("code", ["FR", "CU", "ZW"])
def test_a_country_comes_back_from_its_address(code: str) -> None:
    """The table and the addresses are made from the same letters."""
    assert countries()(address_in(code)) == code


@pytest.mark.parametrize("code", ["FR", None])
def test_no_address_is_anybodys(code: str | None) -> None:
    """They are from the prefix for documentation, RFC 3849."""
    assert ipaddress.ip_address(address_in(code)) in ipaddress.ip_network("2001:db8::/32")


def test_nobodys_address_and_that_of_this_machine_tell_no_country() -> None:
    """A signal that is not there is better than one that is made up."""
    assert [countries()(address) for address in (address_in(None), LOOPBACK)] == [None, None]


AT_HOME = [name for name in load_places() if not name.endswith("-sim")]


@pytest.mark.parametrize("place", AT_HOME)
def test_at_home_traffic_leaves_where_the_place_says(place: str) -> None:
    """A phone on its home network comes out where that network does."""
    assert country(at(place)) == find_place(place).address


@pytest.mark.parametrize(("place", "home"), [("havana-french-sim", "FR"), ("paris-cuban-sim", "CU")])
def test_a_roaming_phone_comes_out_at_home(place: str, home: str) -> None:
    """Roaming traffic is led to the home network first; Wi-Fi leads out on the spot."""
    here = at(place)
    assert country(here) == home
    here.wifi = Wifi(connected=True)
    assert country(here) == find_place(place).address


@pytest.mark.parametrize("exit_in", ["DE", None])
def test_a_tunnel_decides_over_everything(exit_in: str | None) -> None:
    """Whatever carries it."""
    here = at("havana-french-sim")
    here.vpn = Vpn(exit_in)
    assert country(here) == exit_in


def test_an_address_holds_for_its_block_and_its_thread() -> None:
    """Phones in other threads come from elsewhere at the same time."""
    seen: list[str] = []
    with source_address("2001:db8::7"):
        thread = Thread(target=lambda: seen.append(current_source_address()))
        thread.start()
        thread.join()
        seen.append(current_source_address())
    assert [*seen, current_source_address()] == [LOOPBACK, "2001:db8::7", LOOPBACK]

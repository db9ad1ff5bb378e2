"""Source addresses of devices by carrier, Wi-Fi and VPN, as a server sees them."""

import ipaddress
from threading import Thread

import pytest

from firmware_profiles.loader import load_named
from lab.backend.forwarded_addresses import countries
from lab.handset.location import DeviceLocation, Vpn, cards_at
from lab.world.addresses import LOOPBACK, address_in, current_source_address, source_address
from lab.world.places import find_place, load_places
from lab.world.seed import Seed
from wire.evidence import Wifi

SEED = Seed.of("tests")
GLOBAL = load_named("official-global")


def at(place: str) -> DeviceLocation:
    where = find_place(place)
    return DeviceLocation(where, list(cards_at(where, SEED)), SEED)


def country(here: DeviceLocation) -> str | None:
    """The country that a server of the lab finds for it."""
    return countries()(here.address(GLOBAL))


@pytest.mark.parametrize("code", ["FR", "CU", "ZW"])
def test_address_of_a_country_is_found_in_the_table(code: str) -> None:
    assert countries()(address_in(code)) == code


@pytest.mark.parametrize("code", ["FR", None])
def test_addresses_are_in_the_documentation_prefix(code: str | None) -> None:
    """RFC 3849."""
    assert ipaddress.ip_address(address_in(code)) in ipaddress.ip_network("2001:db8::/32")


def test_unlisted_and_loopback_addresses_have_no_country() -> None:
    assert [countries()(address) for address in (address_in(None), LOOPBACK)] == [None, None]


AT_HOME = [name for name in load_places() if not name.endswith("-sim")]


@pytest.mark.parametrize("place", AT_HOME)
def test_device_at_home_has_the_address_of_its_place(place: str) -> None:
    assert country(at(place)) == find_place(place).address


@pytest.mark.parametrize(("place", "home"), [("havana-french-sim", "FR"), ("paris-cuban-sim", "CU")])
def test_roaming_device_has_an_address_of_its_home_country(place: str, home: str) -> None:
    """Carriers route roaming traffic to the home network; Wi-Fi leaves locally."""
    here = at(place)
    assert country(here) == home
    here.wifi = Wifi(connected=True)
    assert country(here) == find_place(place).address


@pytest.mark.parametrize("exit_in", ["DE", None])
def test_vpn_address_overrides_every_other_address(exit_in: str | None) -> None:
    here = at("havana-french-sim")
    here.vpn = Vpn(exit_in)
    assert country(here) == exit_in


def test_source_address_is_limited_to_its_block_and_thread() -> None:
    seen: list[str] = []
    with source_address("2001:db8::7"):
        thread = Thread(target=lambda: seen.append(current_source_address()))
        thread.start()
        thread.join()
        seen.append(current_source_address())
    assert [*seen, current_source_address()] == [LOOPBACK, "2001:db8::7", LOOPBACK]

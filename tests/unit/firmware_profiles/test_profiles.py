"""The shipped profiles: what they are, and that none says what becomes of the phone."""

import itertools
import json
import tomllib
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from stdnum import numdb

import firmware_profiles
from firmware_profiles import BootState, boots, load_all, load_named, names, verified_boot
from firmware_profiles.loader import FOLDER
from firmware_profiles.model import (
    Bootloader,
    DisplayHook,
    Integrity,
    KeyStorage,
    SaleRegion,
    SignedBy,
    Wake,
)
from firmware_profiles.schema import FILE, schema

STATES = {
    "official-global": BootState.GREEN,
    "official-china": BootState.GREEN,
    "official-eea": BootState.GREEN,
    "official-india": BootState.GREEN,
    "official-russia": BootState.GREEN,
    "official-legacy": BootState.GREEN,
    "official-unlocked": BootState.ORANGE,
    "official-rooted": BootState.ORANGE,
    "official-tampered": BootState.RED,
    "custom-vendor-base": BootState.YELLOW,
    "custom-aosp": BootState.ORANGE,
    "custom-spoofing": BootState.ORANGE,
    "custom-resigned": BootState.YELLOW,
}
REGIONAL = {
    "official-global": SaleRegion.GLOBAL,
    "official-china": SaleRegion.CN,
    "official-eea": SaleRegion.EEA,
    "official-india": SaleRegion.IN,
    "official-russia": SaleRegion.RU,
}
NETWORKS = (
    *("36801", "43211", "43235", "41701", "46705", "63401", "25032", "25033", "25501", "25503", "25506"),
    *("25001", "65902", "65906", "20801", "310260", "310410"),
)
"""Networks of the places where phones are tried, as MCC and MNC in one."""

OUTCOMES = {"outcome", "activated", "locked", "pending", "home", "ignored", "no-boot", "usable", "verdict"}
OUTCOMES |= {"decision", "allow", "deny", "enforces", "contacted", "expected", "verified_boot", "state"}


def raw(name: str) -> dict[str, Any]:
    return tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))


def keys(table: dict[str, Any]) -> Iterator[str]:
    for key, value in table.items():
        yield key
        if isinstance(value, dict):
            yield from keys(value)


def network_bands(plmn: str) -> set[str]:
    """The bands of a network by python-stdnum's operator table."""
    _, (_, operator) = numdb.get("imsi").info(plmn)
    return set(operator["bands"].split(" / "))


def test_thirteen_profiles_are_shipped() -> None:
    """By these names, each in a file of its own name."""
    assert set(names()) == set(STATES)
    assert {name: profile.name for name, profile in load_all().items()} == {name: name for name in STATES}


@pytest.mark.parametrize("name", STATES)
def test_the_boot_state_follows_from_the_image(name: str) -> None:
    """No profile states its colour; a red one is not started."""
    profile = load_named(name)
    assert verified_boot(profile) is STATES[name]
    assert boots(profile) == (name != "official-tampered")


def test_the_boot_state_of_every_combination() -> None:
    """All twelve, by AVB's boot flow: unlocked is orange, a locked bootloader trusts the enrolled keys alone."""
    base = load_named("official-global")
    for bootloader, signed_by, image in itertools.product(Bootloader, SignedBy, Integrity):
        boot = base.boot.model_copy(
            update={"bootloader": bootloader, "signed_by": signed_by, "image": image},
        )
        state = verified_boot(base.model_copy(update={"boot": boot}))
        if bootloader is Bootloader.UNLOCKED:
            assert state is BootState.ORANGE
        elif image is Integrity.MODIFIED or signed_by is SignedBy.TEST:
            assert state is BootState.RED
        else:
            assert state is (BootState.GREEN if signed_by is SignedBy.VENDOR else BootState.YELLOW)


@pytest.mark.parametrize("name", STATES)
def test_a_profile_states_no_outcome(name: str) -> None:
    """Outcomes follow from running the image; a key that named one would decide the experiment."""
    assert not set(keys(raw(name))) & OUTCOMES


@pytest.mark.parametrize("name", STATES)
def test_a_shipped_profile_is_valid_by_the_published_schema(name: str) -> None:
    """So that an editor and the loader agree. TOML dates are dates there as their ISO text."""
    document = json.loads(json.dumps(raw(name), default=str))
    jsonschema.validate(document, json.loads(FILE.read_text(encoding="utf-8")))


def test_the_published_schema_is_the_generated_one() -> None:
    """`python -m firmware_profiles.schema` writes it anew."""
    assert FILE.read_text(encoding="utf-8") == schema()


@pytest.mark.parametrize(("name", "region"), REGIONAL.items())
def test_a_regional_image_is_enforcing_hardware_of_its_region(name: str, region: SaleRegion) -> None:
    """Green, hardware keys, an agent that is woken by everything, nothing hooked."""
    profile = load_named(name)
    assert profile.image.sale_region is region
    assert profile.hardware.keystore in {KeyStorage.STRONGBOX, KeyStorage.TEE}
    assert profile.hooks is None
    assert profile.agent is not None
    assert set(profile.agent.wakes_on) == set(Wake)
    assert profile.agent.trust == "vendor"


def test_regional_hardware_differs() -> None:
    """Model, type allocation code, bands and languages tell the regions apart."""
    profiles = [load_named(name) for name in REGIONAL]
    assert len({profile.hardware.model for profile in profiles}) == len(profiles)
    assert len({profile.hardware.tac for profile in profiles}) == len(profiles)
    assert len({frozenset(profile.hardware.bands) for profile in profiles}) == len(profiles)
    assert len({frozenset(profile.image.languages) for profile in profiles}) == len(profiles)


def test_one_model_has_one_type_allocation_code_and_one_radio() -> None:
    """Another firmware on the same phone does not change its hardware."""
    by_model: dict[str, set[tuple[str, tuple[str, ...]]]] = {}
    for profile in load_all().values():
        by_model.setdefault(profile.hardware.model, set()).add((profile.hardware.tac, profile.hardware.bands))
    assert {len(found) for found in by_model.values()} == {1}


@pytest.mark.parametrize("plmn", NETWORKS)
def test_every_phone_has_radio_for_each_network_of_interest(plmn: str) -> None:
    """A phone that could not register would prove nothing about its firmware."""
    for name, profile in load_all().items():
        assert set(profile.hardware.bands) & network_bands(plmn), name


def test_regional_radios_lack_what_their_region_does_not_use() -> None:
    """Bands are facts with consequences: TD-SCDMA is Chinese, the American bands are in the global phone alone."""
    having = {
        band: {name for name in REGIONAL if band in load_named(name).hardware.bands}
        for band in ("TD-SCDMA 1900", "LTE 1700", "UMTS 1900", "5G 3500")
    }
    assert having["TD-SCDMA 1900"] == {"official-china"}
    assert having["LTE 1700"] == {"official-global"}
    assert having["UMTS 1900"] == {"official-global", "official-china"}
    assert having["5G 3500"] == set(REGIONAL) - {"official-russia"}


def test_agents_are_absent_from_exactly_two_images() -> None:
    """The community's rebuild and the clean AOSP build carry none."""
    absent = {name for name, profile in load_all().items() if profile.agent is None}
    assert absent == {"custom-vendor-base", "custom-aosp"}


def test_the_older_agent_is_woken_by_setup_alone() -> None:
    """And by a retry of it: it knows no check-in, no boot and no other SIM."""
    agent = load_named("official-legacy").agent
    assert agent is not None
    assert set(agent.wakes_on) == {Wake.SETUP, Wake.RETRY}


def test_hooks_are_where_they_were_put() -> None:
    """One image swallows screens, one falsifies what the agent hears, and no other interferes."""
    hooked = {name: profile.hooks for name, profile in load_all().items() if profile.hooks}
    assert set(hooked) == {"official-rooted", "custom-spoofing"}
    assert hooked["official-rooted"].display is DisplayHook.HOOKED
    assert hooked["official-rooted"].falsified is None
    falsified = hooked["custom-spoofing"].falsified
    assert falsified is not None
    assert (falsified.sim_mcc, falsified.network_mcc, falsified.wifi_country) == ("208", "208", "FR")
    assert load_named("custom-spoofing").hardware.keystore is KeyStorage.SOFTWARE


def test_exactly_one_image_trusts_another_holder() -> None:
    """Whoever holds that root is obeyed by it and by no other."""
    trust = {name: profile.agent.trust for name, profile in load_all().items() if profile.agent}
    assert {name for name, holder in trust.items() if holder != "vendor"} == {"custom-resigned"}


def test_the_module_says_what_it_exports() -> None:
    """The names in `__all__` exist; the loader is reached through them."""
    assert all(hasattr(firmware_profiles, name) for name in firmware_profiles.__all__)

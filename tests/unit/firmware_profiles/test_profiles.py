"""The shipped profiles: their facts, and that they contain no outcomes."""

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
    "custom-hardened": BootState.YELLOW,
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


def test_fourteen_profiles_are_shipped() -> None:
    assert set(names()) == set(STATES)
    assert {name: profile.name for name, profile in load_all().items()} == {name: name for name in STATES}


@pytest.mark.parametrize("name", STATES)
def test_boot_state_is_computed_from_the_image(name: str) -> None:
    profile = load_named(name)
    assert verified_boot(profile) is STATES[name]
    assert boots(profile) == (name != "official-tampered")


def test_boot_state_of_every_combination() -> None:
    """By the boot flow of AVB."""
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
            assert state is (BootState.GREEN if signed_by is SignedBy.MANUFACTURER else BootState.YELLOW)


@pytest.mark.parametrize("name", STATES)
def test_profile_has_no_key_for_an_outcome(name: str) -> None:
    assert not set(keys(raw(name))) & OUTCOMES


@pytest.mark.parametrize("name", STATES)
def test_shipped_profile_conforms_to_the_published_schema(name: str) -> None:
    """With TOML dates as ISO text."""
    document = json.loads(json.dumps(raw(name), default=str))
    validator = jsonschema.Draft202012Validator(json.loads(FILE.read_text(encoding="utf-8")))
    assert list(validator.iter_errors(document)) == []


def test_published_schema_is_up_to_date() -> None:
    assert FILE.read_text(encoding="utf-8") == schema()


@pytest.mark.parametrize(("name", "region"), REGIONAL.items())
def test_regional_image_is_genuine_and_its_agent_enforces(name: str, region: SaleRegion) -> None:
    """Green, hardware keys, an agent that all events wake, no hooks."""
    profile = load_named(name)
    assert profile.image.sale_region is region
    assert profile.hardware.keystore in {KeyStorage.STRONGBOX, KeyStorage.TEE}
    assert profile.hooks is None
    assert profile.agent is not None
    assert set(profile.agent.wakes_on) == set(Wake)
    assert profile.agent.trust == "vendor"


def test_regional_hardware_differs() -> None:
    profiles = [load_named(name) for name in REGIONAL]
    assert len({profile.hardware.model for profile in profiles}) == len(profiles)
    assert len({profile.hardware.tac for profile in profiles}) == len(profiles)
    assert len({frozenset(profile.hardware.bands) for profile in profiles}) == len(profiles)
    assert len({frozenset(profile.image.languages) for profile in profiles}) == len(profiles)


def test_one_model_has_one_type_allocation_code_and_one_radio() -> None:
    """Other firmware does not change the hardware."""
    by_model: dict[str, set[tuple[str, tuple[str, ...]]]] = {}
    for profile in load_all().values():
        by_model.setdefault(profile.hardware.model, set()).add((profile.hardware.tac, profile.hardware.bands))
    assert {len(found) for found in by_model.values()} == {1}


@pytest.mark.parametrize("plmn", NETWORKS)
def test_every_device_receives_each_network_of_the_places(plmn: str) -> None:
    for name, profile in load_all().items():
        assert set(profile.hardware.bands) & network_bands(plmn), name


def test_regional_radios_lack_bands_that_their_region_does_not_use() -> None:
    having = {
        band: {name for name in REGIONAL if band in load_named(name).hardware.bands}
        for band in ("TD-SCDMA 1900", "LTE 1700", "UMTS 1900", "5G 3500")
    }
    assert having["TD-SCDMA 1900"] == {"official-china"}
    assert having["LTE 1700"] == {"official-global"}
    assert having["UMTS 1900"] == {"official-global", "official-china"}
    assert having["5G 3500"] == set(REGIONAL) - {"official-russia"}


def test_exactly_two_images_have_no_agent() -> None:
    absent = {name for name, profile in load_all().items() if profile.agent is None}
    assert absent == {"custom-vendor-base", "custom-aosp"}


def test_older_agent_is_woken_only_by_setup_and_retry() -> None:
    agent = load_named("official-legacy").agent
    assert agent is not None
    assert set(agent.wakes_on) == {Wake.SETUP, Wake.RETRY}


def test_only_two_images_have_hooks() -> None:
    """One suppresses screens, one falsifies inputs."""
    hooked = {name: profile.hooks for name, profile in load_all().items() if profile.hooks}
    assert set(hooked) == {"official-rooted", "custom-spoofing"}
    assert hooked["official-rooted"].display is DisplayHook.HOOKED
    assert hooked["official-rooted"].falsified is None
    falsified = hooked["custom-spoofing"].falsified
    assert falsified is not None
    assert (falsified.sim_mcc, falsified.network_mcc, falsified.wifi_country) == ("208", "208", "FR")
    assert load_named("custom-spoofing").hardware.keystore is KeyStorage.SOFTWARE


def test_exactly_one_image_trusts_another_owner() -> None:
    trust = {name: profile.agent.trust for name, profile in load_all().items() if profile.agent}
    assert {name for name, holder in trust.items() if holder != "vendor"} == {"custom-resigned"}


def test_exported_names_exist() -> None:
    assert all(hasattr(firmware_profiles, name) for name in firmware_profiles.__all__)

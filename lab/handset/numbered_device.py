"""The devices of a lab by number: many of them, each with its own IMEIs, keys and certificate.

A device is its hardware: with another image for its model or in another place it is the same device.
"""

from dataclasses import dataclass
from typing import Final

from agent.telephony.identity import check_digit
from firmware_profiles.model import Profile
from lab.handset.image import SLOTS, boot_facts
from lab.handset.keystore import EmulatedKeystore, KeystoreOptions
from lab.manufacturer.factory import Authority, Factory
from lab.world.seed import Seed

_SERIAL_NUMBERS: Final = 1_000_000
"""Serial numbers below one type allocation code (3GPP TS 23.003 clause 6.2.1)."""

DEVICES_MAX: Final = _SERIAL_NUMBERS // SLOTS
"""Devices below one type allocation code. They are numbered from 0."""


@dataclass(frozen=True, slots=True)
class NumberedDevice:
    """Made by `of`. `seed` is the device's own."""

    seed: Seed
    profile: Profile
    imeis: tuple[str, ...]
    authority: Authority

    @classmethod
    def of(cls, seed: str, number: int, profile: Profile) -> "NumberedDevice":
        """Device `number` of the lab of `seed` with the image `profile`. Raises ValueError if there is none."""
        numbers, name = device_imeis(seed, number, profile), f"{profile.hardware.tac}-{number}"
        authority = Factory(seed).device_authority(name, profile.hardware.keystore)
        return cls(Seed.of(seed).child(f"device {name}"), profile, numbers, authority)

    def keystore(self, options: KeystoreOptions | None = None) -> EmulatedKeystore:
        """The keystore of this device and its image."""
        return EmulatedKeystore(self.seed, self.authority, boot_facts(self.profile, self.imeis), options)


def device_imeis(seed: str, number: int, profile: Profile) -> tuple[str, ...]:
    """The IMEIs of device `number`, one for each SIM slot; no two devices of a model share one. Raises ValueError."""
    if not 0 <= number < DEVICES_MAX:
        raise ValueError(f"there is no device {number}; devices are numbered from 0 to {DEVICES_MAX - 1}")
    first = Seed.of(seed).integer("first serial number", _SERIAL_NUMBERS) + number * SLOTS
    unchecked = [f"{profile.hardware.tac}{(first + slot) % _SERIAL_NUMBERS:06}" for slot in range(SLOTS)]
    return tuple(f"{each}{check_digit(each)}" for each in unchecked)

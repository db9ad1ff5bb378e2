"""Android Verified Boot: computes the boot state from the facts in the `[boot]` table of a profile."""

from collections.abc import Mapping
from enum import StrEnum
from hashlib import sha256
from typing import Final

from firmware_profiles.model import Bootloader, Integrity, Profile, SignedBy


class BootState(StrEnum):
    """The colour that the bootloader reports (AVB boot flow)."""

    GREEN = "green"
    YELLOW = "yellow"
    ORANGE = "orange"
    RED = "red"


_ENROLLED: Final[Mapping[SignedBy, BootState]] = {
    SignedBy.MANUFACTURER: BootState.GREEN,
    SignedBy.OWNER: BootState.YELLOW,
    SignedBy.PROJECT: BootState.YELLOW,
    SignedBy.TEST: BootState.RED,
}
"""The state of an intact image under a locked bootloader. The test key is enrolled on no device."""


def verified_boot(profile: Profile) -> BootState:
    """The state of the profile's image on its bootloader.

    An unlocked bootloader checks nothing and reports orange. A locked one reports red for a modified image, and
    green, yellow or red for an intact one, depending on the key.
    """
    boot = profile.boot
    if boot.bootloader is Bootloader.UNLOCKED:
        return BootState.ORANGE
    if boot.image is Integrity.MODIFIED:
        return BootState.RED
    return _ENROLLED[boot.signed_by]


def verified_boot_key(profile: Profile) -> bytes:
    """SHA-256 of the key that signed the image, as the bootloader passes it to the keystore."""
    return sha256(f"vbmeta key {profile.boot.signed_by}".encode()).digest()


def boots(profile: Profile) -> bool:
    """Whether the bootloader starts the image: unless the state is red."""
    return verified_boot(profile) is not BootState.RED

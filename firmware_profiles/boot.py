"""Android Verified Boot: the state follows from what the bootloader finds; no profile states it."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from firmware_profiles.model import Bootloader, Integrity, Profile, SignedBy


class BootState(StrEnum):
    """The colour that the bootloader reports, the words of AVB's boot flow."""

    GREEN = "green"
    YELLOW = "yellow"
    ORANGE = "orange"
    RED = "red"


_ENROLLED: Final[Mapping[SignedBy, BootState]] = {
    SignedBy.VENDOR: BootState.GREEN,
    SignedBy.OWNER: BootState.YELLOW,
    SignedBy.TEST: BootState.RED,
}
"""What a locked bootloader says of an intact image. A key that is enrolled nowhere is as good as none."""


def verified_boot(profile: Profile) -> BootState:
    """The state of the profile's image on its bootloader.

    Unlocked is orange whatever runs, for nothing was checked. Locked and modified is red; locked and intact is
    green, yellow or red by the key.
    """
    boot = profile.boot
    if boot.bootloader is Bootloader.UNLOCKED:
        return BootState.ORANGE
    if boot.image is Integrity.MODIFIED:
        return BootState.RED
    return _ENROLLED[boot.signed_by]


def boots(profile: Profile) -> bool:
    """Whether the bootloader starts the image at all: not when it is red."""
    return verified_boot(profile) is not BootState.RED

"""Firmware profiles: facts about firmware images, one TOML file each. Outcomes are computed by running an image.

>>> profile = load_named("official-global")
>>> profile.hardware.model, verified_boot(profile).value
('SV-2107G', 'green')
"""

from firmware_profiles.boot import BootState, boots, verified_boot, verified_boot_key
from firmware_profiles.errors import ProfileError
from firmware_profiles.loader import find, load, load_all, load_named, names, parse
from firmware_profiles.model import Profile

__all__ = [
    "BootState",
    "Profile",
    "ProfileError",
    "boots",
    "find",
    "load",
    "load_all",
    "load_named",
    "names",
    "parse",
    "verified_boot",
    "verified_boot_key",
]

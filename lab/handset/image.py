"""What a firmware profile gives its device: the constants of agent and keystore, the wakes, and the hook."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from hashlib import sha256
from typing import Final

from agent.core.events import EventKind
from agent.core.states import Lock, Setup, State
from agent.image import Image
from agent.telephony.identity import check_digit
from firmware_profiles.boot import verified_boot, verified_boot_key
from firmware_profiles.model import Bootloader, DisplayHook, Profile, Wake
from lab.handset.keystore import BootFacts
from lab.world.seed import Seed
from wire.codes import DebugStatus, VerifiedBootState

MAKER: Final = "Solvane"
SLOTS: Final = 2


@dataclass(frozen=True, slots=True)
class Trust:
    """Whose verdicts an image accepts: the names that it pins, and the origin of the keys.

    `root` is version 1 of the root of the repository that publishes the verdict keys. An image without a repository
    contains their JWK Set.
    """

    issuer: str
    audience: str
    jwks: dict[str, object] = field(default_factory=dict)
    root: bytes = b""


WAKES: Final = {
    EventKind.BOOTED: Wake.BOOT,
    EventKind.SIM_CHANGED: Wake.SIM_CHANGE,
    EventKind.CONNECTED: Wake.NETWORK,
    EventKind.RETRY_DUE: Wake.RETRY,
    **dict.fromkeys((EventKind.HEARTBEAT, EventKind.CHECK_IN_DUE, EventKind.WARNING_DUE), Wake.ALARM),
    **dict.fromkeys((EventKind.LOCK_DUE, EventKind.OFFLINE_DUE), Wake.ALARM),
}
"""The registration of the image that delivers an event after setup."""


def hides_agent_screens(profile: Profile) -> bool:
    """Whether a hook in the image suppresses screens of the agent."""
    return profile.hooks is not None and profile.hooks.display is DisplayHook.HOOKED


def is_provisioned(state: State) -> bool:
    """Whether the system considers the wizard finished. A locked device counts as one that is not set up."""
    return state.setup is Setup.DONE and state.lock is not Lock.LOCKED


def agent_image(profile: Profile, trust: Trust) -> Image:
    """The constants of the agent in the image of `profile`. Raises ValueError if it has none."""
    if profile.agent is None:
        raise ValueError(f"the image {profile.name!r} carries no agent")
    return Image(
        oemid=bytes.fromhex(profile.hardware.oemid),
        hwmodel=profile.hardware.model.encode(),
        swname=profile.image.swname,
        swversion=profile.image.swversion,
        build=profile.image.build,
        agent_version=profile.agent.version,
        sale_region=profile.image.sale_region.value,
        patch_level=profile.image.patch_level.isoformat(),
        oemboot=profile.image.oemboot,
        dbgstat=DebugStatus(profile.image.dbgstat.value),
        terms_version=profile.agent.terms_version,
        bands=profile.hardware.bands,
        issuer=trust.issuer,
        audience=trust.audience,
        built_at=int(datetime.combine(profile.image.built, time(), UTC).timestamp()),
    )


def imeis(profile: Profile, seed: Seed) -> tuple[str, ...]:
    """One IMEI for each SIM slot: the profile's TAC, a serial number of this device, and the check digit."""
    numbers = [profile.hardware.tac + f"{seed.integer(f'imei {slot}', 10**6):06}" for slot in range(SLOTS)]
    return tuple(f"{number}{check_digit(number)}" for number in numbers)


def boot_facts(profile: Profile, phone_imeis: tuple[str, ...]) -> BootFacts:
    """What the bootloader of a device with `profile` passes to its keystore."""
    boot, model = profile.boot, profile.hardware.model
    return BootFacts(
        verified_boot_state=VerifiedBootState(verified_boot(profile).value),
        device_locked=boot.bootloader is Bootloader.LOCKED,
        os_version=_os_version(profile.image.os_version),
        patch_level=profile.image.patch_level.isoformat(),
        imeis=phone_imeis,
        brand=MAKER,
        device=model.lower(),
        product=model.lower(),
        manufacturer=MAKER,
        model=model,
        verified_boot_key=verified_boot_key(profile),
        verified_boot_hash=sha256(f"{profile.image.build} {boot.image}".encode()).digest(),
    )


def _os_version(version: str) -> int:
    """`11`, `11.0` or `11.0.3` as MMmmss (Android Key Attestation, osVersion)."""
    major, minor, step = (*map(int, version.split(".")), 0, 0)[:3]
    return major * 10_000 + minor * 100 + step

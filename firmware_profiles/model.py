"""The content of a profile, as strict models: a table has exactly the keys that are listed here.

Optional tables are `agent` (absent in an image without the agent), and `hooks` with `hooks.falsified` (absent in an
image that modifies nothing at run time). Profiles contain facts and no outcomes.
"""

import datetime
from enum import StrEnum
from typing import Annotated, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator


class KeyStorage(StrEnum):
    """Where keys are stored: the security levels of KeyMint."""

    STRONGBOX = "strongbox"
    TEE = "tee"
    SOFTWARE = "software"


class Bootloader(StrEnum):
    """Whether the bootloader enforces the signature of the image."""

    LOCKED = "locked"
    UNLOCKED = "unlocked"


class SignedBy(StrEnum):
    """Whose key signed the image's vbmeta."""

    MANUFACTURER = "vendor"
    """The key in the bootloader's read-only memory."""
    OWNER = "owner"
    """A key that the owner enrolled: the user-settable root of trust of AVB."""
    PROJECT = "project"
    """The published key of a third party's system, which the owner enrolled in the same way."""
    TEST = "test"
    """The public test key of AOSP, which no device enrols."""


class Integrity(StrEnum):
    """Whether the image is still the signed one."""

    INTACT = "intact"
    MODIFIED = "modified"


class SaleRegion(StrEnum):
    """The region that the manufacturer built the image for."""

    GLOBAL = "global"
    CN = "cn"
    EEA = "eea"
    IN = "in"
    RU = "ru"


class ImageDebugStatus(StrEnum):
    """The claim `dbgstat` of the image (RFC 9711 section 4.2.9)."""

    ENABLED = "enabled"
    DISABLED = "disabled"
    DISABLED_SINCE_BOOT = "disabled-since-boot"
    DISABLED_PERMANENTLY = "disabled-permanently"
    DISABLED_FULLY_AND_PERMANENTLY = "disabled-fully-and-permanently"


class Wake(StrEnum):
    """What wakes the agent."""

    SETUP = "setup"
    """The setup wizard reaches activation."""
    RETRY = "retry"
    """A failed exchange is due again."""
    BOOT = "boot"
    ALARM = "alarm"
    """A check-in is due."""
    SIM_CHANGE = "sim-change"
    NETWORK = "network"
    """A network came up."""


class DisplayHook(StrEnum):
    """What happens to the screens of the agent."""

    INTACT = "intact"
    HOOKED = "hooked"
    """They are suppressed: the launcher stays in the foreground."""


T = TypeVar("T")
Word = Annotated[T, Field(strict=False)]
Words = Annotated[tuple[T, ...], Field(strict=False, min_length=1)]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=40)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=128)]
Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]*$", max_length=64)]
Band = Annotated[str, StringConstraints(pattern=r"^(GSM|UMTS|LTE|TD-LTE|TD-SCDMA|5G) [1-9][0-9]{2,4}$")]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]
Mcc = Annotated[str, StringConstraints(pattern=r"^[0-9]{3}$")]
Mnc = Annotated[str, StringConstraints(pattern=r"^[0-9]{2,3}$")]
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]


class ProfileTable(BaseModel):
    """Base of every table: no unknown key, no coercion, no assignment."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Heading(ProfileTable):
    """`[profile]`: name and description. `name` equals the name of the file."""

    name: Slug
    title: Text
    summary: Annotated[str, StringConstraints(min_length=1, max_length=300)]


class HardwareFacts(ProfileTable):
    """`[hardware]`: the device that runs the image.

    `tac` is the Type Allocation Code, the first 8 digits of the IMEI (3GPP TS 23.003 clause 6.2.1); it begins
    with 00, the prefix of test devices. `oemid` is the manufacturer's random identifier (RFC 9711 section 4.2.3),
    16 bytes in hexadecimal. `keystore` is the strongest keystore that the running image can use. `bands` are the
    bands that the radio receives, as in operator tables: `LTE 1800`.
    """

    model: Annotated[str, StringConstraints(pattern=r"^[A-Z0-9][A-Z0-9-]*$", max_length=32)]
    tac: Annotated[str, StringConstraints(pattern=r"^00[0-9]{6}$")]
    oemid: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
    keystore: Word[KeyStorage]
    bands: Words[Band]

    @model_validator(mode="after")
    def _bands_once(self) -> Self:
        return _no_repetition(self, self.bands, "bands")


class BootloaderFacts(ProfileTable):
    """`[boot]`: what the bootloader finds. `boot.verified_boot` computes the boot state from it."""

    bootloader: Word[Bootloader]
    signed_by: Word[SignedBy]
    image: Word[Integrity]


class ImageFacts(ProfileTable):
    """`[image]`: what the image states about itself, true or false.

    `build` is the build fingerprint; `swname` and `swversion` are EAT claims (RFC 9711 sections 4.2.6, 4.2.7),
    as are `oemboot` (section 4.2.8: booted by the manufacturer's chain) and `dbgstat`. `built` is the day of the
    build; the current time is later.
    """

    build: Text
    sale_region: Word[SaleRegion]
    os_version: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,2}(\.[0-9]{1,2}){0,2}$")]
    patch_level: datetime.date
    built: datetime.date
    languages: Words[Language]
    swname: Text
    swversion: Annotated[str, StringConstraints(pattern=r"^[0-9]+(\.[0-9]+){1,3}$")]
    oemboot: bool
    dbgstat: Word[ImageDebugStatus]

    @model_validator(mode="after")
    def _languages_once(self) -> Self:
        return _no_repetition(self, self.languages, "languages")


class AgentFacts(ProfileTable):
    """`[agent]`: the activation agent in the image, if there is one.

    `trust` names the owner of the pinned server, issuer and keys: `vendor`, or another one. `terms_version` is the
    version that the setup wizard shows. Only the events in `wakes_on` wake the agent.
    """

    version: Code
    trust: Slug
    terms_version: Code
    wakes_on: Words[Word[Wake]]

    @model_validator(mode="after")
    def _wakes_once(self) -> Self:
        return _no_repetition(self, self.wakes_on, "wakes_on")


class Falsified(ProfileTable):
    """`[hooks.falsified]`: what the hooks report to the agent instead of the data of modem, receiver and Wi-Fi.

    Network identities as in 3GPP TS 23.003 clause 2.2, position in degrees of WGS 84, `wifi_country` as in
    IEEE 802.11d.
    """

    sim_mcc: Mcc
    sim_mnc: Mnc
    sim_spn: Text
    network_mcc: Mcc
    network_mnc: Mnc
    latitude: Annotated[float, Field(ge=-90, le=90)]
    longitude: Annotated[float, Field(ge=-180, le=180)]
    wifi_country: Country


class Hooks(ProfileTable):
    """`[hooks]`: changes of the agent's inputs and outputs at run time, if any."""

    display: Word[DisplayHook]
    falsified: Falsified | None = None


class Profile(ProfileTable):
    """One firmware image and the hardware that runs it."""

    model_config = ConfigDict(title="Firmware profile")

    profile: Heading
    hardware: HardwareFacts
    boot: BootloaderFacts
    image: ImageFacts
    agent: AgentFacts | None = None
    hooks: Hooks | None = None

    @property
    def name(self) -> str:
        """The profile's name, which is also that of its file."""
        return self.profile.name

    def with_hardware(
        self,
        *,
        model: str | None = None,
        bands: tuple[str, ...] | None = None,
        keystore: KeyStorage | None = None,
        bootloader: Bootloader | None = None,
    ) -> Self:
        """The same image on a device with another model, radio, keystore or bootloader; None for the profile's own."""
        own = {"model": model, "bands": bands, "keystore": keystore}
        hardware = self.hardware.model_copy(update={key: value for key, value in own.items() if value})
        boot = self.boot.model_copy(update={"bootloader": bootloader} if bootloader else {})
        return self.model_copy(update={"hardware": hardware, "boot": boot})


M = TypeVar("M", bound=ProfileTable)


def _no_repetition(table: M, values: tuple[str, ...], key: str) -> M:
    for index, value in enumerate(values):
        if value in values[:index]:
            raise ValueError(f"{key} names {str(value)!r} twice")
    return table

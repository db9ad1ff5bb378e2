"""What a profile states, as strict models: every key of a table that is there must be there, and no other.

Tables that may be absent are `agent` (an image without it) and `hooks` (an image that changes nothing at
run time), with `hooks.falsified` inside. Nothing here is an outcome.
"""

import datetime
from enum import StrEnum
from typing import Annotated, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator


class KeyStorage(StrEnum):
    """Where keys live: KeyMint's security levels."""

    STRONGBOX = "strongbox"
    TEE = "tee"
    SOFTWARE = "software"


class Bootloader(StrEnum):
    """Whether the bootloader enforces the signature of what it starts."""

    LOCKED = "locked"
    UNLOCKED = "unlocked"


class SignedBy(StrEnum):
    """Whose key signed the image's vbmeta."""

    VENDOR = "vendor"
    """The key in the bootloader's read-only memory."""
    OWNER = "owner"
    """A key that the phone's owner enrolled: AVB's user-settable root of trust."""
    TEST = "test"
    """The public test key of AOSP, enrolled nowhere."""


class Integrity(StrEnum):
    """Whether the image is what was signed."""

    INTACT = "intact"
    MODIFIED = "modified"


class SaleRegion(StrEnum):
    """Where the vendor meant the image to be sold."""

    GLOBAL = "global"
    CN = "cn"
    EEA = "eea"
    IN = "in"
    RU = "ru"


class ImageDebugStatus(StrEnum):
    """What the image states as `dbgstat` (RFC 9711 section 4.2.9)."""

    ENABLED = "enabled"
    DISABLED = "disabled"
    DISABLED_SINCE_BOOT = "disabled-since-boot"
    DISABLED_PERMANENTLY = "disabled-permanently"
    DISABLED_FULLY_AND_PERMANENTLY = "disabled-fully-and-permanently"


class Wake(StrEnum):
    """What makes the agent run."""

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
    """What happens to the screens that the agent shows."""

    INTACT = "intact"
    HOOKED = "hooked"
    """They are swallowed: the launcher stays in front."""


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
    """`[profile]`: what to call it. `name` equals the name of the file."""

    name: Slug
    title: Text
    summary: Annotated[str, StringConstraints(min_length=1, max_length=300)]


class HardwareFacts(ProfileTable):
    """`[hardware]`: the phone under the image.

    `tac` is the Type Allocation Code, the first 8 digits of the IMEI (3GPP TS 23.003 clause 6.2.1); it begins
    with 00, as those of test phones do. `oemid` is the vendor's random identifier (RFC 9711 section 4.2.3), 16 octets
    in hexadecimal. `keystore` is the strongest keystore that the running image can use. `bands` are what the radio
    can hear, in the words of operator tables: `LTE 1800`.
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
    """`[boot]`: what the bootloader finds. The verified-boot state follows from it, see `boot.verified_boot`."""

    bootloader: Word[Bootloader]
    signed_by: Word[SignedBy]
    image: Word[Integrity]


class ImageFacts(ProfileTable):
    """`[image]`: what the image says of itself, true or not.

    `build` is the build fingerprint; `swname` and `swversion` are EAT claims (RFC 9711 sections 4.2.6, 4.2.7),
    as are `oemboot` (section 4.2.8: booted by the vendor's chain) and `dbgstat`. `built` is the day of the build,
    before which no clock can be right.
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
    """`[agent]`: the activation agent in the image, if it carries one.

    `trust` names whose server, issuer and keys are pinned: `vendor`, or another holder. `terms_version` is the
    text that its setup wizard shows. Of the events in `wakes_on` it is woken by those alone.
    """

    version: Code
    trust: Slug
    terms_version: Code
    wakes_on: Words[Word[Wake]]

    @model_validator(mode="after")
    def _wakes_once(self) -> Self:
        return _no_repetition(self, self.wakes_on, "wakes_on")


class Falsified(ProfileTable):
    """`[hooks.falsified]`: what the hooks tell the agent instead of what modem, receiver and Wi-Fi say.

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
    """`[hooks]`: what changes the agent's dealings at run time, if anything does."""

    display: Word[DisplayHook]
    falsified: Falsified | None = None


class Profile(ProfileTable):
    """One firmware image on its hardware."""

    model_config = ConfigDict(title="Firmware profile")

    profile: Heading
    hardware: HardwareFacts
    boot: BootloaderFacts
    image: ImageFacts
    agent: AgentFacts | None = None
    hooks: Hooks | None = None

    @property
    def name(self) -> str:
        """The profile's name, which is its file's."""
        return self.profile.name


M = TypeVar("M", bound=ProfileTable)


def _no_repetition(table: M, values: tuple[str, ...], key: str) -> M:
    for index, value in enumerate(values):
        if value in values[:index]:
            raise ValueError(f"{key} names {str(value)!r} twice")
    return table

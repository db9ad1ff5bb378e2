"""The evidence: claims of the Entity Attestation Token (RFC 9711) that a device signs.

The header is exactly `{"alg", "typ": "eat+jwt", "x5c"}`. Registered claims carry their registered names
and JSON forms; the others are private to this contract. A claim whose value the device does not know is absent.
"""

from typing import Annotated, Self

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from wire import limits
from wire.codes import (
    AccessTechnology,
    DebugStatus,
    Intent,
    LockState,
    Registration,
    SimStatus,
)
from wire.model import Code, CountryCode, Integer, Mcc, Message, Mnc, Nonce, Sequence, Text, Timestamp, Word

Base64Url = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+$", max_length=64)]


class Plmn(Message):
    """A public land mobile network: MCC and MNC (3GPP TS 23.003 clause 2.2)."""

    mcc: Mcc
    mnc: Mnc

    def __str__(self) -> str:
        return f"{self.mcc}-{self.mnc}"


class Sim(Message):
    """One SIM slot. Only `slot` and `status` are present if the SIM could not be read.

    `mnc_length` is 2 or 3, from EF_AD (3GPP TS 31.102 clause 4.2.18); `gid1` is EF_GID1 in hexadecimal. `iccid` is
    EF_ICCID as it is stored: some issuers use nibbles above 9 (ITU-T E.118).
    """

    slot: Annotated[int, Field(ge=0, lt=limits.SIM_SLOTS)]
    status: Word[SimStatus]
    mcc: Mcc | None = None
    mnc: Mnc | None = None
    mnc_length: Annotated[int, Field(ge=2, le=3)] | None = None
    iccid: Annotated[str, StringConstraints(pattern=r"^[0-9A-F]{10,20}$")] | None = None
    spn: Text | None = None
    gid1: Annotated[str, StringConstraints(pattern=r"^([0-9A-F]{2}){1,20}$")] | None = None


class Cell(Message):
    """The serving cell: tracking or location area, and cell identity (3GPP TS 27.007 clause 7.2).

    A member is absent if the modem did not give it, or not in a known form.
    """

    area: Annotated[int, Field(ge=0, le=0xFFFFFF)] | None = None
    id: Annotated[int, Field(ge=0, le=0xFFFFFFFFF)] | None = None
    technology: Word[AccessTechnology] | None = None


class Serving(Message):
    """Registration on a network. `plmn` and `cell` are absent if the device is not registered."""

    registration: Word[Registration]
    plmn: Plmn | None = None
    cell: Cell | None = None

    @property
    def roaming(self) -> bool | None:
        """True when registered on a network that is not the home network. None if the modem does not know."""
        return (
            None if self.registration is Registration.UNKNOWN else self.registration is Registration.ROAMING
        )


class TelephonyFault(Message):
    """Something that the modem did not give, or not in a known form.

    `source` is the AT command or the SIM file, for example `AT+COPS?` or `EF_SPN`. `code` says why. It is not an enum:
    a server must accept a code of a newer agent.
    """

    code: Code
    source: Annotated[str, StringConstraints(pattern=r"^[\x20-\x7e]{1,32}$")]
    slot: Annotated[int, Field(ge=0, lt=limits.SIM_SLOTS)] | None = None


class Telephony(Message):
    """What the modem reported. `bands` are the radio bands of the device, for example `LTE 1800`.

    `sims` and `serving` are absent if the modem did not answer or its answer was not understood. `faults` says what
    is missing and why.
    """

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"required": ["sims", "serving"]}, {"required": ["faults"]}]}
    )

    sims: Annotated[Sequence[Sim], Field(max_length=limits.SIM_SLOTS)] | None = None
    serving: Serving | None = None
    bands: Annotated[Sequence[Text], Field(max_length=64)] = ()
    faults: (
        Annotated[Sequence[TelephonyFault], Field(min_length=1, max_length=limits.TELEPHONY_FAULTS_MAX)]
        | None
    ) = None

    @property
    def roaming(self) -> bool | None:
        """True when registered on a network that is not the home network. None if that is not known."""
        return self.serving.roaming if self.serving else None

    @model_validator(mode="after")
    def _faults_explain_what_is_missing(self) -> Self:
        if (self.sims is None or self.serving is None) and self.faults is None:
            raise ValueError("without `sims` or `serving`, `faults` must say why")
        return self


class Wifi(Message):
    """Wi-Fi. `country` is the one that the access point announces (IEEE 802.11d), if any."""

    connected: bool
    country: CountryCode | None = None


class Location(Message):
    """`location` of RFC 9711 section 4.2.10: WGS 84 degrees, accuracy in metres."""

    latitude: Annotated[float, Field(ge=-90, le=90)]
    longitude: Annotated[float, Field(ge=-180, le=180)]
    accuracy: Annotated[float, Field(ge=0, le=100_000)] | None = None


class Terms(Message):
    """The version of the terms of use, including the export clause, that the user accepted."""

    version: Code


class Firmware(Message):
    """The running image. `sale_region` is the region that the manufacturer built it for."""

    build: Text
    agent_version: Code
    sale_region: Code
    patch_level: Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]


class LastVerdict(Message):
    """The newest verdict that the device has sealed."""

    jti: Code
    serial: Annotated[Integer, Field(ge=1)]


class Evidence(Message):
    """All claims of the evidence.

    `ueid` is an IMEI-type Universal Entity ID (RFC 9711 section 4.2.1): byte 0x03, then the 14 digits of
    TAC and serial number as one byte each, base64url. It is absent if the modem did not give an IMEI; then only the
    attestation identifies the device. `oemid` is the random form (section 4.2.3), `hwmodel` 1 to 32 bytes
    (section 4.2.4). `swversion` is a pair of version and scheme (section 4.2.7). `uptime` is in seconds. `iat` is the
    time of the device's own clock; no decision depends on it.
    """

    eat_nonce: Nonce
    ueid: Base64Url | None = None
    oemid: Base64Url
    hwmodel: Base64Url
    swname: Text
    swversion: Annotated[tuple[Text, Code], Field(strict=False)]
    oemboot: bool
    dbgstat: Word[DebugStatus]
    uptime: Integer
    bootcount: Integer
    iat: Timestamp
    intent: Word[Intent]
    telephony: Telephony
    wifi: Wifi
    terms: Terms
    firmware: Firmware
    lock_state: Word[LockState]
    location: Location | None = None
    last_verdict: LastVerdict | None = None

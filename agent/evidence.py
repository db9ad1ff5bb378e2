"""The evidence: an Entity Attestation Token (RFC 9711) about this device, signed by its attested key.

Compact JWS with the header `{"alg", "typ": "eat+jwt", "x5c"}`. Pure: all data is passed as arguments.
"""

import base64
import json
from dataclasses import dataclass

from agent.core.states import State
from agent.image import Image
from agent.ports import AttestedKey
from agent.telephony.reader import TelephonyReading
from wire import limits, media
from wire.codes import Intent, LockState
from wire.evidence import Evidence, Firmware, LastVerdict, Location, Terms, Wifi

UEID_IMEI = b"\x03"
"""Type byte of an IMEI-based Universal Entity ID (RFC 9711 section 4.2.1)."""


@dataclass(frozen=True, slots=True)
class Observed:
    """Measurements for the evidence. `uptime` is in seconds; `wall` is the time of the user's clock."""

    reading: TelephonyReading
    wifi: Wifi
    location: Location | None
    uptime: int
    wall: int


def ueid(imei: str) -> str:
    """The UEID of a device: the type byte and the 14 digits of TAC and serial number, one byte each, base64url.

    >>> ueid("001010123456789")
    'AwAAAQABAAECAwQFBgcI'
    """
    return _b64(UEID_IMEI + bytes(int(digit) for digit in imei[:14]))


def claims(state: State, image: Image, observed: Observed) -> Evidence:
    """The claims, with the pending nonce of `state`."""
    memory = state.memory
    return Evidence(
        eat_nonce=state.nonce,
        ueid=ueid(observed.reading.imeis[0]) if observed.reading.imeis else None,
        oemid=_b64(image.oemid),
        hwmodel=_b64(image.hwmodel),
        swname=image.swname,
        swversion=(image.swversion, "semver"),
        oemboot=image.oemboot,
        dbgstat=image.dbgstat,
        uptime=observed.uptime,
        bootcount=memory.boots,
        iat=min(max(0, observed.wall), limits.INTEGER_MAX),
        intent=Intent.ACTIVATE if state.lock is LockState.UNPROVISIONED else Intent.CHECK_IN,
        telephony=observed.reading.telephony.model_copy(update={"bands": image.bands}),
        wifi=observed.wifi,
        terms=Terms(version=memory.terms_version),
        firmware=Firmware(
            build=image.build,
            agent_version=image.agent_version,
            sale_region=image.sale_region,
            patch_level=image.patch_level,
        ),
        lock_state=state.lock,
        location=observed.location,
        last_verdict=LastVerdict(jti=memory.jti, serial=memory.serial) if memory.serial else None,
    )


def sign(evidence: Evidence, key: AttestedKey) -> bytes:
    """The compact JWS. Raises KeystoreError."""
    header = {
        "alg": key.algorithm,
        "typ": media.EVIDENCE_TYP,
        "x5c": [base64.b64encode(certificate).decode() for certificate in key.chain],
    }
    protected = _b64(json.dumps(header, separators=(",", ":")).encode())
    payload = _b64(evidence.model_dump_json(exclude_none=True).encode())
    signing_input = f"{protected}.{payload}".encode()
    return signing_input + b"." + _b64(key.sign(signing_input)).encode()


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

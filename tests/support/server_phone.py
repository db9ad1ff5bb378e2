"""A minimal device for tests of the server: a keystore and claims."""

import json
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from firmware_profiles.model import KeyStorage
from lab.handset.keystore import BootFacts, EmulatedKeystore
from lab.manufacturer.manufacturer import Manufacturer
from lab.simulation.standalone_evidence import sign_evidence
from lab.world.jose import b64
from lab.world.seed import Seed
from server_stub.policies.loading import shipped
from server_stub.policy.policy import Policy
from server_stub.store.sql import SqlStore
from server_stub.store.transaction import Store
from server_stub.verdicts.service import VerdictService
from wire.codes import VerifiedBootState

IMEI = "001010123456787"
SECOND_IMEI = "001010123456795"
ICCID = "8953011234567890123"
NOW = 1_630_500_000
"""1 September 2021, before the campaign."""

DURING = 1_631_000_000
"""7 September 2021, in the campaign."""

AFTER = 1_632_000_000
"""18 September 2021, after it."""

MANUFACTURER = Manufacturer("tests")


def ueid(imei: str) -> str:
    return b64(b"\x03" + bytes(int(digit) for digit in imei[:14])).decode()


def facts(**changes: Any) -> BootFacts:
    base = BootFacts(
        verified_boot_state=VerifiedBootState.GREEN,
        device_locked=True,
        os_version=110000,
        patch_level="2021-08-05",
        imeis=(IMEI, SECOND_IMEI),
        brand="solvane",
        device="lark",
        product="lark_global",
        manufacturer="Solvane",
        model="Lark 1",
    )
    return replace(base, **changes)


def claims(nonce: str, **changes: Any) -> dict[str, Any]:
    """Claims of a device in Havana with a Cuban SIM that requests activation."""
    base: dict[str, Any] = {
        "eat_nonce": nonce,
        "ueid": ueid(IMEI),
        "oemid": b64(b"solvane-oem-0001").decode(),
        "hwmodel": b64(b"lark").decode(),
        "swname": "Solvane OS",
        "swversion": ["1.0.0", "semver"],
        "oemboot": True,
        "dbgstat": "disabled",
        "uptime": 60,
        "bootcount": 1,
        "iat": 0,
        "intent": "activate",
        "telephony": telephony("368", "01", home=("368", "01")),
        "wifi": {"connected": True},
        "terms": {"version": "2021-06"},
        "firmware": {
            "build": "lark-1",
            "agent_version": "1.0",
            "sale_region": "global",
            "patch_level": "2021-08-05",
        },
        "lock_state": "unprovisioned",
    }
    return base | changes


def telephony(mcc: str | None, mnc: str = "01", home: tuple[str, str] | None = None) -> dict[str, Any]:
    """The telephony claim: registered on `mcc`-`mnc` if given, with a SIM of network `home` if given."""
    sim: dict[str, Any] = {"slot": 0, "status": "absent"}
    if home:
        sim = {
            "slot": 0,
            "status": "ready",
            "mcc": home[0],
            "mnc": home[1],
            "mnc_length": len(home[1]),
            "iccid": ICCID,
        }
    serving: dict[str, Any] = {"registration": "searching"}
    if mcc:
        serving = {"registration": "home", "plmn": {"mcc": mcc, "mnc": mnc}}
    return {"sims": [sim], "serving": serving}


@dataclass
class Phone:
    """One device. `evidence` returns the signed token for a nonce."""

    level: KeyStorage = KeyStorage.STRONGBOX
    boot: BootFacts = field(default_factory=facts)
    manufacturer: Manufacturer = MANUFACTURER
    keystore: EmulatedKeystore = field(init=False)

    def __post_init__(self) -> None:
        self.keystore = EmulatedKeystore(Seed.of("phone"), self.manufacturer.authority(self.level), self.boot)

    def evidence(self, nonce: str, *, challenge: str | None = None, **changes: Any) -> bytes:
        return self.sign(claims(nonce, **changes), nonce if challenge is None else challenge)

    def sign(self, payload: dict[str, Any] | bytes, challenge: str, **header: Any) -> bytes:
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        return sign_evidence(self.keystore.attest(challenge.encode()), body, **header).encode()


class Clock:
    """A clock that the test sets."""

    def __init__(self, now: int = NOW) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


class Randomness:
    """Bytes that never repeat and are the same in every run."""

    def __init__(self) -> None:
        self._seed = Seed.of("server randomness")
        self._count = count()

    def __call__(self, length: int) -> bytes:
        return self._seed.bytes(str(next(self._count)), length)


def service(
    store: Store | None = None, clock: Clock | None = None, policy: Policy | None = None
) -> VerdictService:
    return VerdictService(
        secrets=MANUFACTURER.secrets,
        policy=policy or shipped(),
        store=store or SqlStore(),
        issuer=MANUFACTURER.issuer,
        audience=MANUFACTURER.audience,
        clock=clock or Clock(),
        random=Randomness(),
    )

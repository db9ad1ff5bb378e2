"""What an attack is: data that a reviewer reads, and functions that run it."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from agent.verification.errors import RULES, Code
from lab.attacks.harness.environment import TrialContext
from lab.attacks.harness.target_device import DeviceState, TargetDevice


class AttackerCapability(StrEnum):
    """What an attacker needs. An attack states all that it needs and no more."""

    NETWORK = "network"
    """Everything between device and server: read, change, replace, replay, swap, delay, drop."""
    STOLEN_KEY = "stolen-key"
    """A private key of the manufacturer's server, or its operator's cooperation."""
    OWN_SERVER = "own-server"
    """A server that the device asks, or keys and certificates that the attacker made."""
    FLASH_ACCESS = "flash-access"
    """The device's storage: copy, restore, change, replace the image."""
    CLOCK = "clock"
    """The clock that the user can set."""
    SIM = "sim"
    """The cards in the device."""
    OWNER = "owner"
    """The device in the hand: its screen, its keys, and codes from support."""
    STRANGER = "stranger"
    """The port of the server, and nothing else."""
    FILE = "file"
    """A file that an operator or a developer opens."""
    MODEM = "modem"
    """The modem of the device and the line to it."""


NETWORK: Final = (AttackerCapability.NETWORK,)
STOLEN_KEY: Final = (AttackerCapability.NETWORK, AttackerCapability.STOLEN_KEY)
OWN_SERVER: Final = (AttackerCapability.NETWORK, AttackerCapability.OWN_SERVER)


class Topic(StrEnum):
    """What a catalogue has to cover. Each attack names its topics."""

    ALGORITHM_CONFUSION = "algorithm confusion"
    NONE = "none"
    JWK = "embedded jwk"
    JKU = "jku"
    X5U = "x5u"
    X5C = "x5c"
    CRIT = "crit"
    B64 = "b64"
    UNKNOWN_MEMBER = "unknown members"
    DUPLICATE_MEMBER = "duplicate members"
    KID = "kid"
    TYPE = "token type"
    BASE64 = "base64url"
    SEGMENTS = "segments"
    SERIALISATION = "JSON serialisation"
    LENGTH = "over-long input"
    DEPTH = "deep nesting"
    NUMBERS = "numbers"
    ENCODINGS = "encodings"
    JSON = "JSON syntax"
    CLAIM_FORM = "form of claims"
    SIGNATURE = "signature"
    ECDSA = "ECDSA edge values"
    MALLEABILITY = "malleability"
    ED25519 = "Ed25519 points"
    ML_DSA = "ML-DSA-65"
    KEY_USE = "wrong use of a key"
    KEY_REVOKED = "revoked key"
    KEY_NOT_YET_VALID = "not-yet-valid key"
    OTHER_DEVICE = "another device"
    OTHER_NONCE = "another nonce"
    OTHER_AUDIENCE = "another audience"
    OTHER_ISSUER = "another issuer"
    REPLAY = "replay"
    EXPIRED = "expired"
    FUTURE = "from the future"
    TIMES = "times"
    SERIAL_ROLLBACK = "serial rolled back"
    POLICY_ROLLBACK = "policy rolled back"
    DECISION = "decision"
    TRUNCATION = "truncation"
    SWAP = "swapped between phones"
    TRANSPORT = "transport"
    EVIDENCE_REPLAY = "evidence replayed"
    EVIDENCE_TAMPERED = "evidence tampered"
    KEY_REPOSITORY = "key repository (TUF)"
    CHAIN_FORGED = "forged chain"
    CHAIN_SELF_SIGNED = "self-signed chain"
    CHAIN_REVOKED = "revoked chain"
    CHAIN_PURPOSE = "wrong-purpose chain"
    NONCE_FORGED = "nonce forged"
    NONCE_SPENT = "nonce spent twice"
    CLOCK = "clock set"
    SEALED_STATE = "sealed state"
    UNLOCK_CODE = "unlock code"
    TRUST_ROOT = "trust root replaced"
    SIM = "SIM"
    STOLEN_KEY = "stolen verdict key"
    FIRMWARE = "firmware that falls"
    STRANGER = "stranger at the server"
    FILE = "hostile file"


AttackRun = Callable[[TrialContext], TargetDevice]
"""Runs an attack and returns the device that was attacked."""


@dataclass(frozen=True, slots=True)
class Trial:
    """An attack on one target, and the expected state of the target afterwards."""

    target: str
    run: AttackRun
    expected: DeviceState


@dataclass(frozen=True, slots=True)
class Attack:
    """One entry of the catalogue.

    `sentence` says what the attacker does. `source` is its class: a CWE number, or the clause that demands or describes
    the defence. `succeeds_because` is the reason for which an attack succeeds, empty for an attack that must fail.
    """

    id: str
    sentence: str
    source: str
    capabilities: tuple[AttackerCapability, ...]
    topics: tuple[Topic, ...]
    trials: tuple[Trial, ...]
    succeeds_because: str = ""

    @property
    def expected(self) -> str:
        """What must happen, for a table."""
        states = []
        codes: dict[str, None] = {}
        for trial in self.trials:
            state, code = trial.expected, trial.expected.last_code
            codes[f"{code} at step {STEPS[code]}" if code in STEPS else code] = None
            shown = f"screen {state.screen}" if state.screen else "does not boot"
            states.append(f"{trial.target}: {f'{state.lock} on {state.screen}' if state.lock else shown}")
        result = f"{' / '.join(codes)}; {', '.join(states)}"
        return f"falls: {self.succeeds_because} ({result})" if self.succeeds_because else result

    def as_json(self) -> dict[str, Any]:
        """The members of the JSON report."""
        return {
            "id": self.id,
            "sentence": self.sentence,
            "class": self.source,
            "means": [capability.value for capability in self.capabilities],
            "topics": [topic.value for topic in self.topics],
            "must": self.expected,
            "falls": bool(self.succeeds_because),
        }


STEPS: Final = {code.value: RULES[code][0] for code in Code}
"""The verification step that rejects with each code."""

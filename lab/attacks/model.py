"""What an attack is: data that a reviewer reads, and the trials that run it."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from agent.verification.errors import RULES, Code
from lab.attacks.device_state import DeviceState

if TYPE_CHECKING:
    from lab.attacks.harness.environment import TrialContext
    from lab.attacks.harness.target_phone import Phone


class AttackerCapability(StrEnum):
    """What an attacker must hold. An attack states all that it needs and no more."""

    NETWORK = "network"
    """Everything between phone and server: read, change, replace, replay, swap, delay, drop."""
    STOLEN_KEY = "stolen-key"
    """A private key of the vendor's server, or its operator's obedience."""
    OWN_SERVER = "own-server"
    """A server that the phone asks, or keys and certificates of the attacker's own making."""
    FLASH_ACCESS = "flash-access"
    """The phone's storage: copy, restore, change, replace the image."""
    CLOCK = "clock"
    """The clock that the user can set."""
    SIM = "sim"
    """The cards in the phone."""


class Topic(StrEnum):
    """What a catalogue has to cover. Each attack names the topics that it is about."""

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
    TRUST_ROOT = "trust root replaced"
    SIM = "SIM"
    STOLEN_KEY = "stolen verdict key"
    FIRMWARE = "firmware that falls"


AttackRun = Callable[["TrialContext"], "Phone"]
"""Runs an attack on a stage and returns the phone that it was about."""


@dataclass(frozen=True, slots=True)
class Trial:
    """An attack on one target, and how the target must stand afterwards."""

    target: str
    play: AttackRun
    expected: DeviceState


@dataclass(frozen=True, slots=True)
class Attack:
    """One entry of the catalogue.

    `sentence` says what the attacker does. `source` is its class: a CWE number, or the section that demands or
    describes the defence. `succeeds_because` is empty for an attack that must fail, else it says why this one succeeds.
    """

    id: str
    sentence: str
    source: str
    means: tuple[AttackerCapability, ...]
    topics: tuple[Topic, ...]
    trials: tuple[Trial, ...]
    succeeds_because: str = ""

    @property
    def expected(self) -> str:
        """What must happen, in words."""
        ends = ", ".join(f"{trial.target}: {_stands(trial.expected)}" for trial in self.trials)
        told = " / ".join(dict.fromkeys(_told(trial.expected.last_code) for trial in self.trials))
        return (
            f"falls: {self.succeeds_because} ({told}; {ends})" if self.succeeds_because else f"{told}; {ends}"
        )

    def as_json(self) -> dict[str, Any]:
        """The entry for machines, without its functions."""
        return {
            "id": self.id,
            "sentence": self.sentence,
            "class": self.source,
            "means": [means.value for means in self.means],
            "topics": [topic.value for topic in self.topics],
            "must": self.expected,
            "falls": bool(self.succeeds_because),
        }


_STEPS = {code.value: RULES[code][0] for code in Code}


def _told(told: str) -> str:
    step = _STEPS.get(told)
    return f"{told} at step {step}" if step else told


def _stands(ending: DeviceState) -> str:
    if ending.lock is None:
        return f"screen {ending.screen}" if ending.screen else "does not boot"
    return f"{ending.lock} on {ending.screen}"

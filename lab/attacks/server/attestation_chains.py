"""Attacks with an attestation chain that the attacker made, for a device in Havana at its first contact."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.asn1 import SetOf
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import Encoding

from agent.core.screens import ScreenId
from agent.core.states import Lock
from lab.attacks.harness.environment import MANUFACTURER, TrialContext
from lab.attacks.harness.target_device import DeviceState
from lab.attacks.model import Attack, AttackerCapability, Topic, Trial
from lab.handset.key_attestation import (
    ORIGIN_GENERATED,
    PURPOSE_ATTEST_KEY,
    TRUSTED_ENVIRONMENT,
    AttestationFields,
    AuthorizationFields,
)
from lab.manufacturer.manufacturer import Authority, KeystoreLevel
from wire import limits

_T = Topic
_UNATTESTED: Final = "defer evidence-unattested"

MakeAuthority = Callable[[TrialContext], Authority]


@dataclass(frozen=True, slots=True)
class ForgedAuthority(Authority):
    """A batch key with the certificates that it sends after a leaf in `x5c`, without a check."""

    certificates: tuple[x509.Certificate, ...] = ()

    @property
    def chain(self) -> tuple[bytes, ...]:
        """What follows a leaf in `x5c`."""
        return tuple(certificate.public_bytes(Encoding.DER) for certificate in self.certificates)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])


def _certificate(  # noqa: PLR0913 - what a certificate consists of
    subject: x509.Name,
    key: EllipticCurvePrivateKey,
    issuer: x509.Name,
    issuer_key: EllipticCurvePrivateKey,
    *,
    ca: bool = True,
    extension: x509.UnrecognizedExtension | None = None,
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(key.public_key())
        .issuer_name(issuer)
        .serial_number(1)
        .not_valid_before(datetime(2018, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2048, 1, 1, tzinfo=UTC))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    if extension is not None:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(issuer_key, hashes.SHA256(), ecdsa_deterministic=True)


def _genuine(trial: TrialContext) -> Authority:
    return trial.environment.authority(KeystoreLevel.TEE)


def _forged(key: EllipticCurvePrivateKey, *certificates: x509.Certificate) -> ForgedAuthority:
    """An authority that signs with `key`, whose certificate is the first."""
    return ForgedAuthority(KeystoreLevel.TEE, key, certificates[0], certificates)


ATTACKS: Final[list[Attack]] = []


def _attack(
    name: str,
    topic: Topic,
    code: str,
    capability: AttackerCapability = AttackerCapability.OWN_SERVER,
) -> Callable[[MakeAuthority], MakeAuthority]:
    """Add the attack with the authority that the decorated function returns; its docstring is the sentence."""

    def add(make_authority: MakeAuthority) -> MakeAuthority:
        trial = Trial(
            "first contact",
            lambda trial: trial.set_up(trial.device("havana", authority=make_authority(trial))),
            DeviceState(Lock.UNPROVISIONED, ScreenId.WAITING, code),
        )
        source = "CWE-295, RFC 5280 section 6.1"
        sentence = str(make_authority.__doc__)
        ATTACKS.append(Attack(name, sentence, source, (capability,), (topic,), (trial,)))
        return make_authority

    return add


@_attack("chain-self-signed", _T.CHAIN_SELF_SIGNED, _UNATTESTED)
def self_signed(trial: TrialContext) -> Authority:
    """Attest with a self-signed batch certificate that has the manufacturer's name."""
    key, name = trial.seed.p256("own batch"), _genuine(trial).certificate.subject
    return _forged(key, _certificate(name, key, name, key))


@_attack("chain-leaf-alone", _T.CHAIN_SELF_SIGNED, _UNATTESTED)
def leaf_alone(trial: TrialContext) -> Authority:
    """Attest with a leaf certificate and no other."""
    own = self_signed(trial)
    return ForgedAuthority(own.level, own.key, own.certificate)


@_attack("chain-own-root", _T.CHAIN_FORGED, _UNATTESTED)
def own_root(trial: TrialContext) -> Authority:
    """Attest under the attacker's root with the name of the manufacturer's root."""
    genuine = _genuine(trial).certificate
    root_key, key = trial.seed.p256("own root"), trial.seed.p256("own batch")
    root = _certificate(genuine.issuer, root_key, genuine.issuer, root_key)
    return _forged(key, _certificate(genuine.subject, key, genuine.issuer, root_key), root)


@_attack("chain-software", _T.CHAIN_FORGED, _UNATTESTED)
def software(trial: TrialContext) -> Authority:
    """Attest with a keystore in software."""
    return trial.environment.authority(KeystoreLevel.SOFTWARE)


@_attack("chain-borrowed", _T.CHAIN_FORGED, "chain-invalid")
def borrowed(trial: TrialContext) -> Authority:
    """Send the genuine batch certificate after a leaf that it did not sign."""
    return _forged(trial.seed.p256("own batch"), _genuine(trial).certificate)


@_attack("chain-grafted", _T.CHAIN_FORGED, "chain-invalid")
def grafted(trial: TrialContext) -> Authority:
    """Send the genuine batch certificate after a batch certificate that it did not sign."""
    genuine, key = _genuine(trial).certificate, trial.seed.p256("own batch")
    return _forged(key, _certificate(_name("Own batch"), key, genuine.subject, key), genuine)


@_attack("chain-too-long", _T.CHAIN_FORGED, "evidence-malformed")
def too_long(trial: TrialContext) -> Authority:
    """Attest with more certificates than allowed."""
    genuine = _genuine(trial)
    certificates = (genuine.certificate,) * limits.CHAIN_MAX
    return ForgedAuthority(genuine.level, genuine.key, genuine.certificate, certificates)


@_attack("chain-revoked", _T.CHAIN_REVOKED, "chain-invalid", AttackerCapability.STOLEN_KEY)
def revoked(trial: TrialContext) -> Authority:
    """Attest with a leaked batch key whose certificate is revoked."""
    return trial.environment.revoked_authority


@_attack("chain-under-the-root", _T.CHAIN_FORGED, "chain-invalid")
def under_the_root(trial: TrialContext) -> Authority:
    """Send the manufacturer's root after a batch certificate that it did not sign."""
    root, key = (
        trial.environment.owners[MANUFACTURER].manufacturer.attestation_root,
        trial.seed.p256("own batch"),
    )
    return _forged(key, _certificate(_name("Own batch"), key, root.subject, key), root)


@_attack("chain-by-an-attesting-key", _T.CHAIN_PURPOSE, "chain-invalid")
def by_an_attesting_key(trial: TrialContext) -> Authority:
    """Attest a device with another device's key that may attest other keys."""
    genuine, key = _genuine(trial), trial.seed.p256("attesting key")
    enforced = AuthorizationFields(purposes=SetOf([PURPOSE_ATTEST_KEY]), origin=ORIGIN_GENERATED)
    fields = AttestationFields.of_version(300, TRUSTED_ENVIRONMENT, b"any", enforced.encoded())
    issuer = genuine.certificate.subject
    own = _certificate(_name("Attesting key"), key, issuer, genuine.key, extension=fields.extension())
    return _forged(key, own, genuine.certificate)


@_attack("chain-by-a-leaf", _T.CHAIN_PURPOSE, "chain-invalid")
def by_a_leaf(trial: TrialContext) -> Authority:
    """Attest a device with another device's attested key."""
    genuine, key = _genuine(trial), trial.seed.p256("attested key")
    name, issuer = _name("Android Keystore Key"), genuine.certificate.subject
    return _forged(key, _certificate(name, key, issuer, genuine.key, ca=False), genuine.certificate)

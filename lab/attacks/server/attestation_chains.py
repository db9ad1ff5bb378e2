"""Attacks with attestation chains of the attacker's making: a phone in Havana that wants to be believed."""

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
from lab.attacks.device_state import DeviceState
from lab.attacks.harness.environment import VENDOR, TrialContext
from lab.attacks.harness.target_phone import Phone
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

_OWN: Final = (AttackerCapability.OWN_SERVER,)
_T = Topic
_BORN: Final = datetime(2018, 1, 1, tzinfo=UTC)
_DIES: Final = datetime(2048, 1, 1, tzinfo=UTC)

_UNBELIEVED: Final = DeviceState(Lock.UNPROVISIONED, ScreenId.WAITING, "defer evidence-unattested")
_REFUSED: Final = DeviceState(Lock.UNPROVISIONED, ScreenId.WAITING, "chain-invalid")
_MALFORMED: Final = DeviceState(Lock.UNPROVISIONED, ScreenId.WAITING, "evidence-malformed")


@dataclass(frozen=True, slots=True)
class OwnAuthority(Authority):
    """An authority that says itself what follows a leaf in `x5c`."""

    above: tuple[bytes, ...] = ()

    @property
    def chain(self) -> tuple[bytes, ...]:
        """What follows a leaf in `x5c`."""
        return self.above


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])


def _certificate(
    subject: x509.Name,
    key: EllipticCurvePrivateKey,
    issuer: x509.Name,
    issuer_key: EllipticCurvePrivateKey,
    *,
    ca: bool = True,
) -> x509.Certificate:
    return _signed(_unsigned(subject, key, issuer, ca=ca), issuer_key)


def _unsigned(
    subject: x509.Name, key: EllipticCurvePrivateKey, issuer: x509.Name, *, ca: bool = True
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(key.public_key())
        .issuer_name(issuer)
        .serial_number(1)
        .not_valid_before(_BORN)
        .not_valid_after(_DIES)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )


def _signed(unsigned: x509.CertificateBuilder, key: EllipticCurvePrivateKey) -> x509.Certificate:
    return unsigned.sign(key, hashes.SHA256(), ecdsa_deterministic=True)


def _der(*certificates: x509.Certificate) -> tuple[bytes, ...]:
    return tuple(certificate.public_bytes(Encoding.DER) for certificate in certificates)


def _genuine(stage: TrialContext) -> Authority:
    return stage.theatre.authority(KeystoreLevel.TEE)


def _self_signed(stage: TrialContext) -> Authority:
    """A batch certificate with the vendor's name for it, signed by itself."""
    key, name = stage.seed.p256("own batch"), _genuine(stage).certificate.subject
    batch = _certificate(name, key, name, key)
    return OwnAuthority(KeystoreLevel.TEE, key, batch, _der(batch))


def _leaf_alone(stage: TrialContext) -> Authority:
    """No chain at all above the leaf."""
    own = _self_signed(stage)
    return OwnAuthority(own.level, own.key, own.certificate)


def _own_root(stage: TrialContext) -> Authority:
    """A whole chain under a root with the vendor's name for its root."""
    genuine = _genuine(stage).certificate
    root_key, key = stage.seed.p256("own root"), stage.seed.p256("own batch")
    root = _certificate(genuine.issuer, root_key, genuine.issuer, root_key)
    batch = _certificate(genuine.subject, key, genuine.issuer, root_key)
    return OwnAuthority(KeystoreLevel.TEE, key, batch, _der(batch, root))


def _borrowed(stage: TrialContext) -> Authority:
    """The genuine batch certificate above a leaf that another key signed."""
    genuine = _genuine(stage)
    return OwnAuthority(genuine.level, stage.seed.p256("own batch"), genuine.certificate, genuine.chain)


def _grafted(stage: TrialContext) -> Authority:
    """An own batch certificate that claims to come from the genuine one."""
    genuine, key = _genuine(stage), stage.seed.p256("own batch")
    batch = _certificate(_name("Own batch"), key, genuine.certificate.subject, key)
    return OwnAuthority(genuine.level, key, batch, (*_der(batch), *genuine.chain))


def _under_the_root(stage: TrialContext) -> Authority:
    """Name and key of a root are public, and a phone may send it: here below it stands what it did not sign."""
    root, key = stage.theatre.houses[VENDOR].vendor.attestation_root, stage.seed.p256("own batch")
    batch = _certificate(_name("Own batch"), key, root.subject, key)
    return OwnAuthority(KeystoreLevel.TEE, key, batch, _der(batch, root))


def _by_an_attesting_key(stage: TrialContext) -> Authority:
    """A key that its phone may let attest others, and that says so itself, certifies what its holder likes."""
    genuine, key = _genuine(stage), stage.seed.p256("attesting key")
    enforced = AuthorizationFields(purposes=SetOf([PURPOSE_ATTEST_KEY]), origin=ORIGIN_GENERATED)
    fields = AttestationFields.of_version_300(TRUSTED_ENVIRONMENT, b"any", enforced.encoded())
    unsigned = _unsigned(_name("Attesting key"), key, genuine.certificate.subject)
    own = _signed(unsigned.add_extension(fields.extension(), critical=False), genuine.key)
    return OwnAuthority(genuine.level, key, own, (*_der(own), *genuine.chain))


def _by_a_leaf(stage: TrialContext) -> Authority:
    """The attested key of a genuine phone signs the attestation of another: it is a key for signing, after all."""
    genuine, key = _genuine(stage), stage.seed.p256("attested key")
    name = _name("Android Keystore Key")
    leaf = _certificate(name, key, genuine.certificate.subject, genuine.key, ca=False)
    return OwnAuthority(genuine.level, key, leaf, (*_der(leaf), *genuine.chain))


def _too_long(stage: TrialContext) -> Authority:
    genuine = _genuine(stage)
    chain = genuine.chain * limits.CHAIN_MAX
    return OwnAuthority(genuine.level, genuine.key, genuine.certificate, chain)


def _software(stage: TrialContext) -> Authority:
    return stage.theatre.authority(KeystoreLevel.SOFTWARE)


def _revoked(stage: TrialContext) -> Authority:
    return stage.theatre.revoked_authority


def _attack(
    name: str, sentence: str, topic: Topic, authority: Callable[[TrialContext], Authority], must: DeviceState
) -> Attack:
    def play(stage: TrialContext) -> Phone:
        return stage.set_up(stage.phone("havana", authority=authority(stage)))

    trial = Trial("first contact", play, must)
    means = (AttackerCapability.STOLEN_KEY,) if authority is _revoked else _OWN
    return Attack(name, sentence, "CWE-295, RFC 5280 section 6.1", means, (topic,), (trial,))


ATTACKS: Final[tuple[Attack, ...]] = (
    _attack("chain-self-signed", "Attest with a batch certificate that signs itself under the vendor's name.",
            _T.CHAIN_SELF_SIGNED, _self_signed, _UNBELIEVED),
    _attack("chain-leaf-alone", "Attest with a leaf that nothing stands above.",
            _T.CHAIN_SELF_SIGNED, _leaf_alone, _UNBELIEVED),
    _attack("chain-own-root", "Attest under a root of one's own with the name of the vendor's.",
            _T.CHAIN_FORGED, _own_root, _UNBELIEVED),
    _attack("chain-software", "Attest with a keystore in software.",
            _T.CHAIN_FORGED, _software, _UNBELIEVED),
    _attack("chain-borrowed", "Put the genuine batch certificate above a leaf that it did not sign.",
            _T.CHAIN_FORGED, _borrowed, _REFUSED),
    _attack("chain-grafted", "Put the genuine batch certificate above a batch that it did not sign.",
            _T.CHAIN_FORGED, _grafted, _REFUSED),
    _attack("chain-too-long", "Attest with more certificates than anybody needs.",
            _T.CHAIN_FORGED, _too_long, _MALFORMED),
    _attack("chain-revoked", "Attest with a leaked batch key whose certificate the vendor holds revoked.",
            _T.CHAIN_REVOKED, _revoked, _REFUSED),
    _attack("chain-under-the-root", "Send the vendor's root above a batch certificate that it did not sign.",
            _T.CHAIN_FORGED, _under_the_root, _REFUSED),
    _attack("chain-by-an-attesting-key", "Let an attested key that may attest other keys attest a phone.",
            _T.CHAIN_PURPOSE, _by_an_attesting_key, _REFUSED),
    _attack("chain-by-a-leaf", "Let the attested key of one phone attest another.",
            _T.CHAIN_PURPOSE, _by_a_leaf, _REFUSED),
)  # fmt: skip

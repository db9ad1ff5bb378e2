"""Attacks with an attestation chain that the attacker made, for a device in Havana at its first contact."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.asn1 import SetOf
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import Encoding

from agent.core.screens import ScreenId
from agent.core.states import Lock
from firmware_profiles.model import KeyStorage
from lab.attacks.harness.environment import MANUFACTURER, TrialContext
from lab.attacks.harness.interceptor import Handler
from lab.attacks.harness.target_device import DeviceState, TargetDevice
from lab.attacks.harness.token_forge import header_of, with_header
from lab.attacks.model import STOLEN_KEY, Attack, AttackerCapability, Topic, Trial
from lab.attacks.server.transport import network_attack, on_verdict_request
from lab.attacks.substitution import LOCKED
from lab.handset.key_attestation import (
    OID,
    ORIGIN_GENERATED,
    PURPOSE_ATTEST_KEY,
    TRUSTED_ENVIRONMENT,
    AttestationFields,
    AuthorizationFields,
)
from lab.manufacturer.factory import Authority
from lab.manufacturer.manufacturer import Manufacturer
from lab.world.certificates import certificate, common_name, key_usage
from lab.world.jose import b64, signature
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


def _certificate(  # noqa: PLR0913 - what a certificate consists of
    subject: x509.Name,
    key: EllipticCurvePrivateKey,
    issuer: x509.Name,
    issuer_key: EllipticCurvePrivateKey,
    *,
    ca: bool = True,
    extensions: tuple[x509.ExtensionType, ...] = (),
) -> x509.Certificate:
    critical = (x509.BasicConstraints(ca=ca, path_length=None),)
    return certificate(
        subject, key.public_key(), issuer, issuer_key, critical=critical, extensions=extensions
    )


def _genuine(trial: TrialContext) -> Authority:
    return trial.environment.authority(KeyStorage.TEE)


def _forged(key: EllipticCurvePrivateKey, *certificates: x509.Certificate) -> ForgedAuthority:
    """An authority that signs with `key`, whose certificate is the first."""
    return ForgedAuthority(KeyStorage.TEE, key, certificates[0], certificates)


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
    return trial.environment.authority(KeyStorage.SOFTWARE)


@_attack("chain-borrowed", _T.CHAIN_FORGED, "chain-invalid")
def borrowed(trial: TrialContext) -> Authority:
    """Send the genuine batch certificate after a leaf that it did not sign."""
    return _forged(trial.seed.p256("own batch"), _genuine(trial).certificate)


@_attack("chain-grafted", _T.CHAIN_FORGED, "chain-invalid")
def grafted(trial: TrialContext) -> Authority:
    """Send the genuine batch certificate after a batch certificate that it did not sign."""
    genuine, key = _genuine(trial).certificate, trial.seed.p256("own batch")
    return _forged(key, _certificate(common_name("Own batch"), key, genuine.subject, key), genuine)


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
    return _forged(key, _certificate(common_name("Own batch"), key, root.subject, key), root)


@_attack("chain-by-an-attesting-key", _T.CHAIN_PURPOSE, "chain-invalid")
def by_an_attesting_key(trial: TrialContext) -> Authority:
    """Attest a device with another device's key that may attest other keys."""
    genuine, key = _genuine(trial), trial.seed.p256("attesting key")
    enforced = AuthorizationFields(purposes=SetOf([PURPOSE_ATTEST_KEY]), origin=ORIGIN_GENERATED)
    fields = AttestationFields.of_version(300, TRUSTED_ENVIRONMENT, b"any", enforced.encoded())
    issuer = genuine.certificate.subject
    own = _certificate(
        common_name("Attesting key"), key, issuer, genuine.key, extensions=(fields.extension(),)
    )
    return _forged(key, own, genuine.certificate)


@_attack("chain-by-a-leaf", _T.CHAIN_PURPOSE, "chain-invalid")
def by_a_leaf(trial: TrialContext) -> Authority:
    """Attest a device with another device's attested key."""
    genuine, key = _genuine(trial), trial.seed.p256("attested key")
    name, issuer = common_name("Android Keystore Key"), genuine.certificate.subject
    return _forged(key, _certificate(name, key, issuer, genuine.key, ca=False), genuine.certificate)


_REMOTE: Final = x509.UnrecognizedExtension(
    x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.1.30"), bytes.fromhex("a10108")
)
"""Provisioning information: 8 certificates were issued."""


def _manufacturer(trial: TrialContext) -> Manufacturer:
    return trial.environment.owners[MANUFACTURER].manufacturer


@_attack("chain-expired", _T.CHAIN_REVOKED, "chain-invalid", AttackerCapability.STOLEN_KEY)
def expired(trial: TrialContext) -> Authority:
    """Attest with a leaked key of a remotely provisioned device whose certificate has expired."""
    end = datetime(2020, 1, 1, tzinfo=UTC)
    return _manufacturer(trial).special_authority("Provisioned key", _REMOTE, not_after=end)


@_attack("chain-limited-names", _T.CHAIN_PURPOSE, "chain-invalid", AttackerCapability.STOLEN_KEY)
def limited_names(trial: TrialContext) -> Authority:
    """Attest with a leaked key whose certificate is for names of a web site."""
    names = x509.NameConstraints([x509.DNSName("solvane.example")], None)
    return _manufacturer(trial).special_authority("Site CA", names)


@_attack("chain-two-algorithms", _T.CHAIN_FORGED, "chain-invalid")
def two_algorithms(trial: TrialContext) -> Authority:
    """Change the signature algorithm outside of the signed part of the genuine batch certificate."""
    genuine = _genuine(trial)
    data = genuine.certificate.public_bytes(Encoding.DER)
    start = len(data) - len(genuine.certificate.signature) - 3 - len(_ECDSA_SHA256)
    if not data[start:].startswith(_ECDSA_SHA256):
        raise AssertionError("the certificate has another signature algorithm")
    changed = data[:start] + _ECDSA_SHA384 + data[start + len(_ECDSA_SHA256) :]
    certificate = x509.load_der_x509_certificate(changed)
    return ForgedAuthority(genuine.level, genuine.key, certificate, (certificate,))


_ECDSA_SHA256: Final = bytes.fromhex("06082a8648ce3d040302")
_ECDSA_SHA384: Final = bytes.fromhex("06082a8648ce3d040303")


def _with_agreement_key(trial: TrialContext, device: TargetDevice) -> Handler:
    """Send evidence that is signed by a key whose certificate, with a fresh attestation, is for key agreement."""
    genuine, key = _genuine(trial), trial.seed.p256("agreement key")

    def sign(evidence: bytes) -> bytes:
        leaf = x509.load_der_x509_certificate(base64.b64decode(header_of(evidence)["x5c"][0]))
        attestation = leaf.extensions.get_extension_for_oid(OID).value
        certificate = _certificate(
            common_name("Android Keystore Key"), key, genuine.certificate.subject, genuine.key, ca=False,
            extensions=(attestation, key_usage(4)),
        )  # fmt: skip
        chain = (certificate.public_bytes(Encoding.DER), *genuine.chain)
        x5c = [base64.b64encode(each).decode() for each in chain]
        signed = with_header(evidence, x5c=x5c).rpartition(b".")[0]
        return b".".join((signed, b64(signature(key, signed))))

    return on_verdict_request(lambda _, __, request: request.forward(sign(request.body)))(trial, device)


ATTACKS.append(
    network_attack(
        "chain-key-for-agreement",
        "Sign evidence with an attested key whose certificate is for key agreement.",
        "CWE-295, RFC 5280 section 4.2.1.3",
        (_T.CHAIN_PURPOSE,),
        "chain-invalid",
        _with_agreement_key,
        capabilities=STOLEN_KEY,
        targets=(LOCKED,),
    )
)

"""Attestation chains of any length, with links of any kind, made with the library and the lab's attestation writer."""

import datetime
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from lab.handset import key_attestation
from lab.handset.key_attestation import (
    AttestationFields,
    AuthorizationFields,
    RootOfTrustFields,
    enumerated,
)
from server_stub.attestation import der
from server_stub.attestation.certificate_fields import spans
from server_stub.attestation.key_description import (
    BOOT_STATES,
    ApplicationId,
    AuthorizationList,
    KeyDescription,
    RootOfTrust,
    SecurityLevel,
)
from tests.support import raw_der
from wire.codes import VerifiedBootState

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

NOT_BEFORE = datetime.datetime(2018, 1, 1, tzinfo=datetime.UTC)
NOT_AFTER = datetime.datetime(2048, 1, 1, tzinfo=datetime.UTC)
CHALLENGE = b"challenge"


@cache
def key(kind: str, name: str) -> Key:
    """One key for each kind and name, cached because keys are slow to generate."""
    if kind.startswith("rsa"):
        return rsa.generate_private_key(65537, int(kind[3:]))
    return ec.generate_private_key({"p256": ec.SECP256R1, "p384": ec.SECP384R1, "p224": ec.SECP224R1}[kind]())


def description(**changes: object) -> KeyDescription:
    """The description of a device without problems; `changes` are in its hardware-enforced list."""
    root = RootOfTrust(
        bytes(32),
        device_locked=True,
        verified_boot_state=VerifiedBootState.GREEN,
        verified_boot_hash=bytes(32),
    )
    hardware: dict[str, object] = {
        "purposes": frozenset({2}),
        "algorithm": 3,
        "key_size": 256,
        "origin": 0,
        "root_of_trust": root,
        "os_version": 140000,
        "os_patch_level": 202408,
        "imei": "001010123456787",
    }
    level = SecurityLevel.TRUSTED_ENVIRONMENT
    lists = (AuthorizationList(), AuthorizationList(**hardware | changes))  # type: ignore[arg-type]
    return KeyDescription(300, level, 300, level, CHALLENGE, b"", *lists)


@asn1.sequence
class PackageFields:
    """`AttestationPackageInfo`."""

    name: bytes
    version: int


@asn1.sequence
class ApplicationFields:
    """`AttestationApplicationId`; `AuthorizationFields.application_id` is its DER encoding."""

    packages: asn1.SetOf[PackageFields]
    signatures: asn1.SetOf[bytes]


def encode_description(description: KeyDescription) -> bytes:
    """The extension value for a description in the server's types, by the lab's writer. Omits `unread`."""
    return asn1.encode_der(
        AttestationFields(
            attestation_version=description.attestation_version,
            attestation_level=enumerated(description.attestation_level),
            keymint_version=description.keymint_version,
            keymint_level=enumerated(description.keymint_level),
            challenge=description.challenge,
            unique_id=description.unique_id,
            software=_authorization_fields(description.software),
            hardware=_authorization_fields(description.hardware),
        )
    )


def _authorization_fields(authorizations: AuthorizationList) -> asn1.TLV:
    values = {each.name: getattr(authorizations, each.name) for each in fields(AuthorizationFields)}
    return AuthorizationFields(**{name: _asn1_value(value) for name, value in values.items()}).encoded()


def _asn1_value(value: object) -> object:
    """A field of `AuthorizationList` as the writer's type; None for a field that the encoding omits."""
    match value:
        case frozenset():
            return asn1.SetOf(list(value)) if value else None
        case bool():
            return asn1.Null() if value else None
        case str():
            return value.encode()
        case RootOfTrust():
            return RootOfTrustFields(
                verified_boot_key=value.verified_boot_key,
                device_locked=value.device_locked,
                verified_boot_state=enumerated(BOOT_STATES.index(value.verified_boot_state)),
                verified_boot_hash=value.verified_boot_hash,
            )
        case ApplicationId():
            packages = [
                PackageFields(name=each.name.encode(), version=each.version) for each in value.packages
            ]
            signatures = asn1.SetOf(list(value.signatures))
            return asn1.encode_der(ApplicationFields(packages=asn1.SetOf(packages), signatures=signatures))
        case _:
            return value


@dataclass(frozen=True)
class Cert:
    """A certificate to issue. `attestation` is the value of its key description extension."""

    name: str
    kind: str = "p256"
    ca: bool = True
    path_length: int | None = None
    serial: int = 0
    not_before: datetime.datetime = NOT_BEFORE
    not_after: datetime.datetime = NOT_AFTER
    hash: hashes.HashAlgorithm = field(default_factory=hashes.SHA256)
    attestation: bytes | None = None
    extensions: tuple[tuple[x509.ExtensionType, bool], ...] = ()
    key_name: str = ""
    subject: x509.Name | None = None

    @property
    def key(self) -> Key:
        return key(self.kind, self.key_name or self.name)


def leaf(attestation: bytes | None = None, **changes: object) -> Cert:
    data = encode_description(description()) if attestation is None else attestation
    return replace(Cert("Android Keystore Key", ca=False, attestation=data, serial=1), **changes)  # type: ignore[arg-type]


def issue(cert: Cert, issuer: Cert) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(cert.name) if cert.subject is None else cert.subject)
        .issuer_name(_name(issuer.name) if issuer.subject is None else issuer.subject)
        .public_key(cert.key.public_key())
        .serial_number(cert.serial or 1000 + sum(cert.name.encode()))
        .not_valid_before(cert.not_before)
        .not_valid_after(cert.not_after)
    )
    if cert.ca:
        basic = x509.BasicConstraints(ca=True, path_length=cert.path_length)
        builder = builder.add_extension(basic, critical=True)
    if cert.attestation is not None:
        extension = x509.UnrecognizedExtension(key_attestation.OID, cert.attestation)
        builder = builder.add_extension(extension, critical=False)
    for extension, critical in cert.extensions:
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(issuer.key, cert.hash)  # type: ignore[arg-type]


def edited(certificate: x509.Certificate, issuer: Cert, edit: Callable[[list[bytes]], None]) -> bytes:
    """`certificate`, DER, after `edit` of the encoded fields of its body, signed again by `issuer`.

    For what the library does not write. The outer algorithm is the third field of the body before the edit.
    """
    parts = elements(content(certificate.tbs_certificate_bytes))
    algorithm = parts[2]
    edit(parts)
    return sealed(b"".join(parts), algorithm, issuer)


def elements(data: bytes) -> list[bytes]:
    """The encoded elements of `data`."""
    return [data[each.begin : each.end] for each in spans(data, 0, len(data), set())]


def content(element: bytes) -> bytes:
    """The value of one encoded element."""
    (each,) = spans(element, 0, len(element), set())
    return element[each.start : each.end]


def sealed(fields: bytes, algorithm: bytes, issuer: Cert) -> bytes:
    """A certificate around any encoded fields and any outer algorithm, with a signature of SHA-256."""
    signed = raw_der.encode(der.SEQUENCE, fields)
    if isinstance(issuer.key, rsa.RSAPrivateKey):
        signature = issuer.key.sign(signed, padding.PKCS1v15(), hashes.SHA256())
    else:
        signature = issuer.key.sign(signed, ec.ECDSA(hashes.SHA256()))
    return raw_der.encode(der.SEQUENCE, signed + algorithm + raw_der.encode(0x03, b"\x00" + signature))


def chain(*certs: Cert) -> tuple[x509.Certificate, ...]:
    """Certificates, leaf first; each is issued by the next one, the last one by itself."""
    return tuple(issue(cert, issuer) for cert, issuer in zip(certs, (*certs[1:], certs[-1]), strict=True))


def der_of(certificates: Sequence[x509.Certificate]) -> tuple[bytes, ...]:
    return tuple(each.public_bytes(Encoding.DER) for each in certificates)


def pem_of(certificates: Sequence[x509.Certificate]) -> bytes:
    return b"".join(each.public_bytes(Encoding.PEM) for each in certificates)


def write_roots(path: Path, *roots: x509.Certificate) -> str:
    path.write_text(json.dumps([pem_of([root]).decode() for root in roots]))
    return str(path)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])

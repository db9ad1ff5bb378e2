"""The Android Key Attestation extension as a keystore writes it, declared with `cryptography.hazmat.asn1`.

Source: the `KeyDescription` schema of the Android Open Source Project ("Key and ID attestation"), versions 1 to 500.
Field names follow the schema. Text is an `OCTET STRING` with UTF-8 content.

The server reads this extension with its own code (`server_stub.attestation`); nothing here is shared with it.
`cryptography.hazmat.asn1` has no ENUMERATED type, so an enumerated field is declared as `TLV`, any element, and
`enumerated` writes its three bytes: tag 0x0a, length 1, value.
"""

from typing import Annotated, Final

from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.hazmat.asn1 import TLV, Explicit, Null, SetOf

OID: Final = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.1.17")

SOFTWARE: Final = 0
TRUSTED_ENVIRONMENT: Final = 1
STRONG_BOX: Final = 2
"""`SecurityLevel`, with the two above."""

PURPOSE_SIGN: Final = 2
PURPOSE_ATTEST_KEY: Final = 7
"""`KeyPurpose`, with the one above."""

ORIGIN_GENERATED: Final = 0
"""`KeyOrigin`: the key was generated inside the keystore."""


def enumerated(value: int) -> TLV:
    """An ENUMERATED element; `value` is from 0 to 127 (X.690 section 8.4)."""
    if not 0 <= value < 0x80:
        raise ValueError(f"an enumerated value of one byte is from 0 to 127, not {value}")
    return asn1.decode_der(TLV, bytes((0x0A, 1, value)))


@asn1.sequence
class RootOfTrustFields:
    """`RootOfTrust`. `verified_boot_state` is 0 verified, 1 self-signed, 2 unverified, 3 failed."""

    verified_boot_key: bytes
    device_locked: bool
    verified_boot_state: TLV
    verified_boot_hash: bytes | None


@asn1.sequence
class AuthorizationFields:
    """`AuthorizationList`: optional fields with EXPLICIT context tags. `Null()` sets a flag, None omits a field."""

    purposes: Annotated[SetOf[int] | None, Explicit(1)] = None
    algorithm: Annotated[int | None, Explicit(2)] = None
    key_size: Annotated[int | None, Explicit(3)] = None
    block_modes: Annotated[SetOf[int] | None, Explicit(4)] = None
    digests: Annotated[SetOf[int] | None, Explicit(5)] = None
    paddings: Annotated[SetOf[int] | None, Explicit(6)] = None
    caller_nonce: Annotated[Null | None, Explicit(7)] = None
    min_mac_length: Annotated[int | None, Explicit(8)] = None
    ec_curve: Annotated[int | None, Explicit(10)] = None
    ml_dsa_variant: Annotated[int | None, Explicit(11)] = None
    rsa_public_exponent: Annotated[int | None, Explicit(200)] = None
    mgf_digests: Annotated[SetOf[int] | None, Explicit(203)] = None
    rollback_resistance: Annotated[Null | None, Explicit(303)] = None
    early_boot_only: Annotated[Null | None, Explicit(305)] = None
    active_at: Annotated[int | None, Explicit(400)] = None
    origination_expires_at: Annotated[int | None, Explicit(401)] = None
    usage_expires_at: Annotated[int | None, Explicit(402)] = None
    usage_count_limit: Annotated[int | None, Explicit(405)] = None
    user_secure_id: Annotated[int | None, Explicit(502)] = None
    no_auth_required: Annotated[Null | None, Explicit(503)] = None
    user_auth_type: Annotated[int | None, Explicit(504)] = None
    auth_timeout: Annotated[int | None, Explicit(505)] = None
    allow_while_on_body: Annotated[Null | None, Explicit(506)] = None
    trusted_user_presence_required: Annotated[Null | None, Explicit(507)] = None
    trusted_confirmation_required: Annotated[Null | None, Explicit(508)] = None
    unlocked_device_required: Annotated[Null | None, Explicit(509)] = None
    all_applications: Annotated[Null | None, Explicit(600)] = None
    key_application_id: Annotated[bytes | None, Explicit(601)] = None
    created_at: Annotated[int | None, Explicit(701)] = None
    origin: Annotated[int | None, Explicit(702)] = None
    rollback_resistant: Annotated[Null | None, Explicit(703)] = None
    root_of_trust: Annotated[RootOfTrustFields | None, Explicit(704)] = None
    os_version: Annotated[int | None, Explicit(705)] = None
    os_patch_level: Annotated[int | None, Explicit(706)] = None
    application_id: Annotated[bytes | None, Explicit(709)] = None
    brand: Annotated[bytes | None, Explicit(710)] = None
    device: Annotated[bytes | None, Explicit(711)] = None
    product: Annotated[bytes | None, Explicit(712)] = None
    serial: Annotated[bytes | None, Explicit(713)] = None
    imei: Annotated[bytes | None, Explicit(714)] = None
    meid: Annotated[bytes | None, Explicit(715)] = None
    manufacturer: Annotated[bytes | None, Explicit(716)] = None
    model: Annotated[bytes | None, Explicit(717)] = None
    vendor_patch_level: Annotated[int | None, Explicit(718)] = None
    boot_patch_level: Annotated[int | None, Explicit(719)] = None
    device_unique_attestation: Annotated[Null | None, Explicit(720)] = None
    second_imei: Annotated[bytes | None, Explicit(723)] = None
    module_hash: Annotated[bytes | None, Explicit(724)] = None

    def encoded(self) -> TLV:
        """The list as an element. A keystore encodes it once, because all its keys have the same list."""
        return asn1.decode_der(TLV, asn1.encode_der(self))


_KEYMASTER_VERSIONS: Final = {1: 2, 2: 3, 3: 4, 4: 41}
"""By attestation version. KeyMint has the same number for both."""

_EMPTY: Final = AuthorizationFields().encoded()


@asn1.sequence
class AttestationFields:
    """`KeyDescription`. The lists are encoded `AuthorizationFields`; only a keystore in hardware fills `hardware`."""

    attestation_version: int
    attestation_level: TLV
    keymint_version: int
    keymint_level: TLV
    challenge: bytes
    unique_id: bytes
    software: TLV
    hardware: TLV

    @classmethod
    def of_version(cls, version: int, level: int, challenge: bytes, enforced: TLV) -> "AttestationFields":
        """What a keystore of attestation `version` and security `level` states.

        A keystore in software enforces everything in software.
        """
        return cls(
            attestation_version=version,
            attestation_level=enumerated(level),
            keymint_version=_KEYMASTER_VERSIONS.get(version, version),
            keymint_level=enumerated(level),
            challenge=challenge,
            unique_id=b"",
            software=enforced if level == SOFTWARE else _EMPTY,
            hardware=_EMPTY if level == SOFTWARE else enforced,
        )

    def extension(self) -> x509.UnrecognizedExtension:
        """The certificate extension with this content."""
        return x509.UnrecognizedExtension(OID, asn1.encode_der(self))

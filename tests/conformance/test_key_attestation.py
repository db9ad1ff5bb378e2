"""Attestation chains of real devices."""

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from server_stub.attestation import key_description
from server_stub.attestation.appraisal import ExpectedAttestation, describe, judge
from server_stub.attestation.chain import Anchor, ChainError, ChainProblem, ChainVerifier
from server_stub.attestation.deviations import Deviation
from server_stub.attestation.key_description import AuthorizationList, KeyDescription, SecurityLevel
from server_stub.attestation.provisioning import Provisioning
from server_stub.attestation.revocation import CertificateStatus, StatusEntry
from tests.support.chains import encode_description
from wire.codes import TrustTier, VerifiedBootState

VECTORS = os.environ.get("ACTIVATION_VECTORS")
FOLDER = Path(VECTORS or ".") / "key-attestation"
PHONES = sorted(path.stem for path in FOLDER.glob("*.pem")) if VECTORS else []

pytestmark = pytest.mark.skipif(not VECTORS, reason="ACTIVATION_VECTORS is not set: no chains of real phones")

LEVELS = {"TRUSTED_ENVIRONMENT": SecurityLevel.TRUSTED_ENVIRONMENT, "STRONG_BOX": SecurityLevel.STRONG_BOX}
BOOT = {"VERIFIED": VerifiedBootState.GREEN, "UNVERIFIED": VerifiedBootState.ORANGE}
INTEGERS = {
    "algorithms": "algorithm",
    "keySize": "key_size",
    "ecCurve": "ec_curve",
    "rsaPublicExponent": "rsa_public_exponent",
    "activeDateTime": "active_at",
    "originationExpireDateTime": "origination_expires_at",
    "usageExpireDateTime": "usage_expires_at",
    "usageCountLimit": "usage_count_limit",
    "userAuthType": "user_auth_type",
    "authTimeout": "auth_timeout",
    "creationDateTime": "created_at",
    "osVersion": "os_version",
    "osPatchLevel": "os_patch_level",
    "vendorPatchLevel": "vendor_patch_level",
    "bootPatchLevel": "boot_patch_level",
}
TEXTS = {
    "attestationIdBrand": "brand",
    "attestationIdDevice": "device",
    "attestationIdProduct": "product",
    "attestationIdSerial": "serial",
    "attestationIdImei": "imei",
    "attestationIdMeid": "meid",
    "attestationIdSecondImei": "second_imei",
    "attestationIdManufacturer": "manufacturer",
    "attestationIdModel": "model",
}
SETS = {
    "purposes": "purposes",
    "blockModes": "block_modes",
    "digests": "digests",
    "paddings": "paddings",
    "rsaOaepMgfDigests": "mgf_digests",
}
FLAGS = {
    "noAuthRequired": "no_auth_required",
    "allowWhileOnBody": "allow_while_on_body",
    "trustedUserPresenceRequired": "trusted_user_presence_required",
    "trustedConfirmationRequired": "trusted_confirmation_required",
    "unlockedDeviceRequired": "unlocked_device_required",
    "rollbackResistant": "rollback_resistant",
}


def chain(phone: str) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates((FOLDER / f"{phone}.pem").read_bytes())


def extension(phone: str) -> bytes:
    value = chain(phone)[0].extensions.get_extension_for_oid(key_description.OID).value
    assert isinstance(value, x509.UnrecognizedExtension)
    return value.value


def expected(phone: str) -> dict[str, Any]:
    return dict(json.loads((FOLDER / f"{phone}.json").read_text()))


def as_published(authorizations: AuthorizationList) -> dict[str, Any]:
    """An authorization list in the form of the expected documents."""
    out: dict[str, Any] = {}
    for theirs, ours in {**INTEGERS, **TEXTS}.items():
        if (value := getattr(authorizations, ours)) is not None:
            out[theirs] = str(value)
    for theirs, ours in SETS.items():
        if values := getattr(authorizations, ours):
            out[theirs] = [str(value) for value in sorted(values)]
    out |= {theirs: True for theirs, ours in FLAGS.items() if getattr(authorizations, ours)}
    if authorizations.module_hash is not None:
        out["moduleHash"] = base64.b64encode(authorizations.module_hash).decode()
    if application := authorizations.application_id:
        out["attestationApplicationId"] = {
            "packages": [{"name": each.name, "version": str(each.version)} for each in application.packages],
            "signatures": [base64.b64encode(each).decode() for each in application.signatures],
        }
    if authorizations.origin is not None:
        out["origin"] = {0: "GENERATED"}[authorizations.origin]
    if root := authorizations.root_of_trust:
        out["rootOfTrust"] = {
            "verifiedBootKey": base64.b64encode(root.verified_boot_key).decode(),
            "deviceLocked": root.device_locked,
            "verifiedBootState": {state: name for name, state in BOOT.items()}[root.verified_boot_state],
            "verifiedBootHash": base64.b64encode(root.verified_boot_hash or b"").decode(),
        }
    return out


@pytest.mark.parametrize("phone", PHONES)
def test_real_description_decodes_as_published(phone: str) -> None:
    description: KeyDescription = key_description.decode(extension(phone))
    document = expected(phone)
    assert str(description.attestation_version) == document["attestationVersion"]
    assert description.attestation_level is LEVELS[document["attestationSecurityLevel"]]
    assert str(description.keymint_version) == document["keyMintVersion"]
    assert description.keymint_level is LEVELS[document["keyMintSecurityLevel"]]
    assert base64.b64encode(description.challenge).decode() == document["attestationChallenge"]
    assert base64.b64encode(description.unique_id).decode() == document["uniqueId"]
    for ours, theirs in (
        (description.software, document["softwareEnforced"]),
        (description.hardware, document["hardwareEnforced"]),
    ):
        # The publisher's own remark on the order of tags, which this decoder insists on.
        assert theirs.pop("areTagsOrdered", True)
        assert as_published(ours) == theirs
        assert not ours.unread


@pytest.mark.parametrize("phone", PHONES)
def test_real_description_is_encoded_to_the_same_bytes(phone: str) -> None:
    data = extension(phone)
    assert encode_description(key_description.decode(data)) == data


def roots() -> tuple[x509.Certificate, ...]:
    pems = json.loads((FOLDER / "roots.json").read_text())
    return tuple(x509.load_pem_x509_certificate(pem.encode()) for pem in pems)


def octets_of(certificates: list[x509.Certificate]) -> tuple[bytes, ...]:
    return tuple(each.public_bytes(Encoding.DER) for each in certificates)


def time_of(certificates: list[x509.Certificate]) -> int:
    return int(max(each.not_valid_before_utc for each in certificates).timestamp()) + 60


@pytest.mark.parametrize("phone", PHONES)
def test_real_chain_leads_to_a_published_root(phone: str) -> None:
    """Real chains have RSA, P-384, validity of a few weeks and an older edition of the root."""
    certificates = chain(phone)
    at = time_of(certificates)
    assert ChainVerifier(roots()).verify(octets_of(certificates), at).anchor is Anchor.CONFIGURED
    assert ChainVerifier(()).verify(octets_of(certificates), at).anchor is Anchor.NONE
    assert (
        ChainVerifier((), software_roots=roots()).verify(octets_of(certificates), at).anchor
        is Anchor.SOFTWARE
    )
    without_root = octets_of(certificates[:-1])
    assert ChainVerifier(roots()).verify(without_root, at).anchored


@pytest.mark.parametrize("phone", PHONES)
def test_real_chain_that_expired_is_rejected_unless_a_factory_wrote_it(phone: str) -> None:
    """Certificates of remotely provisioned devices are valid for weeks."""
    certificates = chain(phone)
    between = [each for each in certificates[1:] if each.issuer != each.subject]
    ends = min(each.not_valid_after_utc for each in between)
    last = int(ends.timestamp())
    path = ChainVerifier(roots()).verify(octets_of(certificates), last)
    assert (path.anchored, path.deviations) == (True, ())
    assert path.provisioning is not None
    if path.provisioning.method is Provisioning.FACTORY:
        late = ChainVerifier(roots()).verify(octets_of(certificates), last + 1)
        assert [each.deviation for each in late.deviations] == [Deviation.CERTIFICATE_EXPIRED]
        return
    with pytest.raises(ChainError) as caught:
        ChainVerifier(roots()).verify(octets_of(certificates), last + 1)
    assert caught.value.problem is ChainProblem.OUT_OF_TIME


PROVISIONED = {
    "akita": (Provisioning.REMOTE, 8),
    "blueline": (Provisioning.FACTORY, None),
    "tegu": (Provisioning.REMOTE, 32),
}


@pytest.mark.parametrize("phone", PHONES)
def test_real_chain_states_how_its_keystore_was_provisioned(phone: str) -> None:
    certificates = chain(phone)
    facts = ChainVerifier(roots()).verify(octets_of(certificates), time_of(certificates)).provisioning
    assert facts is not None
    assert (facts.method, facts.issued) == PROVISIONED[phone.split("_", maxsplit=1)[0]]
    assert facts.level is LEVELS[expected(phone)["attestationSecurityLevel"]]


@pytest.mark.parametrize("phone", PHONES)
def test_real_chain_is_rejected_if_any_certificate_is_revoked(phone: str) -> None:
    """Also with a serial number in decimal."""
    certificates = chain(phone)
    for place, certificate in enumerate(certificates):
        statuses = {certificate.serial_number: StatusEntry(CertificateStatus.REVOKED)}
        with pytest.raises(ChainError) as caught:
            ChainVerifier(roots(), statuses=lambda _, found=statuses: found).verify(
                octets_of(certificates), time_of(certificates)
            )
        assert (caught.value.problem, caught.value.place) == (ChainProblem.REVOKED, place)


@pytest.mark.parametrize("phone", PHONES)
def test_real_device_is_appraised_by_its_attestation(phone: str) -> None:
    certificates, document = chain(phone), expected(phone)
    path = ChainVerifier(roots()).verify(octets_of(certificates), time_of(certificates))
    challenge = base64.b64decode(document["attestationChallenge"])
    appraisal = judge(path, describe(path.leaf), ExpectedAttestation(challenge))
    root = document["hardwareEnforced"]["rootOfTrust"]
    valid = root["deviceLocked"] and root["verifiedBootState"] == "VERIFIED"
    assert appraisal.tier is (TrustTier.AFFIRMING if valid else TrustTier.CONTRAINDICATED)
    reasons = appraisal.reasons()
    assert reasons["configuration"] == (
        "bootloader-locked" if root["deviceLocked"] else "bootloader-unlocked"
    )
    assert reasons["storage-opaque"] == "key-in-hardware"
    level = document["attestationSecurityLevel"]
    assert reasons["hardware"] == ("strongbox" if level == "STRONG_BOX" else "trusted-environment")
    imei = document["hardwareEnforced"].get("attestationIdImei")
    assert appraisal.imei == imei
    assert reasons["instance-identity"] == ("recognized" if imei else "imei-not-attested")
    stale = judge(path, describe(path.leaf), ExpectedAttestation(b"another"))
    assert (stale.tier, stale.imei) == (TrustTier.CONTRAINDICATED, None)

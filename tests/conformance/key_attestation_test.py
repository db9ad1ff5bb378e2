"""Attestation chains of real phones, which nobody here made."""

import base64
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from server_stub.domain import key_description
from server_stub.domain.chain import ChainVerifier
from server_stub.domain.key_description import AuthorizationList, KeyDescription, SecurityLevel
from wire.codes import VerifiedBootState

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
    "attestationIdImei": "imei",
    "attestationIdSecondImei": "second_imei",
    "attestationIdManufacturer": "manufacturer",
    "attestationIdModel": "model",
}
SETS = {"purposes": "purposes", "digests": "digests"}


def chain(phone: str) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates((FOLDER / f"{phone}.pem").read_bytes())


def extension(phone: str) -> bytes:
    value = chain(phone)[0].extensions.get_extension_for_oid(key_description.OID).value
    assert isinstance(value, x509.UnrecognizedExtension)
    return value.value


def expected(phone: str) -> dict[str, Any]:
    return dict(json.loads((FOLDER / f"{phone}.json").read_text()))


def told(authorizations: AuthorizationList) -> dict[str, Any]:
    """An authorization list in the words of the expected documents."""
    out: dict[str, Any] = {}
    for theirs, ours in {**INTEGERS, **TEXTS}.items():
        if (value := getattr(authorizations, ours)) is not None:
            out[theirs] = str(value)
    for theirs, ours in SETS.items():
        if values := getattr(authorizations, ours):
            out[theirs] = [str(value) for value in sorted(values)]
    if authorizations.no_auth_required:
        out["noAuthRequired"] = True
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
def test_a_real_description_decodes_to_what_its_publisher_says(phone: str) -> None:
    """The decoder is held to a reading that is not ours."""
    description: KeyDescription = key_description.decode(extension(phone))
    document = expected(phone)
    assert str(description.attestation_version) == document["attestationVersion"]
    assert description.attestation_level is LEVELS[document["attestationSecurityLevel"]]
    assert str(description.keymint_version) == document["keyMintVersion"]
    assert description.keymint_level is LEVELS[document["keyMintSecurityLevel"]]
    assert base64.b64encode(description.challenge).decode() == document["attestationChallenge"]
    for ours, theirs in (
        (description.software, document["softwareEnforced"]),
        (description.hardware, document["hardwareEnforced"]),
    ):
        skipped = {"attestationApplicationId", "areTagsOrdered"}
        assert told(ours) == {name: value for name, value in theirs.items() if name not in skipped}
        assert (ours.application_id is not None) == ("attestationApplicationId" in theirs)
        assert not ours.unread


@pytest.mark.parametrize("phone", PHONES)
def test_a_real_description_encodes_to_the_same_octets(phone: str) -> None:
    """An encoder that reproduces other makers' octets writes the format and not a dialect of it."""
    octets = extension(phone)
    assert key_description.encode(key_description.decode(octets)) == octets


@pytest.mark.parametrize("phone", PHONES)
def test_a_real_chain_leads_to_a_published_root(phone: str) -> None:
    """Real chains carry RSA, P-384, validity of a few weeks and an older edition of the root."""
    certificates = chain(phone)
    roots = tuple(
        x509.load_pem_x509_certificate(pem.encode())
        for pem in json.loads((FOLDER / "roots.json").read_text())
    )
    at = int(max(each.not_valid_before_utc for each in certificates).timestamp()) + 60
    path = ChainVerifier(roots).verify(tuple(c.public_bytes(Encoding.DER) for c in certificates), at)
    assert path.anchored
    assert (
        not ChainVerifier(roots[:0])
        .verify(tuple(c.public_bytes(Encoding.DER) for c in certificates), at)
        .anchored
    )
    assert datetime.fromtimestamp(at, UTC) < min(each.not_valid_after_utc for each in certificates)

"""How a keystore got its key, and what the chain certifies about it."""

from dataclasses import replace

import pytest
from cryptography import x509

from server_stub.attestation.appraisal import Appraisal, ExpectedAttestation, TrustClaim, describe, judge
from server_stub.attestation.chain import ChainVerifier, Path
from server_stub.attestation.key_description import SecurityLevel
from server_stub.attestation.provisioning import Provisioning, certificates_issued
from tests.support.chains import CHALLENGE, Cert, chain, der_of, description, encode_description, leaf
from tests.support.server_phone import NOW
from wire.codes import TrustTier

ROOT = Cert("root", "rsa2048")
BATCH = Cert("batch")
MIDDLE = Cert("middle", "p384")
OID = x509.ObjectIdentifier


def verify(data: tuple[bytes, ...]) -> Path:
    return ChainVerifier(chain(ROOT)).verify(data, NOW)


def appraisal_of(path: Path) -> Appraisal:
    return judge(path, describe(path.leaf), ExpectedAttestation(CHALLENGE))


def issued(*certs: Cert) -> tuple[bytes, ...]:
    return der_of(chain(*certs))


def provisioned(cbor: str) -> tuple[tuple[x509.ExtensionType, bool], ...]:
    oid = OID("1.3.6.1.4.1.11129.2.1.30")
    return ((x509.UnrecognizedExtension(oid, bytes.fromhex(cbor)), False),)


def named(name: str, **attributes: str) -> x509.Name:
    kinds = {"title": "2.5.4.12", "number": "2.5.4.5", "organization": "2.5.4.10"}
    others = [x509.NameAttribute(OID(kinds[kind]), text) for kind, text in attributes.items()]
    return x509.Name([*others, x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])


@pytest.mark.parametrize(
    ("links", "method", "issued_number"),
    [
        ((BATCH,), Provisioning.FACTORY, None),
        ((BATCH, MIDDLE), Provisioning.FACTORY, None),
        ((BATCH, Cert("m4"), replace(MIDDLE, subject=named("m", number="87f4"))), Provisioning.FACTORY, None),
        ((BATCH, Cert("m4"), MIDDLE), Provisioning.REMOTE, None),
        ((replace(BATCH, extensions=provisioned("a10108")), Cert("m4"), MIDDLE), Provisioning.REMOTE, 8),
        ((replace(BATCH, extensions=provisioned("a20118200366476f6f676c65")),), Provisioning.REMOTE, 32),
        ((BATCH, replace(MIDDLE, extensions=provisioned("a10107"))), Provisioning.REMOTE, 7),
    ],
)
def test_provisioning_follows_from_the_extension_and_the_structure_of_the_chain(
    links: tuple[Cert, ...], method: Provisioning, issued_number: int | None
) -> None:
    for sent in (issued(leaf(), *links, ROOT), issued(leaf(), *links, ROOT)[:-1]):
        appraisal = appraisal_of(verify(sent))
        facts = appraisal.provisioning
        assert facts is not None
        assert (facts.method, facts.issued) == (method, issued_number)
        recorded = appraisal.recorded()
        assert recorded["provisioning"] == method
        assert recorded.get("certificates-issued") == (None if issued_number is None else str(issued_number))
    assert ChainVerifier(()).verify(sent, NOW).provisioning is None


@pytest.mark.parametrize(
    ("cbor", "number"),
    [
        ("a10100", 0),
        ("a1011903e8", 1000),
        ("a1011bffffffffffffffff", 2**64 - 1),
        ("a203f60105", 5),  # null
        ("a2048263616263c1000105", 5),  # an array with text and a tagged number
        ("a204a1016161010a", 10),  # a map that has the same key
        ("040da2011880036773616d73756e67", 128),  # inside a second string of bytes
        ("0402a101", None),
        ("04", None),
        ("a0", None),
        ("a10208", None),
        ("a10120", None),  # negative
        ("a101", None),
        ("a1", None),
        ("", None),
        ("0108", None),
        ("b81f0108", None),  # more pairs than bytes
        ("bf0108ff", None),  # of indefinite length
        ("a25b7fffffffffffffff000105", None),  # a byte string that is longer than the data
        ("a29b7fffffffffffffff000105", None),  # an array that is longer than the data
    ],
)
def test_number_of_issued_certificates_is_read_from_a_bounded_map(cbor: str, number: int | None) -> None:
    assert certificates_issued(bytes.fromhex(cbor)) == number


LEVELS = {SecurityLevel.TRUSTED_ENVIRONMENT: "TEE", SecurityLevel.STRONG_BOX: "StrongBox"}


@pytest.mark.parametrize("attribute", ["title", "organization"])
@pytest.mark.parametrize("stated", SecurityLevel)
@pytest.mark.parametrize("certified", LEVELS)
@pytest.mark.parametrize("place", ["batch", "middle"])
def test_security_level_that_the_chain_does_not_certify_is_contraindicated(
    attribute: str, stated: SecurityLevel, certified: SecurityLevel, place: str
) -> None:
    subject = named("keystore", **{attribute: LEVELS[certified]})
    links = (replace(BATCH, subject=subject), MIDDLE)
    if place == "middle":
        links = (BATCH, replace(MIDDLE, subject=subject))
    said = replace(description(), attestation_level=stated, keymint_level=stated)
    appraisal = appraisal_of(verify(issued(leaf(attestation=encode_description(said)), *links, ROOT)))
    hardware = next(each for each in appraisal.results if each.claim is TrustClaim.HARDWARE)
    if stated is SecurityLevel.SOFTWARE:
        assert hardware.reason == "keystore-in-software"
    else:
        assert (hardware.reason == "security-level-not-certified") is (stated is not certified)
    assert hardware.tier is (TrustTier.AFFIRMING if stated is certified else TrustTier.CONTRAINDICATED)

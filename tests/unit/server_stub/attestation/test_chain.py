"""Valid and invalid attestation chains."""

import datetime
from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from lab.world.seed import Seed
from server_stub.attestation import der
from server_stub.attestation.appraisal import (
    AppraisedClaim,
    ExpectedAttestation,
    Identity,
    describe,
    judge,
    refused,
)
from server_stub.attestation.chain import Anchor, ChainError, ChainProblem, ChainVerifier
from server_stub.attestation.deviations import Deviation
from server_stub.attestation.key_description import KeyDescriptionError, SecurityLevel
from server_stub.attestation.reasons import MEANING, AppraisalReason
from server_stub.attestation.revocation import CertificateStatus, StatusEntry
from tests.support import raw_der
from tests.support.chains import (
    CHALLENGE,
    NOT_AFTER,
    NOT_BEFORE,
    Cert,
    chain,
    der_of,
    description,
    encode_description,
    issue,
    leaf,
)
from tests.support.server_phone import NOW
from wire.codes import TrustTier

ROOT = Cert("root", "rsa2048")
EC_ROOT = Cert("root 2", "p384")
MIDDLE = Cert("middle", "p384")
BATCH = Cert("batch")


def refusal(*certs: Cert, at: int = NOW, verifier: ChainVerifier | None = None) -> ChainError:
    certificates = chain(*certs)
    with pytest.raises(ChainError) as caught:
        (verifier or ChainVerifier((certificates[-1],))).verify(der_of(certificates), at)
    return caught.value


@pytest.mark.parametrize("root", [ROOT, EC_ROOT, Cert("root 3")])
@pytest.mark.parametrize("above", [(), (BATCH,), (BATCH, MIDDLE), (BATCH, Cert("m2", "rsa2048"), MIDDLE)])
@pytest.mark.parametrize("kind", ["p256", "rsa2048"])
def test_chains_of_each_usual_length_and_key_type_lead_to_their_root(
    root: Cert, above: tuple[Cert, ...], kind: str
) -> None:
    """Two to five certificates with RSA, P-256 and P-384 in any combination."""
    certificates = chain(leaf(kind=kind), *above, root)
    roots = (chain(ROOT)[0], chain(EC_ROOT)[0], certificates[-1])
    for sent in (certificates, certificates[:-1]):
        path = ChainVerifier(roots).verify(der_of(sent), NOW)
        assert (path.anchor, path.anchored) == (Anchor.CONFIGURED, True)
        assert not ChainVerifier((chain(Cert("other"))[0],)).verify(der_of(sent), NOW).anchored


def test_any_edition_of_a_root_is_accepted() -> None:
    """An anchor is a name and a key; devices keep the edition with which they were made."""
    old = replace(ROOT, not_after=datetime.datetime(2019, 1, 1, tzinfo=datetime.UTC), serial=77)
    certificates = chain(leaf(), BATCH, old)
    configured = chain(ROOT)[0]
    assert ChainVerifier((configured,)).verify(der_of(certificates), NOW).anchored
    revoked = {77: StatusEntry(CertificateStatus.REVOKED)}
    with pytest.raises(ChainError, match="revoked"):
        ChainVerifier((configured,), statuses=lambda _: revoked).verify(der_of(certificates), NOW)


def test_forged_edition_of_a_root_has_no_effect() -> None:
    configured = chain(ROOT)[0]
    forger = replace(BATCH, name="root", key_name="forger")
    forged = issue(replace(BATCH, name="batch"), forger)
    certificates = (issue(leaf(), BATCH), forged, configured)
    with pytest.raises(ChainError) as caught:
        ChainVerifier((configured,)).verify(der_of(certificates), NOW)
    assert (caught.value.problem, caught.value.place) == (ChainProblem.SIGNATURE_INVALID, 1)


def test_root_with_the_same_name_and_another_key_is_another_root() -> None:
    other = replace(EC_ROOT, name="root")
    assert not ChainVerifier((chain(ROOT)[0],)).verify(der_of(chain(leaf(), BATCH, other)), NOW).anchored


def test_chain_to_a_software_root_is_unattested_with_its_own_reason() -> None:
    certificates = chain(leaf(), BATCH, ROOT)
    path = ChainVerifier((), software_roots=(certificates[-1],)).verify(der_of(certificates), NOW)
    assert (path.anchor, path.anchored) == (Anchor.SOFTWARE, False)
    appraisal = judge(path, describe(path.leaf), ExpectedAttestation(CHALLENGE))
    assert (appraisal.tier, appraisal.identity) == (TrustTier.CONTRAINDICATED, Identity.UNATTESTED)
    assert appraisal.reasons()["instance-identity"] == "root-of-software"


DAY = datetime.timedelta(days=1)
BEFORE = datetime.datetime.fromtimestamp(NOW, datetime.UTC) - DAY
UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
DESCRIPTION = encode_description(description())
OUTER = Cert("outer")
PROVISIONING = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.1.30")
REMOTE = ((x509.UnrecognizedExtension(PROVISIONING, bytes.fromhex("a10108")), False),)
NAMES = x509.NameConstraints([x509.DirectoryName(x509.Name([]))], None)


def key_usage(*bits: int) -> x509.KeyUsage:
    return x509.KeyUsage(*(bit in bits for bit in range(9)))


NO_CERTS, ONLY_CERTS = key_usage(0), key_usage(5)


@pytest.mark.parametrize(
    ("certs", "problem", "place"),
    [
        ((leaf(), replace(BATCH, ca=False), MIDDLE, ROOT), ChainProblem.NOT_AN_ISSUER, 1),
        ((leaf(), BATCH, replace(MIDDLE, ca=False), ROOT), ChainProblem.NOT_AN_ISSUER, 2),
        ((leaf(), replace(BATCH, not_after=BEFORE, extensions=REMOTE), ROOT), ChainProblem.OUT_OF_TIME, 1),
        (
            (leaf(), BATCH, replace(MIDDLE, not_after=BEFORE, extensions=REMOTE), ROOT),
            ChainProblem.OUT_OF_TIME,
            2,
        ),
        ((leaf(), BATCH, MIDDLE, replace(OUTER, not_after=BEFORE), ROOT), ChainProblem.OUT_OF_TIME, 3),
        ((leaf(), replace(BATCH, extensions=((NAMES, True),)), ROOT), ChainProblem.NAME_CONSTRAINTS, 1),
        ((leaf(), replace(BATCH, extensions=((NAMES, False),)), ROOT), ChainProblem.NAME_CONSTRAINTS, 1),
        ((leaf(extensions=((NAMES, False),)), BATCH, ROOT), ChainProblem.NAME_CONSTRAINTS, 0),
        ((leaf(extensions=((ONLY_CERTS, True),)), BATCH, ROOT), ChainProblem.LEAF_MAY_NOT_SIGN, 0),
        (
            (leaf(), replace(BATCH, ca=False, attestation=DESCRIPTION), ROOT),
            ChainProblem.EXTENSION_MISPLACED,
            1,
        ),
        ((leaf(), replace(BATCH, extensions=((NO_CERTS, True),)), ROOT), ChainProblem.NOT_AN_ISSUER, 1),
        ((leaf(), BATCH, replace(MIDDLE, path_length=0), ROOT), ChainProblem.PATH_TOO_LONG, 2),
        ((leaf(), BATCH, MIDDLE, replace(ROOT, path_length=1)), ChainProblem.PATH_TOO_LONG, 3),
        ((leaf(), replace(BATCH, kind="p224"), ROOT), ChainProblem.KEY_WEAK, 1),
        ((leaf(), replace(BATCH, kind="rsa1024"), ROOT), ChainProblem.KEY_WEAK, 1),
        ((leaf(), replace(BATCH, hash=hashes.SHA224()), ROOT), ChainProblem.HASH_WEAK, 1),
        ((leaf(hash=hashes.SHA3_256()), BATCH, ROOT), ChainProblem.HASH_WEAK, 0),
        ((leaf(), replace(BATCH, attestation=DESCRIPTION), ROOT), ChainProblem.EXTENSION_MISPLACED, 1),
        ((leaf(), BATCH, replace(MIDDLE, attestation=b"rubbish"), ROOT), ChainProblem.EXTENSION_MISPLACED, 2),
        ((leaf(), replace(BATCH, extensions=((UNKNOWN, True),)), ROOT), ChainProblem.EXTENSION_UNKNOWN, 1),
        ((leaf(extensions=((UNKNOWN, True),)), BATCH, ROOT), ChainProblem.EXTENSION_UNKNOWN, 0),
    ],
)
def test_invalid_link_is_rejected_with_problem_and_place(
    certs: tuple[Cert, ...], problem: ChainProblem, place: int
) -> None:
    """Each case changes one link of a valid chain."""
    error = refusal(*certs)
    assert (error.problem, error.place) == (problem, place)


def test_unknown_extension_that_is_not_critical_is_ignored() -> None:
    """Real batch certificates have one with the number of issued certificates."""
    certificates = chain(leaf(), replace(BATCH, extensions=((UNKNOWN, False),)), ROOT)
    assert ChainVerifier((certificates[-1],)).verify(der_of(certificates), NOW).anchored


def test_links_in_the_wrong_order_are_rejected() -> None:
    certificates = chain(leaf(), BATCH, MIDDLE, ROOT)
    for order in ((0, 2, 1, 3), (0, 2, 3), (1, 0, 2, 3)):
        with pytest.raises(ChainError) as caught:
            ChainVerifier((certificates[-1],)).verify(der_of([certificates[each] for each in order]), NOW)
        assert caught.value.problem in {ChainProblem.ISSUER_DIFFERS, ChainProblem.NOT_AN_ISSUER}


@pytest.mark.parametrize("status", CertificateStatus)
@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("sent", ["with root", "without root"])
def test_chain_is_rejected_if_any_certificate_is_on_the_status_list(
    status: CertificateStatus, place: int, sent: str
) -> None:
    """Also a root that the device does not send. The list is read every time, although issuers are cached."""
    certificates = chain(leaf(serial=5), BATCH, MIDDLE, ROOT)
    statuses: dict[int, StatusEntry] = {}
    verifier = ChainVerifier((certificates[-1],), statuses=lambda _: statuses)
    data = der_of(certificates if sent == "with root" else certificates[:-1])
    assert verifier.verify(data, NOW).anchored
    statuses[certificates[place].serial_number] = StatusEntry(status)
    with pytest.raises(ChainError) as caught:
        verifier.verify(data, NOW)
    assert (caught.value.problem, caught.value.place) == (ChainProblem.of(status), place)
    assert status.lower() in caught.value.finding


def test_error_of_a_malformed_description_has_the_field_and_not_the_value() -> None:
    bad = DESCRIPTION.replace(b"\x01\x01\xff", b"\x01\x01\x01")
    certificates = chain(leaf(attestation=bad), BATCH, ROOT)
    path = ChainVerifier((certificates[-1],)).verify(der_of(certificates), NOW)
    with pytest.raises(ChainError) as caught:
        describe(path.leaf)
    assert caught.value.problem is ChainProblem.DESCRIPTION_MALFORMED
    assert "hardware.root_of_trust: boolean-not-canonical" in caught.value.detail
    assert isinstance(caught.value.__cause__, KeyDescriptionError)


def test_malformed_imei_leaves_the_device_unattested() -> None:
    bad = DESCRIPTION.replace(b"001010123456787", b"00101012345678\x1b")
    certificates = chain(leaf(attestation=bad), BATCH, ROOT)
    path = ChainVerifier((certificates[-1],)).verify(der_of(certificates), NOW)
    appraisal = judge(path, describe(path.leaf), ExpectedAttestation(CHALLENGE, named=True))
    assert (appraisal.identity, appraisal.imei) == (Identity.UNATTESTED, None)
    assert appraisal.results[0].reason is AppraisalReason.IMEI_NOT_ATTESTED


def result(**changes: object) -> tuple[AppraisedClaim, ...]:
    certificates = chain(leaf(attestation=encode_description(description(**changes))), BATCH, ROOT)
    path = ChainVerifier((certificates[-1],)).verify(der_of(certificates), NOW)
    return judge(path, describe(path.leaf), ExpectedAttestation(CHALLENGE)).results


@pytest.mark.parametrize(
    ("changes", "reason", "tier"),
    [
        ({"purposes": frozenset({2})}, AppraisalReason.KEY_IN_HARDWARE, TrustTier.AFFIRMING),
        ({"purposes": frozenset({2, 3})}, AppraisalReason.KEY_IN_HARDWARE, TrustTier.AFFIRMING),
        ({"purposes": frozenset({3})}, AppraisalReason.KEY_NOT_FOR_SIGNING_ALONE, TrustTier.CONTRAINDICATED),
        (
            {"purposes": frozenset({2, 7})},
            AppraisalReason.KEY_NOT_FOR_SIGNING_ALONE,
            TrustTier.CONTRAINDICATED,
        ),
        ({"purposes": frozenset()}, AppraisalReason.KEY_NOT_FOR_SIGNING_ALONE, TrustTier.CONTRAINDICATED),
        ({"origin": 2}, AppraisalReason.KEY_NOT_GENERATED_IN_HARDWARE, TrustTier.CONTRAINDICATED),
        ({"origin": 4}, AppraisalReason.KEY_NOT_GENERATED_IN_HARDWARE, TrustTier.CONTRAINDICATED),
        ({"origin": None}, AppraisalReason.KEY_NOT_GENERATED_IN_HARDWARE, TrustTier.CONTRAINDICATED),
        ({"all_applications": True}, AppraisalReason.KEY_OPEN_TO_ALL_APPLICATIONS, TrustTier.WARNING),
    ],
)
def test_storage_claim_depends_on_purposes_and_origin_of_the_key(
    changes: dict[str, object], reason: AppraisalReason, tier: TrustTier
) -> None:
    storage = result(**changes)[-1]
    assert (storage.reason, storage.tier) == (reason, tier)


def test_unknown_authorization_gives_a_warning_only_in_the_hardware_list() -> None:
    tiers = []
    for place in (6, 7):
        parts = der.elements(der.only(DESCRIPTION, der.SEQUENCE, set()), 8, 8, set())
        unknown = raw_der.encode(der.CONTEXT, raw_der.encode(der.NULL, b""), 9999)
        parts[place] = parts[place]._replace(content=parts[place].content + unknown)
        extension = raw_der.encode(
            der.SEQUENCE, b"".join(raw_der.encode(each.tag, each.content) for each in parts)
        )
        certificates = chain(leaf(attestation=extension), BATCH, ROOT)
        path = ChainVerifier((certificates[-1],)).verify(der_of(certificates), NOW)
        storage = judge(path, describe(path.leaf), ExpectedAttestation(CHALLENGE)).results[-1]
        tiers.append((storage.reason, storage.tier))
    assert tiers == [
        (AppraisalReason.KEY_IN_HARDWARE, TrustTier.AFFIRMING),
        (AppraisalReason.KEY_AUTHORIZATION_UNKNOWN, TrustTier.WARNING),
    ]


LEVELS = (SecurityLevel.SOFTWARE, SecurityLevel.TRUSTED_ENVIRONMENT, SecurityLevel.STRONG_BOX)


@pytest.mark.parametrize("attestation", LEVELS)
@pytest.mark.parametrize("keymint", LEVELS)
def test_hardware_claim_uses_the_lower_security_level_and_warns_of_a_difference(
    attestation: SecurityLevel, keymint: SecurityLevel
) -> None:
    said = replace(description(), attestation_level=attestation, keymint_level=keymint)
    certificates = chain(leaf(attestation=encode_description(said)), BATCH, ROOT)
    path = ChainVerifier((certificates[-1],)).verify(der_of(certificates), NOW)
    hardware = judge(path, describe(path.leaf), ExpectedAttestation(CHALLENGE)).results[1]
    software = SecurityLevel.SOFTWARE in {attestation, keymint}
    same = TrustTier.AFFIRMING if attestation is keymint else TrustTier.WARNING
    assert hardware.tier is (TrustTier.CONTRAINDICATED if software else same)


def test_value_that_is_not_compared_gives_no_tier() -> None:
    certificates = chain(leaf(), BATCH, ROOT)
    path = ChainVerifier((certificates[-1],)).verify(der_of(certificates), NOW)
    said = describe(path.leaf)
    for expected, reason, tier in (
        (ExpectedAttestation(), "challenge-not-compared", TrustTier.NONE),
        (ExpectedAttestation(CHALLENGE), "recognized", TrustTier.AFFIRMING),
        (ExpectedAttestation(CHALLENGE, imei="00101012345678"), "recognized", TrustTier.AFFIRMING),
        (ExpectedAttestation(b"other"), "challenge-not-fresh", TrustTier.CONTRAINDICATED),
        (
            ExpectedAttestation(imei="49015420323751"),
            "ueid-is-not-the-attested-imei",
            TrustTier.CONTRAINDICATED,
        ),
    ):
        identity = judge(path, said, expected).results[0]
        assert (identity.reason, identity.tier) == (reason, tier)


def test_each_reason_has_a_sentence() -> None:
    assert set(MEANING) == {*AppraisalReason, *ChainProblem, *Deviation}
    assert len(set(MEANING.values())) == len(MEANING)
    assert all(refused(problem).tier is TrustTier.CONTRAINDICATED for problem in ChainProblem)


def test_chain_above_an_ml_dsa_leaf_stays_rsa_and_ec() -> None:
    """An ML-DSA-65 key can be attested, and it cannot certify."""
    seed = Seed.of("chain")
    batch_key, leaf_key, root = seed.ml_dsa_65("batch"), seed.ml_dsa_65("leaf"), chain(ROOT)[0]
    builder = (
        x509.CertificateBuilder().serial_number(7).not_valid_before(NOT_BEFORE).not_valid_after(NOT_AFTER)
    )
    batch = (
        builder.subject_name(_name("batch"))
        .issuer_name(root.subject)
        .public_key(batch_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(ROOT.key, hashes.SHA256())  # type: ignore[arg-type]
    )
    attested = builder.subject_name(_name("leaf")).public_key(leaf_key.public_key())
    by_root = attested.issuer_name(root.subject).sign(ROOT.key, hashes.SHA256())  # type: ignore[arg-type]
    by_batch = attested.issuer_name(batch.subject).sign(batch_key, None)
    assert ChainVerifier((root,)).verify(der_of((by_root,)), NOW).leaf_key == leaf_key.public_key()
    with pytest.raises(ChainError) as caught:
        ChainVerifier((root,)).verify(der_of((by_batch, batch)), NOW)
    assert (caught.value.problem, caught.value.place) == (ChainProblem.KEY_WEAK, 1)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])

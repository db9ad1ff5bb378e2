"""Chains as real keystores write them: accepted, each deviation named, and refused if deviations are refused."""

from contextlib import suppress
from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import Encoding

from server_stub.attestation.appraisal import (
    Appraisal,
    ExpectedAttestation,
    describe,
    judge,
    refuse_deviations,
)
from server_stub.attestation.chain import Anchor, ChainError, ChainProblem, ChainVerifier, Path
from server_stub.attestation.revocation import CertificateStatus, StatusEntry
from tests.support import raw_der
from tests.support.chain_shapes import (
    BATCH,
    BEFORE,
    GARBAGE,
    LONG_AGO,
    MIDDLE,
    OID,
    REMOTE,
    ROOT,
    ROOT_CERTIFICATE,
    SEQUENCE,
    SHAPES,
    USAGE,
    D,
    edited_batch,
    edited_leaf,
    field,
    issued,
)
from tests.support.chains import (
    CHALLENGE,
    NOT_AFTER,
    Cert,
    chain,
    content,
    der_of,
    elements,
    issue,
    leaf,
    sealed,
)
from tests.support.server_phone import NOW
from wire.codes import TrustTier


def verify(data: tuple[bytes, ...], at: int = NOW, **options: object) -> Path:
    return ChainVerifier(**{"roots": (ROOT_CERTIFICATE,), **options}).verify(data, at)  # type: ignore[arg-type]


def appraisal_of(path: Path) -> Appraisal:
    return judge(path, describe(path.leaf), ExpectedAttestation(CHALLENGE))


@pytest.mark.parametrize("shape", SHAPES)
def test_chain_of_a_real_shape_is_attested_and_each_deviation_is_a_warning(shape: str) -> None:
    data, deviations = SHAPES[shape]
    path = verify(data)
    appraisal = appraisal_of(path)
    assert path.anchor is Anchor.CONFIGURED
    assert set(appraisal.deviations) == deviations
    assert appraisal.imei == "001010123456787"
    assert appraisal.tier is (TrustTier.WARNING if deviations else TrustTier.AFFIRMING)
    named = ", ".join(sorted(deviations))
    assert appraisal.reasons().get("deviations", "") == appraisal.recorded().get("deviations", "") == named


@pytest.mark.parametrize("shape", SHAPES)
def test_strict_treatment_refuses_each_deviation_by_name(shape: str) -> None:
    data, deviations = SHAPES[shape]
    path = verify(data)
    if not deviations:
        refuse_deviations(path, describe(path.leaf))
        return
    with pytest.raises(ChainError) as caught:
        refuse_deviations(path, describe(path.leaf))
    assert caught.value.problem in deviations
    assert str(caught.value.problem) in caught.value.detail


def test_expired_certificate_is_a_warning_only_as_long_as_the_factory_wrote_it() -> None:
    """The number of days does not matter for a factory; a remotely provisioned certificate must be renewed."""
    factory = issued(leaf(), replace(BATCH, not_after=BEFORE), ROOT)
    remote = issued(leaf(), replace(BATCH, not_after=BEFORE, extensions=REMOTE), ROOT)
    for days in (0, 1, 365, 36_500):
        at = NOW + days * 86_400
        assert appraisal_of(verify(factory, at)).deviations == (D.CERTIFICATE_EXPIRED,)
        with pytest.raises(ChainError) as caught:
            verify(remote, at)
        assert (caught.value.problem, caught.value.place) == (ChainProblem.OUT_OF_TIME, 1)
        assert "certificate 1 of x5c (CN=batch) is not valid at this time" in caught.value.detail
    assert verify(remote, NOW - 2 * 86_400).anchored


def test_cached_issuers_expire_all_the_same() -> None:
    verifier = ChainVerifier((ROOT_CERTIFICATE,))
    data = issued(leaf(), replace(BATCH, not_after=BEFORE), ROOT)
    early = verifier.verify(data, NOW - 2 * 86_400)
    assert (early.deviations, len(verifier.verify(data, NOW).deviations)) == ((), 1)


@pytest.mark.parametrize("other", ["06082a8648ce3d040303", "06092a864886f70d01010b", "0500"])
@pytest.mark.parametrize("place", [0, 1])
def test_two_different_signature_algorithms_are_refused(other: str, place: int) -> None:
    """An outer algorithm is not covered by the signature. NULL parameters and none are the same."""
    cert, issuer = (leaf(), BATCH) if place == 0 else (BATCH, MIDDLE)
    sent = list(issued(leaf(), BATCH, MIDDLE, ROOT))
    parts = _body(cert, issuer)
    algorithm = raw_der.encode(SEQUENCE, bytes.fromhex(other))
    sent[place] = sealed(b"".join(parts), algorithm, issuer)
    problem = ChainProblem.MALFORMED if other == "0500" else ChainProblem.ALGORITHMS_DIFFER
    with pytest.raises(ChainError) as caught:
        verify(tuple(sent))
    assert (caught.value.problem, caught.value.place) == (problem, place)
    if place == 1 and other == "06082a8648ce3d040303":
        # Also directly below a root that is not sent.
        short = [issued(leaf(), BATCH)[0], sealed(b"".join(_body(BATCH, ROOT)), algorithm, ROOT)]
        with pytest.raises(ChainError) as caught:
            verify(tuple(short))
        assert caught.value.problem is ChainProblem.ALGORITHMS_DIFFER
    with_null = raw_der.encode(SEQUENCE, content(parts[2]) + b"\x05\x00")
    sent[place] = sealed(b"".join(parts), with_null, issuer)
    assert verify(tuple(sent)).anchored


UNSIGNED = {"root sent twice": 2, "certificate above the root": 2}
"""The place of the root in shapes that do not end with it: nothing of a root but its name and key is used."""


@pytest.mark.parametrize("shape", SHAPES)
def test_changed_signature_attests_nothing_whatever_else_is_tolerated(shape: str) -> None:
    data = SHAPES[shape][0]
    last = UNSIGNED.get(shape, len(data) - 1 if len(data) > 1 else 1)
    last += shape == "batch without basicConstraints, root not sent"
    for place in range(last):
        changed = (*data[:place], data[place][:-1] + bytes((data[place][-1] ^ 1,)), *data[place + 1 :])
        with suppress(ChainError):
            assert not verify(changed).anchored, place


@pytest.mark.slow
def test_each_changed_byte_of_a_chain_attests_nothing() -> None:
    """Signatures cover the bodies, and what is outside of them has one encoding."""
    data = issued(leaf(), BATCH, MIDDLE, ROOT)[:-1]
    for place, certificate in enumerate(data):
        for position in range(len(certificate)):
            changed = (
                certificate[:position] + bytes((certificate[position] ^ 1,)) + certificate[position + 1 :]
            )
            with suppress(ChainError):
                path = verify((*data[:place], changed, *data[place + 1 :]))
                assert not path.anchored, (place, position)


def _body(cert: Cert, issuer: Cert) -> list[bytes]:
    """The encoded fields of the body of a certificate."""
    return elements(content(issue(cert, issuer).tbs_certificate_bytes))


def test_rsa_pss_signature_is_verified() -> None:
    builder = (
        x509.CertificateBuilder()
        .subject_name(chain(BATCH)[0].subject)
        .issuer_name(ROOT_CERTIFICATE.subject)
        .public_key(BATCH.key.public_key())
        .serial_number(9)
        .not_valid_before(LONG_AGO)
        .not_valid_after(NOT_AFTER)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    )
    hash_algorithm = BATCH.hash
    pss = padding.PSS(padding.MGF1(hash_algorithm), padding.PSS.DIGEST_LENGTH)
    batch = builder.sign(ROOT.key, hash_algorithm, rsa_padding=pss)  # type: ignore[arg-type]
    assert verify((issued(leaf(), BATCH)[0], batch.public_bytes(Encoding.DER))).anchored


@pytest.mark.parametrize("weak", ["intermediate", "root", "hash"])
@pytest.mark.parametrize("sent", ["with root", "without root"])
def test_weak_link_of_a_software_root_is_still_named_as_software(weak: str, sent: str) -> None:
    """The software keystore of Android has RSA keys of 1024 bits."""
    batch = Cert("soft batch", "rsa1024") if weak == "intermediate" else BATCH
    batch = replace(batch, hash=hashes.SHA224()) if weak == "hash" else batch
    root = Cert("soft root", "rsa1024" if weak == "root" else "rsa2048")
    certificates = chain(leaf(), batch, root)
    data = der_of(certificates if sent == "with root" else certificates[:-1])
    path = verify(data, software_roots=certificates[-1:])
    assert appraisal_of(path).reasons()["instance-identity"] == "root-of-software"
    with pytest.raises(ChainError) as caught:
        verify(data, roots=certificates[-1:])
    assert caught.value.problem in {ChainProblem.KEY_WEAK, ChainProblem.HASH_WEAK}


def test_negative_serial_number_is_found_on_the_status_list_in_each_spelling() -> None:
    data = edited_batch(field(1, b"\x02\x02\xff\x01"))
    for number in (0xFF01, 0x00FF):
        statuses = {number: StatusEntry(CertificateStatus.REVOKED)}
        with pytest.raises(ChainError, match=r"certificate 1 of x5c \(CN=batch\) has been revoked"):
            verify(data, statuses=lambda _, found=statuses: found)
        with pytest.raises(ChainError, match="has been revoked"):
            verify(data, revoked=frozenset({number}))


def test_path_length_counts_only_certificates_that_another_one_issued() -> None:
    """RFC 5280 section 6.1.4 (l)."""
    with pytest.raises(ChainError) as caught:
        verify(
            issued(leaf(), BATCH, MIDDLE, replace(ROOT, path_length=1)),
            roots=chain(replace(ROOT, path_length=1)),
        )
    assert caught.value.problem is ChainProblem.PATH_TOO_LONG
    assert "CN=root" in caught.value.detail


@pytest.mark.parametrize("extension", ["basic constraints", "key usage"])
def test_malformed_extension_that_decides_about_an_issuer_is_refused(extension: str) -> None:
    oid = OID("2.5.29.19") if extension == "basic constraints" else USAGE
    batch = replace(BATCH, ca=False, extensions=((x509.UnrecognizedExtension(oid, GARBAGE), False),))
    with pytest.raises(ChainError) as caught:
        verify(issued(leaf(), batch, ROOT))
    assert (caught.value.problem, caught.value.place) == (ChainProblem.MALFORMED, 1)


def test_attested_key_of_an_unsupported_algorithm_is_appraised_and_signs_nothing() -> None:
    """`appraise` compares no evidence, so it does not need the key."""
    unknown = raw_der.encode(
        SEQUENCE, raw_der.encode(SEQUENCE, bytes.fromhex("06032a0304")) + b"\x03\x01\x00"
    )
    path = verify(edited_leaf(field(6, unknown)))
    assert appraisal_of(path).tier is TrustTier.AFFIRMING
    with pytest.raises(ChainError, match=r"certificate 0 of x5c .* is malformed: its public key"):
        _ = path.leaf_key


@pytest.mark.parametrize("cut", range(0, 120, 7))
def test_cut_certificate_is_refused_as_malformed(cut: int) -> None:
    data = issued(leaf(), BATCH, ROOT)
    for place in (0, 1):
        with pytest.raises(ChainError) as caught:
            verify((*data[:place], data[place][:cut], *data[place + 1 :]))
        assert (caught.value.problem, caught.value.place) == (ChainProblem.MALFORMED, place)

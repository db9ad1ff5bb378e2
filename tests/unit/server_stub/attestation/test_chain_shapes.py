"""Chains as real keystores write them: accepted, each deviation named, and refused if deviations are refused."""

import datetime
from collections.abc import Callable
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
from server_stub.attestation.deviations import Deviation
from server_stub.attestation.revocation import CertificateStatus, StatusEntry
from tests.support import raw_der
from tests.support.chains import (
    CHALLENGE,
    NOT_AFTER,
    Cert,
    chain,
    content,
    der_of,
    edited,
    elements,
    issue,
    leaf,
    sealed,
)
from tests.support.server_phone import NOW
from wire.codes import TrustTier

ROOT = Cert("root", "rsa2048")
BATCH = Cert("batch")
MIDDLE = Cert("middle", "p384")
ROOT_CERTIFICATE = chain(ROOT)[0]
DAY = datetime.timedelta(days=1)
BEFORE = datetime.datetime.fromtimestamp(NOW, datetime.UTC) - DAY
LONG_AGO = datetime.datetime(2019, 1, 1, tzinfo=datetime.UTC)
OID = x509.ObjectIdentifier
SEQUENCE, SET, INTEGER = 0x30, 0x31, 0x02
GARBAGE = b"\x30\x7f\x00"


def verify(data: tuple[bytes, ...], at: int = NOW, **options: object) -> Path:
    return ChainVerifier(**{"roots": (ROOT_CERTIFICATE,), **options}).verify(data, at)  # type: ignore[arg-type]


def appraisal_of(path: Path) -> Appraisal:
    return judge(path, describe(path.leaf), ExpectedAttestation(CHALLENGE))


def issued(*certs: Cert) -> tuple[bytes, ...]:
    return der_of(chain(*certs))


def edited_leaf(edit: Callable[[list[bytes]], None], cert: Cert | None = None) -> tuple[bytes, ...]:
    return (edited(issue(cert or leaf(), BATCH), BATCH, edit), *issued(BATCH, ROOT))


def edited_batch(edit: Callable[[list[bytes]], None], cert: Cert = BATCH) -> tuple[bytes, ...]:
    return (*issued(leaf(), BATCH)[:1], edited(issue(cert, ROOT), ROOT, edit), *issued(ROOT))


def field(place: int, value: bytes) -> Callable[[list[bytes]], None]:
    """Replace one field of the body: 0 version, 1 serial number, 2 algorithm, 3 issuer, 4 validity, 5 subject."""

    def edit(parts: list[bytes]) -> None:
        parts[place] = value

    return edit


def replacing(old: bytes, new: bytes) -> Callable[[list[bytes]], None]:
    """Replace bytes in the extensions, and correct the two lengths around them and the one of the extension."""

    def edit(parts: list[bytes]) -> None:
        assert parts[-1].count(old) == 1
        extensions = elements(content(content(parts[-1])))
        changed = [
            raw_der.encode(SEQUENCE, content(each).replace(old, new)) if old in each else each
            for each in extensions
        ]
        parts[-1] = raw_der.encode(0xA0, raw_der.encode(SEQUENCE, b"".join(changed)), 3)

    return edit


def without_version(parts: list[bytes]) -> None:
    del parts[0]


def with_unique_ids(parts: list[bytes]) -> None:
    parts[-1:-1] = [b"\x81\x02\x00\x01", b"\x82\x02\x00\x02"]


def times(begins: bytes, ends: bytes, kind: int = 0x18) -> bytes:
    return raw_der.encode(SEQUENCE, raw_der.encode(kind, begins) + raw_der.encode(kind, ends))


CA_CRITICAL = bytes.fromhex("0603551d130101ff")
CA_TRUE = bytes.fromhex("30030101ff")
SKI = (x509.SubjectKeyIdentifier(b"identifier"), True)
NAMED = x509.UnrecognizedExtension(OID("2.5.29.17"), GARBAGE)
AUTHORITY = x509.UnrecognizedExtension(OID("2.5.29.35"), GARBAGE)
UNUSED = x509.UnrecognizedExtension(OID("1.2.3.4"), GARBAGE)
USAGE = OID("2.5.29.15")
END_ENTITY = (x509.BasicConstraints(ca=False, path_length=None), True)
REMOTE = ((x509.UnrecognizedExtension(OID("1.3.6.1.4.1.11129.2.1.30"), bytes.fromhex("a10108")), False),)
EMPTY = raw_der.encode(SEQUENCE, b"")
D = Deviation
_TWICE = issued(leaf(), BATCH, MIDDLE, ROOT)

SHAPES: dict[str, tuple[tuple[bytes, ...], set[Deviation]]] = {
    "expired factory certificate": (
        issued(leaf(), replace(BATCH, not_after=BEFORE), ROOT),
        {D.CERTIFICATE_EXPIRED},
    ),
    "two expired factory certificates": (
        issued(leaf(), replace(BATCH, not_after=LONG_AGO), replace(MIDDLE, not_after=LONG_AGO), ROOT),
        {D.CERTIFICATE_EXPIRED},
    ),
    "certificate that is not yet valid": (
        issued(leaf(), replace(BATCH, not_before=NOT_AFTER - DAY), ROOT),
        {D.CERTIFICATE_NOT_YET_VALID},
    ),
    "expired leaf": (issued(leaf(not_after=BEFORE), BATCH, ROOT), set()),
    "leaf of the future": (issued(leaf(not_before=NOT_AFTER - DAY), BATCH, ROOT), set()),
    "leaf with a validity of nonsense": (edited_leaf(field(4, EMPTY)), set()),
    "leaf whose end is before its begin": (
        edited_leaf(field(4, times(b"20300101000000Z", b"19700101000000Z"))),
        set(),
    ),
    "batch without basicConstraints": (issued(leaf(), replace(BATCH, ca=False), ROOT), {D.ISSUER_NOT_CA}),
    "batch without basicConstraints, root not sent": (
        issued(leaf(), replace(BATCH, ca=False), ROOT)[:-1],
        {D.ISSUER_NOT_CA},
    ),
    "batch with cA false": (
        issued(
            leaf(),
            replace(BATCH, ca=False, extensions=(END_ENTITY,)),
            ROOT,
        ),
        {D.ISSUER_NOT_CA},
    ),
    "batch with cA FALSE encoded": (
        edited_batch(replacing(CA_TRUE, bytes.fromhex("3003010100"))),
        {D.ISSUER_NOT_CA},
    ),
    "batch that may only sign data, with cA false": (
        issued(
            leaf(),
            replace(BATCH, ca=False, extensions=((x509.KeyUsage(*(bit == 0 for bit in range(9))), True),)),
            ROOT,
        ),
        {D.ISSUER_NOT_CA},
    ),
    "leaf directly below the root": (issued(leaf(), ROOT), set()),
    "only a leaf": (issued(leaf(), ROOT)[:1], set()),
    "root sent twice": (issued(leaf(), BATCH, ROOT, ROOT), {D.CERTIFICATE_ABOVE_ROOT}),
    "certificate above the root": (
        (*issued(leaf(), BATCH, ROOT), GARBAGE),
        {D.CERTIFICATE_ABOVE_ROOT},
    ),
    "intermediate sent twice": (
        (*_TWICE[:2], _TWICE[1], *_TWICE[2:]),
        {D.CERTIFICATE_REPEATED},
    ),
    "same serial number everywhere": (
        issued(leaf(serial=7), replace(BATCH, serial=7), replace(ROOT, serial=7)),
        set(),
    ),
    "serial number 0": (edited_leaf(field(1, b"\x02\x01\x00")), {D.SERIAL_NUMBER_UNUSUAL}),
    "negative serial number": (edited_batch(field(1, b"\x02\x02\xff\x01")), {D.SERIAL_NUMBER_UNUSUAL}),
    "serial number of 30 bytes": (
        edited_batch(field(1, raw_der.encode(INTEGER, b"\x11" * 30))),
        {D.SERIAL_NUMBER_UNUSUAL},
    ),
    "GeneralizedTime before 2050": (
        edited_batch(field(4, times(b"20180101000000Z", b"20480101000000Z"))),
        {D.TIME_UNUSUAL},
    ),
    "GeneralizedTime after 2050": (
        edited_batch(
            field(
                4,
                raw_der.encode(
                    SEQUENCE,
                    raw_der.encode(0x17, b"180101000000Z") + raw_der.encode(0x18, b"99991231235959Z"),
                ),
            )
        ),
        set(),
    ),
    "times without seconds": (
        edited_batch(field(4, times(b"1801010000Z", b"4801010000+0100", 0x17))),
        {D.TIME_UNUSUAL},
    ),
    "no version, but extensions": (edited_batch(without_version), {D.CERTIFICATE_VERSION}),
    "version 1": (edited_leaf(field(0, bytes.fromhex("a003020100"))), {D.CERTIFICATE_VERSION}),
    "unique identifiers": (edited_batch(with_unique_ids), set()),
    "critical FALSE encoded": (
        edited_batch(replacing(CA_CRITICAL, bytes.fromhex("0603551d13010100"))),
        {D.DEFAULT_ENCODED},
    ),
    "issuer of the leaf empty": (edited_leaf(field(3, EMPTY)), {D.ISSUER_NAME_EMPTY}),
    "issuer of the batch empty": (edited_batch(field(3, EMPTY)), {D.ISSUER_NAME_EMPTY}),
    "issuer and subject empty": (
        issued(leaf(), replace(BATCH, subject=x509.Name([])), ROOT),
        set(),
    ),
    "issuer in another string type": (
        edited_leaf(
            field(
                3,
                raw_der.encode(SEQUENCE, raw_der.encode(SET, bytes.fromhex("300c06035504031305") + b"Batch")),
            ),
        ),
        set(),
    ),
    "malformed extensions that are not used": (
        issued(
            leaf(extensions=((NAMED, False), (AUTHORITY, False), (UNUSED, False))),
            replace(BATCH, extensions=((NAMED, False), (AUTHORITY, False), (UNUSED, False))),
            ROOT,
        ),
        set(),
    ),
    "key identifier that is critical": (issued(leaf(extensions=(SKI,)), BATCH, ROOT), {D.EXTENSION_CRITICAL}),
    "key usage of the leaf malformed": (
        issued(leaf(extensions=((x509.UnrecognizedExtension(USAGE, b"\x03\x00"), True),)), BATCH, ROOT),
        {D.KEY_USAGE_MALFORMED},
    ),
    "key usage with its unused bits not counted": (
        issued(
            leaf(extensions=((x509.UnrecognizedExtension(USAGE, bytes.fromhex("03020080")), True),)),
            BATCH,
            ROOT,
        ),
        set(),
    ),
    "self-issued certificate below a path length": (
        issued(leaf(), BATCH, replace(MIDDLE, name="root"), replace(ROOT, path_length=1)),
        set(),
    ),
    "RSA keys only": (
        issued(leaf(kind="rsa2048"), Cert("b2", "rsa2048"), Cert("m3", "rsa3072"), ROOT),
        set(),
    ),
    "provisioning information malformed": (
        issued(
            leaf(),
            replace(
                BATCH,
                extensions=((x509.UnrecognizedExtension(OID("1.3.6.1.4.1.11129.2.1.30"), b"\xa1"), False),),
            ),
            ROOT,
        ),
        {D.PROVISIONING_INFORMATION_MALFORMED},
    ),
}


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

"""Chains of the shapes that real keystores write, each with its deviations."""

import datetime
from collections.abc import Callable
from dataclasses import replace

from cryptography import x509

from server_stub.attestation.deviations import Deviation
from tests.support import raw_der
from tests.support.chains import NOT_AFTER, Cert, chain, content, der_of, edited, elements, issue, leaf
from tests.support.server_phone import NOW

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

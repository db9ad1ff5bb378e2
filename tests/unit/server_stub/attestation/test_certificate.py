"""Certificates, their names and their times."""

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from server_stub.attestation.certificate import parse
from server_stub.attestation.certificate_fields import CertificateError, name_text, read_time, same_name
from tests.support import raw_der
from tests.support.chains import Cert, chain, content, edited, issue, leaf

ROOT = Cert("root", "rsa2048")
BATCH = Cert("batch")
MIDDLE = Cert("middle", "p384")
SEQUENCE, SET = 0x30, 0x31
GARBAGE = b"\x30\x7f\x00"


def name_of(*attributes: tuple[int, bytes]) -> bytes:
    return b"".join(
        raw_der.encode(SET, raw_der.encode(SEQUENCE, bytes.fromhex("0603550403") + raw_der.encode(tag, text)))
        for tag, text in attributes
    )


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ((0x0C, b"Solvane Batch"), True),
        ((0x13, b"solvane  BATCH "), True),
        ((0x16, b"Solvane Batch"), True),
        ((0x14, b"Solvane Batch"), True),
        ((0x1E, "Solvane Batch".encode("utf-16-be")), True),
        ((0x1C, "Solvane Batch".encode("utf-32-be")), True),
        ((0x13, b"SolvaneBatch"), False),
        ((0x0C, b"Solvane Batch 2"), False),
        ((0x0C, b"\xff"), False),
        ((0x04, b"Solvane Batch"), False),
    ],
)
def test_names_match_whatever_their_string_types(other: tuple[int, bytes], expected: bool) -> None:  # noqa: FBT001
    """RFC 5280 section 7.1."""
    one = name_of((0x13, b"Solvane Batch"))
    assert same_name(one, name_of(other)) is expected
    assert not same_name(one, name_of(other, other))
    assert not same_name(one, b"")


def test_name_in_a_message_is_printable_and_bounded() -> None:
    assert name_text(name_of((0x0C, b"one"), (0x0C, b"two"))) == "CN=two,CN=one"
    assert name_text(b"") == "an empty name"
    assert name_text(GARBAGE) == "a malformed name"
    for text in (b"\x1b[2J", b"x" * 9999, "\u202e".encode()):
        shown = name_text(name_of((0x0C, text)))
        assert shown.isprintable()
        assert len(shown) <= 120


@pytest.mark.parametrize(
    ("tag", "text", "seconds", "usual"),
    [
        (0x17, b"700101000000Z", 0, True),
        (0x17, b"491231235959Z", 2_524_607_999, True),
        (0x17, b"500101000000Z", -631_152_000, True),
        (0x17, b"7001010000Z", 0, False),
        (0x17, b"700101010000+0100", 0, False),
        (0x18, b"20500101000000Z", 2_524_608_000, True),
        (0x18, b"19700101000000Z", 0, False),
        (0x18, b"19700101000000.5Z", 0, False),
        (0x18, b"19700101000000", 0, False),
        (0x18, b"1970010100Z", 0, False),
        (0x18, b"19700101000060Z", 59, False),
        (0x18, b"20500101000000-0001", 2_524_608_060, False),
    ],
)
def test_time_is_read_in_each_form(tag: int, text: bytes, seconds: int, usual: bool) -> None:  # noqa: FBT001
    assert read_time(tag, text) == (seconds, usual)


@pytest.mark.parametrize(
    ("tag", "text"), [(0x17, b"19700101000000Z"), (0x18, b"soon"), (0x18, b"20230230000000Z"), (0x04, b"")]
)
def test_time_that_is_none_is_an_error(tag: int, text: bytes) -> None:
    with pytest.raises(ValueError, match="value-unknown"):
        read_time(tag, text)


def test_parsed_certificate_has_what_the_library_reads() -> None:
    for certificate in (*chain(leaf(), BATCH, MIDDLE, ROOT), *chain(Cert("m5", "rsa2048"), ROOT)):
        parsed = parse(certificate.public_bytes(Encoding.DER))
        assert parsed.serial_numbers() == (certificate.serial_number,)
        assert parsed.key() == certificate.public_key()
        assert parsed.period() == (
            certificate.not_valid_before_utc.timestamp(),
            certificate.not_valid_after_utc.timestamp(),
            True,
        )
        assert parsed.subject_text() == certificate.subject.rfc4514_string()
        assert parsed.signed == certificate.tbs_certificate_bytes
        assert parsed.signature == certificate.signature
        assert not parsed.deviations


def test_repeated_extension_that_is_used_is_refused() -> None:
    def twice(parts: list[bytes]) -> None:
        extensions = content(content(parts[-1]))
        parts[-1] = raw_der.encode(0xA0, raw_der.encode(SEQUENCE, extensions * 2), 3)

    data = edited(issue(leaf(), BATCH), BATCH, twice)
    with pytest.raises(CertificateError, match="repeated extension"):
        parse(data)

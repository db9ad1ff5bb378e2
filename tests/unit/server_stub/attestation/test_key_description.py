"""Malformed key descriptions, each rejected with its problem and field."""

import pytest

from server_stub.attestation import der, key_description
from server_stub.attestation.der import DerError, DerProblem
from server_stub.attestation.key_description import (
    ATTESTATION_VERSIONS,
    KEYMINT_VERSIONS,
    AuthorizationList,
    KeyDescriptionError,
)
from tests.support import raw_der

INT = bytes.fromhex("020101")
SET = bytes.fromhex("3103020102")
NULL = bytes.fromhex("0500")
TEXT = bytes.fromhex("040161")
ROOT = bytes.fromhex("300d 0401aa 0101ff 0a0100 0402bbbb")


def tag(number: int, inside: bytes) -> bytes:
    return raw_der.encode(der.CONTEXT, inside, number)


def whole(
    hardware: bytes = b"",
    *,
    version: bytes = bytes.fromhex("0202012c"),
    level: bytes = bytes.fromhex("0a0101"),
    challenge: bytes = bytes.fromhex("040163"),
    software: bytes = b"\x30\x00",
    more: bytes = b"",
) -> bytes:
    """A KeyDescription of version 300 with the content of a list; the other members can be replaced."""
    parts = version, level, bytes.fromhex("0202012c"), level, challenge, bytes.fromhex("0400"), software
    return raw_der.encode(der.SEQUENCE, b"".join(parts) + raw_der.encode(der.SEQUENCE, hardware) + more)


def test_base_description_of_these_tests_is_valid() -> None:
    hardware = tag(1, SET) + tag(2, INT) + tag(503, NULL) + tag(704, ROOT) + tag(714, TEXT)
    read = key_description.decode(whole(hardware)).hardware
    assert (read.purposes, read.algorithm, read.no_auth_required, read.imei) == ({2}, 1, True, "a")
    assert read.root_of_trust is not None


D = DerProblem
FRAME = {
    "no bytes": (b"", "KeyDescription", D.MISSING),
    "only a tag": (b"\x30", "KeyDescription", D.TRUNCATED),
    "a truncated value": (whole()[:-1], "KeyDescription", D.TRUNCATED),
    "bytes after it": (whole() + b"\x00", "KeyDescription", D.TRAILING),
    "a SET instead of a SEQUENCE": (b"\x31" + whole()[1:], "KeyDescription", D.WRONG_TAG),
    "an indefinite length, as in BER": (
        b"\x30\x80" + whole()[2:] + b"\x00\x00",
        "KeyDescription",
        D.LENGTH_INDEFINITE,
    ),
    "a length with a shorter form": (b"\x30\x81" + whole()[1:], "KeyDescription", D.LENGTH_NOT_MINIMAL),
    "a length with leading zeros": (b"\x30\x82\x00" + whole()[1:], "KeyDescription", D.LENGTH_NOT_MINIMAL),
    "a length of four bytes": (b"\x30\x84\x01\x00\x00\x00", "KeyDescription", D.LENGTH_TOO_LONG),
    "a truncated length": (b"\x30\x82\x01", "KeyDescription", D.TRUNCATED),
    "too few elements": (b"\x30\x03" + INT, "KeyDescription", D.MISSING),
    "too many elements": (whole(more=NULL), "KeyDescription", D.TRAILING),
    "a version that is not an INTEGER": (whole(version=b"\x0a\x01\x03"), "attestation_version", D.WRONG_TAG),
    "a version without bytes": (whole(version=b"\x02\x00"), "attestation_version", D.INTEGER_EMPTY),
    "a negative version": (whole(version=b"\x02\x01\xff"), "attestation_version", D.INTEGER_NEGATIVE),
    "a version with leading zeros": (
        whole(version=b"\x02\x02\x00\x03"),
        "attestation_version",
        D.INTEGER_NOT_MINIMAL,
    ),
    "a version of 65 bits": (
        whole(version=b"\x02\x09\x01" + bytes(8)),
        "attestation_version",
        D.INTEGER_TOO_LARGE,
    ),
    "a version of 1000 bytes": (
        whole(version=b"\x02\x82\x03\xe8\x01" + bytes(999)),
        "attestation_version",
        D.INTEGER_TOO_LARGE,
    ),
    "a level that is an INTEGER": (whole(level=b"\x02\x01\x01"), "attestation_level", D.WRONG_TAG),
    "an unknown level": (whole(level=b"\x0a\x01\x03"), "attestation_level", D.VALUE_UNKNOWN),
    "a constructed challenge, as in BER": (whole(challenge=b"\x24\x03" + TEXT), "challenge", D.WRONG_TAG),
    "a list that is a SET": (whole(software=b"\x31\x00"), "software", D.WRONG_TAG),
}
LISTS = {
    "a tag number that is too long": (b"\xbf\xff\xff\xff\x7f\x02\x05\x00", "hardware.list", D.TAG_TOO_LONG),
    "a truncated tag number": (b"\xbf\x85", "hardware.list", D.TRUNCATED),
    "a low tag number in the long form": (b"\xbf\x01" + SET[1:], "hardware.list", D.TAG_NOT_MINIMAL),
    "a tag number with leading zeros": (b"\xbf\x80\x85\x3e" + SET[1:], "hardware.list", D.TAG_NOT_MINIMAL),
    "a value that is longer than its list": (b"\xa1\x7f" + SET, "hardware.list", D.TRUNCATED),
    "an element without a context tag": (INT, "hardware.tag 0", D.WRONG_CLASS),
    "a private tag": (b"\xe2\x03" + INT, "hardware.algorithm", D.WRONG_CLASS),
    "an application tag": (b"\x62\x03" + INT, "hardware.algorithm", D.WRONG_CLASS),
    "an IMPLICIT tag": (b"\x82\x01\x01", "hardware.algorithm", D.WRONG_CLASS),
    "a repeated tag": (tag(2, INT) + tag(2, INT), "hardware.algorithm", D.REPEATED),
    "a tag after a higher one": (tag(3, INT) + tag(2, INT), "hardware.algorithm", D.UNSORTED),
    "a repeated unknown tag": (tag(999, INT) + tag(999, INT), "hardware.tag 999", D.REPEATED),
    "an unknown tag with nothing inside": (tag(999, b""), "hardware.tag 999", D.MISSING),
    "an unknown tag with two elements": (tag(999, INT + INT), "hardware.tag 999", D.TRAILING),
    "a tag with nothing inside": (tag(2, b""), "hardware.algorithm", D.MISSING),
    "a tag with two elements": (tag(2, INT + INT), "hardware.algorithm", D.TRAILING),
    "text instead of a number": (tag(2, TEXT), "hardware.algorithm", D.WRONG_TAG),
    "a number instead of a set": (tag(1, INT), "hardware.purposes", D.WRONG_TAG),
    "a set without members": (tag(1, b"\x31\x00"), "hardware.purposes", D.MISSING),
    "a set out of order": (tag(1, b"\x31\x06\x02\x01\x03\x02\x01\x02"), "hardware.purposes", D.UNSORTED),
    "a set with a repeated member": (
        tag(1, b"\x31\x06\x02\x01\x02\x02\x01\x02"),
        "hardware.purposes",
        D.REPEATED,
    ),
    "a set of text": (tag(1, b"\x31\x03" + TEXT), "hardware.purposes", D.WRONG_TAG),
    "a NULL with a value": (tag(503, b"\x05\x01\x00"), "hardware.no_auth_required", D.NULL_NOT_EMPTY),
    "a boolean instead of a NULL": (tag(503, b"\x01\x01\xff"), "hardware.no_auth_required", D.WRONG_TAG),
    "text that is not UTF-8": (tag(714, b"\x04\x01\xff"), "hardware.imei", D.TEXT_NOT_UTF8),
    "a boolean of 01, as in BER": (
        tag(704, ROOT.replace(b"\x01\x01\xff", b"\x01\x01\x01")),
        "hardware.root_of_trust",
        D.BOOLEAN_NOT_CANONICAL,
    ),
    "a boolean of two bytes": (
        tag(704, b"\x30\x0e" + ROOT[2:].replace(b"\x01\x01\xff", b"\x01\x02\xff\xff")),
        "hardware.root_of_trust",
        D.BOOLEAN_NOT_CANONICAL,
    ),
    "an unknown boot state": (
        tag(704, ROOT.replace(b"\x0a\x01\x00", b"\x0a\x01\x04")),
        "hardware.root_of_trust",
        D.VALUE_UNKNOWN,
    ),
    "a root of trust of two elements": (
        tag(704, b"\x30\x06" + ROOT[2:8]),
        "hardware.root_of_trust",
        D.MISSING,
    ),
    "a root of trust of five elements": (
        tag(704, b"\x30\x0f" + ROOT[2:] + NULL),
        "hardware.root_of_trust",
        D.TRAILING,
    ),
    "an application that is not DER": (tag(709, b"\x04\x02\x30\x01"), "hardware.application_id", D.TRUNCATED),
    "an application without signatures": (
        tag(709, b"\x04\x04\x30\x02\x31\x00"),
        "hardware.application_id",
        D.MISSING,
    ),
}


@pytest.mark.parametrize("fault", FRAME)
def test_malformed_description_is_rejected_with_field_and_problem(fault: str) -> None:
    data, field, problem = FRAME[fault]
    with pytest.raises(KeyDescriptionError) as caught:
        key_description.decode(data)
    assert (caught.value.field, caught.value.problem) == (field, problem)


@pytest.mark.parametrize("fault", LISTS)
def test_malformed_list_is_rejected_with_field_and_problem(fault: str) -> None:
    """In both lists."""
    content, field, problem = LISTS[fault]
    for name, data in (
        (field, whole(content)),
        (field.replace("hardware", "software"), whole(software=raw_der.encode(der.SEQUENCE, content))),
    ):
        with pytest.raises(KeyDescriptionError) as caught:
            key_description.decode(data)
        assert (caught.value.field, caught.value.problem) == (name, problem)


def test_each_problem_has_a_case() -> None:
    named = {problem for _, _, problem in (*FRAME.values(), *LISTS.values())}
    assert set(DerProblem) - named == {DerProblem.VERSION_UNKNOWN}


def test_only_published_versions_are_accepted() -> None:
    read = set()
    for version in range(1000):
        try:
            read.add(
                key_description.decode(whole(version=raw_der.encode_integer(version))).attestation_version
            )
        except KeyDescriptionError as error:
            named = error.field, error.problem, "3, 4, 100, 200, 300, 400" in error.detail
            if named != ("attestation_version", DerProblem.VERSION_UNKNOWN, True):
                raise
    assert read == {3, 4, 100, 200, 300, 400}


def test_older_keystore_versions_are_accepted() -> None:
    """Keymaster 4.1 writes 41; an upgraded device has an older keystore below a newer system."""
    assert set(ATTESTATION_VERSIONS) < set(KEYMINT_VERSIONS)
    good = whole()
    for version in KEYMINT_VERSIONS:
        level = bytes.fromhex("0a0101")
        data = good.replace(level + bytes.fromhex("0202012c"), level + raw_der.encode_integer(version), 1)[2:]
        assert key_description.decode(raw_der.encode(der.SEQUENCE, data)).keymint_version == version


def test_unknown_tag_is_recorded_and_skipped() -> None:
    read = key_description.decode(whole(tag(2, INT) + tag(999, NULL) + tag(2000, b"\x30\x03" + INT)))
    assert read.hardware == AuthorizationList(algorithm=1, unread=frozenset({999, 2000}))


def test_deeply_nested_input_is_rejected_without_recursion() -> None:
    deep = b""
    for _ in range(1000):
        deep = raw_der.encode(der.SEQUENCE, deep)
    with pytest.raises(KeyDescriptionError) as caught:
        key_description.decode(deep)
    assert caught.value.problem is DerProblem.MISSING
    assert key_description.decode(whole(tag(999, deep))).hardware.unread == {999}
    with pytest.raises(KeyDescriptionError):
        key_description.decode(whole(tag(704, deep)))


@pytest.mark.parametrize(
    ("read", "data", "value"),
    [
        (der.integer, b"\x00", 0),
        (der.integer, b"\x7f", 127),
        (der.integer, b"\x00\x80", 128),
        (der.integer, b"\x00" + b"\xff" * 8, 2**64 - 1),
        (der.boolean, b"\x00", False),
        (der.boolean, b"\xff", True),
        (der.null, b"", True),
        (der.text, "é".encode(), "é"),
    ],
)
def test_values_at_the_bounds_are_read(read: object, data: bytes, value: object) -> None:
    assert callable(read)
    assert read(data) == value


def test_error_has_the_offset_and_not_the_value() -> None:
    with pytest.raises(DerError) as caught:
        der.elements(INT + b"\x02\x7fsecret")
    assert (caught.value.problem, caught.value.offset) == (DerProblem.TRUNCATED, 5)
    assert "secret" not in str(caught.value)

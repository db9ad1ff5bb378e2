"""Key descriptions as real keystores write them: each deviation with its name, each refusal with problem and field."""

import inspect
import re
from dataclasses import replace

import pytest

from server_stub.attestation import authorization_list, der, key_description
from server_stub.attestation.authorization_list import UNREAD_MAX
from server_stub.attestation.der import DerError, DerProblem
from server_stub.attestation.deviations import Deviation
from server_stub.attestation.key_description import (
    ATTESTATION_VERSIONS,
    KEYMINT_VERSIONS,
    AuthorizationList,
    KeyDescription,
    KeyDescriptionError,
    SecurityLevel,
)
from tests.support import raw_der
from wire import limits

INT = bytes.fromhex("020101")
SET = bytes.fromhex("3103020102")
NULL = bytes.fromhex("0500")
TEXT = bytes.fromhex("040161")
LOCKED = bytes.fromhex("0101ff")
GREEN = bytes.fromhex("0a0100")
BOOT = bytes.fromhex("0401aa"), LOCKED, GREEN, bytes.fromhex("0402bbbb")
LEVEL = bytes.fromhex("0a0101")
IMEI = b"351163520096208"
WHOLE = "KeyDescription"


def tag(number: int, inside: bytes) -> bytes:
    return raw_der.encode(der.CONTEXT, inside, number)


def text(value: bytes) -> bytes:
    return raw_der.encode(der.OCTET_STRING, value)


def root(*parts: bytes) -> bytes:
    return tag(704, raw_der.encode(der.SEQUENCE, b"".join(parts)))


def patch(number: int, value: int) -> bytes:
    return tag(number, raw_der.encode_integer(value))


def application(*packages: bytes, signatures: bytes = b"") -> bytes:
    """The content of the attestation application id."""
    sets = raw_der.encode(der.SET, b"".join(packages)) + raw_der.encode(der.SET, signatures)
    return raw_der.encode(der.SEQUENCE, sets)


def whole(
    hardware: bytes = b"",
    *,
    version: bytes = raw_der.encode_integer(300),
    keymint: bytes = raw_der.encode_integer(300),
    level: bytes = LEVEL,
    challenge: bytes = bytes.fromhex("040163"),
    software: bytes = b"\x30\x00",
    more: bytes = b"",
) -> bytes:
    """A KeyDescription of version 300 with the content of a list; the other members can be replaced."""
    parts = version, level, keymint, level, challenge, bytes.fromhex("0400"), software
    return raw_der.encode(der.SEQUENCE, b"".join(parts) + raw_der.encode(der.SEQUENCE, hardware) + more)


def in_software(content: bytes) -> bytes:
    return whole(software=raw_der.encode(der.SEQUENCE, content))


def facts(authorizations: AuthorizationList) -> AuthorizationList:
    """Without what the reader says about the encoding."""
    return replace(authorizations, deviations=frozenset(), unreadable=frozenset())


PARTS = {
    "purposes": tag(1, SET),
    "algorithm": tag(2, INT),
    "flag": tag(503, NULL),
    "root": root(*BOOT),
    "imei": tag(714, text(IMEI)),
}


def plain(**changes: bytes) -> bytes:
    """The content of a list of five authorizations, some of them written differently."""
    return b"".join({**PARTS, **changes}.values())


PLAIN = plain()


def test_canonical_description_has_no_deviation() -> None:
    read = key_description.decode(whole(PLAIN))
    assert not read.deviations
    hardware = read.hardware
    assert (hardware.purposes, hardware.algorithm, hardware.no_auth_required) == ({2}, 1, True)
    assert (hardware.imei, hardware.unreadable) == (IMEI.decode(), frozenset())
    assert hardware.root_of_trust is not None
    assert hardware.root_of_trust.verified_boot_hash == b"\xbb\xbb"


def test_each_published_version_is_read_without_deviation() -> None:
    for version in ATTESTATION_VERSIONS:
        read = key_description.decode(whole(PLAIN, version=raw_der.encode_integer(version)))
        assert (read.attestation_version, read.deviations) == (version, frozenset()), version
    for version in KEYMINT_VERSIONS:
        read = key_description.decode(whole(PLAIN, keymint=raw_der.encode_integer(version)))
        assert (read.keymint_version, read.deviations) == (version, frozenset()), version
    assert set(ATTESTATION_VERSIONS) < set(KEYMINT_VERSIONS)


def test_each_other_version_is_read_as_far_as_known_with_a_deviation() -> None:
    for version in (*range(600), 2**31, 2**64 - 1):
        for member, published in (("version", ATTESTATION_VERSIONS), ("keymint", KEYMINT_VERSIONS)):
            read = key_description.decode(whole(PLAIN, **{member: raw_der.encode_integer(version)}))  # type: ignore[arg-type]
            later = Deviation.VERSION_LATER if version > 500 else Deviation.VERSION_UNPUBLISHED
            expected = frozenset() if version in published else {later}
            assert (read.deviations, read.hardware.imei) == (expected, IMEI.decode()), (member, version)


@pytest.mark.parametrize(
    ("version", "parts", "deviations"),
    [
        *((version, BOOT[:3], set()) for version in (1, 2)),
        *((version, BOOT[:3], {Deviation.BOOT_HASH_ABSENT}) for version in ATTESTATION_VERSIONS[2:]),
        *((version, BOOT, set()) for version in ATTESTATION_VERSIONS),
    ],
)
def test_root_of_trust_has_a_boot_hash_from_version_3_on(
    version: int, parts: tuple[bytes, ...], deviations: set[Deviation]
) -> None:
    read = key_description.decode(whole(root(*parts), version=raw_der.encode_integer(version)))
    assert read.deviations == deviations
    assert read.hardware.root_of_trust is not None
    assert (read.hardware.root_of_trust.verified_boot_hash is None) == (len(parts) == 3)


@pytest.mark.parametrize("version", [1, 2, 3, 4, 150, 500, 700])
def test_each_tag_is_read_in_each_version_and_in_both_lists(version: int) -> None:
    """Makers write tags of later versions into earlier ones, and hardware tags into the software list."""
    content = (
        tag(11, INT) + tag(303, NULL) + tag(600, NULL) + tag(601, TEXT) + tag(703, NULL) + tag(724, TEXT)
    )
    lists = {"hardware": content, "software": raw_der.encode(der.SEQUENCE, content)}
    for name, value in lists.items():
        read = key_description.decode(whole(**{name: value}, version=raw_der.encode_integer(version)))  # type: ignore[arg-type]
        assert getattr(read, name) == AuthorizationList(
            ml_dsa_variant=1,
            rollback_resistance=True,
            all_applications=True,
            key_application_id=b"a",
            rollback_resistant=True,
            module_hash=b"a",
        )


D = Deviation
SAME_FACTS = {
    "a length with a shorter form": (plain(algorithm=b"\xa2\x81\x03" + INT), D.LENGTH_NOT_MINIMAL),
    "a length with leading zeros": (
        plain(algorithm=b"\xa2\x85\x00\x00\x00\x00\x03" + INT),
        D.LENGTH_NOT_MINIMAL,
    ),
    "a low tag number in the long form": (plain(algorithm=b"\xbf\x02\x03" + INT), D.TAG_NOT_MINIMAL),
    "a tag number with leading zeros": (plain(algorithm=b"\xbf\x80\x02\x03" + INT), D.TAG_NOT_MINIMAL),
    "a number with leading zeros": (
        plain(algorithm=tag(2, b"\x02\x0b" + bytes(10) + b"\x01")),
        D.INTEGER_NOT_MINIMAL,
    ),
    "an ENUMERATED instead of an INTEGER": (plain(algorithm=tag(2, b"\x0a\x01\x01")), D.NUMBER_TYPE),
    "ENUMERATED members of a set": (plain(purposes=tag(1, b"\x31\x03\x0a\x01\x02")), D.NUMBER_TYPE),
    "a set with a repeated member": (plain(purposes=tag(1, b"\x31\x06" + 2 * SET[2:])), D.SET_REPEATED),
    "a NULL with a value": (plain(flag=tag(503, b"\x05\x01\x00")), D.FLAG_NOT_NULL),
    "a true BOOLEAN instead of a NULL": (plain(flag=tag(503, LOCKED)), D.FLAG_NOT_NULL),
    "a number instead of a NULL": (plain(flag=tag(503, INT)), D.FLAG_NOT_NULL),
    "a flag with nothing inside": (plain(flag=tag(503, b"")), D.FLAG_NOT_NULL),
    "a tag after a higher one": (plain(algorithm=b"") + PARTS["algorithm"], D.TAGS_UNSORTED),
    "a repeated tag": (plain(algorithm=2 * PARTS["algorithm"]), D.TAG_REPEATED),
    "a repeated flag with another value": (
        plain(flag=PARTS["flag"] + tag(503, b"")),
        (D.TAG_REPEATED, D.FLAG_NOT_NULL),
    ),
    "an element without a context tag": (INT + PLAIN, D.ELEMENT_UNKNOWN),
    "a private tag": (b"\xe3\x03" + INT + PLAIN, D.ELEMENT_UNKNOWN),
    "an application tag": (b"\x63\x03" + INT + PLAIN, D.ELEMENT_UNKNOWN),
    "a boot state that is an INTEGER": (
        plain(root=root(*BOOT[:2], b"\x02\x01\x00", BOOT[3])),
        D.NUMBER_TYPE,
    ),
    "a fifth element in the root of trust": (plain(root=root(*BOOT, b"\xff")), D.TRAILING_DATA),
}
"""Lists with the facts of `PLAIN`, and the deviations of each."""


@pytest.mark.parametrize("case", SAME_FACTS)
def test_deviation_with_a_clear_meaning_is_named_and_changes_no_fact(case: str) -> None:
    content, deviation = SAME_FACTS[case]
    expected = frozenset(deviation if isinstance(deviation, tuple) else {deviation})
    good = key_description.decode(whole(PLAIN)).hardware
    for read in (key_description.decode(whole(content)), key_description.decode(in_software(content))):
        assert read.deviations == expected
        lists = {read.software, read.hardware}
        assert {facts(each) for each in lists} == {facts(good), AuthorizationList()}
    assert key_description.decode(whole(content)).deviations == expected  # also from the cache


ABSENT = {
    "a negative number": (tag(2, b"\x02\x01\xff"), "algorithm", D.VALUE_UNREADABLE),
    "a number without bytes": (tag(2, b"\x02\x00"), "algorithm", D.VALUE_UNREADABLE),
    "a number of 65 bits": (tag(2, b"\x02\x09\x01" + bytes(8)), "algorithm", D.VALUE_UNREADABLE),
    "text instead of a number": (tag(2, TEXT), "algorithm", D.VALUE_UNREADABLE),
    "a tag with nothing inside": (tag(2, b""), "algorithm", D.VALUE_UNREADABLE),
    "a tag with two elements": (tag(2, INT + INT), "algorithm", D.VALUE_UNREADABLE),
    "a value that is longer than its tag": (tag(2, b"\x02\x05\x01"), "algorithm", D.VALUE_UNREADABLE),
    "a number instead of a set": (tag(1, INT), "purposes", D.VALUE_UNREADABLE),
    "a set of text": (tag(1, b"\x31\x03" + TEXT), "purposes", D.VALUE_UNREADABLE),
    "a set of 129 members": (
        tag(1, raw_der.encode(der.SET, b"".join(map(raw_der.encode_integer, range(129))))),
        "purposes",
        D.VALUE_UNREADABLE,
    ),
    "an unknown boot state": (root(*BOOT[:2], b"\x0a\x01\x04", BOOT[3]), "root_of_trust", D.VALUE_UNREADABLE),
    "a root of trust of two elements": (root(*BOOT[:2]), "root_of_trust", D.VALUE_UNREADABLE),
    "a lock state that is a number": (root(BOOT[0], INT, *BOOT[2:]), "root_of_trust", D.VALUE_UNREADABLE),
    "a root of trust that is a set": (tag(704, b"\x31\x00"), "root_of_trust", D.VALUE_UNREADABLE),
    "text that is not UTF-8": (tag(717, text(b"Pixel \xff")), "model", D.TEXT_UNUSABLE),
    "a surrogate in UTF-8": (tag(717, text(b"\xed\xa0\x80")), "model", D.TEXT_UNUSABLE),
    "text with a control character": (tag(717, text(b"Pixel\x1b[31m")), "model", D.TEXT_UNUSABLE),
    "text with a NUL at its end": (tag(710, text(b"google\x00")), "brand", D.TEXT_UNUSABLE),
    "text with a line break": (tag(713, text(b"A\nB")), "serial", D.TEXT_UNUSABLE),
    "text that turns its direction": (
        tag(716, text("\u202eelgooG".encode())),
        "manufacturer",
        D.TEXT_UNUSABLE,
    ),
    "text that is too long": (tag(712, text(b"a" * (limits.TEXT_MAX + 1))), "product", D.TEXT_UNUSABLE),
    "text that is a number": (tag(711, INT), "device", D.TEXT_UNUSABLE),
    "an IMEI of 13 digits": (tag(714, text(IMEI[:13])), "imei", D.IMEI_MALFORMED),
    "an IMEI of 17 digits": (tag(714, text(IMEI + b"00")), "imei", D.IMEI_MALFORMED),
    "an empty IMEI": (tag(714, text(b"")), "imei", D.IMEI_MALFORMED),
    "an IMEI with a NUL at its end": (tag(714, text(IMEI + b"\x00")), "imei", D.IMEI_MALFORMED),
    "an IMEI with a sign": (tag(714, text(b"+" + IMEI[:14])), "imei", D.IMEI_MALFORMED),
    "an IMEI in other digits": (tag(714, text("٣".encode() * 7 + b"1")), "imei", D.IMEI_MALFORMED),
    "an IMEI that is text": (tag(714, text(b"unknown-imei-00")), "imei", D.IMEI_MALFORMED),
    "a second IMEI that is markup": (tag(723, text(b"<b>0000000</b>")), "second_imei", D.IMEI_MALFORMED),
    "a patch level of 0": (patch(706, 0), "os_patch_level", D.PATCH_LEVEL_MALFORMED),
    "a patch level without a month": (patch(718, 20180005), "vendor_patch_level", D.PATCH_LEVEL_MALFORMED),
    "a patch level in month 13": (patch(706, 201813), "os_patch_level", D.PATCH_LEVEL_MALFORMED),
    "a patch level on day 32": (patch(719, 20180632), "boot_patch_level", D.PATCH_LEVEL_MALFORMED),
    "a patch level that is a year": (patch(706, 2018), "os_patch_level", D.PATCH_LEVEL_MALFORMED),
    "an empty application": (tag(709, text(b"")), "application_id", D.APPLICATION_ID_MALFORMED),
    "a cut application": (tag(709, text(b"\x30\x01")), "application_id", D.APPLICATION_ID_MALFORMED),
    "an application without signatures": (
        tag(709, text(b"\x30\x02\x31\x00")),
        "application_id",
        D.APPLICATION_ID_MALFORMED,
    ),
    "an application with bytes after it": (
        tag(709, text(application() + b"\x00")),
        "application_id",
        D.APPLICATION_ID_MALFORMED,
    ),
    "an application of an unprintable name": (
        tag(709, text(application(raw_der.encode(der.SEQUENCE, text(b"\x07") + INT)))),
        "application_id",
        D.APPLICATION_ID_MALFORMED,
    ),
}


@pytest.mark.parametrize("case", ABSENT)
def test_value_that_cannot_be_read_costs_one_fact(case: str) -> None:
    """In both lists. The name of the field is kept, the value is not."""
    content, name, deviation = ABSENT[case]
    around = tag(3, INT) + content + tag(724, TEXT)
    expected = AuthorizationList(key_size=1, module_hash=b"a")
    for read, part in (
        (key_description.decode(whole(around)), "hardware"),
        (key_description.decode(in_software(around)), "software"),
    ):
        found = getattr(read, part)
        unsorted = {D.TAGS_UNSORTED} if content[:1] in b"\xa1\xa2" else set()
        assert (facts(found), found.unreadable) == (expected, {name})
        assert read.deviations == {deviation} | unsorted


def test_repeated_tag_with_another_value_is_absent() -> None:
    other = tag(2, b"\x02\x01\x03")
    for content in (tag(2, INT) + other, tag(2, INT) + other + tag(2, INT), tag(2, TEXT) + tag(2, INT)):
        read = key_description.decode(whole(content))
        assert (facts(read.hardware), read.hardware.unreadable) == (AuthorizationList(), {"algorithm"})
        assert D.TAG_REPEATED in read.deviations


KEPT = {
    "a vendor patch level without a day": (
        patch(718, 201806),
        {"vendor_patch_level": 201806},
        set(),
    ),
    "a system patch level with a day": (
        patch(706, 20180605),
        {"os_patch_level": 20180605},
        set(),
    ),
    "a boot patch level on day 00": (patch(719, 20180600), {"boot_patch_level": 20180600}, set()),
    "a set without members": (tag(1, b"\x31\x00"), {}, {D.SET_EMPTY}),
    "a set out of order": (
        tag(1, b"\x31\x06\x02\x01\x03\x02\x01\x02"),
        {"purposes": frozenset({2, 3})},
        {D.SET_UNSORTED},
    ),
    "a set out of order with a repeated member": (
        tag(1, b"\x31\x09\x02\x01\x03\x02\x01\x02\x02\x01\x03"),
        {"purposes": frozenset({2, 3})},
        {D.SET_UNSORTED, D.SET_REPEATED},
    ),
    "an IMEI of 14 digits": (tag(714, text(IMEI[:14])), {"imei": IMEI[:14].decode()}, set()),
    "an IMEI of 16 digits": (tag(723, text(IMEI + b"1")), {"second_imei": IMEI.decode() + "1"}, set()),
    "text of the greatest length": (tag(717, text("ü".encode() * 128)), {"model": "ü" * 128}, set()),
    "empty text": (tag(713, text(b"")), {"serial": ""}, set()),
    "a false BOOLEAN instead of a NULL": (tag(600, b"\x01\x01\x00"), {}, {D.FLAG_NOT_NULL}),
    "an IMPLICIT tag": (b"\x82\x01\x01", {"unread": frozenset({2})}, {D.ELEMENT_UNKNOWN}),
    "unknown tags": (tag(999, NULL) + tag(2**28, b"\xff"), {"unread": frozenset({999, 2**28})}, set()),
    "a repeated unknown tag": (
        tag(999, NULL) + tag(999, INT),
        {"unread": frozenset({999})},
        {D.TAG_REPEATED},
    ),
}


@pytest.mark.parametrize("case", KEPT)
def test_unusual_value_is_kept(case: str) -> None:
    content, fields, deviations = KEPT[case]
    read = key_description.decode(whole(content))
    assert facts(read.hardware) == AuthorizationList(**fields)  # type: ignore[arg-type]
    assert (read.deviations, read.hardware.unreadable) == (deviations, frozenset())


@pytest.mark.parametrize("key", [b"", bytes(32), bytes(20)])
@pytest.mark.parametrize(("state", "verified"), [(0, True), (1, True), (2, False), (3, False)])
def test_boot_key_of_any_length_is_kept_and_deviates_if_a_verified_boot_has_none(
    key: bytes, state: int, *, verified: bool
) -> None:
    read = key_description.decode(whole(root(text(key), LOCKED, bytes((0x0A, 1, state)), BOOT[3])))
    assert read.deviations == ({D.BOOT_KEY_EMPTY} if verified and not key else set())
    assert read.hardware.root_of_trust is not None
    assert read.hardware.root_of_trust.verified_boot_key == key


def test_boot_hash_of_another_type_is_absent() -> None:
    for version, more in ((2, set()), (3, {D.BOOT_HASH_ABSENT})):
        read = key_description.decode(whole(root(*BOOT[:3], NULL), version=raw_der.encode_integer(version)))
        assert read.deviations == {D.VALUE_UNREADABLE} | more
        assert read.hardware.root_of_trust is not None
        assert read.hardware.root_of_trust.verified_boot_hash is None


def test_members_of_the_description_may_deviate() -> None:
    good = key_description.decode(whole(PLAIN))
    long = whole(PLAIN)
    cases: dict[bytes, Deviation] = {
        whole(PLAIN, version=b"\x02\x03\x00\x01\x2c"): D.INTEGER_NOT_MINIMAL,
        whole(PLAIN, version=b"\x0a\x02\x01\x2c"): D.NUMBER_TYPE,
        whole(PLAIN, level=b"\x02\x01\x01"): D.NUMBER_TYPE,
        whole(PLAIN, challenge=b"\x04\x81\x01\x63"): D.LENGTH_NOT_MINIMAL,
        whole(PLAIN, more=NULL): D.TRAILING_DATA,
        long + b"\x00": D.TRAILING_DATA,
        long + long: D.TRAILING_DATA,
    }
    for data, deviation in cases.items():
        assert key_description.decode(data) == replace(good, deviations=frozenset({deviation}))


def test_unknown_security_level_counts_as_software() -> None:
    for value in (3, 100):
        read: KeyDescription = key_description.decode(whole(PLAIN, level=bytes((0x0A, 1, value))))
        assert (read.attestation_level, read.keymint_level) == (
            SecurityLevel.SOFTWARE,
            SecurityLevel.SOFTWARE,
        )
        assert read.deviations == {D.SECURITY_LEVEL_UNKNOWN}


P = DerProblem
REFUSED = {
    "no bytes": (b"", WHOLE, P.MISSING),
    "only a tag": (b"\x30", WHOLE, P.TRUNCATED),
    "a truncated value": (whole()[:-1], WHOLE, P.TRUNCATED),
    "a SET instead of a SEQUENCE": (b"\x31" + whole()[1:], WHOLE, P.WRONG_TAG),
    "an indefinite length, as in BER": (b"\x30\x80" + whole()[2:] + bytes(2), WHOLE, P.LENGTH_INDEFINITE),
    "a length of 127 bytes": (b"\x30\xff\x01" + bytes(126), WHOLE, P.TRUNCATED),
    "a truncated length": (b"\x30\x82\x01", WHOLE, P.TRUNCATED),
    "too few elements": (b"\x30\x03" + INT, WHOLE, P.MISSING),
    "a version that is text": (whole(version=TEXT), "attestation_version", P.WRONG_TAG),
    "a version without bytes": (whole(version=b"\x02\x00"), "attestation_version", P.INTEGER_EMPTY),
    "a negative version": (whole(version=b"\x02\x01\xff"), "attestation_version", P.INTEGER_NEGATIVE),
    "a version of 65 bits": (
        whole(version=b"\x02\x09\x01" + bytes(8)),
        "attestation_version",
        P.INTEGER_TOO_LARGE,
    ),
    "a version of 1000 bytes": (
        whole(version=b"\x02\x82\x03\xe8\x01" + bytes(999)),
        "attestation_version",
        P.INTEGER_TOO_LARGE,
    ),
    "a constructed challenge, as in BER": (whole(challenge=b"\x24\x03" + TEXT), "challenge", P.WRONG_TAG),
    "a list that is a SET": (whole(software=b"\x31\x00"), "software", P.WRONG_TAG),
    "a tag number of 42 bits": (whole(b"\xbf" + b"\xff" * 5 + b"\x7f\x00"), "hardware.list", P.TAG_TOO_LONG),
    "a truncated tag number": (whole(b"\xbf\x85"), "hardware.list", P.TRUNCATED),
    "a value that is longer than its list": (whole(b"\xa1\x7f" + SET), "hardware.list", P.TRUNCATED),
    "a lock state of 01": (
        whole(root(BOOT[0], b"\x01\x01\x01", *BOOT[2:])),
        "hardware.root_of_trust",
        P.BOOLEAN_NOT_CANONICAL,
    ),
    "a lock state of two bytes": (
        whole(root(BOOT[0], b"\x01\x02\xff\xff", *BOOT[2:])),
        "hardware.root_of_trust",
        P.BOOLEAN_NOT_CANONICAL,
    ),
    "a lock state without bytes": (
        whole(root(BOOT[0], b"\x01\x00", *BOOT[2:])),
        "hardware.root_of_trust",
        P.BOOLEAN_NOT_CANONICAL,
    ),
    "a lock state of 01 in software": (
        in_software(root(BOOT[0], b"\x01\x01\x01", *BOOT[2:])),
        "software.root_of_trust",
        P.BOOLEAN_NOT_CANONICAL,
    ),
    "a flag that is a BOOLEAN of 01": (
        whole(tag(600, b"\x01\x01\x01")),
        "hardware.all_applications",
        P.BOOLEAN_NOT_CANONICAL,
    ),
}


@pytest.mark.parametrize("fault", REFUSED)
def test_description_without_a_clear_meaning_is_refused_with_field_and_problem(fault: str) -> None:
    data, field, problem = REFUSED[fault]
    for _ in range(2):  # a refusal is not cached
        with pytest.raises(KeyDescriptionError) as caught:
            key_description.decode(data)
        assert (caught.value.field, caught.value.problem) == (field, problem)


def test_boolean_is_true_or_false_in_one_encoding_each() -> None:
    for value in range(256):
        data = whole(root(BOOT[0], bytes((1, 1, value)), *BOOT[2:]))
        if value in (0, 0xFF):
            locked = key_description.decode(data).hardware.root_of_trust
            assert locked is not None
            assert locked.device_locked == bool(value)
        else:
            with pytest.raises(KeyDescriptionError):
                key_description.decode(data)


def test_each_problem_and_each_deviation_of_a_description_has_a_case() -> None:
    inside_a_value = {P.TRAILING, P.VALUE_UNKNOWN}
    assert {problem for _, _, problem in REFUSED.values()} == set(P) - inside_a_value
    elsewhere = {
        D.VERSION_LATER,
        D.VERSION_UNPUBLISHED,
        D.BOOT_HASH_ABSENT,
        D.BOOT_KEY_EMPTY,
        D.SECURITY_LEVEL_UNKNOWN,
    }
    named = {deviation for _, _, deviation in ABSENT.values()} | elsewhere
    for _, deviation in SAME_FACTS.values():
        named |= set(deviation) if isinstance(deviation, tuple) else {deviation}
    for _, _, deviations in KEPT.values():
        named |= deviations  # type: ignore[arg-type]
    sources = "".join(inspect.getsource(each) for each in (der, authorization_list, key_description))
    assert {D[name] for name in re.findall(r"Deviation\.([A-Z_]+)", sources)} == named


def test_number_of_recorded_unknown_tags_is_bounded() -> None:
    content = b"".join(tag(number, b"") for number in range(2000, 4000))
    read = key_description.decode(whole(content))
    assert read.hardware.unread == set(range(2000, 2000 + UNREAD_MAX))


def test_deeply_nested_input_is_read_without_recursion() -> None:
    deep = b""
    for _ in range(1000):
        deep = raw_der.encode(der.SEQUENCE, deep)
    with pytest.raises(KeyDescriptionError) as caught:
        key_description.decode(deep)
    assert caught.value.problem is DerProblem.MISSING
    assert key_description.decode(whole(tag(999, deep))).hardware.unread == {999}
    assert key_description.decode(whole(tag(704, deep))).hardware.unreadable == {"root_of_trust"}


@pytest.mark.parametrize(
    ("value", "number"),
    [(b"\x00", 0), (b"\x7f", 127), (b"\x00\x80", 128), (b"\x00" + b"\xff" * 8, 2**64 - 1)],
)
def test_integers_at_the_bounds_are_read(value: bytes, number: int) -> None:
    deviations: der.Deviations = set()
    assert (der.integer(value, deviations), deviations) == (number, set())


def test_error_has_the_offset_and_not_the_value() -> None:
    with pytest.raises(DerError) as caught:
        der.elements(INT + b"\x02\x7fsecret", 0, 9, set())
    assert (caught.value.problem, caught.value.offset) == (DerProblem.TRUNCATED, 5)
    assert "secret" not in str(caught.value)

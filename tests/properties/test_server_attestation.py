"""Key descriptions of every version, valid and damaged: each ends in a description or in the documented error.

Without a deviation, a description has one encoding.
"""

import os
from dataclasses import MISSING, fields, replace
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from hypothesis import given, settings
from hypothesis import strategies as st

from server_stub.attestation import der, key_description
from server_stub.attestation.deviations import Deviation
from server_stub.attestation.key_description import (
    ATTESTATION_VERSIONS,
    KEYMINT_VERSIONS,
    ApplicationId,
    AuthorizationList,
    KeyDescription,
    KeyDescriptionError,
    Package,
    RootOfTrust,
    SecurityLevel,
)
from tests.support import raw_der
from tests.support.chains import encode_description
from tests.support.profiles import examples
from tests.support.server_phone import Phone
from wire import limits
from wire.codes import VerifiedBootState

INTEGERS = st.integers(0, 2**64 - 1)
TEXTS = st.text(st.characters(exclude_categories=("C", "Z")), max_size=20)
ROOTS = st.builds(
    RootOfTrust,
    st.binary(min_size=1, max_size=32),
    st.booleans(),
    st.sampled_from(VerifiedBootState),
    st.binary(max_size=32),
)


def canonical(application: ApplicationId) -> ApplicationId:
    """With sets in the order of their encodings, as the reader returns them."""
    read = encode_description(described(AuthorizationList(application_id=application)))
    again = key_description.decode(read).software.application_id
    assert again is not None
    return again


def described(software: AuthorizationList) -> KeyDescription:
    level = SecurityLevel.TRUSTED_ENVIRONMENT
    return KeyDescription(400, level, 400, level, b"c", b"", software, AuthorizationList())


APPLICATIONS = st.builds(
    ApplicationId,
    st.lists(st.builds(Package, TEXTS, INTEGERS), max_size=3, unique=True).map(tuple),
    st.lists(st.binary(max_size=32), max_size=3, unique=True).map(tuple),
).map(canonical)
PATCH_LEVELS = st.builds("{:04}{:02}".format, st.integers(1000, 9999), st.integers(1, 12))
IMEIS = st.text("0123456789", min_size=14, max_size=16)
BY_NAME: dict[str, st.SearchStrategy[Any]] = {
    "imei": st.none() | IMEIS,
    "second_imei": st.none() | IMEIS,
    "os_patch_level": st.none() | PATCH_LEVELS.map(int),
    "vendor_patch_level": st.none() | PATCH_LEVELS.map(lambda month: int(month + "05")),
    "boot_patch_level": st.none() | PATCH_LEVELS.map(lambda month: int(month + "00")),
}
"""Fields whose values have a form of their own."""

BY_TYPE: dict[Any, st.SearchStrategy[Any]] = {
    frozenset[int]: st.frozensets(INTEGERS, max_size=4),
    bool: st.booleans(),
    int | None: st.none() | INTEGERS,
    str | None: st.none() | TEXTS,
    bytes | None: st.none() | st.binary(max_size=32),
    RootOfTrust | None: st.none() | ROOTS,
    ApplicationId | None: st.none() | APPLICATIONS,
}
SAMPLES: dict[Any, Any] = {
    frozenset[int]: frozenset({1, 200}),
    bool: True,
    int | None: 2**33,
    str | None: "text",
    bytes | None: b"data",
    RootOfTrust | None: RootOfTrust(
        bytes(32),
        device_locked=True,
        verified_boot_state=VerifiedBootState.GREEN,
        verified_boot_hash=bytes(32),
    ),
    ApplicationId | None: ApplicationId((Package("a", 1),), (bytes(32),)),
}
NAMED_SAMPLES = {
    "imei": "351163520096208",
    "second_imei": "35116352009621",
    "os_patch_level": 202408,
    "vendor_patch_level": 20240805,
    "boot_patch_level": 20240800,
}
TYPES = {field.name: field.type for field in fields(AuthorizationList) if field.metadata}
FULL = AuthorizationList(**{name: NAMED_SAMPLES.get(name, SAMPLES[kind]) for name, kind in TYPES.items()})
LISTS = st.builds(
    AuthorizationList, **{name: BY_NAME.get(name, BY_TYPE[kind]) for name, kind in TYPES.items()}
)
LEVELS = st.sampled_from(SecurityLevel)
DESCRIPTIONS = st.builds(
    KeyDescription,
    st.sampled_from(ATTESTATION_VERSIONS),
    LEVELS,
    st.sampled_from(KEYMINT_VERSIONS),
    LEVELS,
    st.binary(max_size=128),
    st.binary(max_size=16),
    LISTS,
    LISTS,
)


def extension(certificate: x509.Certificate) -> bytes:
    value = certificate.extensions.get_extension_for_oid(key_description.OID).value
    assert isinstance(value, x509.UnrecognizedExtension)
    return value.value


def real() -> dict[str, bytes]:
    """The descriptions of the lab's device, of one with every field, and of real phones if available."""
    leaf = x509.load_der_x509_certificate(Phone().keystore.attest(b"n" * 44).chain[0])
    vectors = Path(os.environ.get("ACTIVATION_VECTORS", "/nowhere")) / "key-attestation"
    found = {
        path.stem: extension(x509.load_pem_x509_certificates(path.read_bytes())[0])
        for path in sorted(vectors.glob("*.pem"))
    }
    return {"lab": extension(leaf), "full": encode_description(described(FULL))} | found


REAL = real()


def decoded(data: bytes) -> KeyDescription | None:
    """None for the documented error; any other error fails the test."""
    try:
        return key_description.decode(data)
    except KeyDescriptionError:
        return None


@given(DESCRIPTIONS)
@settings(max_examples=examples(150))
def test_key_description_survives_encoding(description: KeyDescription) -> None:
    assert key_description.decode(encode_description(description)) == description


@pytest.mark.parametrize("version", ATTESTATION_VERSIONS)
def test_each_single_field_survives_encoding_in_each_list(version: int) -> None:
    for name in TYPES:
        one = AuthorizationList(**{name: getattr(FULL, name)})
        assert one != AuthorizationList()
        for lists in ({"software": one}, {"hardware": one}):
            description = replace(
                described(AuthorizationList()), attestation_version=version, keymint_version=version, **lists
            )
            assert key_description.decode(encode_description(description)) == description, name


def test_full_description_has_every_field() -> None:
    empty = {field.name: field.default for field in fields(AuthorizationList)}
    assert MISSING not in empty.values()
    assert [name for name in TYPES if getattr(FULL, name) in (empty[name], None)] == []


def is_canonical(description: KeyDescription) -> bool:
    """Without deviations, and without what the writer cannot write."""
    return not description.deviations and not description.software.unread and not description.hardware.unread


@pytest.mark.sample(3)
@pytest.mark.parametrize("phone", REAL)
def test_change_of_one_byte_is_refused_or_gives_another_description(phone: str) -> None:
    """At every position each bit is flipped, and the byte set to extreme values; only the documented error is raised.

    Two byte strings never encode the same description without a deviation.
    """
    data = REAL[phone]
    whole = key_description.decode(data)
    for place, was in enumerate(data):
        for value in {was ^ 1 << bit for bit in range(8)} | {0x00, 0x1F, 0x80, 0xFF} - {was}:
            damaged = data[:place] + bytes((value,)) + data[place + 1 :]
            if damaged != data and (description := decoded(damaged)):
                assert description != whole
                assert not is_canonical(description) or encode_description(description) == damaged


@pytest.mark.parametrize("phone", REAL)
def test_truncated_description_is_refused_and_an_extended_one_deviates(phone: str) -> None:
    data = REAL[phone]
    whole = key_description.decode(data)
    assert not any(decoded(data[:length]) for length in range(len(data)))
    assert decoded(data[1:]) is None
    assert decoded(data + b"\x00") == replace(whole, deviations=frozenset({Deviation.TRAILING_DATA}))


SOME_TAGS = (1, 3, 503, 704, 706, 709, 714, 717, 9999)


@given(st.binary(max_size=80))
def test_random_bytes_end_in_a_description_or_the_documented_error(data: bytes) -> None:
    """As a description, as a list, and as the content of each tag."""
    found = [decoded(data), decoded(raw_der.encode(der.SEQUENCE, data))]
    head = encode_description(described(AuthorizationList()))[2:-4]
    for inside in (data, *(raw_der.encode(der.CONTEXT, data, number) for number in SOME_TAGS)):
        members = head + raw_der.encode(der.SEQUENCE, inside) + b"\x30\x00"
        found.append(decoded(raw_der.encode(der.SEQUENCE, members)))
    assert all(each is None or isinstance(each, KeyDescription) for each in found)


@given(LISTS, st.randoms(use_true_random=False))
def test_texts_of_a_description_are_bounded_and_printable(
    authorizations: AuthorizationList, random: Any
) -> None:
    """Also after random damage to a list with every kind of field."""
    data = bytearray(encode_description(described(authorizations)))
    for _ in range(random.randrange(8)):
        data[random.randrange(len(data))] = random.randrange(256)
    if description := decoded(bytes(data)):
        for part in (description.software, description.hardware):
            texts = [getattr(part, name) for name, kind in TYPES.items() if kind == str | None]
            packages = part.application_id.packages if part.application_id else ()
            for text in (*texts, *(package.name for package in packages)):
                assert text is None or (len(text) <= limits.TEXT_MAX and text.isprintable())
            for imei in (part.imei, part.second_imei):
                assert imei is None or (14 <= len(imei) <= 16 and imei.isascii() and imei.isdigit())


@pytest.mark.parametrize("unit", [b"\x02\x01\x01", b"\xa1\x00", b"\x30\x00", b"\x01", b"\x1f\x81\x01\x00"])
@pytest.mark.parametrize("number", [0, 1, 704, 709, 9999])
def test_cost_of_a_description_grows_with_its_length_only(
    monkeypatch: pytest.MonkeyPatch, number: int, unit: bytes
) -> None:
    """20 KB of small elements, as a list or in a tag of it: each byte is read at most once on each of three levels."""
    reads = 0
    element_at = der.element_at

    def counted(*arguments: Any) -> Any:
        nonlocal reads
        reads += 1
        return element_at(*arguments)

    monkeypatch.setattr(der, "element_at", counted)
    content = unit * (20_000 // len(unit))
    if number:
        kind = der.OCTET_STRING if number == 709 else der.SET if number == 1 else der.SEQUENCE
        content = raw_der.encode(der.CONTEXT, raw_der.encode(kind, content), number)
    head = encode_description(described(AuthorizationList()))[2:-4]
    data = raw_der.encode(der.SEQUENCE, head + raw_der.encode(der.SEQUENCE, content) + b"\x30\x00")
    decoded(data)
    assert reads <= len(data)


@given(st.binary(max_size=60))
def test_elements_without_deviation_are_encoded_to_the_bytes_that_they_were_read_from(data: bytes) -> None:
    deviations: der.Deviations = set()
    try:
        found = der.elements(data, 0, len(data), deviations)
    except der.DerError:
        return
    if not deviations and all(
        element.tag & 0xC0 in (0, 0x80) and element.tag & 0x1F != 0x1F for element in found
    ):
        assert b"".join(raw_der.encode(each.tag, each.content, each.number) for each in found) == data

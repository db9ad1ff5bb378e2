"""Key descriptions of every version, valid and damaged: one encoding for each, and one error for invalid ones."""

import os
from dataclasses import MISSING, fields, replace
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from hypothesis import given, settings
from hypothesis import strategies as st

from server_stub.attestation import der, key_description
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
from wire.codes import VerifiedBootState

INTEGERS = st.integers(0, 2**64 - 1)
ROOTS = st.builds(
    RootOfTrust,
    st.binary(max_size=32),
    st.booleans(),
    st.sampled_from(VerifiedBootState),
    st.none() | st.binary(max_size=32),
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
    st.lists(st.builds(Package, st.text(max_size=20), INTEGERS), max_size=3, unique=True).map(tuple),
    st.lists(st.binary(max_size=32), max_size=3, unique=True).map(tuple),
).map(canonical)
BY_TYPE: dict[Any, st.SearchStrategy[Any]] = {
    frozenset[int]: st.frozensets(INTEGERS, max_size=4),
    bool: st.booleans(),
    int | None: st.none() | INTEGERS,
    str | None: st.none() | st.text(max_size=20),
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
TYPES = {field.name: field.type for field in fields(AuthorizationList) if field.name != "unread"}
FULL = AuthorizationList(**{name: SAMPLES[kind] for name, kind in TYPES.items()})
LISTS = st.builds(AuthorizationList, **{name: BY_TYPE[kind] for name, kind in TYPES.items()})
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


def known(description: KeyDescription) -> bool:
    return not description.software.unread and not description.hardware.unread


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


@pytest.mark.sample(3)
@pytest.mark.parametrize("phone", REAL)
def test_change_of_one_byte_is_rejected_or_gives_another_description(phone: str) -> None:
    """At every position each bit is flipped, and the byte set to extreme values; only the documented error is raised.

    An accepted description has one encoding, so two byte strings never encode the same one.
    """
    data = REAL[phone]
    whole = key_description.decode(data)
    for place, was in enumerate(data):
        for value in {was ^ 1 << bit for bit in range(8)} | {0x00, 0x1F, 0x80, 0xFF} - {was}:
            damaged = data[:place] + bytes((value,)) + data[place + 1 :]
            if damaged != data and (description := decoded(damaged)):
                assert description != whole
                assert not known(description) or encode_description(description) == damaged


@pytest.mark.parametrize("phone", REAL)
def test_truncated_or_extended_description_is_rejected(phone: str) -> None:
    data = REAL[phone]
    assert not any(decoded(data[:length]) for length in range(len(data)))
    assert decoded(data + b"\x00") is None
    assert decoded(data[1:]) is None


@given(st.binary(max_size=80))
def test_random_bytes_are_rejected_with_the_documented_error(data: bytes) -> None:
    """As a description, as a list, and as the content of each tag."""
    decoded(data)
    decoded(raw_der.encode(der.SEQUENCE, data))
    head = encode_description(described(AuthorizationList()))[2:-4]
    decoded(raw_der.encode(der.SEQUENCE, head + raw_der.encode(der.SEQUENCE, data) + b"\x30\x00"))
    for number in (1, 3, 503, 704, 709, 714, 9999):
        inside = raw_der.encode(der.CONTEXT, data, number)
        decoded(raw_der.encode(der.SEQUENCE, head + raw_der.encode(der.SEQUENCE, inside) + b"\x30\x00"))


@given(st.binary(max_size=60))
def test_elements_are_encoded_to_the_bytes_that_they_were_read_from(data: bytes) -> None:
    try:
        found = der.elements(data)
    except der.DerError:
        return
    if all(element.tag & 0xC0 in (0, 0x80) and element.tag & 0x1F != 0x1F for element in found):
        assert b"".join(raw_der.encode(each.tag, each.content, each.number) for each in found) == data

"""SIM files: written values are read back, malformed content is rejected with a documented error."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.telephony import sim_files
from agent.telephony.alphabet import DEFAULT, EXTENSION
from agent.telephony.errors import ElementaryFile, MalformedAnswerError, SimFileCode, SimFileError
from agent.telephony.sim_access import StatusWord, file_size, parse_card_answer, parse_status
from lab.world import sim_files as sim_encoding

PARSERS: list[tuple[ElementaryFile, Callable[[bytes], object], int]] = [
    (ElementaryFile.ICCID, sim_files.parse_iccid, 10),
    (ElementaryFile.IMSI, sim_files.parse_imsi, 9),
    (ElementaryFile.AD, sim_files.parse_mnc_length, 4),
    (ElementaryFile.SPN, sim_files.parse_spn, 17),
    (ElementaryFile.GID1, sim_files.parse_gid1, 20),
]
DIGITS = "0123456789"


def refusal(parse: Callable[[bytes], object], content: bytes) -> SimFileError | None:
    try:
        parse(content)
    except SimFileError as error:
        return error
    return None


@pytest.mark.parametrize(("file", "parse", "size"), PARSERS, ids=[file.value for file, _, _ in PARSERS])
@given(data=st.data())
def test_random_content_is_parsed_or_rejected(
    file: ElementaryFile, parse: Callable[[bytes], object], size: int, data: st.DataObject
) -> None:
    """The error contains an offset within the file."""
    content = data.draw(st.binary(max_size=30) | st.binary(min_size=size, max_size=size))
    error = refusal(parse, content)
    if error is not None:
        assert error.file is file
        assert 0 <= error.offset <= len(content)


@given(st.text(DIGITS, min_size=18, max_size=20))
def test_iccid_of_18_to_20_digits_is_read_back(iccid: str) -> None:
    """With and without a valid check digit."""
    assert sim_files.parse_iccid(sim_encoding.encode_iccid(iccid)) == iccid


@given(st.text(DIGITS, max_size=17))
def test_shorter_iccid_is_rejected(iccid: str) -> None:
    with pytest.raises(SimFileError) as caught:
        sim_files.parse_iccid(sim_encoding.encode_iccid(iccid))
    assert caught.value.code is SimFileCode.LENGTH


@given(st.text(DIGITS, min_size=6, max_size=15))
def test_imsi_is_read_back(imsi: str) -> None:
    """Odd and even lengths are encoded differently."""
    assert sim_files.parse_imsi(sim_encoding.encode_imsi(imsi)) == imsi


@given(st.text(DIGITS, min_size=6, max_size=15), st.integers(0, 15))
def test_imsi_with_wrong_type_bits_is_rejected(imsi: str, low_nibble: int) -> None:
    """Another identity type, or the wrong parity."""
    content = bytearray(sim_encoding.encode_imsi(imsi))
    right = content[1] & 0x0F
    content[1] = content[1] & 0xF0 | low_nibble
    if low_nibble == right:
        assert sim_files.parse_imsi(bytes(content)) == imsi
    else:
        with pytest.raises(SimFileError) as caught:
            sim_files.parse_imsi(bytes(content))
        assert caught.value.code is SimFileCode.IDENTITY_TYPE


def test_every_fourth_byte_of_ef_ad() -> None:
    """2 and 3 are lengths, FF was never written, others are reserved; bits 5 to 8 are ignored."""
    for byte in range(256):
        content = bytes([0, 0, 0, byte])
        if byte == 0xFF:
            assert sim_files.parse_mnc_length(content) is None
        elif byte & 0x0F in (2, 3):
            assert sim_files.parse_mnc_length(content) == byte & 0x0F
        else:
            with pytest.raises(SimFileError) as caught:
                sim_files.parse_mnc_length(content)
            assert (caught.value.code, caught.value.offset) == (SimFileCode.MNC_LENGTH, 3)


def test_ef_ad_without_a_fourth_byte_has_no_mnc_length() -> None:
    """Files of old cards end after the third byte."""
    assert sim_files.parse_mnc_length(bytes(3)) is None
    with pytest.raises(SimFileError):
        sim_files.parse_mnc_length(bytes(2))


PLAIN_CHARACTERS = "".join(char for char in DEFAULT if char not in "\n\r\x1b")


@given(st.text(PLAIN_CHARACTERS, min_size=1, max_size=16))
def test_name_in_the_default_alphabet_is_read_back(name: str) -> None:
    field = bytes(DEFAULT.index(char) for char in name)
    assert sim_files.parse_spn(b"\x00" + field.ljust(16, b"\xff")) == (name.strip() or None)


def test_escaped_code_outside_the_extension_table_is_rejected() -> None:
    for code in range(256):
        content = b"\x00A\x1b" + bytes([code]) + b"\xff" * 13
        if code in EXTENSION:
            assert sim_files.parse_spn(content) == "A" + EXTENSION[code]
        else:
            with pytest.raises(SimFileError):
                sim_files.parse_spn(content)


UCS2_NAMES = st.text(st.characters(categories=("L", "N", "P"), max_codepoint=0xFFFE), min_size=1, max_size=7)


@given(UCS2_NAMES)
def test_name_in_plain_ucs2_is_read_back(name: str) -> None:
    """Form 80: 16 bits for each character."""
    field = b"\x80" + name.encode("utf-16-be")
    assert sim_files.parse_spn(b"\x01" + field.ljust(16, b"\xff")) == name.strip()


@given(
    st.text(st.characters(min_codepoint=0x410, max_codepoint=0x44F) | st.sampled_from("ABC 123"), max_size=12)
)
def test_name_in_both_paged_forms_is_read_back(name: str) -> None:
    """Forms 81 and 82 combine a half page of 128 characters with the default alphabet."""
    for header in (b"\x81" + bytes([len(name), 0x0400 >> 7]), b"\x82" + bytes([len(name)]) + b"\x04\x00"):
        field = header + bytes(
            0x80 | (ord(char) - 0x0400) if ord(char) >= 0x0400 else DEFAULT.index(char) for char in name
        )
        assert sim_files.parse_spn(b"\x00" + field.ljust(16, b"\xff")) == (name.strip() or None)


@pytest.mark.parametrize("character", ["\u202e", "\u2028", "\ud800", "\x07", "\ue000"])
def test_name_with_control_characters_is_rejected(character: str) -> None:
    field = b"\x80" + ord(character).to_bytes(2)
    with pytest.raises(SimFileError) as caught:
        sim_files.parse_spn(b"\x00" + field.ljust(16, b"\xff"))
    assert (caught.value.code, caught.value.offset) == (SimFileCode.CHARACTER, 2)


def test_zero_width_non_joiner_is_part_of_a_name() -> None:
    """Persian words need it."""
    field = b"\x80" + "ا\u200cب".encode("utf-16-be")
    assert sim_files.parse_spn(b"\x00" + field.ljust(16, b"\xff")) == "ا\u200cب"


def test_content_after_the_filler_is_rejected() -> None:
    with pytest.raises(SimFileError) as caught:
        sim_files.parse_spn(b"\x00AB\xff\xffC" + b"\xff" * 11)
    assert (caught.value.code, caught.value.offset) == (SimFileCode.PADDING, 5)


@given(st.binary(min_size=1, max_size=20))
def test_group_identifier_is_read_back_without_filler(identifier: bytes) -> None:
    """FF is filler only at the end."""
    expected = identifier.rstrip(b"\xff").hex().upper() or None
    assert sim_files.parse_gid1(identifier + b"\xff" * 3) == expected


def test_every_status_word_has_one_meaning() -> None:
    """All 65,536."""
    meanings = {(sw1, sw2): parse_status(sw1, sw2) for sw1 in range(256) for sw2 in range(256)}
    success = {word for word, meaning in meanings.items() if meaning is StatusWord.SUCCESS}
    assert success == {(0x90, 0)} | {(sw1, sw2) for sw1 in (0x91, 0x92) for sw2 in range(256)} - {
        (0x92, 0x40)
    }
    missing = {word for word, meaning in meanings.items() if meaning is StatusWord.NOT_FOUND}
    assert missing == {(0x6A, 0x82), (0x6A, 0x83), (0x94, 0x02), (0x94, 0x04)}
    denied = {word for word, meaning in meanings.items() if meaning is StatusWord.ACCESS_DENIED}
    assert denied == {(0x69, low) for low in range(0x82, 0x86)} | {(0x98, 0x04), (0x98, 0x40)}


@given(st.text(max_size=60) | st.from_regex(r'\d{1,4},\d{1,4},"?[0-9A-F]*"?', fullmatch=True))
def test_response_of_a_card_is_well_formed_or_rejected(content: str) -> None:
    try:
        answer = parse_card_answer(content)
    except MalformedAnswerError:
        return
    assert 0 <= answer.sw1 <= 255
    assert 0 <= answer.sw2 <= 255


@given(st.binary(max_size=40))
def test_file_size_fits_into_one_read_or_is_unknown(parameters: bytes) -> None:
    """No read requests more than +CRSM can return."""
    size = file_size(parameters)
    assert size is None or 1 <= size <= 255


@given(st.integers(1, 255), st.integers(0, 0xFFFF))
def test_file_size_is_read_from_both_layouts(size: int, file_id: int) -> None:
    """UICC templates and the fixed layout of GSM SIMs."""
    assert file_size(sim_encoding.file_parameters(file_id, size)) == size
    assert file_size(bytes(2) + size.to_bytes(2) + file_id.to_bytes(2)) == size

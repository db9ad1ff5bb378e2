"""SIM files: written values are read back, malformed content is rejected with a documented error."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.telephony import sim_files
from agent.telephony.alphabet import DEFAULT, EXTENSION, SimText
from agent.telephony.errors import ElementaryFile, FaultCode, MalformedError
from agent.telephony.sim_access import StatusWord, file_size, parse_card_answer, parse_status
from lab.world import sim_files as sim_encoding
from wire.evidence import Sim

PARSERS: list[tuple[ElementaryFile, Callable[[bytes], object], int]] = [
    (ElementaryFile.ICCID, sim_files.parse_iccid, 10),
    (ElementaryFile.IMSI, sim_files.parse_imsi, 9),
    (ElementaryFile.AD, sim_files.parse_mnc_length, 4),
    (ElementaryFile.SPN, sim_files.parse_spn, 17),
    (ElementaryFile.GID1, sim_files.parse_gid1, 20),
]
DIGITS = "0123456789"


def refusal(parse: Callable[[bytes], object], content: bytes) -> FaultCode | None:
    try:
        parse(content)
    except MalformedError as error:
        return error.code
    return None


@pytest.mark.parametrize(("file", "parse", "size"), PARSERS, ids=[file.value for file, _, _ in PARSERS])
@given(data=st.data())
def test_random_content_is_read_or_named_malformed(
    file: ElementaryFile, parse: Callable[[bytes], object], size: int, data: st.DataObject
) -> None:
    """And what is read fits into evidence."""
    content = data.draw(st.binary(max_size=300) | st.binary(min_size=size, max_size=size))
    if refusal(parse, content) is None:
        read = parse(content)
        value = read.text or None if isinstance(read, SimText) else read
        members = {ElementaryFile.IMSI: "mcc", ElementaryFile.AD: "mnc_length"}
        if file is ElementaryFile.IMSI:
            value = str(value)[:3]
        member = members.get(file, file.value.removeprefix("EF_").lower())
        assert Sim.model_validate({"slot": 0, "status": "ready", member: value})


ICCIDS = st.text(DIGITS + "ABCDE", min_size=8, max_size=18).map(lambda rest: f"89{rest}")


@given(ICCIDS)
def test_iccid_of_10_to_20_digits_is_read_back(iccid: str) -> None:
    """With and without a valid check digit, with hexadecimal digits, and stored in the order of the digits."""
    assert sim_files.parse_iccid(sim_encoding.encode_iccid(iccid)) == iccid
    assert sim_files.parse_iccid(bytes.fromhex(iccid.ljust(20, "F"))) == iccid


@given(ICCIDS)
def test_iccid_that_a_modem_shows_is_read_in_every_form(iccid: str) -> None:
    stored = sim_encoding.encode_iccid(iccid).hex()
    for shown in (iccid, iccid.lower(), f"{iccid}F"[:20], stored, stored.upper()):
        assert sim_files.card_number(shown) == iccid


@given(st.text(DIGITS, max_size=9))
def test_shorter_iccid_is_malformed(iccid: str) -> None:
    """By its length, or by a digit if its bytes look like digits in UCS2."""
    code = refusal(sim_files.parse_iccid, sim_encoding.encode_iccid(iccid))
    assert code in {FaultCode.LENGTH, FaultCode.DIGIT}


IMSIS = st.text(DIGITS, min_size=6, max_size=15).filter(lambda imsi: imsi.strip("0"))


@given(IMSIS)
def test_imsi_is_read_back(imsi: str) -> None:
    """Odd and even lengths are encoded differently."""
    assert sim_files.parse_imsi(sim_encoding.encode_imsi(imsi)) == imsi


@given(IMSIS, st.integers(0, 15), st.sampled_from([None, 0, 3, 9, 0xFF]))
def test_imsi_is_read_unless_the_identity_has_another_type(
    imsi: str, low_nibble: int, length: int | None
) -> None:
    """The parity bit says nothing that the filler does not, and neither does an impossible length."""
    content = bytearray(sim_encoding.encode_imsi(imsi))
    content[1] = content[1] & 0xF0 | low_nibble
    content[0] = content[0] if length is None else length
    if low_nibble & 7 == 1:
        assert sim_files.parse_imsi(bytes(content)) == imsi
    else:
        assert refusal(sim_files.parse_imsi, bytes(content)) is FaultCode.IDENTITY_TYPE


@pytest.mark.parametrize("content", [b"", bytes(9), b"\xff" * 9, bytes.fromhex("080900000000000000")])
def test_imsi_that_was_never_written_is_malformed(content: bytes) -> None:
    assert refusal(sim_files.parse_imsi, content) is FaultCode.LENGTH


def test_every_fourth_byte_of_ef_ad() -> None:
    """2 and 3 are lengths, FF was never written, others are reserved; bits 5 to 8 are ignored."""
    for byte in range(256):
        content = bytes([0, 0, 0, byte])
        if byte == 0xFF:
            assert sim_files.parse_mnc_length(content) is None
        elif byte & 0x0F in (2, 3):
            assert sim_files.parse_mnc_length(content) == byte & 0x0F
        else:
            assert refusal(sim_files.parse_mnc_length, content) is FaultCode.MNC_LENGTH


def test_ef_ad_without_a_fourth_byte_has_no_mnc_length() -> None:
    """Files of old cards end after the third byte."""
    assert sim_files.parse_mnc_length(bytes(3)) is None
    assert refusal(sim_files.parse_mnc_length, bytes(2)) is FaultCode.LENGTH


def name(content: bytes) -> str:
    read = sim_files.parse_spn(content)
    assert not read.damaged
    return read.text


def damaged_name(content: bytes) -> str:
    read = sim_files.parse_spn(content)
    assert read.damaged
    return read.text


PLAIN_CHARACTERS = "".join(char for char in DEFAULT if char not in "\n\r\x1b")


@given(st.text(PLAIN_CHARACTERS, min_size=1, max_size=16).filter(lambda text: not text.endswith("@@")))
@pytest.mark.parametrize("field_size", [16, 15, 19])
def test_name_in_the_default_alphabet_is_read_back(field_size: int, text: str) -> None:
    field = bytes(DEFAULT.index(char) for char in text)[:field_size]
    assert name(b"\x00" + field.ljust(field_size, b"\xff")) == text[:field_size].strip()


def test_escaped_code_is_a_character_of_the_extension_or_of_the_default_table() -> None:
    """3GPP TS 23.038 clause 6.2.1.1."""
    for code in range(0x80):
        content = b"\x00A\x1b" + bytes([code]) + b"B" + b"\xff" * 12
        shown = EXTENSION.get(code, DEFAULT[code])
        read = sim_files.parse_spn(content)
        assert read.text == f"A{'' if shown in {chr(10), chr(13)} else shown}B"


@pytest.mark.parametrize("code", range(0x80, 0xFF))
def test_code_outside_the_alphabet_costs_one_character(code: int) -> None:
    assert damaged_name(b"\x00No" + bytes([code]) + b"m" + b"\xff" * 12) == "Nom"


@pytest.mark.parametrize("end", [b"\x0d", b"\x0d\x0d", b"\x00\x00", b"\xff", b"\x1b", b"\x0d\xffAB", b""])
def test_name_ends_at_every_terminator(end: bytes) -> None:
    """Also at content after the filler."""
    assert name(b"\x00Nom" + end) == "Nom"


UCS2_NAMES = st.text(
    st.characters(categories=("L", "N", "P"), max_codepoint=0xFFFE), min_size=1, max_size=7
).filter(lambda text: ord(text[-1]) & 0xFF != 0xFF)


@given(UCS2_NAMES, st.sampled_from([b"", b"\x00\x00", b"\x00\x0d", b"\xff", b"\xff\xff", b"\x00\x00\xff"]))
def test_name_in_plain_ucs2_is_read_back(text: str, end: bytes) -> None:
    """Form 80: 16 bits for each character, with every terminator."""
    assert name(b"\x01\x80" + text.encode("utf-16-be") + end) == text.strip()


@given(UCS2_NAMES, st.sampled_from([b"\x00", b"\x04", b"\x06"]), st.integers(0, 4))
def test_half_a_character_at_the_end_costs_only_itself(text: str, half: bytes, filler: int) -> None:
    assert damaged_name(b"\x00\x80" + text.encode("utf-16-be") + half + b"\xff" * filler) == text.strip()


def test_ideograph_whose_code_ends_in_ff_is_a_character() -> None:
    field = "中国人寿".encode("utf-16-be")
    assert name(b"\x00\x80" + field.ljust(15, b"\xff")) == "中国人寿"


MIXED = st.text(
    st.characters(min_codepoint=0x410, max_codepoint=0x44F) | st.sampled_from("ABC 123"), max_size=12
)


@given(MIXED, st.integers(0, 30))
def test_name_in_both_paged_forms_is_read_back(text: str, excess: int) -> None:
    """Forms 81 and 82 combine a half page of 128 characters with the default alphabet. A wrong length costs nothing."""
    length = bytes([len(text) + excess])
    for header in (b"\x81" + length + bytes([0x0400 >> 7]), b"\x82" + length + b"\x04\x00"):
        field = header + bytes(
            0x80 | (ord(char) - 0x0400) if ord(char) >= 0x0400 else DEFAULT.index(char) for char in text
        )
        assert name(b"\x00" + field.ljust(16, b"\xff")) == text.strip()


@pytest.mark.parametrize("character", ["\u202e", "\u2028", "\ud800", "\x07", "\ue000"])
def test_control_character_is_left_out_of_a_name(character: str) -> None:
    field = b"\x80" + "A".encode("utf-16-be") + ord(character).to_bytes(2) + "B".encode("utf-16-be")
    assert damaged_name(b"\x00" + field.ljust(16, b"\xff")) == "AB"


def test_zero_width_non_joiner_is_part_of_a_name() -> None:
    """Persian words need it."""
    field = b"\x80" + "ا\u200cب".encode("utf-16-be")
    assert name(b"\x00" + field.ljust(16, b"\xff")) == "ا\u200cب"


@pytest.mark.parametrize(
    "content", [b"", b"\x00", b"\x00" + b"\xff" * 16, b"\x00\x80", b"\x00\x81", b"\x00\x82\x05"]
)
def test_empty_file_has_no_name(content: bytes) -> None:
    assert name(content) == ""


@given(st.binary(min_size=1, max_size=20))
def test_group_identifier_is_read_back_without_filler(identifier: bytes) -> None:
    """FF is filler only at the end."""
    expected = identifier.rstrip(b"\xff").hex().upper() or None
    assert sim_files.parse_gid1(identifier + b"\xff" * 3) == expected


def test_every_status_word_has_one_meaning() -> None:
    """All 65,536."""
    meanings = {(sw1, sw2): parse_status(sw1, sw2) for sw1 in range(256) for sw2 in range(256)}
    success = {word for word, meaning in meanings.items() if meaning is StatusWord.SUCCESS}
    assert success == {(0x90, 0), (0x62, 0x82)} | {
        (sw1, sw2) for sw1 in (0x91, 0x92) for sw2 in range(256)
    } - {(0x92, 0x40)}
    lengths = {word for word, meaning in meanings.items() if meaning is StatusWord.OTHER_LENGTH}
    assert lengths == {(sw1, sw2) for sw1 in (0x61, 0x67, 0x6C, 0x9F) for sw2 in range(256)} - {(0x67, 0)}
    assert meanings[0x67, 0] is StatusWord.ANY_LENGTH
    missing = {word for word, meaning in meanings.items() if meaning is StatusWord.NOT_FOUND}
    assert missing == {(0x6A, 0x82), (0x6A, 0x83), (0x94, 0x02), (0x94, 0x04)}
    denied = {word for word, meaning in meanings.items() if meaning is StatusWord.ACCESS_DENIED}
    assert denied == {(0x69, low) for low in range(0x82, 0x86)} | {(0x98, 0x04), (0x98, 0x40)}


@given(st.text(max_size=60) | st.from_regex(r'\d{1,4},\d{1,4},"?[0-9A-F]*"?', fullmatch=True))
def test_response_of_a_card_is_well_formed_or_rejected(content: str) -> None:
    try:
        answer = parse_card_answer(content)
    except MalformedError:
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

"""SIM files: what is written comes back, what is malformed is refused by name."""

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
def test_rubbish_is_refused_by_name_or_parsed(
    file: ElementaryFile, parse: Callable[[bytes], object], size: int, data: st.DataObject
) -> None:
    """A card is an outsider: no content may raise anything but the one named error, and it points into the file."""
    content = data.draw(st.binary(max_size=30) | st.binary(min_size=size, max_size=size))
    error = refusal(parse, content)
    if error is not None:
        assert error.file is file
        assert 0 <= error.offset <= len(content)


@given(st.text(DIGITS, min_size=18, max_size=20))
def test_an_iccid_of_18_to_20_digits_comes_back(iccid: str) -> None:
    """Cards in service have 18, 19 and 20 digits, with and without a valid check digit."""
    assert sim_files.parse_iccid(sim_encoding.encode_iccid(iccid)) == iccid


@given(st.text(DIGITS, max_size=17))
def test_a_shorter_iccid_is_refused(iccid: str) -> None:
    """Fewer than 18 digits is not a card number that any issuer gives."""
    with pytest.raises(SimFileError) as caught:
        sim_files.parse_iccid(sim_encoding.encode_iccid(iccid))
    assert caught.value.code is SimFileCode.LENGTH


@given(st.text(DIGITS, min_size=6, max_size=15))
def test_an_imsi_comes_back(imsi: str) -> None:
    """Odd and even lengths are coded differently; both must survive."""
    assert sim_files.parse_imsi(sim_encoding.encode_imsi(imsi)) == imsi


@given(st.text(DIGITS, min_size=6, max_size=15), st.integers(0, 15))
def test_the_type_bits_of_an_imsi_must_fit(imsi: str, low_nibble: int) -> None:
    """Another identity type, or the wrong parity, means that this is not the IMSI it claims to be."""
    content = bytearray(sim_encoding.encode_imsi(imsi))
    right = content[1] & 0x0F
    content[1] = content[1] & 0xF0 | low_nibble
    if low_nibble == right:
        assert sim_files.parse_imsi(bytes(content)) == imsi
    else:
        with pytest.raises(SimFileError) as caught:
            sim_files.parse_imsi(bytes(content))
        assert caught.value.code is SimFileCode.IDENTITY_TYPE


def test_every_fourth_octet_of_ef_ad() -> None:
    """2 and 3 are lengths, FF was never written, all else is reserved: enumerated, bits 5 to 8 ignored."""
    for octet in range(256):
        content = bytes([0, 0, 0, octet])
        if octet == 0xFF:
            assert sim_files.parse_mnc_length(content) is None
        elif octet & 0x0F in (2, 3):
            assert sim_files.parse_mnc_length(content) == octet & 0x0F
        else:
            with pytest.raises(SimFileError) as caught:
                sim_files.parse_mnc_length(content)
            assert (caught.value.code, caught.value.offset) == (SimFileCode.MNC_LENGTH, 3)


def test_ef_ad_without_a_fourth_octet_says_nothing_of_the_mnc() -> None:
    """Old cards end after the third octet: absent is not malformed."""
    assert sim_files.parse_mnc_length(bytes(3)) is None
    with pytest.raises(SimFileError):
        sim_files.parse_mnc_length(bytes(2))


PLAIN_CHARACTERS = "".join(char for char in DEFAULT if char not in "\n\r\x1b")


@given(st.text(PLAIN_CHARACTERS, min_size=1, max_size=16))
def test_a_name_in_the_default_alphabet_comes_back(name: str) -> None:
    """One octet a character, as the file stores it."""
    octets = bytes(DEFAULT.index(char) for char in name)
    assert sim_files.parse_spn(b"\x00" + octets.ljust(16, b"\xff")) == (name.strip() or None)


def test_every_escaped_code_is_in_the_extension_table_or_refused() -> None:
    """An escape that means nothing must not turn into some other character."""
    for code in range(256):
        content = b"\x00A\x1b" + bytes([code]) + b"\xff" * 13
        if code in EXTENSION:
            assert sim_files.parse_spn(content) == "A" + EXTENSION[code]
        else:
            with pytest.raises(SimFileError):
                sim_files.parse_spn(content)


UCS2_NAMES = st.text(st.characters(categories=("L", "N", "P"), max_codepoint=0xFFFE), min_size=1, max_size=7)


@given(UCS2_NAMES)
def test_a_name_in_plain_ucs2_comes_back(name: str) -> None:
    """Form 80: sixteen bits a character."""
    octets = b"\x80" + name.encode("utf-16-be")
    assert sim_files.parse_spn(b"\x01" + octets.ljust(16, b"\xff")) == name.strip()


@given(
    st.text(st.characters(min_codepoint=0x410, max_codepoint=0x44F) | st.sampled_from("ABC 123"), max_size=12)
)
def test_a_name_in_both_paged_forms_comes_back(name: str) -> None:
    """Forms 81 and 82 mix a half page of 128 characters with the default alphabet."""
    for header in (b"\x81" + bytes([len(name), 0x0400 >> 7]), b"\x82" + bytes([len(name)]) + b"\x04\x00"):
        octets = header + bytes(
            0x80 | (ord(char) - 0x0400) if ord(char) >= 0x0400 else DEFAULT.index(char) for char in name
        )
        assert sim_files.parse_spn(b"\x00" + octets.ljust(16, b"\xff")) == (name.strip() or None)


@pytest.mark.parametrize("character", ["\u202e", "\u2028", "\ud800", "\x07", "\ue000"])
def test_a_name_cannot_carry_controls(character: str) -> None:
    """Marks that reorder or break the text of a screen are no part of an operator's name."""
    octets = b"\x80" + ord(character).to_bytes(2)
    with pytest.raises(SimFileError) as caught:
        sim_files.parse_spn(b"\x00" + octets.ljust(16, b"\xff"))
    assert (caught.value.code, caught.value.offset) == (SimFileCode.CHARACTER, 2)


def test_persian_joiners_are_part_of_a_name() -> None:
    """The zero-width non-joiner spells words; refusing it would refuse real operators."""
    octets = b"\x80" + "ا\u200cب".encode("utf-16-be")
    assert sim_files.parse_spn(b"\x00" + octets.ljust(16, b"\xff")) == "ا\u200cب"


def test_what_follows_the_filler_is_refused() -> None:
    """Octets behind the end are either damage or a message to someone else."""
    with pytest.raises(SimFileError) as caught:
        sim_files.parse_spn(b"\x00AB\xff\xffC" + b"\xff" * 11)
    assert (caught.value.code, caught.value.offset) == (SimFileCode.PADDING, 5)


@given(st.binary(min_size=1, max_size=20))
def test_a_group_identifier_comes_back_without_filler(identifier: bytes) -> None:
    """FF is filler at the end only; within the identifier it counts."""
    expected = identifier.rstrip(b"\xff").hex().upper() or None
    assert sim_files.parse_gid1(identifier + b"\xff" * 3) == expected


def test_every_status_word_has_one_meaning() -> None:
    """All 65,536, so that no unknown status passes for success."""
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
def test_a_card_answer_is_well_formed_or_refused(content: str) -> None:
    """The modem's wording is as foreign as the card's."""
    try:
        answer = parse_card_answer(content)
    except MalformedAnswerError:
        return
    assert 0 <= answer.sw1 <= 255
    assert 0 <= answer.sw2 <= 255


@given(st.binary(max_size=40))
def test_a_file_size_is_within_one_read_or_unknown(parameters: bytes) -> None:
    """Whatever a card says of its file, no read asks for more than +CRSM can carry."""
    size = file_size(parameters)
    assert size is None or 1 <= size <= 255


@given(st.integers(1, 255), st.integers(0, 0xFFFF))
def test_a_file_size_comes_back_from_both_layouts(size: int, file_id: int) -> None:
    """UICC templates and the fixed layout of GSM SIMs are both in service."""
    assert file_size(sim_encoding.file_parameters(file_id, size)) == size
    assert file_size(bytes(2) + size.to_bytes(2) + file_id.to_bytes(2)) == size

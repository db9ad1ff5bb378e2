"""Fuzzing of the reader of SIM profiles in XML."""

from collections.abc import Iterator
from typing import Final

from fuzz.cost import BoundedTarget, CostBudget, repeated
from fuzz.fault import hold
from lab.world.icc_profile import IccProfileError, parse_icc_profile

_PROFILE: Final = b"""<IccProfile><PinProfile><PINSTATE>PINSTATE_DISABLED</PINSTATE></PinProfile><MF name="MF">
<EF name="EF_ICCID" id="2FE2"><SIMIO cmd="B0" p1="0" p2="0" p3="A">144,0,98683081462002318379</SIMIO>
<CCID>89860318640220133897</CCID></EF><ADF name="USIM"><EF name="IMSI" id="6F07"><CIMI>311740123456789</CIMI>
<SIMIO cmd="C0" p1="0" p2="0" p3="F">144,0,62178202</SIMIO></EF></ADF></MF></IccProfile>"""


def read(document: bytes) -> None:
    """Read the profile. It is a card, or an error with a line."""
    try:
        card = parse_icc_profile(document)
    except IccProfileError as error:
        lines = document.count(b"\n") + document.count(b"\r") + 1
        hold("an error has a line of the file", holds=1 <= error.line <= lines)
        hold("an error is short", holds=len(str(error)) <= 2_000)
        return
    hold("the numbers of a card are digits", holds=card.imsi.isdigit() or card.imsi == "")
    hold("a file has an identifier of two bytes", holds=all(0 <= each <= 0xFFFF for each in card.files))


fuzz_one: Final = BoundedTarget(read, CostBudget(0.01, 2e-6, 2_000_000, 400), (2_000, 32_000, 256_000))


def seeds() -> Iterator[bytes]:
    """A profile, and units of each kind of element."""
    yield b"1" + _PROFILE
    yield b'1<?xml version="1.0" encoding="UTF-16"?>' + _PROFILE
    top, bottom = b"<IccProfile><MF>", b"</MF></IccProfile>"
    response = b'<SIMIO cmd="B0" p1="0" p2="0" p3="\0">144,0,00</SIMIO>'
    units = (
        (top, b"<DF/>", bottom),
        (top, b'<ADF name="USIM"/><DF/>', bottom),
        (top, b'<EF id="2FE2"><CCID>89860318640220133897</CCID></EF>', bottom),
        (top + b'<EF id="2FE2">', response, b"</EF>" + bottom),
        (top + b"<EF ", b'a\0="" ', b"/>" + bottom),
        (top, b"<EF>", bottom),
        (top + b'<EF id="2FE2"><CCID>', b"8&#57;<a/>", b"</CCID></EF>" + bottom),
        (b"<!DOCTYPE a [", b'<!ENTITY e\0 "x">', b"]>" + top + bottom),
    )
    yield from repeated(units)

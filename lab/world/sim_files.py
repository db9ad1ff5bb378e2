"""Encoders for the elementary files of a SIM, which the agent reads."""

from typing import Final

EF_ICCID: Final = 0x2FE2
EF_IMSI: Final = 0x6F07
EF_AD: Final = 0x6FAD
EF_SPN: Final = 0x6F46
EF_GID1: Final = 0x6F3E

_SPN_BYTES: Final = 16
_UCS2: Final = b"\x80"


def _swapped(nibbles: str, size: int) -> bytes:
    """Hexadecimal digits, low nibble first, padded with F."""
    filled = nibbles.ljust(2 * size, "F")
    return bytes.fromhex("".join(filled[at + 1] + filled[at] for at in range(0, len(filled), 2)))


def encode_iccid(iccid: str) -> bytes:
    """EF_ICCID (ETSI TS 102 221 clause 13.2): up to 20 digits in ten bytes.

    >>> encode_iccid("8953012345678901234").hex()
    '983510325476981032f4'
    """
    return _swapped(iccid, 10)


def encode_imsi(imsi: str) -> bytes:
    """EF_IMSI (3GPP TS 31.102 clause 4.2.2): length, parity and type in the first nibble, digits, filler."""
    odd = len(imsi) % 2 == 1
    identity = ("9" if odd else "1") + imsi + ("" if odd else "F")
    return bytes([len(identity) // 2]) + _swapped(identity, 8)


def encode_ad(mnc_length: int) -> bytes:
    """EF_AD (3GPP TS 31.102 clause 4.2.18): normal operation, and the MNC length in the fourth byte."""
    return bytes([0, 0, 0, mnc_length])


def encode_spn(name: str) -> bytes:
    """EF_SPN (3GPP TS 31.102 clause 4.2.12). ASCII for names in `_plain` characters, UCS2 for others."""
    text = name.encode("ascii") if _plain(name) else _UCS2 + name.encode("utf-16-be")
    return b"\x00" + text[:_SPN_BYTES].ljust(_SPN_BYTES, b"\xff")


def fit_spn(name: str) -> str:
    """The part of `name` before a bracket, cut to the size of EF_SPN: 16 characters, or 7 in UCS2."""
    short = name.partition(" (")[0] or name
    return short[: _SPN_BYTES if _plain(short) else (_SPN_BYTES - 1) // 2].strip()


def _plain(name: str) -> bool:
    """Whether every character has the same code in ASCII and in the GSM default alphabet."""
    return all(char.isascii() and (char.isalnum() or char in " !#%&'()*+,-./:;<=>?\"") for char in name)


def file_parameters(file_id: int, size: int) -> bytes:
    """The control parameters of a transparent file: template 62 (ETSI TS 102 221 clause 11.1.1.3)."""
    objects = (
        b"\x82\x02\x41\x21"
        + b"\x83\x02"
        + file_id.to_bytes(2)
        + b"\x8a\x01\x05"
        + b"\x80\x02"
        + size.to_bytes(2)
    )
    return bytes([0x62, len(objects)]) + objects

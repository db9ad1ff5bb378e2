"""Operators and radio bands.

Operators are from python-stdnum's table of IMSI prefixes. Its country column is not used, because it lists some
networks under only one of the territories that they serve.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from stdnum import numdb

from wire.codes import AccessTechnology
from wire.evidence import Plmn


class BandError(ValueError):
    """Not a band that a device can support."""


class UnknownOperatorError(LookupError):
    """The operator table has no such network."""

    def __init__(self, plmn: Plmn) -> None:
        super().__init__(f"no operator {plmn} in the table of IMSI prefixes; correct its MCC or MNC")
        self.plmn = plmn


@dataclass(frozen=True, slots=True, order=True)
class Band:
    """A radio band: family and megahertz; 0 means any band of the family."""

    family: str
    megahertz: int

    def __str__(self) -> str:
        return f"{self.family} {self.megahertz}" if self.megahertz else self.family

    @property
    def technology(self) -> AccessTechnology:
        """The access technology of the family."""
        return _FAMILIES[self.family]

    def serves(self, other: "Band") -> bool:
        """Whether radio for this band receives `other`."""
        return self.family == other.family and (not (self.megahertz and other.megahertz) or self == other)


_FAMILIES: Final = {
    "GSM": AccessTechnology.GSM,
    "UMTS": AccessTechnology.UMTS,
    "TD-SCDMA": AccessTechnology.UMTS,
    "LTE": AccessTechnology.LTE,
    "TD-LTE": AccessTechnology.LTE,
    "5G": AccessTechnology.NR,
}
_BAND: Final = re.compile(r"(GSM|UMTS|TD-SCDMA|LTE|TD-LTE|5G|NR)(?: (\d{3,5}))?(?:&nbsp;MHz| MHz)?")


@lru_cache(maxsize=256)
def parse_band(text: str) -> Band:
    """One band. `NR` is another name of `5G`. Raises BandError.

    >>> parse_band("TD-LTE 2300")
    Band(family='TD-LTE', megahertz=2300)
    """
    match = _BAND.fullmatch(text.strip())
    if match is None:
        raise BandError(
            f"{text!r} is not a band: write GSM, UMTS, TD-SCDMA, LTE, TD-LTE or 5G and megahertz: 'LTE 1800'"
        )
    return Band("5G" if match[1] == "NR" else match[1], int(match[2] or 0))


def parse_bands(texts: Iterable[str]) -> frozenset[Band]:
    """The bands of a device. Raises BandError."""
    return frozenset(map(parse_band, texts))


def table_bands(text: str) -> frozenset[Band]:
    """The bands in a row of the operator table, such as `GSM 900 / LTE 1800`; unsupported ones are left out."""
    return frozenset(parse_band(part) for part in text.split("/") if _BAND.fullmatch(part.strip()))


@dataclass(frozen=True, slots=True)
class Operator:
    """A network of the table. `on_air` is false if the table lists it as not operational."""

    plmn: Plmn
    name: str
    bands: frozenset[Band]
    on_air: bool


@lru_cache(maxsize=256)
def find_operator(plmn: Plmn) -> Operator:
    """The operator of `plmn`. Raises UnknownOperatorError."""
    parts = numdb.get("imsi").info(f"{plmn.mcc}{plmn.mnc}")
    if len(parts) != 2 or parts[1][0] != plmn.mnc or not parts[1][1]:
        raise UnknownOperatorError(plmn)
    row: dict[str, str] = parts[1][1]
    name = row.get("brand") or row.get("operator") or str(plmn)
    return Operator(
        plmn, name, table_bands(row.get("bands", "")), row.get("status", "").lower() != "not operational"
    )

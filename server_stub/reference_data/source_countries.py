"""Countries of addresses, from a file that the operator provides, with lines such as `198.51.100.0/24,FR`.

No table is shipped: they are third-party data and become outdated. Without a file, the address of a device is not a
signal of its territory. The address is looked up and not stored.
"""

from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from pathlib import Path
from typing import Final, Protocol

from text_input.files import UnusableFileError, read_text

_COMMENT: Final = "#"
FILE_MAX: Final = 64 * 1024 * 1024
"""Longest file in bytes; a table of all allocated networks has about a third of it."""
_LINE_MAX: Final = 100
"""Longest line; the longest network has 49 characters."""


class SourceCountriesError(ValueError):
    """The file cannot be used. The message names the file and the line."""


class CountryOf(Protocol):
    """Returns the country of an address."""

    def __call__(self, address: str, /) -> str | None:
        """The ISO 3166-1 alpha-2 code of the country that `address` is in, None if it is not known."""


def unknown_country(_: str) -> None:
    """The `CountryOf` of a server without a table."""


@dataclass(frozen=True, slots=True)
class SourceCountries:
    """A table of networks; the narrowest network that contains an address decides.

    >>> table = SourceCountries.parse("198.51.100.0/24,FR\\n198.51.100.7/32,CU", "table.csv")
    >>> table("198.51.100.7"), table("198.51.100.8"), table("203.0.113.1")
    ('CU', 'FR', None)
    """

    _networks: dict[tuple[int, int], dict[int, str]]
    """By IP version and prefix length, the narrowest first: the network's number and its country."""

    @classmethod
    def read(cls, file: Path) -> "SourceCountries":
        """The table in a file. Raises SourceCountriesError."""
        try:
            text = read_text(file, FILE_MAX)
        except UnusableFileError as error:
            raise SourceCountriesError(f"{error}; give a table of networks and countries") from error
        return cls.parse(text, str(file))

    @classmethod
    def parse(cls, text: str, source: str) -> "SourceCountries":
        """The table in a text. Empty lines and lines that begin with `#` are ignored. Raises SourceCountriesError."""
        found: dict[tuple[int, int], dict[int, str]] = {}
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip() and not line.startswith(_COMMENT):
                version, length, prefix, country = _entry(line, f"{source}:{number}")
                found.setdefault((version, length), {})[prefix] = country
        return cls(dict(sorted(found.items(), key=lambda item: -item[0][1])))

    def __call__(self, address: str, /) -> str | None:
        """The country of an address, None if it is in no network or invalid."""
        try:
            parsed = ip_address(address.partition("%")[0])
        except ValueError:
            return None
        if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped:
            parsed = parsed.ipv4_mapped  # an IPv4 client of an IPv6 listener (RFC 4291 section 2.5.5.2)
        for (version, length), networks in self._networks.items():
            if version == parsed.version:
                country = networks.get(int(parsed) >> (parsed.max_prefixlen - length))
                if country is not None:
                    return country
        return None


def _entry(line: str, where: str) -> tuple[int, int, int, str]:
    if len(line) > _LINE_MAX:
        raise SourceCountriesError(f"{where}: the line is longer than {_LINE_MAX} characters")
    network, comma, country = (part.strip() for part in line.partition(","))
    if not comma or not (len(country) == 2 and country.isascii() and country.isalpha() and country.isupper()):
        raise SourceCountriesError(
            f"{where}: this is not a network, a comma and two capital letters of a country"
        )
    try:
        read = ip_network(network)
    except ValueError as error:
        raise SourceCountriesError(f"{where}: {error}") from error
    prefix = int(read.network_address) >> (read.max_prefixlen - read.prefixlen)
    return read.version, read.prefixlen, prefix, country

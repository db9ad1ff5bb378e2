"""Which country an address is in, by a file that the operator brings: lines such as `198.51.100.0/24,FR`.

Nothing ships with the server: such tables are others' data, and they age. Without a file the address of a phone is
no signal of its territory. The address itself is looked up and not kept.
"""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path
from typing import Final, Protocol

_COMMENT: Final = "#"


class SourceCountriesError(ValueError):
    """The file cannot be used. Names the file and the line."""


class CountryOf(Protocol):
    """Where the territory of an address comes from."""

    def __call__(self, address: str, /) -> str | None:
        """The ISO 3166-1 alpha-2 code of the country that `address` is in, None where that is not known."""
        ...


def unknown_country(_: str) -> None:
    """Of a server without a table: no address tells a country."""


@dataclass(frozen=True, slots=True)
class SourceCountries:
    """A table of networks; the narrowest network that an address is in decides.

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
            text = file.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SourceCountriesError(f"cannot read {file}; give a text file in UTF-8") from error
        return cls.parse(text, str(file))

    @classmethod
    def parse(cls, text: str, source: str) -> "SourceCountries":
        """The table in a text. Empty lines and lines that begin with `#` do not count. Raises SourceCountriesError."""
        found: dict[tuple[int, int], dict[int, str]] = {}
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip() and not line.startswith(_COMMENT):
                version, length, prefix, country = _entry(line, f"{source}:{number}")
                found.setdefault((version, length), {})[prefix] = country
        return cls(dict(sorted(found.items(), key=lambda item: -item[0][1])))

    def __call__(self, address: str, /) -> str | None:
        """The country of an address, None for one that no network has or that is none."""
        try:
            read = ip_address(address.partition("%")[0])
        except ValueError:
            return None
        return self._of(_unmapped(read))

    def _of(self, address: IPv4Address | IPv6Address) -> str | None:
        for (version, length), networks in self._networks.items():
            if version == address.version:
                country = networks.get(int(address) >> (address.max_prefixlen - length))
                if country is not None:
                    return country
        return None


def _entry(line: str, where: str) -> tuple[int, int, int, str]:
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


def _unmapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """An IPv4 client of a listener on IPv6 is one of IPv4 (RFC 4291 section 2.5.5.2)."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address

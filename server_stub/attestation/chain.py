"""Path validation of an attestation chain (RFC 5280 section 6.1, without policies and names of hosts).

Not `cryptography.x509.verification`: attestation leaves name no host, live from 1970 to 2048, and carry
serial number 1, all of which a verifier for the web refuses. Two rules are Android's own: only the leaf may carry the
key description, and a trust anchor is a name and a key, so that a phone may send any edition of its root.
"""

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

from server_stub.attestation.chain_problems import MALFORMED, ChainError, ChainProblem
from server_stub.attestation.issuers import (
    Issuer,
    check_extensions,
    check_issued,
    issuer_of,
    signed_by,
    spki_of,
)
from server_stub.attestation.revocation import StatusEntry

__all__ = ["MALFORMED", "Anchor", "ChainError", "ChainProblem", "ChainVerifier", "Path"]

_CACHE_MAX: Final = 1024

Statuses = Callable[[int], Mapping[int, StatusEntry]]
"""The entries of a revocation status list at a time, by serial number. Raises EvidenceError where it has no list."""


class Anchor(StrEnum):
    """What a chain that holds together leads to."""

    CONFIGURED = "configured"
    SOFTWARE = "software"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Path:
    """A chain that holds together. `anchor` says which kind of root it leads to."""

    leaf: x509.Certificate
    leaf_key: PublicKeyTypes
    anchor: Anchor

    @property
    def anchored(self) -> bool:
        """Whether it leads to a root that vouches for hardware."""
        return self.anchor is Anchor.CONFIGURED


@dataclass(frozen=True, slots=True)
class _VerifiedIssuers:
    """What was found of the certificates above a leaf. `links` are without the root, `serials` with all of them."""

    links: tuple[Issuer, ...]
    root: Issuer | None
    anchor: Anchor
    serials: tuple[int, ...]

    @property
    def issuer(self) -> Issuer | None:
        """Who issued the leaf."""
        return self.links[0] if self.links else self.root


@dataclass(slots=True)
class ChainVerifier:
    """Verifies chains up to `roots`, or to `software_roots`, which vouch for no hardware.

    Issuers that lead to a root are remembered by their exact octets, so that each further phone of a batch
    costs one signature verification. Validity and revocation are checked anew every time. A certificate whose serial
    number is in `revoked`, or in what `statuses` gives for the time, refuses its chain, whoever issued it.
    """

    roots: tuple[x509.Certificate, ...]
    revoked: frozenset[int] = frozenset()
    software_roots: tuple[x509.Certificate, ...] = ()
    statuses: Statuses | None = None
    _known: dict[tuple[bytes, ...], _VerifiedIssuers] = field(default_factory=dict, repr=False)

    def verify(self, chain: tuple[bytes, ...], at: int) -> Path:
        """Validate `chain`, DER, leaf first, at `at` seconds since the epoch.

        Raises ChainError, and EvidenceError where the status list that is asked for cannot be had.
        """
        try:
            return self._verify(chain, at)
        except MALFORMED as error:
            # Names, times and keys are parsed when first asked for, so any look can find them malformed.
            raise ChainError(ChainProblem.MALFORMED, None, "a certificate of x5c is malformed") from error

    def check(self, at: int) -> None:
        """Raises EvidenceError where no chain could be verified at `at` for want of a status list."""
        if self.statuses:
            self.statuses(at)

    def _verify(self, chain: tuple[bytes, ...], at: int) -> Path:
        time = datetime.datetime.fromtimestamp(at, datetime.UTC)
        leaf = _load(chain[0], 0)
        known = self._issuers(chain[1:]) or self._above_leaf(leaf)
        self._check_status((leaf.serial_number, *known.serials), at)
        _check_validity(leaf.not_valid_before_utc, leaf.not_valid_after_utc, time, 0)
        for place, link in enumerate(known.links, 1):
            _check_validity(link.not_before, link.not_after, time, place)
        if known.issuer:
            check_issued(leaf, known.issuer, 0)
        check_extensions(leaf, 0)
        return Path(leaf, leaf.public_key(), known.anchor)

    def _issuers(self, chain: tuple[bytes, ...]) -> _VerifiedIssuers | None:
        """What is above the leaf, None where the chain has nothing there."""
        if not chain or (known := self._known.get(chain)):
            return known if chain else None
        certificates = tuple(_load(octets, place) for place, octets in enumerate(chain, 1))
        verified = self._connect(certificates)
        if verified.anchor is not Anchor.NONE:
            self._remember(chain, verified)
        return verified

    def _connect(self, certificates: tuple[x509.Certificate, ...]) -> _VerifiedIssuers:
        """Signatures, names and path lengths of all above the leaf."""
        edition = self._edition(certificates[-1])
        above = certificates[:-1] if edition else certificates
        links = tuple(issuer_of(each, place) for place, each in enumerate(above, 1))
        root, anchor = edition or self._issuing_root(certificates[-1])
        whole = (*links, root) if root else links
        for place, (subject, issuer) in enumerate(pairwise(whole), 1):
            check_issued(subject.certificate, issuer, place)
        _check_path_lengths(whole)
        serials = [each.serial_number for each in certificates]
        return _VerifiedIssuers(
            links, root, anchor, (*serials, *([root.certificate.serial_number] if root else []))
        )

    def _above_leaf(self, leaf: x509.Certificate) -> _VerifiedIssuers:
        """A leaf alone, which a root may have issued without anybody between."""
        root, anchor = self._issuing_root(leaf)
        return _VerifiedIssuers((), root, anchor, (root.certificate.serial_number,) if root else ())

    def _remember(self, chain: tuple[bytes, ...], verified: _VerifiedIssuers) -> None:
        """The oldest gives way: a signature can be written in several ways, and must not fill this for good."""
        if len(self._known) >= _CACHE_MAX:
            self._known.pop(next(iter(self._known)), None)
        self._known[chain] = verified

    def _edition(self, last: x509.Certificate) -> tuple[Issuer, Anchor] | None:
        """The root of which `last` is an edition: the same name and the same key (RFC 5280 section 6.1.1 (d)).

        Nothing else of an edition counts. Whoever makes one up gains nothing: the root's key must still have signed
        what stands below it.
        """
        for root, anchor in self._anchors():
            if root.subject == last.subject and spki_of(root) == spki_of(last):
                return issuer_of(root, None), anchor
        return None

    def _issuing_root(self, certificate: x509.Certificate) -> tuple[Issuer | None, Anchor]:
        """The root of that name and key. A root of that name which did not sign is another root."""
        for root, anchor in self._anchors():
            if root.subject == certificate.issuer and signed_by(certificate, root):
                return issuer_of(root, None), anchor
        return None, Anchor.NONE

    def _anchors(self) -> list[tuple[x509.Certificate, Anchor]]:
        return [
            *((root, Anchor.CONFIGURED) for root in self.roots),
            *((root, Anchor.SOFTWARE) for root in self.software_roots),
        ]

    def _check_status(self, serials: tuple[int, ...], at: int) -> None:
        statuses = self.statuses(at) if self.statuses else {}
        for place, serial in enumerate(serials):
            if serial in self.revoked:
                raise ChainError(ChainProblem.REVOKED, place, "has been revoked")
            if entry := statuses.get(serial):
                raise ChainError(ChainProblem.of(entry.status), place, f"has been {entry}")


def _load(octets: bytes, place: int) -> x509.Certificate:
    try:
        return x509.load_der_x509_certificate(octets)
    except MALFORMED as error:
        raise ChainError(ChainProblem.MALFORMED, place, "is not an X.509 certificate") from error


def _check_validity(
    not_before: datetime.datetime, not_after: datetime.datetime, at: datetime.datetime, place: int
) -> None:
    if not not_before <= at <= not_after:
        raise ChainError(
            ChainProblem.OUT_OF_TIME,
            place,
            f"is not valid at this time; it is from {not_before:%Y-%m-%d} to {not_after:%Y-%m-%d}",
        )


def _check_path_lengths(issuers: tuple[Issuer, ...]) -> None:
    """RFC 5280 section 4.2.1.9: how many CA certificates may stand between an issuer and the leaf."""
    for below, issuer in enumerate(issuers):
        if issuer.path_length is not None and issuer.path_length < below:
            raise ChainError(
                ChainProblem.PATH_TOO_LONG, below + 1, "has more certificates below it than it allows"
            )

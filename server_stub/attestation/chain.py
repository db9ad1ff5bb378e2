"""Path validation of an attestation chain (RFC 5280 section 6.1, without policies and host names).

Not `cryptography.x509.verification`: attestation leaves have no host name, are valid from 1970 to 2048 and have
serial number 1, which a verifier for TLS rejects. Two rules are Android's own: only the leaf may have the
key description, and a trust anchor is a name and a key, so a device may send any edition of its root.
"""

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

from server_stub.attestation.issuers import (
    Issuer,
    check_extensions,
    check_issued,
    issuer_of,
    signed_by,
    spki_of,
)
from server_stub.attestation.reasons import MALFORMED, ChainError, ChainProblem
from server_stub.attestation.revocation import StatusEntry

__all__ = ["MALFORMED", "Anchor", "ChainError", "ChainProblem", "ChainVerifier", "Path"]

_CACHE_MAX: Final = 1024

Statuses = Callable[[int], Mapping[int, StatusEntry]]
"""Entries of a revocation status list at a time, by serial number. Raises EvidenceError if there is no list."""


class Anchor(StrEnum):
    """The kind of root that a valid chain leads to."""

    CONFIGURED = "configured"
    SOFTWARE = "software"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Path:
    """A valid chain, and the kind of root that it leads to."""

    leaf: x509.Certificate
    leaf_key: PublicKeyTypes
    anchor: Anchor

    @property
    def anchored(self) -> bool:
        """Whether it leads to a root that certifies hardware."""
        return self.anchor is Anchor.CONFIGURED


@dataclass(frozen=True, slots=True)
class _VerifiedIssuers:
    """The certificates above a leaf, verified. `links` excludes the root, `serials` has the numbers of all of them."""

    links: tuple[Issuer, ...]
    root: Issuer | None
    anchor: Anchor
    serials: tuple[int, ...]

    @property
    def issuer(self) -> Issuer | None:
        """The issuer of the leaf."""
        return self.links[0] if self.links else self.root


@dataclass(slots=True)
class ChainVerifier:
    """Verifies chains up to `roots`, or to `software_roots`, which do not certify hardware.

    Issuers that lead to a root are cached by their exact bytes, so each further device of a batch costs one signature
    verification. Validity and revocation are checked every time. A chain is rejected if the serial number of any of its
    certificates is in `revoked` or in the result of `statuses` for the time.
    """

    roots: tuple[x509.Certificate, ...]
    revoked: frozenset[int] = frozenset()
    software_roots: tuple[x509.Certificate, ...] = ()
    statuses: Statuses | None = None
    _known: dict[tuple[bytes, ...], _VerifiedIssuers] = field(default_factory=dict, repr=False)

    def verify(self, chain: tuple[bytes, ...], at: int) -> Path:
        """Validate `chain`, DER, leaf first, at `at` seconds since the epoch.

        Raises ChainError, or EvidenceError if the status list is required but not available.
        """
        try:
            return self._verify(chain, at)
        except MALFORMED as error:
            # `cryptography` parses names, times and keys on first access, so any access can find them malformed.
            raise ChainError(ChainProblem.MALFORMED, None, "a certificate of x5c is malformed") from error

    def check(self, at: int) -> None:
        """Raises EvidenceError if no chain can be verified at `at` because the status list is not available."""
        if self.statuses:
            self.statuses(at)

    def _verify(self, chain: tuple[bytes, ...], at: int) -> Path:
        time = datetime.datetime.fromtimestamp(at, datetime.UTC)
        leaf = _load(chain[0], 0)
        if chain[1:]:
            above = self._issuers(chain[1:])
        else:
            root, anchor = self._issuing_root(leaf)
            above = _VerifiedIssuers((), root, anchor, (root.certificate.serial_number,) if root else ())
        self._check_status((leaf.serial_number, *above.serials), at)
        _check_validity(leaf.not_valid_before_utc, leaf.not_valid_after_utc, time, 0)
        for place, link in enumerate(above.links, 1):
            _check_validity(link.not_before, link.not_after, time, place)
        if above.issuer:
            check_issued(leaf, above.issuer, 0)
        check_extensions(leaf, 0)
        return Path(leaf, leaf.public_key(), above.anchor)

    def _issuers(self, chain: tuple[bytes, ...]) -> _VerifiedIssuers:
        """The certificates above the leaf, from the cache or verified now."""
        if known := self._known.get(chain):
            return known
        certificates = tuple(_load(data, place) for place, data in enumerate(chain, 1))
        verified = self._connect(certificates)
        if verified.anchor is not Anchor.NONE:
            # Evict the oldest: a signature has several encodings, so an attacker can send many variants of one chain.
            if len(self._known) >= _CACHE_MAX:
                self._known.pop(next(iter(self._known)), None)
            self._known[chain] = verified
        return verified

    def _connect(self, certificates: tuple[x509.Certificate, ...]) -> _VerifiedIssuers:
        """Check signatures, names and path lengths above the leaf (RFC 5280 section 4.2.1.9). Raises ChainError."""
        edition = self._edition(certificates[-1])
        below_root = certificates[:-1] if edition else certificates
        links = tuple(issuer_of(each, place) for place, each in enumerate(below_root, 1))
        root, anchor = edition or self._issuing_root(certificates[-1])
        issuers = (*links, root) if root else links
        for place, (subject, issuer) in enumerate(pairwise(issuers), 1):
            check_issued(subject.certificate, issuer, place)
        for below, issuer in enumerate(issuers):
            if issuer.path_length is not None and issuer.path_length < below:
                raise ChainError(
                    ChainProblem.PATH_TOO_LONG, below + 1, "has more certificates below it than it allows"
                )
        serials = [each.serial_number for each in certificates]
        return _VerifiedIssuers(
            links, root, anchor, (*serials, *([root.certificate.serial_number] if root else []))
        )

    def _edition(self, last: x509.Certificate) -> tuple[Issuer, Anchor] | None:
        """The root of which `last` is an edition: the same name and the same key (RFC 5280 section 6.1.1 (d)).

        Nothing else of an edition is used. A forged edition has no effect, because the root's key must have signed the
        certificate below it.
        """
        for root, anchor in self._anchors():
            if root.subject == last.subject and spki_of(root) == spki_of(last):
                return issuer_of(root, None), anchor
        return None

    def _issuing_root(self, certificate: x509.Certificate) -> tuple[Issuer | None, Anchor]:
        """The root that issued `certificate`, by name and signature."""
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


def _load(data: bytes, place: int) -> x509.Certificate:
    try:
        return x509.load_der_x509_certificate(data)
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

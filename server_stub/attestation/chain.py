"""Path validation of an attestation chain (RFC 5280 section 6.1, without policies and host names).

Not `cryptography.x509.verification`: attestation leaves have no host name, are valid from 1970 to 2048 and have
serial number 1, which a verifier for TLS rejects. Three rules are Android's own: only the leaf may have the
key description, the dates of the leaf are not judged, because the clock of the device set them, and a trust anchor is
a name and a key, so a device may send any edition of its root. What deviates with a clear meaning is accepted and named
in `Path.deviations`; docs/security/appraisal.md lists it.
"""

import datetime
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding

from server_stub.attestation.certificate import ParsedCertificate, parse, path_length_of
from server_stub.attestation.certificate_fields import CertificateError, same_name
from server_stub.attestation.der import DerError
from server_stub.attestation.deviations import Deviation, PlacedDeviation
from server_stub.attestation.issuers import (
    Anchor,
    CheckSignature,
    Issuer,
    check_issued,
    check_key,
    check_leaf,
    issuer_of,
    refusal,
)
from server_stub.attestation.provisioning import Provisioning, ProvisioningFacts, facts_of
from server_stub.attestation.public_keys import KeyNumbers, key_numbers, may_certify
from server_stub.attestation.reasons import ChainError, ChainProblem
from server_stub.attestation.revocation import StatusEntry
from server_stub.attestation.signature_algorithms import VerifiedSignatures, is_signed_by

__all__ = ["Anchor", "ChainError", "ChainProblem", "ChainVerifier", "Path"]

_CACHE_MAX: Final = 1024

Statuses = Callable[[int], Mapping[int, StatusEntry]]
"""Entries of a revocation status list at a time, by serial number. Raises EvidenceError if there is no list."""


@dataclass(frozen=True, slots=True)
class Path:
    """A valid chain, the kind of root that it leads to, and how it deviates.

    `provisioning` is what the certificates between leaf and root state, None if the chain leads to no configured root.
    """

    leaf: ParsedCertificate
    anchor: Anchor
    provisioning: ProvisioningFacts | None = None
    deviations: tuple[PlacedDeviation, ...] = ()

    @property
    def leaf_key(self) -> PublicKeyTypes:
        """The attested key, parsed at each access. Raises ChainError if its algorithm is not supported."""
        try:
            return self.leaf.key()
        except CertificateError as error:
            raise refusal(ChainProblem.MALFORMED, 0, f"is malformed: {error}", self.leaf) from error

    @property
    def anchored(self) -> bool:
        """Whether it leads to a root that certifies hardware."""
        return self.anchor is Anchor.CONFIGURED


@dataclass(frozen=True, slots=True)
class _Root:
    """A configured root: a name and a key."""

    certificate: ParsedCertificate
    key: PublicKeyTypes
    numbers: KeyNumbers | None
    path_length: int | None
    anchor: Anchor

    def has_name(self, name: bytes) -> bool:
        """Whether `name` is the root's. A name that cannot be read is another one."""
        try:
            return same_name(self.certificate.subject, name)
        except DerError:
            return False


@dataclass(frozen=True, slots=True)
class _VerifiedIssuers:
    """The certificates above a leaf, verified. `links` excludes the root.

    `serials` has the place, the subject and the possible serial numbers of all of them.
    """

    links: tuple[Issuer, ...]
    root: _Root | None
    serials: tuple[tuple[int, ParsedCertificate, tuple[int, ...]], ...]
    provisioning: ProvisioningFacts
    deviations: tuple[PlacedDeviation, ...]

    @property
    def anchor(self) -> Anchor:
        """The kind of the root."""
        return self.root.anchor if self.root else Anchor.NONE


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
    _anchors: tuple[_Root, ...] = field(init=False, repr=False)
    _known: dict[tuple[bytes, ...], _VerifiedIssuers] = field(default_factory=dict, repr=False)
    _signatures: VerifiedSignatures = field(
        default_factory=lambda: VerifiedSignatures(_CACHE_MAX), repr=False
    )

    def __post_init__(self) -> None:
        self._anchors = (
            *(_root(each, Anchor.CONFIGURED) for each in self.roots),
            *(_root(each, Anchor.SOFTWARE) for each in self.software_roots),
        )

    def check(self, at: int) -> None:
        """Raises EvidenceError if no chain can be verified at `at` because the status list is not available."""
        if self.statuses:
            self.statuses(at)

    def verify(
        self, chain: tuple[bytes, ...], at: int, unattested: Callable[[], None] = lambda: None
    ) -> Path:
        """Validate `chain`, DER, leaf first, at `at` seconds since the epoch.

        Calls `unattested`, which may raise, if the chain leads to none of `roots`, before a signature below a root of
        software is verified. Raises ChainError, or EvidenceError if the status list is required but not available.
        """
        leaf = _load(chain[0], 0)
        above = self._issuers(chain[1:], unattested) if chain[1:] else self._directly_above(leaf)
        if above.anchor is not Anchor.CONFIGURED:
            unattested()
        self._check_status(leaf, above, at)
        deviations = [*above.deviations, *_check_validity(above, at)]
        of_leaf: frozenset[Deviation] = frozenset()
        if issuer := above.links[0] if above.links else above.root:
            by_issuer = partial(is_signed_by, key=issuer.key)
            of_leaf = check_issued(leaf, 0, issuer.certificate.subject, above.anchor, by_issuer)
        of_leaf |= check_leaf(leaf)
        deviations += _placed(of_leaf, 0, leaf)
        facts = above.provisioning if above.anchor is Anchor.CONFIGURED else None
        return Path(leaf, above.anchor, facts, tuple(deviations))

    def _issuers(self, chain: tuple[bytes, ...], unattested: Callable[[], None]) -> _VerifiedIssuers:
        """The certificates above the leaf, from the cache or verified now."""
        if known := self._known.get(chain):
            return known
        verified = self._connect(chain, unattested)
        if verified.anchor is Anchor.CONFIGURED:
            # Evict the oldest: a signature has several encodings, so an attacker can send many variants of one chain.
            if len(self._known) >= _CACHE_MAX:
                self._known.pop(next(iter(self._known)), None)
            self._known[chain] = verified
        return verified

    def _directly_above(self, leaf: ParsedCertificate) -> _VerifiedIssuers:
        """The root that issued a leaf, for a chain with only a leaf; or nothing."""
        root = self._issuing_root(leaf)
        serials = ((1, root.certificate, root.certificate.serial_numbers()),) if root else ()
        return _VerifiedIssuers((), root, serials, facts_of(()), ())

    def _connect(self, chain: tuple[bytes, ...], unattested: Callable[[], None]) -> _VerifiedIssuers:
        """Check signatures, names and path lengths above the leaf (RFC 5280 section 4.2.1.9). Raises ChainError.

        Only the parameters of keys are checked if they lead to no root: such a chain attests nothing. Neither does one
        that leads to a root of software, whose key is public: it may be refused by `unattested` before that is used.
        """
        below: list[tuple[int, ParsedCertificate]] = []
        serials: list[tuple[int, ParsedCertificate, tuple[int, ...]]] = []
        deviations: list[PlacedDeviation] = []
        root: _Root | None = None
        for place, data in enumerate(chain, 1):
            if below and below[-1][1].data == data:
                deviations += _placed({Deviation.CERTIFICATE_REPEATED}, place, below[-1][1])
                continue
            certificate = _load(data, place, extensions=False)
            serials.append((place, certificate, certificate.serial_numbers()))
            if root := self._edition(certificate, check_key(certificate, place)):
                if place < len(chain):
                    deviations += _placed({Deviation.CERTIFICATE_ABOVE_ROOT}, place, certificate)
                break
            below.append((place, certificate))
        root_place = place if root else len(chain) + 1
        root = root or self._issuing_root(below[-1][1])
        if not root:
            return _VerifiedIssuers((), None, tuple(serials), facts_of(()), tuple(deviations))
        if root.anchor is Anchor.SOFTWARE:
            unattested()
        serials.append((root_place, root.certificate, root.certificate.serial_numbers()))
        below = [(place, _load(certificate.data, place)) for place, certificate in below]
        links, of_links = self._link(below, root)
        _check_path_lengths(links, root, root_place)
        facts = facts_of([link.certificate for link in links])
        if facts.malformed is not None:
            link = links[facts.malformed]
            malformed = {Deviation.PROVISIONING_INFORMATION_MALFORMED}
            deviations += _placed(malformed, link.place, link.certificate)
        return _VerifiedIssuers(links, root, tuple(serials), facts, (*deviations, *of_links))

    def _link(
        self, below: list[tuple[int, ParsedCertificate]], root: _Root
    ) -> tuple[tuple[Issuer, ...], list[PlacedDeviation]]:
        """The certificates below the root as issuers, each issued by the next one. Raises ChainError.

        From the root down: a key is used only after a trusted key has signed its certificate.
        """
        if root.anchor is Anchor.CONFIGURED and not may_certify(root.numbers):
            name = root.certificate.subject_text()
            raise ChainError(ChainProblem.KEY_WEAK, None, f"the root ({name}) has a weak key")
        links: list[Issuer] = []
        found: list[PlacedDeviation] = []
        issuer: Issuer | _Root = root
        for place, certificate in reversed(below):
            by_issuer = self._is_signed_by(issuer)
            deviations = check_issued(certificate, place, issuer.certificate.subject, root.anchor, by_issuer)
            issuer = issuer_of(certificate, place, root.anchor, only_link=len(below) == 1)
            found += _placed(deviations | issuer.deviations, place, certificate)
            links.insert(0, issuer)
        return tuple(links), found

    def _is_signed_by(self, issuer: Issuer | _Root) -> CheckSignature:
        """Whether the key of a trusted issuer signed a certificate, from memory or verified now."""
        return partial(self._signatures.is_signed_by, key=issuer.key, spki=issuer.certificate.spki)

    def _edition(self, certificate: ParsedCertificate, numbers: KeyNumbers | None) -> _Root | None:
        """The root of which `certificate` is an edition: the same name and the same key (RFC 5280 section 6.1.1 (d)).

        Nothing else of an edition is used. A forged edition has no effect, because the root's key must have signed the
        certificate below it. `numbers` are those of its key, which may have another encoding.
        """
        for root in self._anchors:
            same_key = certificate.spki == root.certificate.spki or numbers == root.numbers is not None
            if same_key and root.has_name(certificate.subject):
                return root
        return None

    def _issuing_root(self, certificate: ParsedCertificate) -> _Root | None:
        """The root that issued `certificate`, by name and signature. The signature costs nothing under other names."""
        for root in self._anchors:
            with suppress(CertificateError):
                if root.has_name(certificate.issuer) and self._is_signed_by(root)(certificate):
                    return root
        return None

    def _check_status(self, leaf: ParsedCertificate, above: _VerifiedIssuers, at: int) -> None:
        statuses = self.statuses(at) if self.statuses else {}
        if not statuses and not self.revoked:
            return
        for place, certificate, numbers in ((0, leaf, leaf.serial_numbers()), *above.serials):
            for number in numbers:
                if number in self.revoked:
                    raise refusal(ChainProblem.REVOKED, place, "has been revoked", certificate)
                if entry := statuses.get(number):
                    raise refusal(ChainProblem.of(entry.status), place, f"has been {entry}", certificate)


def _load(data: bytes, place: int, *, extensions: bool = True) -> ParsedCertificate:
    try:
        return parse(data, extensions=extensions)
    except CertificateError as error:
        finding = f"is not an X.509 certificate: {error}"
        raise ChainError(ChainProblem.MALFORMED, place, finding) from error


@lru_cache(maxsize=32)
def _root(certificate: x509.Certificate, anchor: Anchor) -> _Root:
    """A configured root. Its validity, and whether it is marked as a CA, are not used (RFC 5280 section 6.1.1 (d))."""
    parsed = parse(certificate.public_bytes(Encoding.DER))
    return _Root(parsed, parsed.key(), key_numbers(parsed.spki), path_length_of(parsed), anchor)


def _check_path_lengths(links: tuple[Issuer, ...], root: _Root, root_place: int) -> None:
    """Certificates that issued themselves do not count (RFC 5280 section 6.1.4 (l)). Raises ChainError."""
    below = 0
    issuers: list[tuple[int, Issuer | _Root]] = [(link.place, link) for link in links]
    for place, issuer in (*issuers, (root_place, root)):
        if issuer.path_length is not None and issuer.path_length < below:
            finding = "has more certificates below it than it allows"
            raise refusal(ChainProblem.PATH_TOO_LONG, place, finding, issuer.certificate)
        below += issuer.certificate.issuer != issuer.certificate.subject


def _check_validity(above: _VerifiedIssuers, at: int) -> list[PlacedDeviation]:
    """Certificates outside their validity. Raises ChainError for an expired one of a remotely provisioned device.

    A factory writes certificates once, and they cannot be renewed. Remotely provisioned ones are renewed every few
    weeks, which is how a stolen key gets useless. A certificate that is not yet valid was issued all the same: one of
    two clocks is wrong.
    """
    found: list[PlacedDeviation] = []
    for link in above.links:
        begins, ends, _ = link.validity
        if at > ends:
            if above.provisioning.method is Provisioning.REMOTE:
                finding = f"is not valid at this time; it is from {_day(begins)} to {_day(ends)}"
                raise refusal(ChainProblem.OUT_OF_TIME, link.place, finding, link.certificate)
            found += _placed({Deviation.CERTIFICATE_EXPIRED}, link.place, link.certificate)
        elif at < begins:
            found += _placed({Deviation.CERTIFICATE_NOT_YET_VALID}, link.place, link.certificate)
    return found


def _placed(
    deviations: Iterable[Deviation], place: int, certificate: ParsedCertificate
) -> list[PlacedDeviation]:
    return [PlacedDeviation(each, place, certificate.subject_text()) for each in sorted(deviations)]


def _day(at: int) -> str:
    return f"{datetime.datetime.fromtimestamp(at, datetime.UTC):%Y-%m-%d}"

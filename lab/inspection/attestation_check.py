"""Check of one attestation chain outside of an activation: what it states, and what of that is proved."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from cryptography import x509

from server_stub.attestation.appraisal import Appraisal, ExpectedAttestation, describe, judge, refused
from server_stub.attestation.chain import MALFORMED, Anchor, ChainError, ChainVerifier
from server_stub.attestation.key_description import KeyDescription
from server_stub.attestation.revocation import StatusEntry


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """What a chain is compared with. `at` is in seconds since the epoch; `statuses` is None without a status list."""

    roots: tuple[x509.Certificate, ...]
    at: int
    expected: ExpectedAttestation
    software_roots: tuple[x509.Certificate, ...] = ()
    statuses: Mapping[int, StatusEntry] | None = None


@dataclass(frozen=True, slots=True)
class CheckedAttestation:
    """The result. `description` is the leaf's key description, None if there is none that can be parsed.

    `problem` is the reason why the chain proves nothing, None if it is valid.
    """

    options: CheckOptions
    certificates: tuple[x509.Certificate | None, ...]
    anchor: Anchor
    description: KeyDescription | None
    appraisal: Appraisal
    problem: ChainError | None

    @property
    def chain_ok(self) -> bool:
        """Whether the chain is valid and leads to one of the given roots."""
        return self.problem is None and self.anchor is Anchor.CONFIGURED


def check(chain: tuple[bytes, ...], options: CheckOptions) -> CheckedAttestation:
    """Appraise `chain`, DER, leaf first. Raises no error for any content of the chain."""
    certificates = tuple(map(_load, chain))
    statuses = options.statuses
    verifier = ChainVerifier(
        options.roots,
        software_roots=options.software_roots,
        statuses=None if statuses is None else lambda _: statuses,
    )
    try:
        path = verifier.verify(chain, options.at)
        description = describe(path.leaf)
    except ChainError as error:
        unproved = None
        with suppress(ChainError):
            unproved = describe(certificates[0]) if certificates[0] else None
        return CheckedAttestation(options, certificates, Anchor.NONE, unproved, refused(error.problem), error)
    appraisal = judge(path, description, options.expected)
    return CheckedAttestation(options, certificates, path.anchor, description, appraisal, None)


def _load(der: bytes) -> x509.Certificate | None:
    try:
        return x509.load_der_x509_certificate(der)
    except MALFORMED:
        return None

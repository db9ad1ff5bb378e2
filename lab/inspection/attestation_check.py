"""One chain, examined outside of any activation: what it proves, and what it says whether proven or not."""

from collections.abc import Mapping
from dataclasses import dataclass

from cryptography import x509

from server_stub.attestation.appraisal import Appraisal, ExpectedAttestation, describe, judge, refused
from server_stub.attestation.chain import MALFORMED, Anchor, ChainError, ChainVerifier
from server_stub.attestation.key_description import KeyDescription
from server_stub.attestation.revocation import StatusEntry


@dataclass(frozen=True, slots=True)
class Question:
    """What a chain is held against. `at` is in seconds since the epoch; `statuses` is None where no list was given."""

    roots: tuple[x509.Certificate, ...]
    at: int
    expected: ExpectedAttestation
    software_roots: tuple[x509.Certificate, ...] = ()
    statuses: Mapping[int, StatusEntry] | None = None


@dataclass(frozen=True, slots=True)
class Examination:
    """The outcome. `description` is what the leaf says, None where it says nothing that can be read.

    `problem` is why the chain proves nothing, None where it holds together.
    """

    question: Question
    certificates: tuple[x509.Certificate | None, ...]
    anchor: Anchor
    description: KeyDescription | None
    appraisal: Appraisal
    problem: ChainError | None

    @property
    def chain_ok(self) -> bool:
        """Whether the chain is valid, and leads to a root that was given."""
        return self.problem is None and self.anchor is Anchor.CONFIGURED


def examine(chain: tuple[bytes, ...], question: Question) -> Examination:
    """Appraise `chain`, DER, leaf first. Raises nothing for what a chain may hold."""
    certificates = tuple(map(_loaded, chain))
    statuses = question.statuses
    verifier = ChainVerifier(
        question.roots,
        software_roots=question.software_roots,
        statuses=None if statuses is None else lambda _: statuses,
    )
    try:
        path = verifier.verify(chain, question.at)
        description = describe(path.leaf)
    except ChainError as error:
        said = _said(certificates[0])
        return Examination(question, certificates, Anchor.NONE, said, refused(error.problem), error)
    appraisal = judge(path, description, question.expected)
    return Examination(question, certificates, path.anchor, description, appraisal, None)


def _loaded(octets: bytes) -> x509.Certificate | None:
    try:
        return x509.load_der_x509_certificate(octets)
    except MALFORMED:
        return None


def _said(leaf: x509.Certificate | None) -> KeyDescription | None:
    try:
        return describe(leaf) if leaf else None
    except ChainError:
        return None

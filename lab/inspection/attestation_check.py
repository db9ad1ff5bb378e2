"""Check of one attestation chain outside of an activation: what it states, and what of that is proved."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from typing import Any

from cryptography import x509

from server_stub.attestation import der, key_description
from server_stub.attestation.appraisal import (
    Appraisal,
    ExpectedAttestation,
    describe,
    judge,
    refuse_deviations,
    refused,
)
from server_stub.attestation.certificate import KEY_DESCRIPTION, ParsedCertificate, parse
from server_stub.attestation.certificate_fields import CertificateError
from server_stub.attestation.chain import Anchor, ChainError, ChainVerifier, Path
from server_stub.attestation.deviations import DeviationTreatment, PlacedDeviation
from server_stub.attestation.key_description import KeyDescription
from server_stub.attestation.provisioning import ProvisioningFacts, facts_of
from server_stub.attestation.revocation import StatusEntry


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """What a chain is compared with. `at` is in seconds since the epoch; `statuses` is None without a status list.

    `status_list_age` is in seconds, None without a status list.
    """

    roots: tuple[x509.Certificate, ...]
    at: int
    expected: ExpectedAttestation
    software_roots: tuple[x509.Certificate, ...] = ()
    statuses: Mapping[int, StatusEntry] | None = None
    status_list_age: int | None = None
    treatment: DeviationTreatment = DeviationTreatment.WARN


@dataclass(frozen=True, slots=True)
class CheckedAttestation:
    """The result. `problem` is the reason why the chain proves nothing, None if it is valid.

    All that can be read is here, also of a chain that proves nothing: `statements` has the members of the leaf's
    `KeyDescription` by name, `deviations` and `provisioning` are those of the chain. A certificate is None if it cannot
    be read.
    """

    options: CheckOptions
    certificates: tuple[ParsedCertificate | None, ...]
    anchor: Anchor
    statements: Mapping[str, Any]
    appraisal: Appraisal
    problem: ChainError | None
    deviations: tuple[PlacedDeviation, ...]
    provisioning: ProvisioningFacts | None

    @property
    def chain_ok(self) -> bool:
        """Whether the chain is valid and leads to one of the given roots."""
        return self.problem is None and self.anchor is Anchor.CONFIGURED


def check(chain: tuple[bytes, ...], options: CheckOptions) -> CheckedAttestation:
    """Appraise `chain`, DER, leaf first. Raises no error for any content of the chain."""
    statuses = options.statuses
    verifier = ChainVerifier(
        options.roots,
        software_roots=options.software_roots,
        statuses=None if statuses is None else lambda _: statuses,
    )
    path: Path | None = None
    problem: ChainError | None = None
    try:
        path = verifier.verify(chain, options.at)
        description = describe(path.leaf)
        if options.treatment is DeviationTreatment.REFUSE:
            refuse_deviations(path, description)
        appraisal = judge(path, description, options.expected)
    except ChainError as error:
        problem, appraisal = error, refused(error.problem)
    certificates = tuple(map(_load, chain))
    leaf = certificates[0]
    value = leaf.extensions.get(KEY_DESCRIPTION) if leaf else _find_description(chain[0])
    return CheckedAttestation(
        options=options,
        certificates=certificates,
        anchor=path.anchor if path and not problem else Anchor.NONE,
        statements={} if value is None else _statements(value),
        appraisal=appraisal,
        problem=problem,
        deviations=path.deviations if path else _deviations(certificates),
        provisioning=_provisioning(certificates) if path is None else path.provisioning,
    )


def _find_description(data: bytes) -> bytes | None:
    """The value of the extension in a leaf that cannot be read, None if it is not found."""
    _, found, rest = data.partition(bytes((0x06, len(KEY_DESCRIPTION))) + KEY_DESCRIPTION)
    with suppress(der.DerError, IndexError):
        position = 0
        while found:
            tag, _, start, end = der.element_at(rest, position, set())
            if tag == der.OCTET_STRING:
                return rest[start:end]
            position = end
    return None


def _deviations(certificates: tuple[ParsedCertificate | None, ...]) -> tuple[PlacedDeviation, ...]:
    """The deviations of the certificates, each without the others."""
    return tuple(
        PlacedDeviation(deviation, place, each.subject_text())
        for place, each in enumerate(certificates)
        if each
        for deviation in sorted(each.deviations)
    )


def _provisioning(certificates: tuple[ParsedCertificate | None, ...]) -> ProvisioningFacts | None:
    """What the certificates state that are neither the leaf nor a root."""
    between = [each for each in certificates[1:] if each and each.issuer != each.subject]
    return facts_of(between) if between else None


def _statements(extension: bytes) -> Mapping[str, Any]:
    with suppress(key_description.KeyDescriptionError):
        description = key_description.decode(extension)
        return {field.name: getattr(description, field.name) for field in fields(KeyDescription)}
    return key_description.legible(extension)


def _load(data: bytes) -> ParsedCertificate | None:
    try:
        return parse(data)
    except CertificateError:
        return None

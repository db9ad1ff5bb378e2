"""Judgement of evidence without the store: nonce, chain, signature, appraisal, territory."""

from collections.abc import Callable, Container, Generator
from dataclasses import dataclass, field, replace
from typing import Any

from server_stub.attestation.appraisal import Appraisal, Identity, appraise
from server_stub.attestation.chain import ChainVerifier
from server_stub.attestation.deviations import DeviationTreatment
from server_stub.evidence import evidence_token as evidence_reader
from server_stub.evidence.challenges import Challenger, SpendableNonce, SpentNonces
from server_stub.evidence.errors import EvidenceError
from server_stub.evidence.pseudonyms import Pseudonyms
from server_stub.reference_data.source_countries import CountryOf, unknown_country
from server_stub.reference_data.time_zones import zone_at
from server_stub.territory.judgement import Judgement, judge, signals_of
from server_stub.verdicts.observer import JudgingStep, RequestObserver
from wire.codes import ProblemCode
from wire.evidence import Evidence


@dataclass(frozen=True, slots=True)
class Appraised:
    """Evidence with the judgements that do not need the store.

    `sub` is the pseudonym of an attested device, None if the attestation does not identify one.
    """

    evidence: Evidence
    claims: dict[str, Any]
    thumbprint: str
    sub: str | None
    appraisal: Appraisal
    judgement: Judgement
    nonce: SpendableNonce
    now: int

    def knowing(self, boot_keys: Container[str]) -> "Appraised":
        """The same evidence, appraised by a policy that knows these verified-boot keys."""
        appraisal = self.appraisal.knowing(boot_keys)
        return self if appraisal is self.appraisal else replace(self, appraisal=appraisal)


AppraisalSteps = Generator[JudgingStep | SpendableNonce, None, Appraised]
"""An appraisal that goes on with each `next`."""


@dataclass(frozen=True, slots=True)
class Appraiser:
    """Judges evidence for one manufacturer, without device records."""

    challenger: Challenger
    chains: ChainVerifier
    pseudonyms: Pseudonyms
    clock: Callable[[], int]
    country_of: CountryOf = unknown_country
    deviations: DeviationTreatment = DeviationTreatment.WARN
    spent: SpentNonces = field(default_factory=SpentNonces)

    def appraise(self, token: bytes, observer: RequestObserver, address: str | None = None) -> AppraisalSteps:
        """Judge signed evidence that came from `address`, which is not stored, step by step.

        Yields each step when it has ended, and the nonce when it is known that it can be spent: another request with it
        may go first. Returns what was found. Raises EvidenceError, and RateExceededError if the observer does.
        """
        try:
            return (yield from self._steps(token, observer, address))
        except EvidenceError as error:
            if error.code is not ProblemCode.UNAVAILABLE:
                observer.check_unattested()
            raise

    def _steps(self, token: bytes, observer: RequestObserver, address: str | None) -> AppraisalSteps:
        now = self.clock()
        read = evidence_reader.read(token)
        yield JudgingStep.READ
        nonce = self.challenger.recognize(read.evidence.eat_nonce, now)
        self.spent.check(nonce)
        yield JudgingStep.CHALLENGE
        yield nonce
        self.spent.check(nonce)
        path = self.chains.verify(read.chain, now, observer.check_unattested)
        yield JudgingStep.CHAIN
        key = path.leaf_key
        try:
            read.verify_signature(key)
        except EvidenceError:
            self.spent.add(nonce, now)
            raise
        yield JudgingStep.SIGNATURE
        appraisal = appraise(path, read.evidence, self.deviations)
        sub = None
        if appraisal.identity is Identity.ATTESTED and appraisal.imei is not None:
            sub = self.pseudonyms.device(appraisal.imei)
        yield JudgingStep.APPRAISE
        if sub is None:
            observer.check_unattested()
        else:
            observer.check_rate(sub)
        country = None if address is None else self.country_of(address)
        judgement = judge(signals_of(read.evidence, zone_at, country))
        yield JudgingStep.JUDGE
        return Appraised(
            evidence=read.evidence,
            claims=read.claims,
            thumbprint=evidence_reader.thumbprint(key),
            sub=sub,
            appraisal=appraisal,
            judgement=judgement,
            nonce=nonce,
            now=now,
        )

    def check(self) -> None:
        """Raises EvidenceError if no evidence could be judged now."""
        self.chains.check(self.clock())

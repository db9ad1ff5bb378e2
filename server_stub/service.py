"""The verdict service, without HTTP: challenges out, evidence in, signed verdicts out.

A verdict, its serial and its spent nonce are committed together before the token is answered. What is unattested
gets a verdict too, about nobody: it reads and writes no device's record.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from server_stub.challenges import Challenger, SpendableNonce
from server_stub.domain import evidence as evidence_reader
from server_stub.domain.appraisal import Appraisal, Identity, appraise
from server_stub.domain.chain import ChainVerifier
from server_stub.domain.policy import Activation, Case, Policy
from server_stub.domain.pseudonyms import Pseudonyms
from server_stub.domain.territory import Judgement, judge, signals_of
from server_stub.domain.trouble import EvidenceError
from server_stub.domain.verdicts import Bearings, compose, locks_at, next_serial
from server_stub.judging import UNATTENDED, Attendant, RateExceededError, Step
from server_stub.key_repository import KeyRepositoryError, VerdictSigner
from server_stub.keys import Secrets
from server_stub.operator_desk import Desk, OperatorDesk
from server_stub.store.records import (
    Device,
    NonceSpentError,
    Store,
    StoreUnavailableError,
    Transaction,
    VerdictRecord,
)
from wire.challenge import Challenge
from wire.codes import Decision, ProblemCode
from wire.evidence import Evidence
from wire.verdict import Verdict

_STATUS: Final = {
    ProblemCode.EVIDENCE_MALFORMED: 400,
    ProblemCode.EVIDENCE_CLAIMS_INVALID: 422,
    ProblemCode.EVIDENCE_SIGNATURE_INVALID: 401,
    ProblemCode.CHAIN_INVALID: 401,
    ProblemCode.CHALLENGE_INVALID: 401,
    ProblemCode.CHALLENGE_EXPIRED: 409,
    ProblemCode.CHALLENGE_SPENT: 409,
    ProblemCode.TOO_MANY_REQUESTS: 429,
    ProblemCode.UNAVAILABLE: 503,
}


class ServiceError(Exception):
    """A request gets no verdict. `status` is the HTTP status that goes with `code`.

    `retry_after`, in seconds, is when the same request may do better, where the service knows.
    """

    def __init__(self, code: ProblemCode, detail: str, retry_after: int | None = None) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.status = _STATUS[code]
        self.detail = detail
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class _Appraised:
    """Evidence with everything that was judged of it before the store is asked.

    `sub` is the pseudonym of an attested phone, None where the server cannot know which phone it talks to.
    """

    evidence: Evidence
    claims: dict[str, Any]
    thumbprint: str
    sub: str | None
    appraisal: Appraisal
    judgement: Judgement
    nonce: SpendableNonce
    now: int


class VerdictService:
    """Judges phones for one vendor.

    `clock` gives seconds since the epoch, `random` as many random octets as it is asked for. `signer` chooses the
    key that signs; without one it is the first of `secrets`.
    """

    def __init__(  # noqa: PLR0913 - each is a part of its own, and all are given by name
        self,
        *,
        secrets: Secrets,
        policy: Policy,
        store: Store,
        issuer: str,
        audience: str,
        clock: Callable[[], int],
        random: Callable[[int], bytes],
        signer: VerdictSigner | None = None,
    ) -> None:
        self._signer = signer or secrets.signing_keys[0]
        self._policy = policy
        self._store = store
        self._issuer = issuer
        self._audience = audience
        self._clock = clock
        self._random = random
        self._challenger = Challenger(secrets.nonce_key, random)
        self._chains = ChainVerifier(
            secrets.attestation_roots, secrets.revoked_certificates, secrets.software_roots, secrets.statuses
        )
        self._pseudonyms = Pseudonyms(secrets.identifier_key)

    def challenge(self) -> Challenge:
        """A fresh nonce; nothing is written."""
        return self._challenger.issue(self._clock())

    def answer(self, token: bytes) -> str:
        """The signed verdict that answers evidence, a compact JWS. Raises ServiceError."""
        return self.judge(token)[1]

    def judge(self, token: bytes, attendant: Attendant = UNATTENDED) -> tuple[Verdict, str]:
        """The verdict that answers evidence, as claims and as the signed token. Raises ServiceError."""
        try:
            appraised = self._appraise(token, attendant)
            with self._store.transaction() as transaction:
                transaction.spend(appraised.nonce, appraised.now)
                answer = self._decide(appraised, transaction, attendant)
            attendant.lap(Step.STORE)
        except EvidenceError as error:
            raise ServiceError(error.code, error.detail) from error
        except RateExceededError as error:
            raise ServiceError(
                ProblemCode.TOO_MANY_REQUESTS, "this phone asks too often", error.retry_after
            ) from error
        except NonceSpentError as error:
            raise ServiceError(
                ProblemCode.CHALLENGE_SPENT, "eat_nonce was spent before; ask for a new challenge"
            ) from error
        except StoreUnavailableError as error:
            raise ServiceError(ProblemCode.UNAVAILABLE, "the store is not available; ask again") from error
        except KeyRepositoryError as error:
            raise ServiceError(ProblemCode.UNAVAILABLE, "no key may sign now; ask again") from error
        return answer

    def check(self) -> None:
        """Raises ServiceError where no verdict could be recorded now."""
        try:
            self._store.check()
            self._chains.check(self._clock())
        except EvidenceError as error:
            raise ServiceError(error.code, error.detail) from error
        except StoreUnavailableError as error:
            raise ServiceError(ProblemCode.UNAVAILABLE, "the store is not available; ask again") from error

    @property
    def operators(self) -> OperatorDesk:
        """What operators can decide about single phones."""
        return OperatorDesk(
            Desk(self._issuer, self._audience, self._signer, self._pseudonyms, self._clock, self._random),
            self._store,
            self._policy,
        )

    def adopt(self, policy: Policy) -> None:
        """Decide by `policy` from now on. Raises ValueError for a lower version: phones take none below the highest."""
        was = self._policy.document
        if policy.document.version < was.version:
            raise ValueError(
                f"{policy.document.id} is version {policy.document.version}, and phones know {was.version}; "
                "give the document a higher version"
            )
        self._policy = policy

    def enroll(self, imei: str, activation: Activation, *, sale_region: str = "unknown") -> str:
        """Record an activation that the vendor knows of from elsewhere, and return the device's pseudonym.

        A device that is known keeps its serial. Raises StoreUnavailableError.
        """
        sub = self._pseudonyms.device(imei)
        with self._store.transaction() as transaction:
            known = transaction.device(sub) or Device(sub, None, sale_region, None, 0)
            transaction.remember(replace(known, activation=activation))
        return sub

    def _appraise(self, token: bytes, attendant: Attendant) -> _Appraised:
        now = self._clock()
        read = evidence_reader.read(token)
        attendant.lap(Step.READ)
        nonce = self._challenger.recognize(read.evidence.eat_nonce, now)
        attendant.lap(Step.CHALLENGE)
        path = self._chains.verify(read.chain, now)
        attendant.lap(Step.CHAIN)
        read.verify_signature(path.leaf_key)
        attendant.lap(Step.SIGNATURE)
        appraisal = appraise(path, read.evidence)
        sub = self._attested(appraisal)
        attendant.lap(Step.APPRAISE)
        if sub is not None:
            attendant.admit(sub)
        judgement = judge(signals_of(read.evidence))
        attendant.lap(Step.JUDGE)
        return _Appraised(
            evidence=read.evidence,
            claims=read.claims,
            thumbprint=evidence_reader.thumbprint(path.leaf_key),
            sub=sub,
            appraisal=appraisal,
            judgement=judgement,
            nonce=nonce,
            now=now,
        )

    def _decide(
        self, appraised: _Appraised, transaction: Transaction, attendant: Attendant
    ) -> tuple[Verdict, str]:
        device = self._device(appraised, transaction)
        attendant.lap(Step.STORE)
        case = _case(appraised, device)
        rule = device.override.rule if device and device.override else self._policy.decide(case)
        bearings = self._bearings(appraised, device)
        verdict = compose(bearings, case, self._policy, rule)
        attendant.lap(Step.DECIDE)
        token = self._signer.sign(verdict)
        attendant.lap(Step.SIGN)
        transaction.record(self._record(appraised, verdict, token))
        if device:
            transaction.remember(_after(device, verdict))
        return verdict, token

    def _attested(self, appraisal: Appraisal) -> str | None:
        """The pseudonym of an attested phone. Nobody's where the server cannot know which phone it talks to."""
        if appraisal.identity is not Identity.ATTESTED or appraisal.imei is None:
            return None
        return self._pseudonyms.device(appraisal.imei)

    def _device(self, appraised: _Appraised, transaction: Transaction) -> Device | None:
        """The record of an attested phone."""
        if appraised.sub is None:
            return None
        sale_region = appraised.evidence.firmware.sale_region
        model = appraised.appraisal.model
        return transaction.device(appraised.sub) or Device(appraised.sub, None, sale_region, model, 0)

    def _bearings(self, appraised: _Appraised, device: Device | None) -> Bearings:
        sub = device.sub if device else self._pseudonyms.stranger(appraised.thumbprint)
        override = device.override if device else None
        return Bearings(
            issuer=self._issuer,
            audience=self._audience,
            sub=sub,
            thumbprint=appraised.thumbprint,
            nonce=appraised.evidence.eat_nonce,
            jti=self._random(16).hex(),
            serial=next_serial(device.last_serial if device else 0, appraised.evidence),
            case=override.case if override else self._pseudonyms.case(sub),
        )

    def _record(self, appraised: _Appraised, verdict: Verdict, token: str) -> VerdictRecord:
        judgement = appraised.judgement
        return VerdictRecord(
            verdict=verdict,
            identity=appraised.appraisal.identity,
            inputs=self._inputs(appraised.claims),
            appraisal=appraised.appraisal.reasons(),
            judgement={
                "status": judgement.status,
                "territory": judgement.territory,
                "explanation": judgement.explanation,
                "decided_by": judgement.decided_by.source if judgement.decided_by else None,
            },
            token_digest=hashlib.sha256(token.encode()).hexdigest(),
        )

    def _inputs(self, claims: dict[str, Any]) -> dict[str, Any]:
        """The claims as they are kept: identifiers as keyed hashes; cell and position, which tell a home, not."""
        telephony = claims["telephony"]
        return _without(claims, "location") | {
            "ueid": self._pseudonyms.value("ueid", claims["ueid"]),
            "telephony": telephony
            | {
                "sims": [self._kept_sim(sim) for sim in telephony["sims"]],
                "serving": _without(telephony["serving"], "cell"),
            },
        }

    def _kept_sim(self, sim: dict[str, Any]) -> dict[str, Any]:
        if not (iccid := sim.get("iccid")):
            return sim
        return sim | {"iccid": self._pseudonyms.value("iccid", iccid)}


def _without(claims: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in claims.items() if key != name}


def _case(appraised: _Appraised, device: Device | None) -> Case:
    return Case(
        judgement=appraised.judgement,
        intent=appraised.evidence.intent,
        activation=device.activation if device else None,
        identity=appraised.appraisal.identity,
        trust=appraised.appraisal.tier,
        terms=appraised.evidence.terms.version,
        now=appraised.now,
        sale_region=device.sale_region if device else appraised.evidence.firmware.sale_region,
        roaming=appraised.evidence.telephony.serving.roaming,
    )


def _after(device: Device, verdict: Verdict) -> Device:
    """The first allow is the activation; where its territory was unknown, the first that is known completes it."""
    activation = device.activation
    if verdict.decision is Decision.ALLOW:
        if activation is None:
            activation = Activation(verdict.iat, verdict.territory)
        elif activation.territory is None:
            activation = replace(activation, territory=verdict.territory)
    return replace(
        device,
        activation=activation,
        last_serial=verdict.serial,
        locks_at=locks_at(verdict, device.locks_at),
    )

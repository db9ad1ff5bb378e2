"""The verdict service, without HTTP: challenges out, evidence in, signed verdicts out.

A verdict, its serial and its spent nonce are committed together before the token is returned. Verdicts that are judged
together have one commit. Unattested evidence also gets a verdict, but no device record is read or written, and the
verdict is only counted.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Final

from server_stub.attestation.chain import ChainVerifier, Statuses
from server_stub.attestation.deviations import DeviationTreatment
from server_stub.clock import ClockError
from server_stub.evidence.challenges import NONCE_SPENT, Challenger
from server_stub.evidence.errors import EvidenceError
from server_stub.evidence.pseudonyms import Pseudonyms
from server_stub.key_repository import KeyRepositoryError
from server_stub.policy.policy import UNKNOWN_REGION, Activation, Policy
from server_stub.reference_data.source_countries import CountryOf, unknown_country
from server_stub.reference_data.time_zones import zone_at
from server_stub.signing.key_material import Secrets
from server_stub.signing.signing_key import SigningKey
from server_stub.store.reading import Reading
from server_stub.store.records import ConstraintError, Device, StoreUnavailableError
from server_stub.store.transaction import Store, Transaction
from server_stub.verdicts.appraiser import Appraised, Appraiser
from server_stub.verdicts.claims import VerdictContext, build_verdict, next_serial
from server_stub.verdicts.group import (
    Answer,
    GroupedRequest,
    advance,
    end_step,
    first_of_each_nonce,
    outcome,
)
from server_stub.verdicts.observer import NULL_OBSERVER, JudgingStep, RateExceededError, RequestObserver
from server_stub.verdicts.outage import OUTAGE_ERRORS, Outage, outage_of
from server_stub.verdicts.policy_in_force import PolicyInForce
from server_stub.verdicts.records import case_of, device_after, devices_of, record_of, shipped
from wire.challenge import Challenge
from wire.codes import ProblemCode
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

    `retry_after`, in seconds, is when the same request may do better, where the service knows. `outage` is the reason
    if no device gets a verdict now.
    """

    def __init__(
        self, code: ProblemCode, detail: str, retry_after: int | None = None, outage: Outage | None = None
    ) -> None:
        super().__init__(f"{code}: {detail}")
        self.outage = outage
        self.code = code
        self.status = _STATUS[code]
        self.detail = detail
        self.retry_after = retry_after

    @classmethod
    def during(cls, outage: Outage) -> "ServiceError":
        """The answer to every request while there is this outage."""
        return cls(ProblemCode.UNAVAILABLE, outage.detail, outage.retry_after, outage)

    @classmethod
    def of(cls, error: "_RequestError") -> "ServiceError":
        """The answer to a request that failed with `error`."""
        if isinstance(error, RateExceededError):
            return cls(ProblemCode.TOO_MANY_REQUESTS, error.detail, error.retry_after)
        if not isinstance(error, EvidenceError):
            return cls.during(outage_of(error))
        if error.code is not ProblemCode.UNAVAILABLE:
            return cls(error.code, error.detail)
        outage = Outage.STATUS_LIST_UNUSABLE
        return cls(error.code, f"{outage}: {error.detail}", outage=outage)


_RequestError = StoreUnavailableError | ClockError | KeyRepositoryError | EvidenceError | RateExceededError


@dataclass(frozen=True, slots=True)
class VerdictRequest:
    """Evidence `token` that came from `address`, and the observer of its judgement."""

    token: bytes
    observer: RequestObserver = NULL_OBSERVER
    address: str | None = None


@dataclass(frozen=True, slots=True)
class SigningContext:
    """The parts of the service that build and sign verdicts, also those of operators.

    `key` returns the key that signs in a transaction, which has neither locked a device nor changed the server's state
    before, or raises KeyRepositoryError. `clock` returns seconds since the epoch for what operators do; it never fails.
    """

    issuer: str
    audience: str
    key: Callable[[Reading], SigningKey]
    pseudonyms: Pseudonyms
    clock: Callable[[], int]
    random: Callable[[int], bytes]


class VerdictService:
    """Judges devices for one manufacturer.

    `clock` returns seconds since the epoch, or raises ClockError so that nothing is signed; `unchecked_clock` is the
    same for the entries of operators, which never raises. `random` returns the given number of random bytes. `key`
    chooses the key that signs; without it the first key of `secrets` signs. The policy in force in `store` decides;
    `policy` is put in force if there is none. `country_of` returns the country of an address. `deviations` is the
    treatment of attestations that deviate from their standards.
    """

    def __init__(  # noqa: PLR0913 - each is a separate part, and all are given by name
        self,
        *,
        secrets: Secrets,
        policy: Policy,
        store: Store,
        issuer: str,
        audience: str,
        clock: Callable[[], int],
        random: Callable[[int], bytes],
        unchecked_clock: Callable[[], int] | None = None,
        key: Callable[[Reading], SigningKey] | None = None,
        country_of: CountryOf = unknown_country,
        deviations: DeviationTreatment = DeviationTreatment.WARN,
    ) -> None:
        self._key = key or (lambda _: secrets.signing_keys[0])
        self._store = store
        self._issuer = issuer
        self._audience = audience
        self._clock = clock
        self._unchecked_clock = unchecked_clock or clock
        self._random = random
        self._challenger = Challenger(secrets.nonce_key, random)
        chains = ChainVerifier(
            secrets.attestation_roots, secrets.revoked_certificates, secrets.software_roots, secrets.statuses
        )
        self._pseudonyms = Pseudonyms(secrets.identifier_key)
        self._appraiser = Appraiser(self._challenger, chains, self._pseudonyms, clock, country_of, deviations)
        self._in_force = PolicyInForce(policy, self._unchecked_clock)
        # If the store cannot be written yet, the policy is put in force with the first verdict.
        with suppress(StoreUnavailableError), store.transaction() as transaction:
            self._in_force.establish(transaction)

    def appraise_by(
        self, country_of: CountryOf, deviations: DeviationTreatment, statuses: Statuses | None
    ) -> None:
        """From the next request on, appraise evidence by these tables and this treatment of deviations."""
        chains = replace(self._appraiser.chains, statuses=statuses)
        self._appraiser = replace(
            self._appraiser, chains=chains, country_of=country_of, deviations=deviations
        )

    def challenge(self, age: int = 0) -> Challenge:
        """A nonce, as issued `age` seconds ago; nothing is stored. Raises ServiceError if the clock is wrong."""
        try:
            return self._challenger.issue(self._clock() - age)
        except ClockError as error:
            raise ServiceError.of(error) from error

    def answer(self, token: bytes) -> str:
        """The signed verdict that answers evidence, a compact JWS. Raises ServiceError."""
        return self.judge(token)[1]

    def judge(
        self, token: bytes, observer: RequestObserver = NULL_OBSERVER, address: str | None = None
    ) -> tuple[Verdict, str]:
        """The verdict that answers evidence from `address`, as claims and as the signed token. Raises ServiceError."""
        [answer] = self.judge_group([VerdictRequest(token, observer, address)])
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def judge_group(self, requests: Sequence[VerdictRequest]) -> list[Answer | BaseException]:
        """For each of `requests` its verdict, or why it has none: a ServiceError, or an error of this program.

        All verdicts are recorded by one commit, after which they are returned. If it fails, no nonce is spent.
        """
        group = [
            GroupedRequest(each.observer, self._appraiser.appraise(each.token, each.observer, each.address))
            for each in requests
        ]
        open_ = group
        while open_:
            recognized = advance(open_, lambda each: each.nonce is not None)
            first, open_ = first_of_each_nonce(recognized)
            outage = self._record(advance(first, lambda each: each.found is not None))
            if outage is not None:  # each further attempt may wait as long for a lock
                for each in open_:
                    each.answer = outage
                break
            self._remember_repeated(first, open_)
        return [_answer(each) for each in group]

    def check(self) -> None:
        """Raises ServiceError if no verdict could be signed now. Nothing is written."""
        try:
            self._appraiser.check()
            with self._store.reading() as reading:
                self._key(reading)
        except (EvidenceError, StoreUnavailableError, KeyRepositoryError, ClockError) as error:
            raise ServiceError.of(error) from error

    def check_store(self) -> None:
        """Write durably. Raises ServiceError if no verdict could be recorded now."""
        try:
            self._store.check()
        except StoreUnavailableError as error:
            raise ServiceError.of(error) from error

    def warm_up(self) -> None:
        """Load what judging needs and nothing else has loaded: polygons, the policy in force, and a key that signs.

        So the first verdict is as quick as the next ones. What is not available now is loaded when it is needed.
        """
        zone_at(0.0, 0.0)
        with suppress(StoreUnavailableError):
            _ = self.policy
        with suppress(ServiceError):
            self.check()

    @property
    def signing_context(self) -> SigningContext:
        """The parts that build and sign verdicts."""
        return SigningContext(
            self._issuer, self._audience, self._key, self._pseudonyms, self._unchecked_clock, self._random
        )

    @property
    def store(self) -> Store:
        """The store of devices and verdicts."""
        return self._store

    def in_force(self, reading: Reading) -> Policy:
        """The policy in force, according to `reading`."""
        return self._in_force.read(reading)

    @property
    def policy(self) -> Policy:
        """The policy in force now. Raises StoreUnavailableError."""
        with self._store.reading() as reading:
            return self._in_force.read(reading)

    def enroll(self, imei: str, activation: Activation, *, sale_region: str = UNKNOWN_REGION) -> str:
        """Record an activation from another source, and return the device's pseudonym.

        A known device keeps its serial. Raises StoreUnavailableError.
        """
        sub = self._pseudonyms.device(imei)
        with self._store.transaction() as transaction:
            known = transaction.device(sub) or Device(sub, None, sale_region, None, 0)
            device = shipped([(known, imei)], transaction)[sub]
            transaction.put_device(replace(device, activation=activation))
        return sub

    def _remember_repeated(self, first: list[GroupedRequest], repeated: list[GroupedRequest]) -> None:
        """The signatures of a repeated request are not checked if the first one got a verdict."""
        nonces = {each.nonce for each in repeated}
        for each in first:
            if each.nonce in nonces and not isinstance(each.answer, BaseException):
                self._appraiser.spent.add(each.appraised.nonce, each.appraised.now)

    def _record(self, group: list[GroupedRequest]) -> BaseException | None:
        """Answer `group`, by one commit; each by its own commit if one of them cannot be recorded.

        Returns the error if nothing can be recorded now.
        """
        error = outcome(self._commit, group) if group else None
        outage: BaseException | None = None
        if isinstance(error, OUTAGE_ERRORS) and not isinstance(error, ConstraintError):
            outage = error
        if error and not outage and len(group) > 1:
            for each in group:
                outage = outage or self._record([each])
        for each in group:
            each.answer = each.answer or outage or error
        return outage

    def _commit(self, group: list[GroupedRequest]) -> None:
        """Spend the nonces of `group`, which differ, and record the verdicts on those that were not spent before.

        Two servers that judge the same nonces and devices take them in the same order, so they cannot deadlock:
        first all nonces, then the devices, at last the counter of unattested ones.
        """
        end_step(group, JudgingStep.WAIT)
        nonces = sorted((each.appraised.nonce for each in group), key=attrgetter("value"))
        with self._store.transaction() as transaction:
            fresh = transaction.spend_nonces(nonces, group[0].appraised.now)
            unspent = [each for each in group if each.appraised.nonce.value in fresh]
            answers = self._verdicts(unspent, transaction) if unspent else []
        end_step(group, JudgingStep.COMMIT)
        for each, answer in zip(unspent, answers, strict=True):
            each.answer = answer
        for each in group:
            if each.answer is None:
                # The next time, it is known before the costly steps.
                self._appraiser.spent.add(each.appraised.nonce, each.appraised.now)
                each.answer = outcome(_spent_before, each.observer)

    def _verdicts(self, group: list[GroupedRequest], transaction: Transaction) -> list[Answer]:
        """The verdicts on `group`, whose nonces are spent, in its order."""
        key, policy = self._key(transaction), self._in_force.establish(transaction)
        appraised = [each.appraised.knowing(policy.boot_keys) for each in group]
        devices = devices_of(appraised, transaction)
        end_step(group, JudgingStep.STORE)
        verdicts = []
        for each, found in zip(group, appraised, strict=True):
            each.observer.record_step(JudgingStep.WAIT)
            device = devices.get(found.sub or "")
            verdicts.append(self._decide(found, device, policy, transaction))
            if device:
                devices[device.sub] = device_after(device, verdicts[-1], found.evidence)
            each.observer.record_step(JudgingStep.DECIDE)
        tokens = []
        for each, verdict in zip(group, verdicts, strict=True):
            each.observer.record_step(JudgingStep.WAIT)
            tokens.append(key.sign(verdict))
            each.observer.record_step(JudgingStep.SIGN)
        end_step(group, JudgingStep.WAIT)
        answers = list(zip(verdicts, tokens, strict=True))
        transaction.append_verdicts(
            record_of(found, *answer, self._pseudonyms)
            for found, answer in zip(appraised, answers, strict=True)
            if found.sub in devices
        )
        transaction.put_devices(devices.values())
        end_step(group, JudgingStep.STORE)
        return answers

    def _decide(
        self, appraised: Appraised, device: Device | None, policy: Policy, transaction: Transaction
    ) -> Verdict:
        context = self._context(appraised, device, transaction)
        case = case_of(appraised, device)
        operator = device and (device.next_answer or device.override)
        rule = operator.rule(appraised.now) if operator else policy.decide(case)
        return build_verdict(context, case, policy, rule)

    def _context(
        self, appraised: Appraised, device: Device | None, transaction: Transaction
    ) -> VerdictContext:
        sub = device.sub if device else self._pseudonyms.unattested(appraised.thumbprint)
        override = device and (device.next_answer or device.override)
        # All unattested devices share one serial: remembering each of them would let strangers fill the disk.
        newest = device.last_serial if device else transaction.next_unattested_serial() - 1
        return VerdictContext(
            issuer=self._issuer,
            audience=self._audience,
            sub=sub,
            thumbprint=appraised.thumbprint,
            nonce=appraised.evidence.eat_nonce,
            jti=self._random(16).hex(),
            serial=next_serial(newest, appraised.evidence),
            case=override.case if override else self._pseudonyms.case(sub),
        )


def _spent_before(observer: RequestObserver) -> ServiceError:
    """The answer to a request whose nonce was spent before. Raises RateExceededError."""
    observer.check_unattested()
    return ServiceError(ProblemCode.CHALLENGE_SPENT, NONCE_SPENT)


def _answer(request: GroupedRequest) -> Answer | BaseException:
    """The answer, a ServiceError in place of an error that is none of this program."""
    if request.answer is None:
        raise AssertionError("every request of a group is answered")
    return ServiceError.of(request.answer) if isinstance(request.answer, _RequestError) else request.answer

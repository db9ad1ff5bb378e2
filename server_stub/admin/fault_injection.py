"""The faults that operators inject into responses, for tests of clients.

A fault is a row of the store. Each injection is counted there before the response is changed, in a transaction of its
own: a fault is never injected more often than its count, by however many processes and threads, before and after a
restart. A verdict is decided, recorded and signed first, so the records hold the intended verdict.
"""

import base64
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from server_stub.evidence.challenges import Challenger
from server_stub.faults.catalogue import FaultKind, Route
from server_stub.key_repository import KeyRepository
from server_stub.signing.signing_key import SigningKey
from server_stub.store.records import InjectedFault
from server_stub.store.transaction import Transaction
from server_stub.verdicts.service import VerdictService
from wire.key_repository import METADATA_PATH
from wire.limits import NONCE_LIFETIME
from wire.verdict import Verdict

DELAY_MAX: Final = 300
"""The longest delay in seconds: longer than any device waits."""

COUNT_MAX: Final = 1_000_000
FAULTS_MAX: Final = 1000
"""Most faults that are not used up."""

REFRESH_SECONDS: Final = 0.2
"""Each process reads the faults again after this time."""

_MADE: Final = frozenset({FaultKind.REPLAYED, FaultKind.WRONG_KEY, FaultKind.EXPIRED, FaultKind.OLD_SERIAL})
"""The server makes another body for these, and cannot always."""
_TIMESTAMP: Final = f"{METADATA_PATH}timestamp.json"
_LONG_AGO: Final = 7 * 86_400
_DRAW_BYTES: Final = 7


@dataclass(frozen=True, slots=True)
class HonestAnswer:
    """What the server would send. `earlier` is another body that it sent for this path before, if it is known.

    `verdict` and `evidence` are those of an answered request for a verdict.
    """

    route: Route
    path: str
    verdict: Verdict | None = None
    evidence: bytes = field(default=b"", repr=False)
    earlier: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Injection:
    """A fault that was counted. `body` is the wrong one that the server made, None for other kinds."""

    fault: InjectedFault
    body: bytes | None = field(repr=False)


class Faults:
    """The faults of `service`, and of `repository` if it publishes one. Thread-safe.

    `known` is what this process has read last: it decides whether to look, and the store decides. `shared` says that
    other processes serve from this store.
    """

    def __init__(
        self, service: VerdictService, repository: KeyRepository | None, *, shared: bool = False
    ) -> None:
        self._shared = shared
        self._service = service
        self._repository = repository
        self.random: Final = service.signing_context.random
        self._lock = Lock()
        self.known: tuple[InjectedFault, ...] = ()

    def refresh(self) -> None:
        """Read the faults. Raises StoreUnavailableError."""
        with self._service.store.reading() as reading:
            faults = reading.faults()
        with self._lock:
            self.known = faults

    def added(self) -> None:
        """Return when every process injects a fault that was committed. Raises StoreUnavailableError."""
        self.refresh()
        if self._shared:
            time.sleep(REFRESH_SECONDS)

    def clear(self) -> None:
        """Delete all faults."""
        with self._service.store.transaction() as transaction:
            for fault in transaction.faults():
                transaction.delete_fault(fault.id)
        self.refresh()

    def inject(self, answer: HonestAnswer, possible: Callable[[FaultKind], bool]) -> Injection | None:
        """The fault for this answer, None if there is none.

        `possible` says which kinds the connection allows now. Faults are tried in the order in which they were added.
        Raises StoreUnavailableError, KeyRepositoryError or ClockError, and then counts nothing.
        """
        sub = answer.verdict.sub if answer.verdict else None
        for fault in self.known:
            if fault.route is not answer.route or fault.device not in (None, sub):
                continue
            if not possible(fault.kind) or not self._drawn(fault.probability):
                continue
            with self._service.store.transaction() as transaction:
                body = self._body(fault.kind, answer, transaction) if fault.kind in _MADE else None
                if body is None and fault.kind in _MADE:
                    continue
                used = transaction.use_fault(fault.id)
            self._note(fault, fault.used + 1 if used else fault.count)
            if used:
                return Injection(fault, body)
        return None

    def _note(self, fault: InjectedFault, used: int) -> None:
        with self._lock:
            self.known = tuple(
                replace(each, used=used) if each.id == fault.id else each
                for each in self.known
                if each.id != fault.id or used < fault.count
            )

    def _drawn(self, probability: float) -> bool:
        """Whether to inject; draws a random number only if it decides."""
        return probability >= 1 or int.from_bytes(self.random(_DRAW_BYTES)) < probability * 256**_DRAW_BYTES

    def _body(self, kind: FaultKind, answer: HonestAnswer, transaction: Transaction) -> bytes | None:
        """The wrong body, None if there cannot be one now: a replay before the first answer, or no older version."""
        if answer.verdict is not None:
            wrong = self._wrong_verdict(kind, answer.verdict, answer.evidence, transaction)
            return wrong.encode() if wrong else None
        if kind is FaultKind.REPLAYED:
            return answer.earlier
        if answer.route is Route.CHALLENGES:
            return self._wrong_challenge(kind)
        if self._repository is None or answer.path != _TIMESTAMP:
            return None
        return self._repository.wrong_timestamp(kind, self._key(), within=transaction)

    def _wrong_verdict(
        self, kind: FaultKind, verdict: Verdict, evidence: bytes, transaction: Transaction
    ) -> str | None:
        if kind is FaultKind.WRONG_KEY:
            return SigningKey.of(self._key()).sign(verdict)
        wrong: Verdict | None
        if kind is FaultKind.EXPIRED:
            times = {name: getattr(verdict, name) - _LONG_AGO for name in ("iat", "nbf", "exp")}
            wrong = verdict.model_copy(update=times)
        elif kind is FaultKind.OLD_SERIAL:
            serial = _serial_of(evidence)
            wrong = verdict.model_copy(update={"serial": serial}) if serial else None
        else:
            records = transaction.history(verdict.sub, limit=2).items
            # A verdict whose claims were not stored, or were pruned, has no issuer.
            wrong = next((each.verdict for each in records if each.verdict.jti != verdict.jti), None)
            wrong = wrong if wrong and wrong.iss else None
        return self._service.signing_context.key(transaction).sign(wrong) if wrong else None

    def _wrong_challenge(self, kind: FaultKind) -> bytes:
        if kind is FaultKind.EXPIRED:
            challenge = self._service.challenge(age=2 * NONCE_LIFETIME)
        else:
            challenge = Challenger(self.random(32), self.random).issue(self._service.signing_context.clock())
        return challenge.model_dump_json().encode()

    def _key(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.random(32))


def _serial_of(evidence: bytes) -> int | None:
    """The serial of the verdict that the device has, from its verified evidence; None if it has none."""
    payload = evidence.split(b".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + b"=" * (-len(payload) % 4)))
    serial: int | None = claims.get("last_verdict", {}).get("serial")
    return serial

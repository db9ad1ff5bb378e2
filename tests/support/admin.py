"""A server with its admin API on a real port, and a minimal client."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import requests

from lab.attacks.harness.environment import ResettableStore
from lab.manufacturer.key_rotation import KeyRotationHistory
from server_stub.admin.context import PREFIX, AdminContext
from server_stub.admin.keys import KeyAdmin
from server_stub.api.logs import Log
from server_stub.key_repository import VerdictSigner
from server_stub.policies.loading import shipped
from server_stub.server import ServerThread
from server_stub.store.records import AuditEntry, AuditQuery, Device, InForce, PolicyVersion
from server_stub.store.transaction import Store
from server_stub.verdicts.service import VerdictService
from tests.support.server_phone import IMEI, MANUFACTURER, NOW, Clock, Phone, Randomness, facts, ueid


@dataclass
class Operated:
    """A server and the operator's token."""

    origin: str
    service: VerdictService
    parts: AdminContext
    clock: Clock
    token: str = field(repr=False)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> requests.Response:
        """One request below `/admin/v1`; header names are written with underscores."""
        told = {"Authorization": f"Bearer {self.token}"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        url = self.origin + PREFIX + path
        return requests.request(method, url, json=body, headers=told, timeout=60)

    def get(self, path: str) -> Any:
        """The JSON of a successful GET."""
        answer = self.ask("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def done(self, path: str, body: Any, **headers: str) -> Any:
        """The JSON of a successful write."""
        answer = self.ask("POST", path, body, **headers)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    def refused(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, str]:
        """Status and code of a rejected request, which must have a complete problem document."""
        answer = self.ask(method, path, body, **headers)
        problem = answer.json()
        assert answer.headers["Content-Type"] == "application/problem+json", answer.text
        assert problem["status"] == answer.status_code
        assert problem["instance"] == f"urn:uuid:{answer.headers['X-Request-Id']}"
        return answer.status_code, problem["code"]

    def activate(self, imei: str = IMEI, **claims: Any) -> str:
        """Request a verdict for a device, and return its pseudonym."""
        phone = Phone(boot=facts(imeis=(imei,)))
        nonce = self.service.challenge().nonce
        return self.service.judge(phone.evidence(nonce, ueid=ueid(imei), **claims))[0].sub

    def know(self, count: int) -> list[str]:
        """Put this many devices without requests into the store."""
        devices = [Device(f"d-{number:032x}", None, "global", None, 0) for number in range(count)]
        with self.parts.store.transaction() as transaction:
            for device in devices:
                transaction.put_device(device)
        return [device.sub for device in devices]

    def forget(self) -> None:
        """Reset the server to its state after the start; starting a new one would take longer."""
        store, policy = self.parts.store, shipped()
        assert isinstance(store, ResettableStore)
        with store.reading() as reading:
            token_hash = reading.admin_token_hash() or ""
        store.begin()
        document = policy.document
        with store.transaction() as transaction:
            transaction.set_admin_token_hash(token_hash)
            transaction.put_policy(PolicyVersion(document.id, document.version, policy.text, NOW, "server"))
            transaction.put_in_force(InForce(document.id, document.version, NOW, "server", "started"))
        self.parts.faults.clear()
        self.clock.now = NOW
        self.service._in_force._known = None

    def audit(self) -> list[AuditEntry]:
        """All audit entries, oldest first."""
        with self.parts.store.reading() as reading:
            return list(reversed(reading.audit(AuditQuery(), limit=1000).items))


@contextmanager
def operated(store: Store | None = None, log: Log | None = None) -> Iterator[Operated]:
    """The server of the tests' manufacturer."""
    clock, random, store = Clock(), Randomness(), store or ResettableStore()
    keys = MANUFACTURER.secrets.signing_keys
    repository, history = (
        MANUFACTURER.ceremony.open(store, keys, clock),
        KeyRotationHistory(MANUFACTURER, keys),
    )
    service = VerdictService(
        secrets=MANUFACTURER.secrets,
        policy=shipped(),
        store=store,
        issuer=MANUFACTURER.issuer,
        audience=MANUFACTURER.audience,
        clock=clock,
        random=random,
        key=VerdictSigner(history.keyring, repository.keys, clock).key,
    )
    parts = AdminContext.of(service, keys=KeyAdmin(repository, history.keyring, history.successor, clock))
    token = parts.tokens.first() or ""
    with ServerThread(service, repository=repository, admin=parts, log=log) as server:
        yield Operated(server.origin, service, parts, clock, token)

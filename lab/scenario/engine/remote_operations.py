"""Operates a remote server by its admin API, and a world of a server of the lab by `/lab/v1/worlds` too."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import requests

from lab.api.world_time import WORLDS, WorldTime
from lab.backend.admin_requests import admin_response
from lab.manufacturer.manufacturer import Manufacturer
from lab.scenario.engine.operations import BY, DeviceRecord, StepError
from lab.scenario.engine.remote_session import RemoteSession, RemoteWorld
from lab.scenario.model.named_files import policy_text
from lab.scenario.model.server_steps import IssueCode
from server_stub.admin.context import PREFIX
from server_stub.admin.devices import Act
from server_stub.admin.policies import renumbered
from server_stub.policy.policy import Policy
from server_stub.signing import Algorithm
from wire.codes import Decision
from wire.unlock import UnlockChallenge

_PAGE: Final = 1000

_FAULT_MEMBERS: Final = ("kind", "route", "device", "probability", "delay", "status", "retry_after")
_NO_ACCESS: Final = "a remote server gives no access to its records"
_NO_RESTART: Final = "a remote server cannot be restarted"


Members = dict[str, Any] | None
"""A JSON object, or headers."""

_ENDS: Final[list[Callable[[], None]]] = []


@contextmanager
def _at_the_end(end: Callable[[], None]) -> Iterator[None]:
    """Calls `end` after the block, or in `end_abandoned`, perhaps a second time."""
    _ENDS.append(end)
    try:
        yield
    finally:
        try:
            end()
        finally:
            _ENDS.remove(end)


def end_abandoned() -> None:
    """Give servers back what scenarios have changed whose blocks do not end because this process does."""
    for end in reversed(_ENDS):
        with suppress(StepError):
            end()


@dataclass(frozen=True, slots=True)
class AdminOperations:
    """The methods of `LocalOperations` over the admin API of the server at `url`.

    A scenario has a `world` there, or a `session`. `manufacturer` is that of the seed of the run.
    """

    url: str
    token: str = field(repr=False)
    session: RemoteSession | None = None
    world: RemoteWorld | None = None
    manufacturer: Manufacturer | None = field(default=None, repr=False)

    def has_worlds(self) -> bool:
        """Whether this is the server of a lab. Raises StepError if it is unreachable."""
        return self._request("GET", "/lab/v1/clock").status_code != 404

    @contextmanager
    def in_world(
        self, policy: Policy, algorithm: Algorithm, clock: Callable[[], WorldTime], manufacturer: Manufacturer
    ) -> Iterator["AdminOperations"]:
        """The operations for one scenario in a world of its own, which is removed at the end."""
        began = clock()
        body = {"policy": policy.text, "algorithm": algorithm, "now": began.now, "ahead": began.ahead}
        made = _json(self._request("POST", WORLDS, body))
        name = made["world"]
        with _at_the_end(lambda: self._remove(name)):
            if made["root_sha256"] != sha256(manufacturer.ceremony.pinned_root).hexdigest():
                raise StepError("the server has another seed than this run; give both the same --seed")
            yield replace(self, world=RemoteWorld(name, clock), manufacturer=manufacturer)

    @contextmanager
    def shared(self) -> Iterator["AdminOperations"]:
        """The operations for one scenario on a server that has one world only.

        Faults are cleared first. At the end they are there again, and the policy that was in force is in force.
        """
        known = self._call("GET", "/policies")["items"]
        floor = max((each["version"] for each in known), default=0) + 1
        faults = self._call("POST", "/faults/clear", {"reason": BY})["items"]
        with _at_the_end(lambda: self._give_back(known, faults)):
            yield replace(self, session=RemoteSession(floor))

    def _remove(self, world: str) -> None:
        with suppress(StepError):  # the server has stopped, and its worlds with it
            self._request("DELETE", f"{WORLDS}/{world}")

    def _give_back(self, known: list[dict[str, Any]], faults: list[dict[str, Any]]) -> None:
        """Put the policy of `known` that was in force in force again, and inject `faults` again."""
        for policy in known:
            if policy["in_force"]:
                text = self._call("GET", f"/policies/{quote(policy['id'])}/{policy['version']}")["text"]
                versions = [each["version"] for each in self._call("GET", "/policies")["items"]]
                self._adopt(renumbered(text, max(versions) + 1), BY)
        self._call("POST", "/faults/clear", {"reason": BY})  # those of an attempt that was interrupted
        for fault in faults:
            again = {
                name: value for name, value in fault.items() if name in _FAULT_MEMBERS and value is not None
            }
            self._call("POST", "/faults", again | {"count": fault["remaining"], "reason": BY})

    def decide(self, act: Act, imei: str, case: str | None, reason: str) -> None:
        """Lock, unlock or release a device, or let the policy decide again."""
        body = {"reason": reason} | ({"case": case} if case else {})
        self._call("POST", f"/devices/{quote(self.subject_of(imei))}/{act}", body)

    def issue_code(self, challenge: UnlockChallenge, step: IssueCode) -> bytes:
        """An unlock code for a challenge."""
        case = {"case": step.case} if step.case else {}
        body = {"challenge": challenge.text(), "reason": step.reason, "undelivered": step.undelivered, **case}
        token: str = self._call("POST", "/unlock-codes", body)["token"]
        return token.encode()

    def put_in_force(self, policy: str, folder: Path, reason: str) -> None:
        """Upload a policy if the server does not have it, and put it in force."""
        text = policy_text(policy, folder)
        self._adopt(self.session.policy(text) if self.session else text, reason)

    def _adopt(self, text: str, reason: str) -> None:
        document = Policy.parse(text, "policy.toml").document
        path = f"/policies/{quote(document.id)}/{document.version}"
        known = self._send("GET", path)
        if known.status_code == 404:
            known = self._send("PUT", path, {"text": text, "reason": reason})
        _json(known)
        self._call("POST", f"{path}/put-in-force", {"reason": reason}, {"If-Match": known.headers["ETag"]})

    def start_campaign(self, name: str, reason: str) -> None:
        """Begin a campaign."""
        self._call("POST", "/campaigns", {"id": self._campaign(name), "reason": reason})

    def lift_campaign(self, name: str, reason: str) -> None:
        """Lift a campaign."""
        self._call("POST", f"/campaigns/{quote(self._campaign(name))}/lift", {"reason": reason})

    def rotate_key(self) -> None:
        """Replace the verdict key that signs by a new one."""
        self._call("POST", f"/keys/{quote(self.signing_kid())}/rotate", {"reason": BY})

    def revoke_key(self) -> None:
        """Revoke the verdict key that signs. On a shared server a new one replaces it, also for later scenarios."""
        revoked = self.signing_kid()
        if self.world is None:
            self.rotate_key()
        self._call("POST", f"/keys/{quote(revoked)}/revoke", {"reason": BY})

    def signing_kid(self) -> str:
        """The name of the verdict key that signs. Raises StepError if none does."""
        return str(self._signing_key()["kid"])

    def root(self) -> bytes:
        """The newest root of the key repository."""
        return str(self._call("GET", "/keys/root")["root"]).encode()

    def replace_online_keys(self) -> None:
        """Publish a root that names new online keys, in a world. Raises StepError elsewhere."""
        if self.world is None or self.manufacturer is None:
            raise StepError("the root keys of a remote server are not here", skips=True)
        root = self.manufacturer.ceremony.replacement(self.root()).decode()
        self._call("POST", "/keys/root", {"root": root, "reason": BY})

    def accept_clock(self, reason: str) -> None:
        """Accept the server's clock as it is."""
        self._call("POST", "/clock/accept", {"reason": reason})

    def restart(self) -> None:
        """Restart the server of a world. Raises StepError elsewhere."""
        self._in_world("restart", _NO_RESTART)

    def backup(self) -> bytes:
        """The number of a copy of a world's records. Raises StepError elsewhere."""
        return str(self._in_world("backups", _NO_ACCESS)["backup"]).encode()

    def restore(self, records: bytes | None) -> None:
        """Let a world continue with a copy of its records, or with none. Raises StepError elsewhere."""
        self._in_world("restore", _NO_ACCESS, {} if records is None else {"backup": int(records)})

    def audit(self) -> list[dict[str, Any]]:
        """All entries of the audit log, oldest first, except those of policies that are uploaded."""
        found: list[dict[str, Any]] = []
        cursor = ""
        while True:
            page = self._call("GET", f"/audit?limit={_PAGE}{cursor}")
            found += page["items"]
            if page["next"] is None:
                own = self.token.partition(".")[0]
                entries = [
                    {**entry, "actor": BY} if entry["actor"] == own else entry
                    for entry in sorted(found, key=lambda entry: int(entry["id"]))
                    if entry["action"] != "policy.put"
                ]
                return self.session.entries(entries) if self.session else entries
            cursor = f"&cursor={quote(page['next'])}"

    def subject_of(self, imei: str) -> str:
        """The pseudonym of a device."""
        return str(self._call("POST", "/devices/find", {"imei": imei})["sub"])

    def device(self, imei: str) -> DeviceRecord | None:
        """The record of a device, or None."""
        response = self._send("POST", "/devices/find", {"imei": imei})
        if response.status_code == 404:
            return None
        found = _json(response)
        override = Decision(found["override"]["decision"]) if found["override"] else None
        return DeviceRecord(found["activation_territory"], found["sale_region"], override, found["locked"])

    def algorithm(self) -> str:
        """The algorithm of the key that signs verdicts now."""
        return str(self._signing_key()["alg"])

    def _campaign(self, name: str) -> str:
        return self.session.campaign(name) if self.session else name

    def _signing_key(self) -> dict[str, Any]:
        keys = self._call("GET", "/keys")["items"]
        found: dict[str, Any] | None = next((key for key in keys if key["signs"]), None)
        if found is None:
            raise StepError("no verdict key signs now")
        return found

    def _call(self, method: str, path: str, body: Members = None, headers: Members = None) -> Any:
        return _json(self._send(method, path, body, headers))

    def _send(
        self, method: str, path: str, body: Members = None, headers: Members = None
    ) -> requests.Response:
        return self._request(method, PREFIX + path, body, headers)

    def _in_world(self, operation: str, otherwise: str, body: Members = None) -> Any:
        """Do an operation of the world. Raises StepError, without a world with the reason `otherwise`."""
        if self.world is None:
            raise StepError(otherwise, skips=True)
        return _json(self._request("POST", f"{WORLDS}/{self.world.name}/{operation}", body))

    def _request(
        self, method: str, path: str, body: Members = None, headers: Members = None
    ) -> requests.Response:
        """The response, as soon as the rate of the server permits it."""
        world = self.world.headers() if self.world else {}
        all_headers = {**world, **(headers or {})}
        address = self.url.rstrip("/") + path
        try:
            while True:
                with admin_response(method, address, self.token, all_headers, json=body) as response:
                    if response.status_code != 429:
                        return response
                time.sleep(int(response.headers["Retry-After"]))
        except OSError as error:  # also every RequestException
            raise StepError(f"the admin API of the server is unreachable: {type(error).__name__}") from None


def _json(response: requests.Response) -> Any:
    """The JSON of a response. Raises StepError with the code and detail of a problem document."""
    try:
        body = response.json() if response.content else {}
    except requests.JSONDecodeError:
        body = {}
    if response.ok:
        return body
    problem = f"{body.get('code', 'no-code')}: {body.get('detail', 'no problem document')}"
    raise StepError(f"the server answered {response.status_code} {problem}")

"""Operates a remote server by its admin API, and by `/lab/v1` if it is the server of a lab."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import requests

from lab.scenario.engine.operations import BY, DeviceRecord, StepError, policy_text
from lab.scenario.engine.remote_session import RemoteSession
from lab.scenario.model.server_steps import IssueCode, OperatorStep
from server_stub.admin.context import PREFIX
from server_stub.admin.devices import Act
from server_stub.admin.policies import renumbered
from server_stub.policy.policy import Policy
from wire.codes import Decision
from wire.unlock import UnlockChallenge

_TIMEOUT: Final = 60
"""Seconds."""

_PAGE: Final = 1000

_LAB_CLOCK: Final = "/lab/v1/clock"
_MARGIN: Final = 2
"""Seconds by which a scenario begins after the present: entries that were made before have an earlier time."""

_FAULT_MEMBERS: Final = ("kind", "route", "device", "probability", "delay", "status", "retry_after")
_NO_ACCESS: Final = "a remote server gives no access to its records"


@dataclass(frozen=True, slots=True)
class AdminOperations:
    """The methods of `LocalOperations` over the admin API of the server at `url`."""

    url: str
    token: str = field(repr=False)
    session: RemoteSession | None = None

    def test_clock(self) -> int | None:
        """The time of the server of a lab, None for another server. Raises StepError."""
        response = self._request("GET", _LAB_CLOCK)
        return None if response.status_code == 404 else int(_json(response)["now"])

    @contextmanager
    def used_by_scenario(self, clock: Callable[[], int]) -> Iterator["AdminOperations"]:
        """The operations for one scenario, whose server has the time `clock()` by the scenario's dates.

        Faults are cleared first. At the end they are there again, and the policy that was in force is in force.
        """
        lab_time = self.test_clock()
        began = (int(time.time()) if lab_time is None else lab_time) + _MARGIN
        known = self._call("GET", "/policies")["items"]
        floor = max((each["version"] for each in known), default=0) + 1
        move = None if lab_time is None else self._move_clock
        used = replace(self, session=RemoteSession(clock, began, floor, move))
        faults = self._call("POST", "/faults/clear", {"reason": BY})["items"]
        try:
            yield used
        finally:
            used.give_back(known, faults)

    def give_back(self, known: list[dict[str, Any]], faults: list[dict[str, Any]]) -> None:
        """Put the policy of `known` that was in force in force again, and inject `faults` again."""
        for policy in known:
            if policy["in_force"]:
                text = self._call("GET", f"/policies/{quote(policy['id'])}/{policy['version']}")["text"]
                versions = [each["version"] for each in self._call("GET", "/policies")["items"]]
                self._adopt(renumbered(text, max(versions) + 1), BY)
        for fault in faults:
            again = {
                name: value for name, value in fault.items() if name in _FAULT_MEMBERS and value is not None
            }
            self._call("POST", "/faults", again | {"count": fault["remaining"], "reason": BY})

    def decide(self, act: Act, imei: str, step: OperatorStep | None, reason: str) -> None:
        """Lock, unlock or release a device, or let the policy decide again."""
        case = {"case": step.case} if step and step.case else {}
        self._call("POST", f"/devices/{quote(self.subject_of(imei))}/{act}", {"reason": reason, **case})

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
        kid = self._signing_key()["kid"]
        self._call("POST", f"/keys/{quote(kid)}/rotate", {"reason": BY})

    def revoke_key(self) -> None:
        """Revoke the verdict key that signs. A new one of its algorithm replaces it, also for later scenarios."""
        revoked = self._signing_key()["kid"]
        self.rotate_key()
        self._call("POST", f"/keys/{quote(revoked)}/revoke", {"reason": BY})

    def replace_online_keys(self) -> None:
        """Raises StepError: not possible from here."""
        raise StepError("the root keys of a remote server are not here", skips=True)

    def accept_clock(self, reason: str) -> None:
        """Accept the server's clock as it is."""
        self._call("POST", "/clock/accept", {"reason": reason})

    def restart(self) -> None:
        """Raises StepError: not possible from here."""
        raise StepError("a remote server cannot be restarted", skips=True)

    def backup(self) -> bytes:
        """Raises StepError: not possible from here."""
        raise StepError(_NO_ACCESS, skips=True)

    def restore(self, records: bytes | None) -> None:  # noqa: ARG002 - the port's signature
        """Raises StepError: not possible from here."""
        raise StepError(_NO_ACCESS, skips=True)

    def audit(self) -> list[dict[str, Any]]:
        """All entries of the audit log since the scenario began, oldest first."""
        found: list[dict[str, Any]] = []
        since = f"&since={self.session.began}" if self.session and self.session.move else ""
        cursor = ""
        while True:
            page = self._call("GET", f"/audit?limit={_PAGE}{since}{cursor}")
            found += page["items"]
            if page["next"] is None:
                entries = sorted(found, key=lambda entry: int(entry["id"]))
                if self.session is None:
                    return entries
                own = self.token.partition(".")[0]
                named = ({**entry, "actor": BY} if entry["actor"] == own else entry for entry in entries)
                return self.session.entries(named)
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

    def _move_clock(self, now: int) -> None:
        response = self._request("PUT", _LAB_CLOCK, {"now": now, "reason": BY})
        if response.status_code != 409:  # otherwise real time has passed, and it is later already
            _json(response)

    def _signing_key(self) -> dict[str, Any]:
        keys = self._call("GET", "/keys")["items"]
        found: dict[str, Any] | None = next((key for key in keys if key["signs"]), None)
        if found is None:
            raise StepError("no verdict key signs now")
        return found

    def _call(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Any:
        return _json(self._send(method, path, body, headers))

    def _send(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> requests.Response:
        if self.session is not None:
            self.session.follow()
        return self._request(method, PREFIX + path, body, headers)

    def _request(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> requests.Response:
        """The response, as soon as the rate of the server permits it."""
        all_headers = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        address = self.url.rstrip("/") + path
        try:
            while True:
                response = requests.request(method, address, json=body, headers=all_headers, timeout=_TIMEOUT)
                if response.status_code != 429:
                    return response
                time.sleep(int(response.headers["Retry-After"]))
        except requests.RequestException as error:
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

"""Operates a remote server by its admin API."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import requests

from lab.scenario.engine.operations import DeviceRecord, StepError, policy_text
from lab.scenario.model.server_steps import IssueCode, OperatorStep
from server_stub.admin.context import PREFIX
from server_stub.admin.devices import Act
from server_stub.policy.policy import Policy
from wire.codes import Decision
from wire.unlock import UnlockChallenge

_TIMEOUT: Final = 60
"""Seconds."""

_PAGE: Final = 1000


@dataclass(frozen=True, slots=True)
class AdminOperations:
    """The methods of `LocalOperations` over the admin API of the server at `url`."""

    url: str
    token: str = field(repr=False)

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
        document = Policy.parse(text, policy).document
        path = f"/policies/{quote(document.id)}/{document.version}"
        known = self._send("GET", path)
        if known.status_code == 404:
            known = self._send("PUT", path, {"text": text, "reason": reason})
        _json(known)
        self._call("POST", f"{path}/put-in-force", {"reason": reason}, {"If-Match": known.headers["ETag"]})

    def start_campaign(self, name: str, reason: str) -> None:
        """Begin a campaign."""
        self._call("POST", "/campaigns", {"id": name, "reason": reason})

    def lift_campaign(self, name: str, reason: str) -> None:
        """Lift a campaign."""
        self._call("POST", f"/campaigns/{quote(name)}/lift", {"reason": reason})

    def rotate_key(self) -> None:
        """Replace the verdict key that signs by a new one."""
        self._call("POST", f"/keys/{quote(self._signing_key())}/rotate", {"reason": "scenario"})

    def revoke_key(self) -> None:
        """Revoke the verdict key that signs."""
        self._call("POST", f"/keys/{quote(self._signing_key())}/revoke", {"reason": "scenario"})

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
        raise StepError("a remote server gives no access to its records", skips=True)

    def restore(self, records: bytes | None) -> None:  # noqa: ARG002 - the port's signature
        """Raises StepError: not possible from here."""
        raise StepError("a remote server gives no access to its records", skips=True)

    def audit(self) -> list[dict[str, Any]]:
        """All entries of the audit log, oldest first."""
        found: list[dict[str, Any]] = []
        cursor = ""
        while True:
            page = self._call("GET", f"/audit?limit={_PAGE}{cursor}")
            found += page["items"]
            if page["next"] is None:
                return sorted(found, key=lambda entry: int(entry["id"]))
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

    def _signing_key(self) -> str:
        keys = self._call("GET", "/keys")["items"]
        found = next((key["kid"] for key in keys if key["signs"]), None)
        if found is None:
            raise StepError("no verdict key signs now")
        return str(found)

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
        all_headers = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        address = self.url.rstrip("/") + PREFIX + path
        try:
            return requests.request(method, address, json=body, headers=all_headers, timeout=_TIMEOUT)
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

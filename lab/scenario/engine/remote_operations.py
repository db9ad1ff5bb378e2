"""Running a server that runs elsewhere: by its admin API, as far as that goes."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import requests

from lab.scenario.engine.operations import CannotError, Known, policy_text
from lab.scenario.model.server_steps import IssueCode, OperatorStep
from server_stub.admin.context import PREFIX
from server_stub.admin.devices import Act
from server_stub.policy.policy import Policy
from wire.codes import Decision
from wire.unlock import UnlockChallenge

_SECONDS: Final = 30
_PAGE: Final = 1000


@dataclass(frozen=True, slots=True)
class AdminOperations:
    """Implements `Operations` over the admin API of the server at `url`."""

    url: str
    token: str = field(repr=False)

    def decide(self, act: Act, imei: str, step: OperatorStep | None, reason: str) -> None:
        """Lock, unlock, release, or let the policy decide again."""
        case = {"case": step.case} if step and step.case else {}
        self._call("POST", f"/devices/{quote(self.subject_of(imei))}/{act}", {"reason": reason, **case})

    def issue_code(self, challenge: UnlockChallenge, step: IssueCode) -> bytes:
        """An unlock code for a challenge."""
        wish: dict[str, Any] = {"challenge": challenge.text(), "reason": step.reason}
        wish |= {"undelivered": step.undelivered} | ({"case": step.case} if step.case else {})
        token: str = self._call("POST", "/unlock-codes", wish)["token"]
        return token.encode()

    def put_in_force(self, policy: str, folder: Path, reason: str) -> None:
        """Put the document on the server, if it is not there, and let it decide."""
        text = policy_text(policy, folder)
        document = Policy.parse(text, policy).document
        path = f"/policies/{quote(document.id)}/{document.version}"
        known = self._answer("GET", path)
        if known.status_code == 404:
            known = self._answer("PUT", path, {"text": text, "reason": reason})
        _told(known)
        self._call("POST", f"{path}/put-in-force", {"reason": reason}, {"If-Match": known.headers["ETag"]})

    def start_campaign(self, name: str, reason: str) -> None:
        """Begin a campaign."""
        self._call("POST", "/campaigns", {"id": name, "reason": reason})

    def lift_campaign(self, name: str, reason: str) -> None:
        """End it."""
        self._call("POST", f"/campaigns/{quote(name)}/lift", {"reason": reason})

    def rotate_key(self) -> None:
        """Let a new verdict key take over."""
        self._call("POST", f"/keys/{quote(self._signing())}/rotate", {"reason": "scenario"})

    def revoke_key(self) -> None:
        """Revoke the verdict key that signs."""
        self._call("POST", f"/keys/{quote(self._signing())}/revoke", {"reason": "scenario"})

    def restart(self) -> None:
        """Nobody can do this from here."""
        raise CannotError("a server that runs elsewhere is not restarted from here", skips=True)

    def backup(self) -> bytes:
        """Nobody can do this from here."""
        raise CannotError("the records of a server that runs elsewhere are out of reach", skips=True)

    def restore(self, records: bytes | None) -> None:  # noqa: ARG002 - the port's signature
        """Nobody can do this from here."""
        raise CannotError("the records of a server that runs elsewhere are out of reach", skips=True)

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
        """The pseudonym."""
        return str(self._call("POST", "/devices/find", {"imei": imei})["sub"])

    def device(self, imei: str) -> Known | None:
        """What the server knows of a phone."""
        answer = self._answer("POST", "/devices/find", {"imei": imei})
        if answer.status_code == 404:
            return None
        told = _told(answer)
        override = Decision(told["override"]["decision"]) if told["override"] else None
        return Known(told["activation_territory"], told["sale_region"], override, told["locked"])

    def _signing(self) -> str:
        keys = self._call("GET", "/keys")["items"]
        found = next((key["kid"] for key in keys if key["signs"]), None)
        if found is None:
            raise CannotError("no verdict key signs now")
        return str(found)

    def _call(
        self, method: str, path: str, body: dict[str, Any] | None = None, more: dict[str, str] | None = None
    ) -> Any:
        return _told(self._answer(method, path, body, more))

    def _answer(
        self, method: str, path: str, body: dict[str, Any] | None = None, more: dict[str, str] | None = None
    ) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token}", **(more or {})}
        address = self.url.rstrip("/") + PREFIX + path
        try:
            return requests.request(method, address, json=body, headers=headers, timeout=_SECONDS)
        except requests.RequestException as error:
            raise CannotError(
                f"the admin API of the server is out of reach: {type(error).__name__}"
            ) from None


def _told(answer: requests.Response) -> Any:
    """The JSON of an answer. Raises CannotError with what a problem document says."""
    try:
        told = answer.json() if answer.content else {}
    except requests.JSONDecodeError:
        told = {}
    if answer.ok:
        return told
    why = f"{told.get('code', 'no-code')}: {told.get('detail', 'no problem document')}"
    raise CannotError(f"the server answered {answer.status_code} {why}")

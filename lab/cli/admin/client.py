"""Calling the admin API of a server: the token, the address, idempotency keys, and errors that say what to do."""

import os
import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn
from urllib.parse import quote

import requests

from lab.cli import output

PREFIX: Final = "/admin/v1"
TOKEN_VARIABLE: Final = "ACTIVATION_ADMIN_TOKEN"  # noqa: S105 - the name of a variable

_SECONDS: Final = 60
_TRIES: Final = 2
_IMEI: Final = re.compile(r"[0-9]{14,16}")
_EXITS: Final = {
    400: output.USAGE,
    401: output.USAGE,
    404: output.NOT_IN_ORDER,
    409: output.NOT_IN_ORDER,
    412: output.NOT_IN_ORDER,
}


@dataclass(frozen=True, slots=True)
class ApiResponse:
    """An answer: the JSON of its body, and its entity tag where it has one."""

    body: Any
    etag: str | None = None


@dataclass(frozen=True, slots=True)
class Client:
    """Calls one server. Every method stops with an error and an exit code where the server does not do it."""

    server: str
    token: str

    @classmethod
    def of(cls, server: str, token_file: Path) -> "Client":
        """The client of `server`, with the token of the environment or of a file."""
        if not re.match(r"https?://[^/\s]+", server):
            output.exit_with_error(f"{server!r} is no URL; name a server like http://127.0.0.1:8021")
        return cls(server.rstrip("/"), _token(token_file))

    def get(self, path: str, asked: Mapping[str, Any] | None = None) -> ApiResponse:
        """Ask for `path`; what is None is not asked."""
        return _told(self._send("GET", path, params=_query(asked)))

    def pages(self, path: str, asked: Mapping[str, Any], most: int) -> Iterator[dict[str, Any]]:
        """At most `most` items, from as many pages as they take."""
        cursor = None
        while most > 0:
            page = self.get(path, {**asked, "limit": min(most, 1000), "cursor": cursor}).body
            yield from page["items"]
            most -= len(page["items"])
            cursor = page["next"]
            if cursor is None:
                return

    def post(
        self, path: str, body: Mapping[str, Any], *, if_match: str | None = None, method: str = "POST"
    ) -> ApiResponse:
        """Write, under an idempotency key, so that it happens once if it has to be sent twice."""
        headers = {"Idempotency-Key": str(uuid.uuid4())} | ({"If-Match": if_match} if if_match else {})
        return _told(self._send(method, path, json=_given(body), headers=headers))

    def ask(self, path: str, body: Mapping[str, Any]) -> ApiResponse:
        """A question that needs a body; nothing is written."""
        return _told(self._send("POST", path, json=_given(body)))

    def text(self, path: str, asked: Mapping[str, Any]) -> bytes:
        """The octets of an export."""
        return self._send("GET", path, params=_query(asked)).content

    def device(self, name: str) -> str:
        """The pseudonym of a device that is named by it or by its IMEI, which travels in a body alone."""
        return str(self.ask("/devices/find", {"imei": name}).body["sub"]) if _IMEI.fullmatch(name) else name

    def _send(self, method: str, path: str, **how: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token}", **how.pop("headers", {})}
        answer = self._answer(method, f"{self.server}{PREFIX}{path}", headers=headers, **how)
        return answer if answer.ok and answer.status_code < 300 else _refused(answer, self.server)

    def _answer(self, method: str, url: str, **how: Any) -> requests.Response:
        """What the server answers, asked once more where the connection fails."""
        with requests.Session() as session:
            session.trust_env = False  # a .netrc would take the place of the token
            for _ in range(_TRIES):
                try:
                    return session.request(method, url, timeout=_SECONDS, allow_redirects=False, **how)
                except (requests.ConnectionError, requests.Timeout):
                    continue
                except (requests.RequestException, ValueError) as error:
                    output.exit_with_error(
                        f"cannot ask {self.server}: {type(error).__name__}; check --server"
                    )
        return output.exit_with_error(
            f"cannot reach {self.server}; does `activation serve` run there?", output.OUTSIDE
        )


def quote_path(name: str) -> str:
    """`name` as one part of a path."""
    return quote(name, safe="")


def _token(file: Path) -> str:
    token = os.environ.get(TOKEN_VARIABLE, "").strip()
    if not token:
        try:
            token = file.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError):
            output.exit_with_error(
                f"no admin token: set {TOKEN_VARIABLE}, or name with --token-file the file that `activation serve` made"
            )
    if not token.isascii() or not token.isprintable() or " " in token:
        output.exit_with_error(f"this is no admin token; look at {TOKEN_VARIABLE} or --token-file")
    return token


def _given(asked: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: value for name, value in (asked or {}).items() if value is not None}


def _query(asked: Mapping[str, Any] | None) -> dict[str, Any]:
    """A query string has no types."""
    return {
        name: str(value).lower() if isinstance(value, bool) else value
        for name, value in _given(asked).items()
    }


def _told(answer: requests.Response) -> ApiResponse:
    return ApiResponse(answer.json(), answer.headers.get("ETag"))


def _refused(answer: requests.Response, server: str) -> NoReturn:
    """What the problem document says, with all that is wrong."""
    code = _EXITS.get(answer.status_code, output.OUTSIDE if answer.status_code >= 500 else output.USAGE)
    try:
        problem = answer.json()
        lines = [f"{problem['code']}: {problem['detail']}"]
        lines += [f"  {each['where']}: {each['what']}" for each in problem.get("errors", [])]
    except (ValueError, KeyError, TypeError):
        output.exit_with_error(
            f"{server} answered {answer.status_code} and no problem document; is it a verdict server?",
            output.OUTSIDE,
        )
    output.exit_with_error("\n".join(lines), code)

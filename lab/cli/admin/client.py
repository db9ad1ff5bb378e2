"""Calls of a server's admin API: address, token, idempotency keys, and errors that say what to do."""

import json
import os
import re
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, NoReturn
from urllib.parse import quote

from lab.cli import output
from lab.cli.lazy import deferred
from text_input.files import UnusableFileError, read_text

with deferred():
    import requests

    from lab.backend import admin_requests

PREFIX: Final = "/admin/v1"
TOKEN_VARIABLE: Final = "ACTIVATION_ADMIN_TOKEN"  # noqa: S105 - the name of a variable

TOKEN_FILE: Final = Path("activation-admin-token")

_ATTEMPTS: Final = 2
_PAGE_MAX: Final = 1000
_TOKEN_FILE_MAX: Final = 4096
_BODY_MAX: Final = 64 * 1024 * 1024
"""Longest response in bytes: an export of the whole audit log of years."""
_NOT_A_SERVER: Final = "{} answered without {} in JSON; is it a verdict server of this release?"
_IMEI: Final = re.compile(r"[0-9]{14,16}")
_EXIT_CODES: Final = {
    400: output.USAGE,
    401: output.USAGE,
    404: output.CHECK_FAILED,
    409: output.CHECK_FAILED,
    412: output.CHECK_FAILED,
}


@dataclass(frozen=True, slots=True)
class ApiResponse:
    """The JSON of a response's body, and its entity tag if it has one."""

    body: Any
    etag: str | None = None


class Client:
    """Calls the API of `server`, and prints what it answers: as tables, or with `as_json` as JSON.

    The token is from the environment or from `token_file`. Every method that calls the server exits with an error if
    the server does not answer with success.
    """

    def __init__(self, server: str, token_file: Path, *, as_json: bool = False) -> None:
        if not re.match(r"https?://[^/\s]+", server):
            output.exit_with_error(f"{server!r} is not a URL; give a server such as http://127.0.0.1:8021")
        self.server = server.rstrip("/")
        self.as_json = as_json
        self._token_file = token_file

    def show(self, value: Any, as_tables: Callable[[Any], Iterable[Any]]) -> None:
        """Print `value` as JSON, or what `as_tables` makes of it."""
        output.result(value, *(() if self.as_json else as_tables(value)), json=self.as_json)

    @cached_property
    def _token(self) -> str:
        token = os.environ.get(TOKEN_VARIABLE, "").strip()
        try:
            token = token or read_text(self._token_file, _TOKEN_FILE_MAX).strip()
        except UnusableFileError as error:
            if not error.missing or self._token_file != TOKEN_FILE:
                output.exit_with_error(f"--token-file: {error}")
            output.exit_with_error(
                f"no admin token: set {TOKEN_VARIABLE}, or name with --token-file the file that "
                "`activation serve` wrote"
            )
        if not token.isascii() or not token.isprintable() or " " in token:
            output.exit_with_error(f"this is not an admin token; check {TOKEN_VARIABLE} or --token-file")
        return token

    def get(self, path: str, query: Mapping[str, Any] | None = None) -> ApiResponse:
        """Read `path`. Members of the query that are None are left out."""
        return self._call("GET", path, params=_query(query))

    def first(self, path: str, query: Mapping[str, Any], limit: int) -> tuple[list[dict[str, Any]], bool]:
        """At most `limit` items, and whether there are more."""
        items = list(self.pages(path, query, limit + 1))
        return items[:limit], len(items) > limit

    def pages(self, path: str, query: Mapping[str, Any], limit: int) -> Iterator[dict[str, Any]]:
        """At most `limit` items, read page by page."""
        cursor = None
        while limit > 0:
            page = self.get(path, {**query, "limit": min(limit, _PAGE_MAX), "cursor": cursor}).body
            items = page["items"][:limit]
            yield from items
            limit -= len(items)
            cursor = page["next"]
            if cursor is None or not items:
                return

    def post(
        self, path: str, body: Mapping[str, Any], *, if_match: str | None = None, method: str = "POST"
    ) -> ApiResponse:
        """Write with an idempotency key, so that a repeated request is carried out once."""
        headers = {"Idempotency-Key": str(uuid.uuid4())} | ({"If-Match": if_match} if if_match else {})
        return self._call(method, path, json=_given(body), headers=headers)

    def query(self, path: str, body: Mapping[str, Any]) -> ApiResponse:
        """Read with a request body. Nothing is written."""
        return self._call("POST", path, json=_given(body))

    def export(self, path: str, query: Mapping[str, Any]) -> bytes:
        """The bytes of an export."""
        return self._request("GET", path, params=_query(query))[0]

    def pseudonym(self, device: str) -> str:
        """The pseudonym of a device, given that or its IMEI. An IMEI is sent in a body, never in a URL."""
        if not _IMEI.fullmatch(device):
            return device
        return str(self.query("/devices/find", {"imei": device}).body["sub"])

    def device_path(self, device: str) -> str:
        """The path of a device, given its pseudonym or its IMEI."""
        return f"/devices/{quote_path(self.pseudonym(device))}"

    def _call(self, method: str, path: str, **arguments: Any) -> ApiResponse:
        """The JSON object of a response. Exits with an error if it is none, or if a member that is read is missing."""
        body, etag = self._request(method, path, **arguments)
        try:
            value = json.loads(body, object_hook=lambda members: Members(self.server, members))
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, Members):
            return ApiResponse(value, etag)
        return output.exit_with_error(_NOT_A_SERVER.format(self.server, "a response"), output.ENVIRONMENT)

    def _request(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, **arguments: Any
    ) -> tuple[bytes, str | None]:
        """The body of a response and its entity tag."""
        url = f"{self.server}{PREFIX}{path}"
        for _ in range(_ATTEMPTS):
            try:
                with admin_requests.admin_response(
                    method, url, self._token, headers or {}, stream=True, **arguments
                ) as response:
                    body, etag = self._body(response), response.headers.get("ETag")
            except requests.exceptions.SSLError:
                output.exit_without_response(self.server, tls_failed=True)
            except (requests.ConnectionError, requests.Timeout):
                continue
            except (requests.RequestException, ValueError, OSError) as error:
                output.exit_with_error(f"cannot ask {self.server}: {type(error).__name__}; check --server")
            return (
                (body, etag) if 200 <= response.status_code < 300 else self._fail(response.status_code, body)
            )
        return output.exit_without_response(self.server)

    def _fail(self, status: int, body: bytes) -> NoReturn:
        """Exit with the content of the problem document."""
        try:
            problem = json.loads(body)
            lines = [f"{problem['code']}: {problem['detail']}"]
            lines += [f"  {each['where']}: {each['what']}" for each in problem.get("errors", [])]
        except (ValueError, KeyError, TypeError, RecursionError):
            output.exit_with_error(
                f"{self.server} answered {status} without a problem document; is it a verdict server?",
                output.ENVIRONMENT,
            )
        code = output.ENVIRONMENT if status >= 500 else output.USAGE
        output.exit_with_error("\n".join(lines), _EXIT_CODES.get(status, code))

    def _body(self, response: "requests.Response") -> bytes:
        """The body, decompressed. Exits with an error if it is longer than `_BODY_MAX`."""
        body = bytearray()
        for part in response.iter_content(65_536):
            body += part
            if len(body) > _BODY_MAX:
                output.exit_with_error(
                    f"{self.server} sent more than {_BODY_MAX} bytes; ask for less", output.ENVIRONMENT
                )
        return bytes(body)


class Members(dict[str, Any]):
    """A JSON object of a server's response. Exits with an error that names the server if a member is missing."""

    def __init__(self, server: str, members: Mapping[str, Any]) -> None:
        super().__init__(members)
        self._server = server

    def __missing__(self, name: str) -> NoReturn:
        output.exit_with_error(_NOT_A_SERVER.format(self._server, f"`{name}`"), output.ENVIRONMENT)


def quote_path(name: str) -> str:
    """`name` as one segment of a path."""
    return quote(name, safe="")


def _given(members: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: value for name, value in (members or {}).items() if value is not None}


def _query(members: Mapping[str, Any] | None) -> dict[str, Any]:
    """The members as a query string needs them: booleans in lower case."""
    return {
        name: str(value).lower() if isinstance(value, bool) else value
        for name, value in _given(members).items()
    }

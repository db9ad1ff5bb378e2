"""Rules of HTTP: HEAD, Host, Content-Encoding and security headers for every resource; Accept and Content-Type."""

from collections.abc import Iterable
from typing import Final

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server_stub.api.limits.rates import LimitsInForce
from server_stub.api.problems import ApiError, RawHeaders, refusal
from wire.codes import ProblemCode

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Of a response that sets none itself (W3C Content Security Policy Level 3): it may load and run nothing."""

_POLICY_NAME: Final = b"content-security-policy"
_SECURITY_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)


class HttpRules:
    """ASGI middleware.

    - HEAD is answered like GET without the body (RFC 9110 section 9.3.2).
    - If there are `hosts`, a request for another host gets 421 (section 15.5.20).
    - A request with a Content-Encoding gets 415 with Accept-Encoding (section 15.5.16): nothing is decompressed.
    - Every response has security headers, and `headers`.
    """

    def __init__(self, app: ASGIApp, *, limits: LimitsInForce, headers: RawHeaders = ()) -> None:
        self._app = app
        self._limits = limits
        self._headers = (*_SECURITY_HEADERS, *headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or reject it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        head = scope["method"] == "HEAD"

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*_with_policy(message.get("headers", ())), *self._headers]
                if head:
                    scope["method"] = "HEAD"  # for the log and the server
            elif head:
                message = {**message, "body": b""}
            await send(message)

        try:
            self._check_host(scope)
            _check_encoding(scope)
        except ApiError as error:
            await refusal(Request(scope), error)(scope, receive, send_with_headers)
            return
        if head:
            scope["method"] = "GET"  # the router finds the route of GET
        await self._app(scope, receive, send_with_headers)

    def _check_host(self, scope: Scope) -> None:
        hosts = self._limits.values.hosts
        if not hosts:
            return
        host = next((value for name, value in scope["headers"] if name == b"host"), b"")
        if host_name(host.decode("latin-1")) not in map(str.lower, hosts):
            raise ApiError(421, ProblemCode.REQUEST_MALFORMED, "this server does not serve the host in Host")


def host_name(value: str) -> str:
    """The host in a Host header (RFC 9110 section 7.2), in lower case, without port and trailing dot.

    >>> host_name("Verdict.Example.:8021"), host_name("[::1]:8021")
    ('verdict.example', '[::1]')
    """
    host = value.strip().lower()
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0].removesuffix(".")


def _check_encoding(scope: Scope) -> None:
    for name, value in scope["headers"]:
        if name == b"content-encoding" and value.strip().lower() not in (b"", b"identity"):
            detail = "send the body without Content-Encoding"
            headers = {"Accept-Encoding": "identity"}
            raise ApiError(415, ProblemCode.MEDIA_TYPE_UNSUPPORTED, detail, headers=headers)


def _with_policy(headers: Iterable[tuple[bytes, bytes]]) -> Iterable[tuple[bytes, bytes]]:
    own = any(name.lower() == _POLICY_NAME for name, _ in headers)
    return headers if own else [*headers, (_POLICY_NAME, CONTENT_SECURITY_POLICY.encode())]


def check_accepts(request: Request, media_type: str) -> None:
    """Check that `Accept` (RFC 9110 section 12.5.1) permits a response of `media_type`. Raises ApiError."""
    wanted = {"*/*", media_type, f"{media_type.partition('/')[0]}/*"}
    for media_range in (",".join(request.headers.getlist("accept")) or "*/*").split(","):
        parameters = media_range.replace(" ", "").lower().split(";")[1:]
        refused = any(each in ("q=0", "q=0.0", "q=0.00", "q=0.000") for each in parameters)
        if _media_type(media_range) in wanted and not refused:
            return
    raise ApiError(406, ProblemCode.NOT_ACCEPTABLE, f"the response is {media_type}; accept it")


def check_content_type(request: Request, media_type: str) -> None:
    """Check that `Content-Type` is `media_type`. Raises ApiError."""
    if _media_type(request.headers.get("content-type", "")) != media_type:
        raise ApiError(415, ProblemCode.MEDIA_TYPE_UNSUPPORTED, f"send {media_type}")


def _media_type(value: str) -> str:
    """A media type or range without its parameters."""
    return value.partition(";")[0].strip().lower()

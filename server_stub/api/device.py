"""The routes that devices use.

All applications share the route objects, which take a while to make; a route uses the state of its application.
"""

from typing import TYPE_CHECKING, Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from server_stub.api.error_responses import SCHEMAS, problem_responses
from server_stub.api.http_rules import check_accepts, check_content_type
from server_stub.api.problems import ApiError, rejected
from server_stub.api.readiness import JUDGING
from server_stub.verdicts.service import ServiceError
from wire import media
from wire.challenge import Challenge

if TYPE_CHECKING:
    from server_stub.api.readiness import Outages
    from server_stub.api.verdict_executor import VerdictExecutor
    from server_stub.verdicts.service import VerdictService

_NO_STORE: Final = {"Cache-Control": "no-store"}


def _token(media_type: str, claims: str) -> dict[str, Any]:
    """The OpenAPI description of a compact JWS whose payload has the schema `claims`."""
    schema = {
        "type": "string",
        "pattern": r"^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$",
        "contentMediaType": media_type,
        "contentSchema": {"$ref": SCHEMAS + claims},
        "description": "A compact JWS. The schema of the content is that of its payload.",
    }
    return {media_type: {"schema": schema}}


_CHALLENGES: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "A nonce, and the number of seconds for which it can be used."},
    **problem_responses(406),
}
_VERDICTS: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The verdict, a compact JWS; its claims are the schema Verdict. This includes a deny.",
        "content": _token(media.VERDICT, "Verdict"),
    },
    **problem_responses(400, 401, 406, 409, 415, 422, 429),
}
_EVIDENCE: Final = {"requestBody": {"required": True, "content": _token(media.EVIDENCE, "Evidence")}}


router: Final = APIRouter(tags=["verdicts"])


@router.post(media.CHALLENGES_PATH, response_model=Challenge, responses=_CHALLENGES)
async def request_challenge(request: Request) -> Response:
    """Request a nonce. It authenticates itself and can be used once. The request needs no body."""
    service: VerdictService = request.app.state.service
    check_accepts(request, media.JSON)
    return Response(service.challenge().model_dump_json(), headers=_NO_STORE, media_type=media.JSON)


@router.post(media.VERDICTS_PATH, response_class=Response, responses=_VERDICTS, openapi_extra=_EVIDENCE)
async def request_verdict(request: Request) -> Response:
    """Send evidence, a compact JWS whose claims are the schema Evidence, and receive the signed verdict."""
    judges: VerdictExecutor = request.app.state.judges
    outages: Outages = request.app.state.outages
    check_content_type(request, media.EVIDENCE)
    check_accepts(request, media.VERDICT)
    address = request.client.host if request.client else None
    evidence = await request.body()
    claims, token = await judges.judge(evidence, address)
    request.state.verdict, request.state.evidence = claims, evidence  # for injected faults
    outages.passed(JUDGING)
    request.state.decision = claims.decision
    request.state.reason = claims.reason
    request.state.rule = claims.policy.rule
    return Response(token, headers=_NO_STORE, media_type=media.VERDICT)


_ROUTES: Final = {route.path: route for route in router.routes if isinstance(route, APIRoute)}


class DeviceRequests:
    """ASGI middleware that calls the endpoints above without FastAPI, which costs half as much as the signatures.

    `app` answers everything else, such as other methods of the same resources.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request of a device, or pass any other request on."""
        route = None
        if scope["type"] == "http" and scope["method"] == "POST" and not scope.get("root_path"):
            route = _ROUTES.get(scope["path"])
        if route is None:
            await self._app(scope, receive, send)
            return
        scope["route"] = route
        request = Request(scope, receive)
        try:
            response: Response = await route.endpoint(request)
        except (ApiError, ServiceError) as error:
            response = await rejected(request, error)
        await response(scope, receive, send)

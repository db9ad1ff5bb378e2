"""The routes that phones use."""

from asyncio import get_running_loop
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from server_stub.api.requests import check_accepts, check_content_type, read_body
from server_stub.service import VerdictService
from wire import media
from wire.challenge import Challenge

_JUDGES: Final = 2
"""Threads that judge: one can take evidence apart while another waits for the disk; the store takes one at a time."""

_NO_STORE: Final = {"Cache-Control": "no-store"}


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What the OpenAPI document says of a route's errors."""
    schema = {"$ref": "#/components/schemas/Problem"}
    meaning = {
        400: "evidence-malformed",
        401: "evidence-signature-invalid, chain-invalid or challenge-invalid",
        404: "not-found",
        406: "not-acceptable",
        409: "challenge-expired or challenge-spent; ask for a new challenge",
        413: "body-too-large",
        415: "media-type-unsupported",
        422: "evidence-claims-invalid",
        500: "internal",
        503: "unavailable; obey Retry-After",
    }
    return {
        status: {"description": meaning[status], "content": {media.PROBLEM: {"schema": schema}}}
        for status in statuses
    }


_TOKEN: Final = {"schema": {"type": "string", "pattern": r"^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$"}}


def device_routes(service: VerdictService) -> APIRouter:
    """Challenges and verdicts of `service`."""
    router = APIRouter(tags=["phones"])
    judges = ThreadPoolExecutor(_JUDGES, thread_name_prefix="judge")

    @router.post(media.CHALLENGES_PATH, response_model=Challenge, responses=problem_responses(406, 500))
    async def challenge(request: Request) -> Response:
        """Ask for a nonce. It authenticates itself, may be spent once, and no body is needed."""
        check_accepts(request, media.JSON)
        return Response(service.challenge().model_dump_json(), headers=_NO_STORE, media_type=media.JSON)

    @router.post(
        media.VERDICTS_PATH,
        response_class=Response,
        responses={
            200: {
                "description": "The verdict, a compact JWS; its claims are the schema Verdict. A deny is one too.",
                "content": {media.VERDICT: _TOKEN},
            },
            **problem_responses(400, 401, 406, 409, 413, 415, 422, 500, 503),
        },
        openapi_extra={"requestBody": {"required": True, "content": {media.EVIDENCE: _TOKEN}}},
    )
    async def verdict(request: Request) -> Response:
        """Send evidence, a compact JWS whose claims are the schema Evidence, and get the signed verdict."""
        check_content_type(request, media.EVIDENCE)
        check_accepts(request, media.VERDICT)
        body = await read_body(request)
        claims, token = await get_running_loop().run_in_executor(judges, service.judge, body)
        request.state.decision = claims.decision
        request.state.reason = claims.reason
        request.state.rule = claims.policy.rule
        return Response(token, headers=_NO_STORE, media_type=media.VERDICT)

    return router

"""The routes that phones use."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from server_stub.admin.fault_injection import Faults
from server_stub.api.content_types import check_accepts, check_content_type
from server_stub.api.injected_faults import injected_response
from server_stub.api.limits.device_rate import ObserverFactory
from server_stub.api.limits.settings import ServerLimits
from server_stub.api.limits.workers import Workers
from server_stub.api.metrics import Metrics
from server_stub.api.openapi_responses import problem_responses
from server_stub.api.problems import ApiError
from server_stub.verdicts.service import VerdictService
from wire import media
from wire.challenge import Challenge
from wire.codes import ProblemCode
from wire.verdict import Verdict

_JUDGES: Final = 2
"""Threads that judge: one can take evidence apart while another waits for the disk; the store takes one at a time."""

_NO_STORE: Final = {"Cache-Control": "no-store"}

_TOKEN: Final = {"type": "string", "pattern": r"^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$"}
_CHALLENGES: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "A nonce, and for how many seconds from now it may be answered."},
    **problem_responses(406),
}
_VERDICTS: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The verdict, a compact JWS; its claims are the schema Verdict. A deny is one too.",
        "content": {media.VERDICT: {"schema": _TOKEN}},
    },
    **problem_responses(400, 401, 406, 409, 415, 422, 429),
}
_EVIDENCE: Final = {"requestBody": {"required": True, "content": {media.EVIDENCE: {"schema": _TOKEN}}}}


class VerdictExecutor:
    """Judges evidence on threads of its own, as many requests at a time as `manners` let wait."""

    def __init__(
        self, service: VerdictService, manners: ServerLimits, metrics: Metrics, clock: Callable[[], float]
    ) -> None:
        self._service = service
        self._metrics = metrics
        self._most = manners.judging_max
        self._now = 0
        self._attendants = ObserverFactory(manners, metrics, clock)
        self._workers = Workers(_JUDGES, "judge")

    async def judge(self, token: bytes, address: str | None) -> tuple[Verdict, str]:
        """The verdict that answers `token` from `address`, as claims and as a token.

        Raises ApiError or ServiceError.
        """
        if self._now >= self._most:
            raise ApiError(503, ProblemCode.UNAVAILABLE, "too many phones ask at once; ask again")
        self._now += 1
        self._metrics.judging.inc()
        try:
            verdict, answer = await self._workers.do(partial(self._judge, token, address))
        finally:
            self._now -= 1
            self._metrics.judging.dec()
        self._metrics.verdict(verdict)
        return verdict, answer

    def _judge(self, token: bytes, address: str | None) -> tuple[Verdict, str]:
        attendant = self._attendants.new()
        try:
            return self._service.judge(token, attendant, address)
        finally:
            attendant.done()


def device_routes(
    service: VerdictService,
    manners: ServerLimits,
    metrics: Metrics,
    clock: Callable[[], float],
    faults: Faults | None = None,
) -> APIRouter:
    """Challenges and verdicts of `service`, spoilt by `faults` where there are any."""
    router = APIRouter(tags=["phones"])
    judges = VerdictExecutor(service, manners, metrics, clock)

    @router.post(media.CHALLENGES_PATH, response_model=Challenge, responses=_CHALLENGES)
    async def challenge(request: Request) -> Response:
        """Ask for a nonce. It authenticates itself, may be spent once, and no body is needed."""
        check_accepts(request, media.JSON)
        body = service.challenge().model_dump_json().encode()
        if faults is not None and (spoilt := faults.challenge(body)):
            return await injected_response(request, spoilt)
        return Response(body, headers=_NO_STORE, media_type=media.JSON)

    @router.post(media.VERDICTS_PATH, response_class=Response, responses=_VERDICTS, openapi_extra=_EVIDENCE)
    async def verdict(request: Request) -> Response:
        """Send evidence, a compact JWS whose claims are the schema Evidence, and get the signed verdict."""
        check_content_type(request, media.EVIDENCE)
        check_accepts(request, media.VERDICT)
        claims, token = await judges.judge(await request.body(), _address(request))
        request.state.decision = claims.decision
        request.state.reason = claims.reason
        request.state.rule = claims.policy.rule
        if faults is not None and (spoilt := faults.verdict(claims, token.encode())):
            return await injected_response(request, spoilt)
        return Response(token, headers=_NO_STORE, media_type=media.VERDICT)

    return router


def _address(request: Request) -> str | None:
    return request.client.host if request.client else None

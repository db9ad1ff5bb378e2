"""The routes that devices use, and the execution of judgements on threads.

All applications share the route objects, which take a while to make; a route uses the state of its application.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from server_stub.api.error_responses import SCHEMAS, problem_responses
from server_stub.api.http_rules import check_accepts, check_content_type
from server_stub.api.limits.rates import LimitsInForce
from server_stub.api.metrics import Limit, Metrics
from server_stub.api.problems import ApiError
from server_stub.api.readiness import JUDGING
from server_stub.api.threads import Threads
from server_stub.verdicts.observer import JudgingStep, RateExceededError
from server_stub.verdicts.service import VerdictService
from wire import media
from wire.challenge import Challenge
from wire.codes import ProblemCode
from wire.verdict import Verdict

if TYPE_CHECKING:
    from server_stub.api.readiness import Outages

JUDGES: Final = 2
"""Threads that judge: one can parse evidence while another waits for the disk; writes to the store are serialised."""

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


class MeteredObserver:
    """Measures the steps of one judgement and applies the rates of evidence from `address`.

    Implements `server_stub.verdicts.observer.RequestObserver`. `clock` is in seconds and never decreases.
    """

    __slots__ = ("_address", "_clock", "_counted", "_last", "_limits", "_metrics", "_spent")

    def __init__(
        self, clock: Callable[[], float], limits: LimitsInForce, metrics: Metrics, address: str | None
    ) -> None:
        self._clock = clock
        self._limits = limits
        self._metrics = metrics
        self._address = address or ""
        self._counted = False
        self._spent: dict[JudgingStep, float] = {}
        self._last = clock()

    def record_step(self, step: JudgingStep) -> None:
        """Add the time since the previous call, or since the start, to `step`."""
        now = self._clock()
        self._spent[step] = self._spent.get(step, 0.0) + now - self._last
        self._last = now

    def check_rate(self, sub: str) -> None:
        """Count a request of this device. Raises RateExceededError."""
        wait = self._limits.refuses(Limit.DEVICE, sub)
        if wait is not None:
            self._metrics.limited.labels(Limit.DEVICE).inc()
            raise RateExceededError(wait, "this device sends requests too often")

    def check_unattested(self) -> None:
        """Count this request of its address, once. Raises RateExceededError.

        Attested evidence is not counted and not rejected: other users may share the address of the sender.
        """
        if self._counted:
            return
        self._counted = True
        wait = self._limits.refuses(Limit.UNATTESTED, self._address)
        if wait is not None:
            self._metrics.limited.labels(Limit.UNATTESTED).inc()
            raise RateExceededError(wait, "this address sends evidence that attests no device too often")

    def done(self) -> None:
        """Add the recorded steps to the metrics."""
        self._metrics.steps(self._spent)


class VerdictExecutor:
    """Judges evidence on `threads`. `limits.judging_max` bounds how many requests are judged or wait for it."""

    def __init__(
        self,
        service: VerdictService,
        limits: LimitsInForce,
        metrics: Metrics,
        clock: Callable[[], float],
        threads: Threads,
    ) -> None:
        self._service = service
        self._metrics = metrics
        self._clock = clock
        self._limits = limits
        self._threads = threads
        self._judging = 0

    async def judge(self, token: bytes, address: str | None) -> tuple[Verdict, str]:
        """Return the verdict on evidence `token` from `address`, as claims and as a token.

        Raises ApiError or ServiceError.
        """
        if self._judging >= self._limits.values.judging_max:
            raise ApiError(503, ProblemCode.UNAVAILABLE, "too many requests wait for a verdict; retry later")
        self._judging += 1
        self._metrics.judging.inc()
        try:
            verdict, signed = await self._threads(self._judge, token, address)
        finally:
            self._judging -= 1
            self._metrics.judging.dec()
        self._metrics.verdict(verdict)
        return verdict, signed

    def _judge(self, token: bytes, address: str | None) -> tuple[Verdict, str]:
        observer = MeteredObserver(self._clock, self._limits, self._metrics, address)
        try:
            return self._service.judge(token, observer, address)
        finally:
            observer.done()


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

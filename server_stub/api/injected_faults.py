"""Answering as a fault wants it, in place of what was decided."""

import asyncio

from fastapi import Request
from fastapi.responses import Response

from server_stub.admin.fault_injection import MEDIA_TYPES, Spoilt
from server_stub.api import problems
from wire.codes import ProblemCode


async def injected_response(request: Request, spoilt: Spoilt) -> Response:
    """The answer that `spoilt` says, when it says. The log names the fault, so that nobody looks for another."""
    fault = spoilt.fault
    request.state.fault = fault.kind
    await asyncio.sleep(fault.delay)
    if spoilt.body is not None:
        return Response(
            spoilt.body, headers={"Cache-Control": "no-store"}, media_type=MEDIA_TYPES[fault.route]
        )
    code = ProblemCode.UNAVAILABLE if fault.status == 503 else ProblemCode.INTERNAL
    retry = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    return problems.problem(request, fault.status, code, "an operator asked for this fault", retry)

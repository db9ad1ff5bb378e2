"""The expectations of a client's evidence: read and set."""

from typing import Annotated, Any

from pydantic import Field

from lab.api.context import PREFIX
from lab.api.expectations import CLAIMS_MAX, ExpectedClaim, ExpectedClaims
from server_stub.api.admin.base_models import Line, RequestModel, ResponseModel
from server_stub.api.admin.problems import responses
from server_stub.api.admin.route import Context, resource
from server_stub.api.admin.writes import WriteRequest, write_route

router = resource("/expectations", prefix=PREFIX)


class ExpectationsToSet(RequestModel):
    """The claims that every request for a verdict must have from now on; none to expect nothing."""

    claims: Annotated[list[ExpectedClaim], Field(max_length=CLAIMS_MAX)]
    reason: Line = "expected by a test"


class ExpectationList(ResponseModel):
    """The expectations, for all processes on the database."""

    claims: list[dict[str, Any]]


def _listed(claims: ExpectedClaims) -> ExpectationList:
    return ExpectationList(claims=claims.model_dump(mode="json", exclude_none=True))


@router.get("", responses=responses())
def get_expectations(context: Context) -> ExpectationList:
    """The expectations of evidence."""
    with context.store.reading() as reading:
        return _listed(ExpectedClaims.read(reading))


@write_route(router, "", ExpectationList, {200: "The expectations."}, method="PUT")
def set_expectations(request: WriteRequest, body: ExpectationsToSet) -> ExpectationList:
    """Replace the expectations. A request for a verdict that misses one gets 422 `expectation-missed`.

    Its problem document has the members `claim`, `expected` and `received`. The nonce is not spent.
    """
    claims = ExpectedClaims(tuple(body.claims))
    with request.store.transaction() as transaction:
        claims.write(transaction)
    details = {"claims": [each.claim for each in body.claims]}
    request.audit("expectations.set", "evidence", body.reason, details)
    return _listed(claims)

"""The expectations of a client's evidence: read and set."""

from typing import Annotated, Any

from pydantic import Field

from lab.api.context import PREFIX, Lab
from lab.api.expectations import CLAIMS_MAX, ExpectedClaim
from server_stub.api.admin.base_models import Line, RequestModel, ResponseModel
from server_stub.api.admin.problems import responses
from server_stub.api.admin.route import resource
from server_stub.api.admin.writes import WriteDependency, WriteRequest, WriteResponse, written
from server_stub.store.records import AuditEntry

router = resource("/expectations", prefix=PREFIX)


class ExpectationsToSet(RequestModel):
    """The claims that every request for a verdict must have from now on; none to expect nothing."""

    claims: Annotated[list[ExpectedClaim], Field(max_length=CLAIMS_MAX)]
    reason: Line = "expected by a test"


class ExpectationList(ResponseModel):
    """The expectations of this process. They end with it."""

    claims: list[dict[str, Any]]


def _listed(claims: tuple[ExpectedClaim, ...]) -> ExpectationList:
    return ExpectationList(claims=[each.model_dump(mode="json", exclude_none=True) for each in claims])


@router.get("", responses=responses())
def get_expectations(lab: Lab) -> ExpectationList:
    """The expectations of evidence."""
    return _listed(lab.expectations.claims)


@router.put(
    "",
    response_model=ExpectationList,
    responses={**written(ExpectationList, "The expectations."), **responses(400, 413, 415)},
)
def set_expectations(write: WriteDependency, lab: Lab, body: ExpectationsToSet) -> Any:
    """Replace the expectations. A request for a verdict that misses one gets 422 `expectation-missed`.

    Its problem document has the members `claim`, `expected` and `received`. The nonce is not spent.
    """
    claims = tuple(body.claims)

    def operation(request: WriteRequest) -> WriteResponse:
        details = {"claims": [each.claim for each in claims]}
        entry = AuditEntry(
            request.context.clock(), request.actor, "expectations.set", "evidence", body.reason, details
        )
        with request.store.transaction() as transaction:
            transaction.append_audit(entry)

        def after_commit() -> None:
            lab.expectations.claims = claims

        return WriteResponse(_listed(claims), after_commit=after_commit)

    return write.execute(operation)

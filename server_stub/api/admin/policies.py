"""Policies: put drafts, simulate them, put versions in force, and roll back to the previous text."""

from typing import Annotated, Any

from fastapi import Path
from pydantic import Field, StringConstraints

from server_stub.admin.policies import PolicyAdmin, PolicyAdminError, PolicyFault
from server_stub.admin.policy_simulation import DeviceComparison
from server_stub.api.admin.base_models import RequestModel, ResponseModel, WithReason
from server_stub.api.admin.problems import AdminCode, AdminError, responses
from server_stub.api.admin.route import Context, resource
from server_stub.api.admin.writes import (
    ETAG,
    IfMatch,
    WriteRequest,
    WriteResponse,
    etag_header,
    json_response,
    require_match,
    write_route,
)
from server_stub.policy.policy import Policy
from server_stub.store.records import InForce, PolicyVersion
from wire import limits
from wire.codes import Decision
from wire.model import Code, Integer

router = resource("/policies")

Id = Annotated[Code, Path(alias="id", description="The policy's id.", examples=["export-2021-09"])]
Version = Annotated[Integer, Path(description="Its version.")]

Document = Annotated[
    str, StringConstraints(min_length=1, max_length=limits.BODY_MAX, pattern=r"^[^\u0000]*$")
]


class Draft(WithReason):
    """`text` is the policy document, TOML."""

    text: Document = Field(examples=['id = "open"\nversion = 2\n…'])


class ToSimulate(RequestModel):
    """`text` is the policy document, TOML."""

    text: Document


class PolicyNamed(ResponseModel):
    """A version of a policy. `etag` identifies its text, `put_at` is in seconds since the epoch."""

    id: str
    version: int
    etag: str
    put_at: int
    put_by: str
    in_force: bool


class PolicyShown(PolicyNamed):
    """The same with the document, TOML."""

    text: str


class PolicyList(ResponseModel):
    """All versions of all policies, by id and version."""

    items: list[PolicyNamed]


class InForceShown(ResponseModel):
    """The policy in force, since when (seconds since the epoch), by whom and why. `etag` identifies its text."""

    id: str
    version: int
    since: int
    by: str
    reason: str
    etag: str


class Moved(ResponseModel):
    """How many devices change from one decision to another."""

    now: Decision
    then: Decision
    devices: int


class MovedInTerritory(Moved):
    """The same for the devices in one class of territory."""

    territory: str


class MovedByActivation(Moved):
    """The same for the devices activated in one class of territory."""

    activation: str


class MovedBySaleRegion(Moved):
    """The same for the devices sold in one region."""

    sale_region: str


class SimulationShown(ResponseModel):
    """All devices, judged as if they checked in now, by the policy in force and by the draft.

    `overridden` devices keep an operator's decision, `unheard` ones have no verdict, and the evidence of `pruned` ones
    was removed because of its age. `list` contains the first devices that change.
    """

    draft: str
    against: str | None
    at: int
    devices: int
    overridden: int
    unheard: int
    pruned: int
    changed: int
    decisions: list[Moved]
    by_territory: list[MovedInTerritory]
    by_activation: list[MovedByActivation]
    by_sale_region: list[MovedBySaleRegion]
    list: tuple[DeviceComparison, ...]


@router.get("", responses=responses())
def list_policies(context: Context) -> PolicyList:
    """All versions of all policies."""
    policies = context.policy_admin(context.store)
    current = policies.in_force()
    return PolicyList(items=[PolicyNamed(**_members(version, current)) for version in policies.list()])


@router.get(
    "/in-force",
    response_model=InForceShown,
    responses={200: {"headers": ETAG}, **responses(404)},
)
def get_policy_in_force(context: Context) -> Any:
    """The policy in force."""
    return json_response(_in_force_response(context.policy_admin(context.store)))


@router.post("/simulate", responses=responses(400, 413, 415))
def simulate_policy(context: Context, body: ToSimulate) -> SimulationShown:
    """The effect of a document on the known devices. Changes nothing."""
    simulation = context.policy_admin(context.store).simulate(body.text)
    return SimulationShown.model_validate(simulation.as_json())


@write_route(
    router, "/roll-back", InForceShown, {200: "The policy in force."}, 404, 409, 412, 428, headers=ETAG
)
def roll_back_policy(request: WriteRequest, body: WithReason, if_match: IfMatch = None) -> WriteResponse:
    """Put the previous text in force again, with a version above all versions that devices may have seen.

    `If-Match` is the ETag of the policy in force.
    """
    policies = request.policies
    require_match(if_match, _current(policies)[1].etag, "/policies/in-force")
    policies.roll_back(request.actor, body.reason)
    return _in_force_response(policies)


@router.get(
    "/{id}/{version}", response_model=PolicyShown, responses={200: {"headers": ETAG}, **responses(404)}
)
def get_policy(context: Context, policy_id: Id, version: Version) -> Any:
    """One version of a policy, with its document."""
    policies = context.policy_admin(context.store)
    return json_response(_policy_response(policies.get(policy_id, version), policies))


@write_route(
    router,
    "/{id}/{version}",
    PolicyShown,
    {200: "The draft was changed.", 201: "The draft was added."},
    *(409, 412, 428),
    method="PUT",
    headers=ETAG,
)
def put_policy(
    request: WriteRequest, policy_id: Id, version: Version, body: Draft, if_match: IfMatch = None
) -> WriteResponse:
    """Add a draft, or with `If-Match` change one that was never in force. This does not put it in force.

    The document must have the id and version of the path.
    """
    with request.store.reading() as reading:
        known = reading.policy(policy_id, version)
    require_match(if_match, known.etag if known else None, "this version")
    document = Policy.parse(body.text, "draft.toml").document
    if (document.id, document.version) != (policy_id, version):
        detail = "the document has another id or version than the path"
        raise AdminError(422, AdminCode.POLICY_INVALID, detail)
    draft = request.policies.put(body.text, request.actor, body.reason)
    return _policy_response(draft, request.policies, 200 if known else 201)


@write_route(
    router,
    "/{id}/{version}/put-in-force",
    InForceShown,
    {200: "This version is in force."},
    *(404, 409, 412, 428),
    headers=ETAG,
)
def put_policy_in_force(
    request: WriteRequest, policy_id: Id, version: Version, body: WithReason, if_match: IfMatch = None
) -> WriteResponse:
    """Put a version in force for the next request of every process that uses this database.

    `If-Match` is the ETag of the version.
    """
    policies = request.policies
    require_match(if_match, policies.get(policy_id, version).etag, "this version")
    policies.put_in_force(policy_id, version, request.actor, body.reason)
    return _in_force_response(policies)


def _in_force_response(policies: PolicyAdmin) -> WriteResponse:
    current, version = _current(policies)
    body = InForceShown(
        id=current.policy_id,
        version=current.version,
        since=current.since,
        by=current.by,
        reason=current.reason,
        etag=version.etag,
    )
    return WriteResponse(body, headers=etag_header(version.etag))


def _current(policies: PolicyAdmin) -> tuple[InForce, PolicyVersion]:
    current = policies.in_force()
    if current is None:
        raise PolicyAdminError(PolicyFault.POLICY_UNKNOWN, "no policy is in force; put one in force")
    return current, policies.get(current.policy_id, current.version)


def _policy_response(version: PolicyVersion, policies: PolicyAdmin, status: int = 200) -> WriteResponse:
    body = PolicyShown(**_members(version, policies.in_force()), text=version.text)
    return WriteResponse(body, status, etag_header(version.etag))


def _members(version: PolicyVersion, current: InForce | None) -> dict[str, Any]:
    return {
        "id": version.id,
        "version": version.version,
        "etag": version.etag,
        "put_at": version.put_at,
        "put_by": version.put_by,
        "in_force": current is not None
        and (current.policy_id, current.version) == (version.id, version.version),
    }

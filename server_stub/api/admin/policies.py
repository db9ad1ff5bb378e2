"""Policies: drafts are put, simulated and put in force; what was in force before can be issued again."""

from typing import Annotated, Any

from fastapi import Path
from pydantic import Field, StringConstraints

from server_stub.admin.policies import PolicyAdmin, PolicyAdminError, PolicyFault
from server_stub.api.admin.base_models import RequestModel, ResponseModel, WithReason
from server_stub.api.admin.preconditions import ETAG, IfMatch, header, require_match
from server_stub.api.admin.problems import AdminCode, AdminError, responses
from server_stub.api.admin.route import Parts, resource
from server_stub.api.admin.simulation import SimulationShown
from server_stub.api.admin.writes import WriteDependency, WriteRequest, WriteResponse, answered, written
from server_stub.policy.policy import Policy
from server_stub.store.records import InForce, PolicyVersion
from wire import limits
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
    """A version of a policy. `etag` names its text, `put_at` is in seconds since the epoch."""

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
    """What decides: since when (seconds since the epoch), by whose word, why. `etag` names the text."""

    id: str
    version: int
    since: int
    by: str
    reason: str
    etag: str


@router.get("", responses=responses())
def list_policies(parts: Parts) -> PolicyList:
    """All versions of all policies."""
    desk = parts.policy_admin(parts.store)
    now = desk.in_force()
    return PolicyList(items=[PolicyNamed(**_named(version, now)) for version in desk.list()])


@router.get(
    "/in-force",
    response_model=InForceShown,
    responses={200: {"headers": ETAG}, **responses(404)},
)
def in_force(parts: Parts) -> Any:
    """Which policy decides now."""
    return answered(_in_force(parts.policy_admin(parts.store)))


@router.post("/simulate", responses=responses(400, 413, 415))
def simulate(parts: Parts, draft: ToSimulate) -> SimulationShown:
    """What a document would do to the devices that the server knows. Changes nothing."""
    found = parts.policy_admin(parts.store).simulate(draft.text)
    return SimulationShown.model_validate(found.as_json())


@router.post(
    "/roll-back",
    response_model=InForceShown,
    responses={
        **written(InForceShown, "What decides now.", headers=ETAG),
        **responses(400, 404, 409, 412, 413, 415, 428),
    },
)
def roll_back(task: WriteDependency, wish: WithReason, if_match: IfMatch = None) -> Any:
    """Issue the text that was in force before once more, above every version that phones may have seen.

    `If-Match` is the ETag of what is in force.
    """
    return task.execute(lambda errand: _roll_back(errand, wish, if_match))


@router.get(
    "/{id}/{version}", response_model=PolicyShown, responses={200: {"headers": ETAG}, **responses(404)}
)
def get(parts: Parts, policy_id: Id, version: Version) -> Any:
    """One version of a policy, with its document."""
    desk = parts.policy_admin(parts.store)
    known = desk.get(policy_id, version)
    return answered(WriteResponse(_shown(known, desk), headers=header(known.etag)))


@router.put(
    "/{id}/{version}",
    response_model=PolicyShown,
    responses={
        **written(PolicyShown, "The draft was changed.", headers=ETAG),
        **written(PolicyShown, "The draft was put.", 201, headers=ETAG),
        **responses(400, 409, 412, 413, 415, 428),
    },
)
def put(
    task: WriteDependency, policy_id: Id, version: Version, draft: Draft, if_match: IfMatch = None
) -> Any:
    """Put a draft, or with `If-Match` change one that was never in force. It decides nothing by that.

    The document's own id and version must be those of the path.
    """
    return task.execute(lambda errand: _put(errand, (policy_id, version), draft, if_match))


@router.post(
    "/{id}/{version}/put-in-force",
    response_model=InForceShown,
    responses={
        **written(InForceShown, "It decides.", headers=ETAG),
        **responses(400, 404, 409, 412, 413, 415, 428),
    },
)
def put_in_force(
    task: WriteDependency, policy_id: Id, version: Version, wish: WithReason, if_match: IfMatch = None
) -> Any:
    """Let a version decide from the next request on, in every process on the database.

    `If-Match` is the ETag of the text that is meant.
    """
    return task.execute(lambda errand: _put_in_force(errand, (policy_id, version), wish, if_match))


def _put(errand: WriteRequest, name: tuple[str, int], draft: Draft, if_match: str | None) -> WriteResponse:
    with errand.store.reading() as reading:
        known = reading.policy(*name)
    require_match(if_match, known.etag if known else None, "this version")
    document = Policy.parse(draft.text, "draft.toml").document
    if (document.id, document.version) != name:
        raise AdminError(
            422, AdminCode.POLICY_INVALID, "the document gives itself another id or version than the path"
        )
    desk = errand.parts.policy_admin(errand.store)
    version = desk.put(draft.text, errand.actor, draft.reason)
    return WriteResponse(_shown(version, desk), 200 if known else 201, header(version.etag))


def _put_in_force(
    errand: WriteRequest, name: tuple[str, int], wish: WithReason, if_match: str | None
) -> WriteResponse:
    desk = errand.parts.policy_admin(errand.store)
    require_match(if_match, desk.get(*name).etag, "this version")
    desk.put_in_force(*name, errand.actor, wish.reason)
    return _in_force(desk)


def _roll_back(errand: WriteRequest, wish: WithReason, if_match: str | None) -> WriteResponse:
    desk = errand.parts.policy_admin(errand.store)
    require_match(if_match, _deciding(desk)[1].etag, "/policies/in-force")
    desk.roll_back(errand.actor, wish.reason)
    return _in_force(desk)


def _in_force(desk: PolicyAdmin) -> WriteResponse:
    now, version = _deciding(desk)
    shown = InForceShown(
        id=now.policy_id,
        version=now.version,
        since=now.since,
        by=now.by,
        reason=now.reason,
        etag=version.etag,
    )
    return WriteResponse(shown, headers=header(version.etag))


def _deciding(desk: PolicyAdmin) -> tuple[InForce, PolicyVersion]:
    now = desk.in_force()
    if now is None:
        raise PolicyAdminError(PolicyFault.POLICY_UNKNOWN, "nothing is in force; put a policy in force")
    return now, desk.get(now.policy_id, now.version)


def _named(version: PolicyVersion, now: InForce | None) -> dict[str, Any]:
    return {
        "id": version.id,
        "version": version.version,
        "etag": version.etag,
        "put_at": version.put_at,
        "put_by": version.put_by,
        "in_force": now is not None and (now.policy_id, now.version) == (version.id, version.version),
    }


def _shown(version: PolicyVersion, desk: PolicyAdmin) -> PolicyShown:
    return PolicyShown(**_named(version, desk.in_force()), text=version.text)

"""Worlds: make one, restart its server, back up and restore its records, remove it."""

from hashlib import sha256
from typing import Annotated, Any

from fastapi import Header, Path
from fastapi.responses import Response
from pydantic import Field, StringConstraints

from lab.api.context import PREFIX, Lab
from lab.api.world_time import CLOCK_HEADER, WORLDS, WorldTime
from lab.api.worlds import BACKUPS_MAX, WORLDS_MAX, IsolatedWorld, TooManyError
from server_stub.api.admin.base_models import Missing, RequestModel, ResponseModel
from server_stub.api.admin.problems import AdminCode, AdminError, responses
from server_stub.api.admin.route import Context, resource
from server_stub.policy.policy import Policy
from server_stub.signing import Algorithm
from wire.limits import BODY_MAX
from wire.model import Word

router = resource(WORLDS.removeprefix(PREFIX), prefix=PREFIX)

_SECONDS_MAX = 9_999_999_999
_Seconds = Annotated[int, Field(ge=-_SECONDS_MAX, le=_SECONDS_MAX)]
_Name = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$", description="What `POST /lab/v1/worlds` returned.")]
_Clock = Annotated[
    Annotated[str, StringConstraints(max_length=64)] | Missing,
    Header(alias=CLOCK_HEADER, description="`TIME;ahead=SECONDS;skew=SECONDS`, as for any request."),
]

_MEANINGS = {
    409: "world-refused: a world lives in one process, and this server has several; start one without --workers",
    404: "not-found: there is no such world, or it has no such backup",
    429: f"too-many-requests: there are {WORLDS_MAX} worlds; wait for Retry-After, or remove one",
}


def _responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The errors of every route, and those of `statuses`."""
    own = {status: responses()[500] | {"description": text} for status, text in _MEANINGS.items()}
    return responses() | {status: own.get(status) or responses(status)[status] for status in statuses}


class WorldToMake(RequestModel):
    """`policy` is a policy document, by default the one in force, and `algorithm` that of the key that signs verdicts.

    `now` is the time in seconds since the epoch, by default that of this server, and `ahead` how far the world's server
    is ahead of it.
    """

    policy: Annotated[str, Field(max_length=BODY_MAX)] | Missing = None
    now: Annotated[float, Field(ge=0, le=_SECONDS_MAX, examples=[1_631_102_400])] | Missing = None
    ahead: _Seconds = 0
    algorithm: Word[Algorithm] = Algorithm.ED25519


class WorldName(ResponseModel):
    """Requests reach the world with the header `Activation-Lab-World: NAME`.

    `root_sha256` is the hash of the root that its devices pin, which follows from the seed of the server.
    """

    world: str
    root_sha256: str


class WorldBackup(ResponseModel):
    """The number of the backup, counted from 0."""

    backup: int


class WorldRestoration(RequestModel):
    """Continue with the records of `backup`, or without any."""

    backup: Annotated[int, Field(ge=0, lt=BACKUPS_MAX)] | Missing = None


@router.post("", status_code=201, responses=_responses(400, 409, 413, 415, 429))
def make_world(lab: Lab, context: Context, body: WorldToMake) -> WorldName:
    """Make a server of its own inside this one: with its policy and without records.

    It has the device API, the key repository and the admin API, with the same admin token, without rates. A request
    with `Activation-Lab-World` reaches it. Its clock moves only by `Activation-Lab-Clock: TIME;ahead=SECONDS` of such
    requests. A world that was not used for 5 minutes is removed when another one is made.
    """
    if lab.processes > 1:
        detail = (
            f"a world lives in one process, and this server has {lab.processes}; start one without --workers"
        )
        raise AdminError(409, AdminCode.WORLD_REFUSED, detail)
    policy = context.service.policy if body.policy is None else Policy.parse(body.policy, "policy.toml")
    began = WorldTime(context.clock() if body.now is None else body.now, body.ahead)
    with context.store.reading() as reading:
        token = reading.admin_token_hash()
    try:
        name = lab.worlds.make(policy, body.algorithm, began, token)
    except TooManyError as error:
        headers = {"Retry-After": "5"}
        raise AdminError(429, AdminCode.TOO_MANY_REQUESTS, str(error), headers=headers) from error
    return WorldName(world=name, root_sha256=sha256(lab.worlds.manufacturer.ceremony.pinned_root).hexdigest())


@router.post("/{world}/restart", status_code=204, responses=_responses(404))
def restart_world(lab: Lab, world: _Name, clock: _Clock = None) -> Response:
    """Stop the world's server, and start it again on the same records and keys."""
    _world(lab, world, clock).restart()
    return Response(status_code=204)


@router.post("/{world}/backups", status_code=201, responses=_responses(404))
def back_up_world(lab: Lab, world: _Name, clock: _Clock = None) -> WorldBackup:
    """Copy the world's records. Keys are not copied, as an operator of a server would not."""
    try:
        return WorldBackup(backup=_world(lab, world, clock).back_up())
    except TooManyError as error:
        raise AdminError(422, AdminCode.REQUEST_INVALID, str(error)) from error


@router.post("/{world}/restore", status_code=204, responses=_responses(400, 404, 413, 415))
def restore_world(lab: Lab, world: _Name, body: WorldRestoration, clock: _Clock = None) -> Response:
    """Stop the world's server, replace its records, and start it."""
    try:
        _world(lab, world, clock).restore(body.backup)
    except IndexError as error:
        detail = "this world has no such backup; they are counted from 0"
        raise AdminError(404, AdminCode.NOT_FOUND, detail) from error
    return Response(status_code=204)


@router.delete("/{world}", status_code=204, responses=_responses())
def remove_world(lab: Lab, world: _Name) -> Response:
    """Remove a world with its records and keys. One that does not exist is no error."""
    lab.worlds.remove(world)
    return Response(status_code=204)


def _world(lab: Lab, name: str, clock: str | None) -> IsolatedWorld:
    """The world, after its clock was set. Raises AdminError."""
    found = lab.worlds.world(name)
    if found is None:
        raise AdminError(404, AdminCode.NOT_FOUND, "this server has no world of this name")
    try:
        if clock is not None:
            found.set_time(WorldTime.parse(clock))
    except ValueError as error:
        raise AdminError(422, AdminCode.REQUEST_INVALID, str(error)) from error
    return found

"""Keys: list, rotation and revocation of verdict keys; the root, which names the online keys of the repository."""

import json
from typing import Annotated, Any

from fastapi import Path
from pydantic import StringConstraints

from server_stub.admin.context import AdminContext
from server_stub.admin.keys import KeyAdmin
from server_stub.api.admin.base_models import Missing, Moment, ResponseModel, WithReason, to_models
from server_stub.api.admin.problems import AdminCode, AdminError, responses
from server_stub.api.admin.route import Context, resource
from server_stub.api.admin.writes import WriteDependency, WriteRequest, WriteResponse, written
from wire.key_repository import ROOT_MAX
from wire.model import Code

router = resource("/keys")

Kid = Annotated[Code, Path(description="The `kid` of the key, its RFC 7638 thumbprint.")]


class KeyShown(ResponseModel):
    """A verdict key. It signs from `signs_from` until `signs_until`, in seconds since the epoch; null means no bound.

    `may_sign`: the published list permits it to sign now. `signs`: this server signs with it now. `held`: this server
    has its private key.
    """

    kid: str
    alg: str
    status: str
    signs_from: int | None
    signs_until: int | None
    may_sign: bool
    signs: bool
    held: bool


class KeyListResponse(ResponseModel):
    """All published keys."""

    items: list[KeyShown]


class Rotation(WithReason):
    """`at` is the time from which the new key signs; now if it is absent or in the past."""

    at: Moment | Missing = None


class Rotated(ResponseModel):
    """`kid` is the new key, `items` the list that contains it."""

    kid: str
    items: list[KeyShown]


class RootShown(ResponseModel):
    """`root` is the file `<version>.root.json` (TUF specification section 4.3)."""

    version: int
    root: str


class NextRoot(WithReason):
    """`root` is signed by the thresholds of the present root and its own. This server has the online keys it names."""

    root: Annotated[str, StringConstraints(min_length=1, max_length=ROOT_MAX, pattern=r"^[\n -~]+$")]


@router.get("", responses=responses(404))
def list_keys(context: Context) -> KeyListResponse:
    """All verdict keys as the key repository publishes them."""
    return KeyListResponse(items=_items(_keys(context)))


@router.post(
    "/{kid}/rotate",
    response_model=Rotated,
    responses={**written(Rotated, "The list with the new key."), **responses(400, 404, 409, 413, 415)},
)
def rotate_key(write: WriteDependency, kid: Kid, body: Rotation) -> Any:
    """Replace a key with a new one of the same algorithm. Both are published immediately."""

    def operation(request: WriteRequest) -> WriteResponse:
        keys = _keys(request.context)
        new = keys.rotate(kid, request.store, at=body.at, reason=body.reason, by=request.actor)
        return WriteResponse(Rotated(kid=new, items=_items(keys)))

    return write.execute(operation)


@router.post(
    "/{kid}/revoke",
    response_model=KeyListResponse,
    responses={
        **written(KeyListResponse, "The list without the key."),
        **responses(400, 404, 409, 413, 415),
    },
)
def revoke_key(write: WriteDependency, kid: Kid, body: WithReason) -> Any:
    """Revoke a key immediately. Devices reject it by name from their next exchange on."""

    def operation(request: WriteRequest) -> WriteResponse:
        keys = _keys(request.context)
        keys.revoke(kid, request.store, reason=body.reason, by=request.actor)
        return WriteResponse(KeyListResponse(items=_items(keys)))

    return write.execute(operation)


@router.get("/root", responses=responses(404))
def get_root(context: Context) -> RootShown:
    """The newest root of the key repository."""
    return _root(_keys(context))


@router.post(
    "/root",
    response_model=RootShown,
    responses={**written(RootShown, "The published root."), **responses(400, 404, 409, 413, 415)},
)
def install_root(write: WriteDependency, body: NextRoot) -> Any:
    """Publish the next root, which replaces online keys. Devices reject the old ones from their next exchange on."""

    def operation(request: WriteRequest) -> WriteResponse:
        keys = _keys(request.context)
        keys.install_root(body.root.encode(), request.store, reason=body.reason, by=request.actor)
        return WriteResponse(_root(keys))

    return write.execute(operation)


def _root(keys: KeyAdmin) -> RootShown:
    root = keys.repository.root.decode()
    return RootShown(version=json.loads(root)["signed"]["version"], root=root)


def _keys(context: AdminContext) -> KeyAdmin:
    if context.keys is None:
        raise AdminError(404, AdminCode.KEY_UNKNOWN, "this server publishes no key repository")
    return context.keys


def _items(keys: KeyAdmin) -> list[Any]:
    return to_models(keys.list(), KeyShown)

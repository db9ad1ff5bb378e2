"""Keys: list, rotation and revocation of verdict keys; the root, which names the online keys of the repository."""

import json
from typing import Annotated

from fastapi import Path
from pydantic import StringConstraints

from server_stub.admin.context import AdminContext
from server_stub.admin.keys import KeyAdmin, KeyState
from server_stub.api.admin.base_models import Missing, Moment, ResponseModel, WithReason
from server_stub.api.admin.problems import AdminCode, AdminError, responses
from server_stub.api.admin.route import Context, resource
from server_stub.api.admin.writes import WriteRequest, write_route
from server_stub.store.transaction import Store
from wire.key_repository import ROOT_MAX
from wire.model import Code

router = resource("/keys")

Kid = Annotated[Code, Path(description="The `kid` of the key, its RFC 7638 thumbprint.")]


class KeyListResponse(ResponseModel):
    """All published keys."""

    items: tuple[KeyState, ...]


class Rotation(WithReason):
    """`at` is the time from which the new key signs; now if it is absent or in the past."""

    at: Moment | Missing = None


class Rotated(ResponseModel):
    """`kid` is the new key, `items` the list that contains it."""

    kid: str
    items: tuple[KeyState, ...]


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
    return KeyListResponse(items=_keys(context).list(context.store))


@write_route(router, "/{kid}/rotate", Rotated, {200: "The list with the new key."}, 404, 409)
def rotate_key(request: WriteRequest, kid: Kid, body: Rotation) -> Rotated:
    """Replace a key with a new one of the same algorithm. Both are published immediately."""
    keys = _keys(request.context)
    new = keys.rotate(kid, request.store, at=body.at, reason=body.reason, by=request.actor)
    return Rotated(kid=new, items=keys.list(request.store))


@write_route(router, "/{kid}/revoke", KeyListResponse, {200: "The list without the key."}, 404, 409)
def revoke_key(request: WriteRequest, kid: Kid, body: WithReason) -> KeyListResponse:
    """Revoke a key immediately. Devices reject it by name from their next exchange on."""
    keys = _keys(request.context)
    keys.revoke(kid, request.store, reason=body.reason, by=request.actor)
    return KeyListResponse(items=keys.list(request.store))


@router.get("/root", responses=responses(404))
def get_root(context: Context) -> RootShown:
    """The newest root of the key repository."""
    return _root(_keys(context), context.store)


@write_route(router, "/root", RootShown, {200: "The published root."}, 404, 409)
def install_root(request: WriteRequest, body: NextRoot) -> RootShown:
    """Publish the next root, which replaces online keys. Devices reject the old ones from their next exchange on."""
    keys = _keys(request.context)
    keys.install_root(body.root.encode(), request.store, reason=body.reason, by=request.actor)
    return _root(keys, request.store)


def _root(keys: KeyAdmin, store: Store) -> RootShown:
    with store.reading() as reading:
        root = keys.repository.root(reading).decode()
    return RootShown(version=json.loads(root)["signed"]["version"], root=root)


def _keys(context: AdminContext) -> KeyAdmin:
    if context.keys is None:
        raise AdminError(404, AdminCode.KEY_UNKNOWN, "this server publishes no key repository")
    return context.keys

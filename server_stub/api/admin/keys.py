"""The verdict keys: listed, rotated, revoked."""

from typing import Annotated, Any

from fastapi import Path

from server_stub.admin.context import AdminContext
from server_stub.admin.keys import KeyAdmin
from server_stub.api.admin.base_models import Missing, Moment, ResponseModel, WithReason, shown_many
from server_stub.api.admin.problems import AdminCode, AdminError, responses
from server_stub.api.admin.route import Parts, resource
from server_stub.api.admin.writes import WriteDependency, WriteRequest, WriteResponse, written
from wire.model import Code

router = resource("/keys")

Kid = Annotated[Code, Path(description="The key's name, its RFC 7638 thumbprint.")]


class KeyShown(ResponseModel):
    """A verdict key. It signs from `signs_from` until `signs_until`, in seconds since the epoch; null is no bound.

    `may_sign`: the published list lets it sign now. `signs`: this server signs with it now. `held`: this server has
    its private half.
    """

    kid: str
    alg: str
    status: str
    signs_from: int | None
    signs_until: int | None
    may_sign: bool
    signs: bool
    held: bool


class KeyList(ResponseModel):
    """All keys that are published."""

    items: list[KeyShown]


class Rotation(WithReason):
    """`at` is when the new key takes over, now if it is left out or past."""

    at: Moment | Missing = None


class Rotated(ResponseModel):
    """`kid` is the name of the new key, `items` is the list with it."""

    kid: str
    items: list[KeyShown]


@router.get("", responses=responses(404))
def list_keys(parts: Parts) -> KeyList:
    """All verdict keys as the key repository publishes them."""
    return KeyList(items=_items(_desk(parts)))


@router.post(
    "/{kid}/rotate",
    response_model=Rotated,
    responses={**written(Rotated, "The list with the new key."), **responses(400, 404, 409, 413, 415)},
)
def rotate(task: WriteDependency, kid: Kid, wish: Rotation) -> Any:
    """Let a new key of the same algorithm take over. Both are published at once."""
    return task.execute(lambda errand: _rotate(errand, kid, wish))


@router.post(
    "/{kid}/revoke",
    response_model=KeyList,
    responses={**written(KeyList, "The list without the key."), **responses(400, 404, 409, 413, 415)},
)
def revoke(task: WriteDependency, kid: Kid, wish: WithReason) -> Any:
    """Revoke a key at once. Phones refuse it by name from their next exchange on."""
    return task.execute(lambda errand: _revoke(errand, kid, wish))


def _rotate(errand: WriteRequest, kid: str, wish: Rotation) -> WriteResponse:
    desk = _desk(errand.parts)
    new = desk.rotate(kid, errand.store, at=wish.at, reason=wish.reason, by=errand.actor)
    return WriteResponse(Rotated(kid=new, items=_items(desk)))


def _revoke(errand: WriteRequest, kid: str, wish: WithReason) -> WriteResponse:
    desk = _desk(errand.parts)
    desk.revoke(kid, errand.store, reason=wish.reason, by=errand.actor)
    return WriteResponse(KeyList(items=_items(desk)))


def _desk(parts: AdminContext) -> KeyAdmin:
    if parts.keys is None:
        raise AdminError(404, AdminCode.KEY_UNKNOWN, "this server publishes no key repository")
    return parts.keys


def _items(desk: KeyAdmin) -> list[Any]:
    return shown_many(desk.list(), KeyShown)

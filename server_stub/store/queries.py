"""Queries to the store, and pages of results.

A page ends with an opaque cursor. The next page begins after it, whatever was added or removed in the meantime.
"""

import base64
import binascii
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from wire.codes import Decision

T = TypeVar("T")

PAGE_MAX: Final = 1000


class CursorError(ValueError):
    """The cursor is not one that a page ended with."""


@dataclass(frozen=True, slots=True)
class DeviceQuery:
    """Which devices to find. A member that is None matches every device.

    `territory` and `decision` are those of the newest verdict. `locked_at`: locked at that time by the newest verdict.
    `overridden`: whether an operator decided about the device. Activated at or after `activated_from` and before
    `activated_until`.
    """

    territory: str | None = None
    activation_territory: str | None = None
    sale_region: str | None = None
    model: str | None = None
    batch: str | None = None
    distributor: str | None = None
    decision: Decision | None = None
    locked_at: int | None = None
    overridden: bool | None = None
    activated_from: int | None = None
    activated_until: int | None = None


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """Which entries to find: `action` is a prefix, such as `device.`; at or after `since` and before `until`."""

    actor: str | None = None
    action: str | None = None
    subject: str | None = None
    since: int | None = None
    until: int | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some of the results, in order. `next` is the cursor of the next page, None at the end."""

    items: tuple[T, ...]
    next: str | None


def encode_cursor(key: str | int) -> str:
    """The cursor of a page that ends with `key`."""
    return base64.urlsafe_b64encode(str(key).encode()).rstrip(b"=").decode()


def decode_cursor(cursor: str) -> str:
    """The key that a page ended with. Raises CursorError.

    >>> decode_cursor(encode_cursor("d-17"))
    'd-17'
    """
    try:
        key = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise CursorError("the cursor is not one of this server's; begin without one") from error
    if encode_cursor(key) != cursor or "\0" in key:
        raise CursorError("the cursor is not one of this server's; begin without one")
    return key


def decode_number(cursor: str) -> int:
    """The number that a page ended with. Raises CursorError."""
    key = decode_cursor(cursor)
    if not (key.isascii() and key.isdigit() and len(key) <= 18):
        raise CursorError("the cursor is not one of this query's; begin without one")
    return int(key)


def check_limit(limit: int) -> None:
    """Raises ValueError for a length that a page cannot have."""
    if not 1 <= limit <= PAGE_MAX:
        raise ValueError(f"a page has 1 to {PAGE_MAX} items")

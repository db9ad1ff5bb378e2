"""Whether a device or an audit entry is one that was asked for, by a store that has no SQL."""

from dataclasses import dataclass

from server_stub.store.entities import AuditEntry, Device
from server_stub.store.queries import AuditQuery, DeviceQuery
from wire.codes import Decision


@dataclass(frozen=True, slots=True)
class Newest:
    """Of a device's newest verdict, what is asked for."""

    decision: Decision
    territory: str | None


def matches(device: Device, newest: Newest | None, query: DeviceQuery) -> bool:
    """Whether `device`, whose newest verdict is `newest`, is one of `query`."""
    activation = device.activation
    wanted = (
        (query.territory, newest.territory if newest else None),
        (query.decision, newest.decision if newest else None),
        (query.activation_territory, activation.territory if activation else None),
        (query.sale_region, device.sale_region),
        (query.model, device.model),
        (query.batch, device.batch),
        (query.distributor, device.distributor),
        (query.overridden, device.override is not None),
    )
    return (
        all(want is None or want == is_ for want, is_ in wanted)
        and _within(activation.at if activation else None, query.activated_from, query.activated_until)
        and (query.locked_at is None or (device.locks_at is not None and device.locks_at <= query.locked_at))
    )


def entry_matches(entry: AuditEntry, query: AuditQuery) -> bool:
    """Whether `entry` is one of `query`."""
    return (
        query.actor in (None, entry.actor)
        and query.subject in (None, entry.subject)
        and entry.action.startswith(query.action or "")
        and _within(entry.at, query.since, query.until)
    )


def _within(at: int | None, since: int | None, until: int | None) -> bool:
    if at is None:
        return since is None and until is None
    return (since is None or at >= since) and (until is None or at < until)

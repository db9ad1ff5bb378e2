"""The admin API under `/admin/v1`: one module for each resource, all with the admin token."""

from typing import Final

from fastapi import FastAPI

from server_stub.admin.context import AdminContext
from server_stub.api.admin import (
    audit,
    campaigns,
    devices,
    faults,
    investigation,
    keys,
    policies,
    shipments,
    unlock_codes,
)

ROUTERS: Final = (
    policies.router,
    campaigns.router,
    devices.router,
    unlock_codes.router,
    keys.router,
    faults.router,
    audit.router,
    investigation.router,
    shipments.router,
)
"""The resources. `route.resource` makes each router, whose routes require the token."""


def install(app: FastAPI, context: AdminContext) -> None:
    """Serve the admin API of `context` from `app`.

    All applications share the route objects, which take a while to make; a route uses the context of its application.
    """
    app.state.admin = context
    for router in ROUTERS:
        app.router.routes.extend(router.routes)

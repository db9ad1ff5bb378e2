"""The admin API under `/admin/v1`: one module for each resource, all behind the admin token."""

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
"""The resources, each made by `route.resource`, whose routes ask for the token."""


def install(app: FastAPI, parts: AdminContext) -> None:
    """Serve the admin API of `parts` from `app`.

    All applications share the routes, which ask their application for its parts: making them takes a while.
    """
    app.state.admin = parts
    for router in ROUTERS:
        app.router.routes.extend(router.routes)

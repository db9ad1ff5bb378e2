"""The admin API under `/admin/v1`: one module for each resource, all with the admin token."""

from fastapi import FastAPI

from server_stub.admin.context import AdminContext
from server_stub.api.admin import (
    audit,
    campaigns,
    clock,
    devices,
    faults,
    investigation,
    keys,
    policies,
    shipments,
    unlock_codes,
)


def install(app: FastAPI, context: AdminContext) -> None:
    """Serve the admin API of `context` from `app`.

    All applications share the route objects, which take a while to make; a route uses the context of its application.
    """
    app.state.admin = context
    for module in (
        *(policies, campaigns, devices, unlock_codes, keys, clock),
        *(faults, audit, investigation, shipments),
    ):
        app.router.routes.extend(module.router.routes)

"""The extension of the verdict server with the routes of the lab."""

from functools import partial

from fastapi import FastAPI

from lab.api import clock_routes, device_routes, expectation_routes, expectations, world_routes
from lab.api.context import LabContext, install
from lab.api.world_time import WORLDS
from lab.api.worlds import WorldRouter
from server_stub.api.extension import Extension

_TAGS = {
    "lab-clock": "The test clock of this server. Only with `serve --lab`.",
    "lab-expectations": "What evidence must contain. Only with `serve --lab`.",
    "lab-worlds": "Servers of their own inside this one, each with its records, keys and clock. "
    "Only with `serve --lab`.",
    "lab-devices": "The devices of the lab, and keys that they attest. Only with `serve --lab`.",
}


def lab_extension(context: LabContext) -> Extension:
    """The routes under `/lab/v1`. The application must have the admin API, whose token they need."""

    def add(app: FastAPI) -> None:
        install(app, context)
        expectations.install(app, context.clock.store)
        app.openapi_tags = [{"name": name, "description": text} for name, text in _TAGS.items()]
        for module in (clock_routes, device_routes, expectation_routes, world_routes):
            app.router.routes.extend(module.router.routes)

    router = partial(
        WorldRouter, worlds=context.worlds, operations=WORLDS, header=Extension("lab", add).header
    )
    return Extension("lab", add, router)

"""`activation openapi`."""

from lab.cli import output
from lab.cli.lazy import deferred

with deferred():
    from lab.backend import hosts
    from lab.simulation import simulation
    from server_stub.api import app


def openapi() -> None:
    """Print the OpenAPI document of the verdict server. A running server sends the same at /openapi.json.

    \b
    Example:
      activation openapi > openapi.json
    """
    with simulation.Simulation("openapi", host=hosts.InProcessHost) as opened:
        server = opened.server
        served = app.create_app(server.service, repository=server.repository, admin=server.parts)
        output.as_json(served.openapi())

"""Which methods a resource takes, as its document has it."""

import pytest

from server_stub.api.methods import allowed_methods

PATHS: dict[str, dict[str, object]] = {
    "/devices": {"get": {}},
    "/devices/{sub}": {"get": {}, "delete": {}},
    "/devices/bulk": {"post": {}},
    "/devices/{sub}/{act}": {"post": {}, "put": {}},
}


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/devices", "GET"),
        ("/devices/d-1", "DELETE, GET"),
        ("/devices/bulk", "POST"),
        ("/devices/bulk/lock", "POST, PUT"),
        ("/devices/", None),
        ("/nothing", None),
    ],
)
def test_a_resource_takes_the_methods_of_all_its_routes_and_of_no_other(
    path: str, allowed: str | None
) -> None:
    """The framework would name those of the first route that looks like it."""
    assert allowed_methods(PATHS, path) == allowed

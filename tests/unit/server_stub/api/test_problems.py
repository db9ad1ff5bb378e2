"""The methods that a resource allows, by the OpenAPI document."""

import pytest

from server_stub.api.problems import allowed_methods

PATHS: dict[str, dict[str, object]] = {
    "/devices": {"get": {}},
    "/devices/{sub}": {"get": {}, "delete": {}},
    "/devices/bulk": {"post": {}},
    "/devices/{sub}/{act}": {"post": {}, "put": {}},
}


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/devices", "GET, HEAD"),
        ("/devices/d-1", "DELETE, GET, HEAD"),
        ("/devices/bulk", "POST"),
        ("/devices/bulk/lock", "POST, PUT"),
        ("/devices/", None),
        ("/nothing", None),
    ],
)
def test_a_resource_allows_the_methods_of_all_its_routes_and_no_others(
    path: str, allowed: str | None
) -> None:
    """The framework would return the methods of the first route that matches."""
    assert allowed_methods(PATHS, path) == allowed

"""A simulation for tests with whole devices, shared by all tests of a process."""

from collections.abc import Iterator

import pytest

from lab.backend.http_host import HttpHost
from lab.simulation.simulation import Simulation


@pytest.fixture(scope="session")
def simulation() -> Iterator[Simulation]:
    with Simulation("tests", host=HttpHost) as opened:
        yield opened

"""A scene for the tests that run whole phones: real servers on real ports, one for all tests of a process."""

from collections.abc import Iterator

import pytest

from lab.scene import Scene


@pytest.fixture(scope="session")
def scene() -> Iterator[Scene]:
    with Scene.open("tests") as opened:
        yield opened

"""A listening socket that processes share: which of them accepts the next connection."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from server_stub.shared_listener import ABSENT, SharedListener

COUNT = 3


class Shared:
    """The listeners of three processes, the number of connections of each, and clients."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        first = socket.create_server(("127.0.0.1", 0))
        self._address = first.getsockname()
        self.counts = [ABSENT] * COUNT
        sockets = [first, *(first.dup() for _ in range(COUNT - 1))]
        self.listeners = [
            stack.enter_context(SharedListener(each, self.counts, number))
            for number, each in enumerate(sockets)
        ]

    def connect(self) -> None:
        self._stack.enter_context(socket.create_connection(self._address))

    def accept(self, number: int) -> socket.socket:
        accepted, _ = self.listeners[number].accept()
        return self._stack.enter_context(accepted)


@pytest.fixture
def shared() -> Iterator[Shared]:
    with ExitStack() as stack:
        yield Shared(stack)


def test_a_process_with_more_connections_leaves_the_next_one_to_the_others(shared: Shared) -> None:
    for listener in shared.listeners[:2]:
        listener.listen(100)
    assert shared.counts == [0, 0, ABSENT]
    taken = []
    for turn in range(6):
        shared.connect()
        if turn % 2:
            with pytest.raises(BlockingIOError):
                shared.accept(0)
        taken.append(shared.accept(turn % 2))
    assert shared.counts == [3, 3, ABSENT]
    for connection in (taken[1], taken[1], taken[3]):
        connection.close()
    assert shared.counts == [3, 1, ABSENT]


def test_a_connection_that_the_others_leave_too_is_accepted_after_a_while(shared: Shared) -> None:
    for listener in shared.listeners:
        listener.listen(100)
    shared.connect()
    shared.accept(0)
    for expected in (2, 3):
        shared.connect()
        refused = 0
        while shared.counts[0] < expected:
            try:
                shared.accept(0)
            except BlockingIOError:
                refused += 1
        assert refused > 1


def test_a_process_that_stops_listening_is_left_nothing(shared: Shared) -> None:
    for listener in shared.listeners:
        listener.listen(100)
    shared.connect()
    shared.accept(0)
    for listener in shared.listeners[1:]:
        listener.close()
    shared.connect()
    shared.accept(0)
    assert shared.counts == [2, ABSENT, ABSENT]

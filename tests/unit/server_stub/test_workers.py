"""Workers that cannot start: the command ends with the error of one of them."""

import errno
import io
import socket
import sys
import time
from collections.abc import Callable
from multiprocessing.context import SpawnProcess

import pytest

from server_stub.api.json_log import json_log
from server_stub.workers import ServerWorker, ServerWorkers, WorkerStartError

pytestmark = pytest.mark.slow


def only_the_first_starts(worker: ServerWorker) -> None:
    if worker.first:
        worker.parent.send("its token")
        while True:
            time.sleep(1)
    worker.parent.send(WorkerStartError("no connection is left", 3))
    sys.exit(3)


def none_starts(_: ServerWorker) -> None:
    sys.exit(7)


@pytest.mark.parametrize(
    ("serve", "problem"),
    [
        (only_the_first_starts, "no connection is left"),
        (none_starts, "activation: a worker ended with code 7 while it started"),
    ],
)
def test_the_command_ends_with_the_error_of_one_worker(
    serve: Callable[[ServerWorker], None], problem: str
) -> None:
    log = io.StringIO()
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    workers = ServerWorkers(4, listener, json_log(log), serve=lambda: serve, reload=lambda: None)
    with pytest.raises(WorkerStartError) as caught:
        workers.run(lambda _: pytest.fail("announced"))
    assert (caught.value.problem, caught.value.code, log.getvalue()) == (problem, 3, "")
    socket.create_server(("127.0.0.1", port)).close()  # no process holds it any more


def test_a_process_that_the_system_refuses_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_: SpawnProcess) -> None:
        raise OSError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(SpawnProcess, "start", refused)
    listener = socket.create_server(("127.0.0.1", 0))
    workers = ServerWorkers(
        2, listener, json_log(io.StringIO()), serve=lambda: none_starts, reload=lambda: None
    )
    with pytest.raises(WorkerStartError, match="cannot start a worker: Resource temporarily unavailable"):
        workers.run(lambda _: pytest.fail("announced"))

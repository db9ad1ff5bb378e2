"""Calls on daemon threads."""

import subprocess
import sys
from threading import Event

import pytest

from server_stub.api.threads import DaemonThreads

STUCK = """
from threading import Event
from server_stub.api.threads import DaemonThreads

running = Event()
threads = DaemonThreads(1, "judge")
threads.submit(lambda: running.set() or Event().wait())
running.wait()
"""


def test_result_and_error_of_a_call_reach_the_caller() -> None:
    threads = DaemonThreads(2, "judge")
    assert threads.submit(divmod, 7, 2).result() == (3, 1)
    with pytest.raises(ZeroDivisionError):
        threads.submit(divmod, 7, 0).result()
    assert threads.submit(divmod, 9, 2).result() == (4, 1)


class Panic(BaseException):
    """An error as `pyo3` raises it."""


def test_error_that_is_no_exception_reaches_the_caller_and_does_not_end_the_thread() -> None:
    threads = DaemonThreads(1, "judge")

    def panic() -> None:
        raise Panic

    with pytest.raises(Panic):
        threads.submit(panic).result(60)
    assert threads.submit(divmod, 7, 2).result(60) == (3, 1)


def test_cancelled_call_is_not_run() -> None:
    threads, release, ran = DaemonThreads(1, "judge"), Event(), Event()
    first = threads.submit(release.wait)
    second = threads.submit(ran.set)
    assert second.cancel()
    release.set()
    assert first.result()
    threads.submit(int).result()
    assert not ran.is_set()


def test_process_exits_while_a_call_does_not_return() -> None:
    ended = subprocess.run([sys.executable, "-c", STUCK], timeout=60, check=False)
    assert ended.returncode == 0

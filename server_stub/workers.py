"""Several processes that serve on one socket: `activation serve --workers`.

The parent listens and serves nothing itself. It starts the workers, announces the server when all are ready, replaces
workers that end, and passes signals on. A worker is a new process (`spawn`) that inherits the socket and accepts one
connection at a time, so connections spread over the workers. It drains on SIGTERM, and when the parent has ended.
"""

import os
import shutil
import signal
import socket
import time
from collections.abc import Callable, Iterator, MutableSequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from math import inf
from multiprocessing import get_context, parent_process, resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any, Final

from server_stub.api.logs import Log
from server_stub.api.metrics import SharedFolder
from server_stub.server import has_terminal
from server_stub.shared_listener import ABSENT, SharedListener

_STABLE_SECONDS: Final = 10
"""A worker that has run for so long is replaced without a pause."""

_PAUSE_MIN: Final = 0.5
_PAUSE_MAX: Final = 30.0
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_SPAWN: Final = get_context("spawn")


class WorkerStartError(Exception):
    """A worker could not start. `code` is the exit code of the command."""

    def __init__(self, problem: str, code: int) -> None:
        super().__init__(problem, code)
        self.problem = problem
        self.code = code


@dataclass(frozen=True, slots=True)
class ServerWorker:
    """What a worker is started with. The `first` one of the command does what happens once at a start."""

    first: bool
    listener: socket.socket
    metrics: SharedFolder
    connections: MutableSequence[int]
    parent: "Connection[StartNews | WorkerStartError, object]"
    """Gets the news when the worker is ready; or why it cannot start."""


@dataclass(frozen=True, slots=True)
class StartNews:
    """What the first worker has to announce: the admin token if it is new, and what `serve --restored` returned."""

    token: str | None = None
    skipped_to: int | None = None


Serve = Callable[[ServerWorker], None]
"""Serves until SIGTERM. It is sent to the worker, so it is a function of a module, or a `partial` of one."""


@dataclass
class _Running:
    """The present process of a slot."""

    process: SpawnProcess
    link: "Connection[object, StartNews | WorkerStartError]"
    started: float
    ready: bool = False
    failure: WorkerStartError | None = None


@dataclass
class _Slot:
    """The place of one worker, and when its next process is due."""

    number: int
    due: float = inf
    pause: float = 0.0
    running: _Running | None = None


class ServerWorkers:
    """`count` processes that serve on `listener`, which they close.

    `serve` returns what a new worker runs. SIGHUP calls `reload`, and then reaches the workers.
    """

    def __init__(
        self,
        count: int,
        listener: socket.socket,
        log: Log,
        *,
        serve: Callable[[], Serve],
        reload: Callable[[], None],
    ) -> None:
        self._listener = listener
        self._connections = _SPAWN.RawArray("i", [ABSENT] * count)
        self._serve = serve
        self._reload = reload
        self._log = log
        self._slots = [_Slot(number) for number in range(count)]
        self._news = StartNews()
        self._announced = self._draining = False
        self._code = 0

    def run(self, announce: Callable[[StartNews], None]) -> int:
        """Serve until SIGINT or SIGTERM, and return the exit code. Calls `announce` with the news.

        Raises WorkerStartError if a worker cannot start before all are ready. Afterwards it is replaced until it can.
        """
        of_terminal = signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN and has_terminal()
        with ExitStack() as stack:
            self._folder = Path(stack.enter_context(TemporaryDirectory(prefix="activation-metrics-")))
            stack.callback(self._kill)
            stack.enter_context(self._listener)
            signals = stack.enter_context(_received_signals())
            self._slots[0].due = 0
            received = b""
            while not received and not all(slot.running and slot.running.ready for slot in self._slots):
                received = self._wait(signals)
            if not received:
                self._announced = True
                announce(self._news)
                signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
                while not self._draining or any(slot.running for slot in self._slots):
                    for number in self._wait(signals):
                        self._on_signal(number, of_terminal=of_terminal)
        if received:
            signal.raise_signal(received[0])  # as it would end a server that starts
        return self._code

    def _wait(self, signals: socket.socket) -> bytes:
        """Start what is due, wait until something happens, and return the numbers of signals. Their turn is first."""
        for slot in self._slots:
            if not slot.running and slot.due <= time.monotonic() and not self._draining:
                self._start(slot)
        links = {slot.running.link: slot for slot in self._slots if slot.running}
        due = inf if self._draining else min(slot.due for slot in self._slots)
        found = wait([signals, *links], None if due == inf else max(0.0, due - time.monotonic()))
        if signals in found:
            return signals.recv(64)
        for link, slot in links.items():
            if link in found and slot.running:
                self._receive(slot, slot.running)
        return b""

    def _start(self, slot: _Slot) -> None:
        link, worker_end = _SPAWN.Pipe(duplex=False)
        first = slot.number == 0 and not self._announced
        folder = SharedFolder(self._folder, slot.number)
        worker = ServerWorker(first, self._listener, folder, self._connections, worker_end)
        process = _SPAWN.Process(target=_work, args=(self._serve(), worker))
        slot.due, slot.running = inf, _Running(process, link, time.monotonic())
        resource_tracker.ensure_running()  # its start would unblock signals below
        # Until it has handlers, signals wait; those of the terminal reach it too.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        try:
            process.start()
        except OSError as error:  # no memory, or too many processes
            link.close()
            failure = WorkerStartError(f"activation: cannot start a worker: {error.strerror}", 3)
            self._start_later(slot, slot.running, None, failure)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            worker_end.close()

    def _receive(self, slot: _Slot, running: _Running) -> None:
        try:
            message = running.link.recv()
        except (EOFError, OSError):
            self._ended(slot, running)
            return
        if isinstance(message, WorkerStartError):
            running.failure = message
            return
        running.ready = True
        if not self._announced and slot.number == 0:
            self._news = message
            for other in self._slots[1:]:
                other.due = 0

    def _ended(self, slot: _Slot, running: _Running) -> None:
        running.process.join()
        running.link.close()
        code = running.process.exitcode
        if self._draining:
            slot.running = None
            self._code = self._code or int(running.ready and code != 0)
            return
        SharedFolder(self._folder, slot.number).forget()
        self._connections[slot.number] = ABSENT
        failure = running.failure
        if failure is None and not running.ready:
            failure = WorkerStartError(f"activation: a worker ended with code {code} while it started", 3)
        self._start_later(slot, running, code, failure)

    def _start_later(
        self, slot: _Slot, running: _Running, code: int | None, failure: WorkerStartError | None
    ) -> None:
        """Replace a worker that has ended. Raises WorkerStartError before the server was announced."""
        slot.running = None
        if not self._announced:
            raise failure or WorkerStartError(f"activation: a worker ended with code {code}", 3)
        now = time.monotonic()
        early = now - running.started < _STABLE_SECONDS
        slot.pause = min(max(2 * slot.pause, _PAUSE_MIN), _PAUSE_MAX) if early else 0.0
        slot.due = now + slot.pause
        why = {"error": failure.problem} if failure else {}
        self._log.warning("worker-ended", worker=slot.number, code=code, restart_in=slot.pause, **why)

    def _on_signal(self, number: int, *, of_terminal: bool) -> None:
        running = [slot.running for slot in self._slots if slot.running]
        if number == signal.SIGHUP and not (of_terminal and not has_terminal()):
            self._reload()
            for each in running:
                os.kill(each.process.pid or 0, signal.SIGHUP)
        elif self._draining and number == signal.SIGINT:
            self._kill()
        else:
            self._draining = True
            self._listener.close()
            for each in running:
                # One that is not ready has accepted nothing.
                end = each.process.terminate if each.ready else each.process.kill
                end()

    def _kill(self) -> None:
        for slot in self._slots:
            if slot.running:
                slot.running.process.kill()
                slot.running.process.join()
                slot.running = None


@contextmanager
def _received_signals() -> Iterator[socket.socket]:
    """Signals in this block become bytes, their numbers, in this socket. SIGHUP stays blocked if it is."""
    reader, writer = socket.socketpair()
    with reader, writer:
        writer.settimeout(0)
        handlers = {number: signal.signal(number, lambda *_: None) for number in _SIGNALS}
        wakeup = signal.set_wakeup_fd(writer.fileno())
        try:
            yield reader
        finally:
            signal.set_wakeup_fd(wakeup)
            for number, handler in handlers.items():
                signal.signal(number, handler)


def _work(serve: Serve, worker: ServerWorker) -> None:
    """What a worker does, from its start to its end."""
    parent: Any = parent_process()  # a worker has one

    def end_with_parent() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

    Thread(target=end_with_parent, name="parent", daemon=True).start()
    listener = SharedListener(worker.listener, worker.connections, worker.metrics.number)
    try:
        serve(replace(worker, listener=listener))
    finally:
        if not parent.is_alive():
            shutil.rmtree(worker.metrics.folder, ignore_errors=True)

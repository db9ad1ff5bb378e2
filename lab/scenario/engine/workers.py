"""Runs scenarios in worker processes.

A worker has a pipe to this process, over which it gets some cases at a time and returns their results. It ends when
the pipe is closed, so it does not outlive this process. If a worker is killed, the scenario that it was running has the
status `internal-error`, and another worker gets its other cases.
"""

import signal
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Final

from lab.scenario.engine.interruption import Interruption, blocked
from lab.scenario.engine.result import ScenarioResult
from lab.scenario.files.reader import Case
from lab.world.temporary import remove_folders_of

CHUNK: Final = 4
"""Cases that a worker gets at a time."""

AHEAD: Final = 16
"""Chunks for each worker between the result that is returned next and the newest case that was read."""

POLL_SECONDS: Final = 0.1

RunCase = Callable[[Case], ScenarioResult]


def _work(connection: Connection, run_case: RunCase) -> None:
    with suppress(EOFError, OSError):  # the parent process has ended
        while True:
            for case in connection.recv():
                connection.send(run_case(case))


@dataclass
class Worker:
    """A process and the numbered cases that it has not returned yet; it runs the first of them."""

    process: SpawnProcess
    connection: Connection
    cases: deque[tuple[int, Case]] = field(default_factory=deque)

    @classmethod
    def start(cls, run_case: RunCase) -> "Worker":
        """A new worker. It ignores the signals that end a run: this process decides when it ends."""
        context = get_context("spawn")
        here, there = context.Pipe()
        process = context.Process(target=_work, args=(there, run_case), daemon=True)
        resource_tracker.ensure_running()  # its start unblocks signals
        with blocked():
            process.start()
        there.close()
        return cls(process, here)

    def give(self, cases: list[tuple[int, Case]]) -> None:
        """Let it run these cases. It must have none, so that neither side waits for the other to read."""
        self.cases.extend(cases)
        with suppress(OSError):  # it was killed; `receive` says so
            self.connection.send([case for _, case in cases])

    def receive(self) -> ScenarioResult | None:
        """The result of its first case, or None if it was killed."""
        try:
            result: ScenarioResult = self.connection.recv()
        except (EOFError, OSError):
            return None
        return result

    def kill(self) -> str:
        """End it. Returns how it ended."""
        self.process.kill()
        self.process.join()
        self.connection.close()
        code = self.process.exitcode or 0
        remove_folders_of(self.process.pid or 0)
        return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


@dataclass
class WorkerPool:
    """Runs cases with `run_case` in `size` processes. `lost` makes the result of a case whose worker was killed."""

    size: int
    run_case: RunCase
    lost: Callable[[Case, str], ScenarioResult]
    interruption: Interruption
    _workers: list[Worker] = field(default_factory=list)
    _waiting: deque[tuple[int, Case]] = field(default_factory=deque)
    _done: dict[int, ScenarioResult] = field(default_factory=dict)
    _read: int = 0
    _returned: int = 0

    def results(self, cases: Iterator[Case]) -> Generator[ScenarioResult]:
        """The results in the order of the cases. After an interruption, those that are there."""
        with closing(self):
            while self._give(cases):
                for worker in self._ready():
                    self._take(worker)
                while self._returned in self._done:
                    self._returned += 1
                    yield self._done.pop(self._returned - 1)
        yield from (self._done[number] for number in sorted(self._done))

    def close(self) -> None:
        """End the workers."""
        while self._workers:
            self._workers.pop().kill()

    def _give(self, cases: Iterator[Case]) -> bool:
        """Give cases to idle workers. Returns whether there is something to wait for."""
        limit = self._returned + AHEAD * CHUNK * self.size
        while self.interruption.signal is None and (self._waiting or self._read < limit):
            idle = next((each for each in self._workers if not each.cases), None)
            if idle is None and len(self._workers) == self.size:
                break
            if not (chunk := self._chunk(cases)):
                break
            if idle is None:
                idle = Worker.start(self.run_case)
                self._workers.append(idle)
            idle.give(chunk)
        return any(worker.cases for worker in self._workers) and not self.interruption.urgent

    def _chunk(self, cases: Iterator[Case]) -> list[tuple[int, Case]]:
        if self._waiting:
            return [self._waiting.popleft() for _ in range(min(CHUNK, len(self._waiting)))]
        chunk = list(enumerate(islice(cases, CHUNK), self._read))
        self._read += len(chunk)
        return chunk

    def _ready(self) -> list[Worker]:
        by_connection = {worker.connection: worker for worker in self._workers if worker.cases}
        return [by_connection[each] for each in wait(list(by_connection), POLL_SECONDS)]  # type: ignore[index]

    def _take(self, worker: Worker) -> None:
        """Take a result. After an interruption a worker begins no other scenario."""
        result = worker.receive()
        number, case = worker.cases.popleft()
        if result is None:
            self._workers.remove(worker)
            result = self.lost(case, worker.kill())
            self._waiting.extendleft(reversed(worker.cases))
        elif self.interruption.signal is not None:
            self._workers.remove(worker)
            worker.kill()
        self._done[number] = result

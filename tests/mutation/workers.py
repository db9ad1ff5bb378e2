"""One process for each mutant: forked, limited in processor time, and gone with whatever the mutant did."""

import os
import resource
import signal
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from tests.mutation.mutants import Mutant

CPU_SECONDS: Final = 90
WALL_SECONDS: Final = 600
"""The limits of one mutant: a loop that does not end counts as noticed."""

_BROKEN: Final = 70
"""Exit status where a mutant could not be tried."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a mutant. `killer` is the test that failed, "" where none did."""

    mutant: Mutant
    killer: str


def run_all(todo: Iterable[Mutant], task: Callable[[Mutant], str], jobs: int) -> Iterator[Result]:
    """Run `task` on each mutant in a process of its own, `jobs` at a time; yields results as they come."""
    running: dict[int, tuple[Mutant, int]] = {}
    for mutant in todo:
        while len(running) >= jobs:
            yield _reap(running)
        pid, pipe = _fork(mutant, task)
        running[pid] = mutant, pipe
    while running:
        yield _reap(running)


def _fork(mutant: Mutant, task: Callable[[Mutant], str]) -> tuple[int, int]:
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing)
        return pid, reading
    try:
        _limit()
        os.write(writing, b"+" + task(mutant).encode())
        os._exit(0)
    except BaseException as error:  # nothing of this process may go on in the parent's place
        os.write(writing, b"-" + repr(error).encode()[:4000])
    finally:
        os._exit(_BROKEN)


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(WALL_SECONDS)
    silence = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(silence, descriptor)


def _reap(running: dict[int, tuple[Mutant, int]]) -> Result:
    pid, status = os.wait()
    mutant, pipe = running.pop(pid)
    told = os.read(pipe, 4096).decode()
    os.close(pipe)
    if told.startswith("+"):
        return Result(mutant, told[1:])
    if os.WIFEXITED(status):
        raise ChildProcessError(
            f"{mutant} could not be tried: the process ended with {os.WEXITSTATUS(status)} {told[1:]}"
        )
    return Result(mutant, f"the process ended by signal {os.WTERMSIG(status)}")

"""One forked process for each mutant, with limits on processor time and wall time."""

import os
import resource
import signal
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from tools.mutation.mutants import Mutant

CPU_SECONDS: Final = 90
WALL_SECONDS: Final = 600
"""The limits of one mutant: an endless loop counts as detected."""

_BROKEN: Final = 70
"""Exit status if a mutant could not be tried."""


@dataclass(frozen=True, slots=True)
class MutantRun:
    """`killer` is the test that failed, "" if none did."""

    mutant: Mutant
    killer: str


def run_all(todo: Iterable[Mutant], task: Callable[[Mutant], str], jobs: int) -> Iterator[MutantRun]:
    """Run `task` on each mutant in its own process, `jobs` at a time; yields results in the order of completion."""
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
    except BaseException as error:  # the fork must never continue the work of its parent
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


def _reap(running: dict[int, tuple[Mutant, int]]) -> MutantRun:
    pid, status = os.wait()
    mutant, pipe = running.pop(pid)
    output = os.read(pipe, 4096).decode()
    os.close(pipe)
    if output.startswith("+"):
        return MutantRun(mutant, output[1:])
    if os.WIFEXITED(status):
        raise ChildProcessError(
            f"{mutant} could not be tried: the process ended with {os.WEXITSTATUS(status)} {output[1:]}"
        )
    return MutantRun(mutant, f"the process ended by signal {os.WTERMSIG(status)}")

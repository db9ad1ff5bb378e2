"""One forked process for each task: what a mutant breaks in the process ends with it."""

import multiprocessing
import os
import resource
import signal
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")
Running = dict[int, tuple[T, BaseProcess, Connection]]


def run_all(
    todo: Iterable[T], work: Callable[[T], R], jobs: int, seconds: int
) -> Iterator[tuple[T, R | None]]:
    """Call `work` with each of `todo` in its own process, `jobs` at a time; yields in the order of completion.

    The result is None if a signal ended the process: it crashed, needed more than `seconds` of processor time, or eight
    times as long in all. Raises ChildProcessError if it fails otherwise; it has printed its error.
    """
    fork, running = multiprocessing.get_context("fork"), Running[T]()
    for each in todo:
        while len(running) >= jobs:
            yield _finished(running)
        receiving, sending = fork.Pipe(duplex=False)
        process = fork.Process(target=_limited, args=(work, each, seconds, sending))
        process.start()
        sending.close()
        running[process.sentinel] = each, process, receiving
    while running:
        yield _finished(running)


def _limited(work: Callable[[T], R], task: T, seconds: int, sending: Connection) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(8 * seconds)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sending.send(work(task))


def _finished(running: Running[T]) -> tuple[T, Any]:
    task, process, receiving = running.pop(
        next(each for each in wait(list(running)) if isinstance(each, int))
    )
    process.join()
    with receiving:
        if process.exitcode == 0:
            return task, receiving.recv()
    if process.exitcode is None or process.exitcode > 0:
        raise ChildProcessError(f"{task} could not be tried: the process ended with {process.exitcode}")
    return task, None

"""Paired timing: what is compared runs in turns, so that a busy machine slows both alike."""

import gc
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from statistics import median
from time import perf_counter_ns
from typing import Any

Timings = dict[str, list[float]]
"""By name: seconds of one call, one entry a round."""


def interleaved(
    work: Mapping[str, Callable[[], Any]],
    *,
    rounds: int,
    calls: int,
    clock: Callable[[], int] = perf_counter_ns,
) -> Timings:
    """Time every piece of `work` once a round, `calls` calls at a time, beginning with another one each round.

    `clock` gives nanoseconds. `process_time_ns` suits work that waits for nothing: it stands still while other
    processes have the core.
    """
    names = list(work)
    timings: Timings = {name: [] for name in names}
    for name in names:
        _seconds(work[name], calls, clock)  # caches and lazy imports settle outside of the measurement
    with _without_garbage_collection():
        for turn in range(rounds):
            first = turn % len(names)
            for name in names[first:] + names[:first]:
                timings[name].append(_seconds(work[name], calls, clock))
            gc.collect(0)
    return timings


def ratio(timings: Timings, name: str, limit: str) -> float:
    """Median over the rounds of how many times `limit` one call of `name` takes."""
    return median(one / other for one, other in zip(timings[name], timings[limit], strict=True))


def _seconds(call: Callable[[], Any], calls: int, clock: Callable[[], int]) -> float:
    begin = clock()
    for _ in range(calls):
        call()
    return (clock() - begin) / calls / 1e9


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()

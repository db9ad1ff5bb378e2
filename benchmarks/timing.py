"""Paired timing: the compared functions run in turns, so that a busy machine slows both equally."""

import gc
from collections.abc import Callable, Mapping
from statistics import median
from time import perf_counter_ns
from typing import Any

Timings = dict[str, list[float]]
"""By name: seconds for one call, one entry for each round."""


def interleaved(
    work: Mapping[str, Callable[[], Any]],
    *,
    rounds: int,
    calls: int,
    clock: Callable[[], int] = perf_counter_ns,
) -> Timings:
    """Time each function of `work` once in each round, `calls` calls at a time, in rotating order.

    `clock` returns nanoseconds. Use `process_time_ns` for work that does not wait: it does not advance while other
    processes use the core.
    """
    names = list(work)
    timings: Timings = {name: [] for name in names}
    for name in names:
        _seconds(work[name], calls, clock)  # fills caches before the measurement
    gc.collect()
    gc.disable()
    try:
        for turn in range(rounds):
            first = turn % len(names)
            for name in names[first:] + names[:first]:
                timings[name].append(_seconds(work[name], calls, clock))
            gc.collect(0)
    finally:
        gc.enable()
    return timings


def ratio(timings: Timings, name: str, limit: str) -> float:
    """The median over the rounds of the time of `name` divided by that of `limit`."""
    return median(one / other for one, other in zip(timings[name], timings[limit], strict=True))


def _seconds(call: Callable[[], Any], calls: int, clock: Callable[[], int]) -> float:
    begin = clock()
    for _ in range(calls):
        call()
    return (clock() - begin) / calls / 1e9

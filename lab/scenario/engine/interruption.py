"""Signals that end a run early: scenarios that run may finish, and if that takes too long they are abandoned.

The first SIGINT, SIGTERM or SIGHUP lets no further scenario begin. `GRACE_SECONDS` later, or at the second signal,
scenarios that still run are abandoned.
"""

import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final, TypeVar

T = TypeVar("T")

GRACE_SECONDS: Final = 2.0
"""Less than what CI servers allow between SIGTERM and SIGKILL."""

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interruption:
    """What the signals of this process ask for. `signal` is the first of them, `urgent` means to abandon."""

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None
        self.urgent = False
        self.abandon: Callable[[], object] = lambda: None
        """Is called in a signal handler while a scenario runs in this process, and must not return."""
        self.unread = False
        """Whether `until_stopped` left out something."""
        self._running = False

    def until_stopped(self, items: Iterable[T]) -> Iterator[T]:
        """The items, until a signal comes."""
        for item in items:
            if self.signal is not None:
                self.unread = True
                return
            yield item

    @contextmanager
    def handled(self) -> Iterator["Interruption"]:
        """Handle the signals in this block. Signals that this process ignores, as after `nohup`, are still ignored."""
        if threading.current_thread() is not threading.main_thread():
            yield self
            return
        before = {each: signal.getsignal(each) for each in (*SIGNALS, signal.SIGALRM)}
        for each, handler in before.items():
            if handler is not signal.SIG_IGN:
                signal.signal(each, self._on_signal)
        try:
            yield self
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            if self.signal is None:  # otherwise the process ends now, and more signals change nothing
                for each, handler in before.items():
                    signal.signal(each, handler)

    @contextmanager
    def running(self) -> Iterator[bool]:
        """A block in which a scenario runs, and which can be abandoned; it gets whether a scenario may run."""
        self._running = True
        try:
            yield self.signal is None
        finally:
            self._running = False

    def _on_signal(self, number: int, _: FrameType | None) -> None:
        if self.signal is None and number != signal.SIGALRM:
            self.signal = signal.Signals(number)
            signal.setitimer(signal.ITIMER_REAL, GRACE_SECONDS)
            return
        self.urgent = True
        if self._running:
            self._running = False
            self.abandon()


@contextmanager
def blocked() -> Iterator[None]:
    """A block in which the signals stay pending. A process that is started in it never receives them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (*SIGNALS, signal.SIGALRM))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

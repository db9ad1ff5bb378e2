"""The oracle of cost detects a reader that takes too long, grows too fast or needs too much memory."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from fuzz import cost
from fuzz.cost import SEPARATOR, BoundedTarget, CostBudget, RepeatedUnit
from fuzz.fault import BrokenRuleError
from fuzz.mutated import dictionary, mutated

BUDGET = CostBudget(1.0, 1e-3, 100_000, 10)
REPEATED = b"R\0a" + SEPARATOR + b"bcd" + SEPARATOR + b"e"


class FakeClock:
    """The processor time. A reader spends it by `cost` of the length of its document."""

    def __init__(self, cost: Callable[[int], float]) -> None:
        self._cost = cost
        self._now = 0.0

    def process_time(self) -> float:
        return self._now

    def read(self, document: bytes) -> None:
        self._now += self._cost(len(document))


def target(
    monkeypatch: pytest.MonkeyPatch, seconds: Callable[[int], float], budget: CostBudget = BUDGET
) -> BoundedTarget:
    clock = FakeClock(seconds)
    monkeypatch.setattr(cost, "time", clock)
    return BoundedTarget(clock.read, budget)


def test_reader_within_its_budget_breaks_no_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    check_cost = target(monkeypatch, lambda length: 0.9 + 1e-3 * length)
    check_cost(b"1" + bytes(100))
    check_cost(REPEATED)


def test_reader_that_takes_too_long_is_detected(monkeypatch: pytest.MonkeyPatch) -> None:
    bounded = target(monkeypatch, lambda length: 1.1 + 1e-3 * length)
    with pytest.raises(BrokenRuleError, match=r"work of 100 bytes takes at most 1.100 s, not 1.200"):
        bounded(b"1" + bytes(100))


def test_one_slow_run_is_not_detected(monkeypatch: pytest.MonkeyPatch) -> None:
    """The least of three runs counts: other processes use the machine too."""
    runs = iter([0.1, 99.0, 99.0, 0.1, 0.1])  # the first one traces memory
    check_cost = target(monkeypatch, lambda _: next(runs))
    check_cost(b"1")
    assert list(runs) == []


@pytest.mark.parametrize("exponent", [1.0, 1.2, 1.4, 2.0, 3.0])
def test_cost_that_grows_faster_than_the_input_is_detected(
    exponent: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    bounded = target(monkeypatch, lambda length: (length / 1000) ** exponent)
    bounded = replace(bounded, budget=CostBudget(1e9, 0, 100_000, 10))
    if 2**exponent < cost.GROWTH_MAX:
        bounded(REPEATED)
        return
    with pytest.raises(BrokenRuleError, match=r"2\.0 times the work takes"):
        bounded(REPEATED)


def test_growth_by_one_threshold_is_not_detected(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = [len(document) for document in BoundedTarget(len, BUDGET).documents(REPEATED)]
    check_cost = target(monkeypatch, lambda length: 0.9 if length > sizes[0] else 0.04)
    check_cost(REPEATED)


def test_more_work_may_take_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    bounded = target(monkeypatch, lambda length: 1e-9 * length**3)
    check_cost = replace(bounded, work=lambda data: len(data) ** 3)
    check_cost(REPEATED)


def test_memory_above_the_budget_is_detected() -> None:
    BoundedTarget(lambda document: bytes(9 * len(document)), BUDGET)(b"1" + bytes(50_000))
    with pytest.raises(BrokenRuleError, match=r"takes at most 600000 bytes of memory, not 10\d\d\d\d\d"):
        BoundedTarget(lambda document: bytes(20 * len(document)), BUDGET)(b"1" + bytes(50_000))


def test_repeated_unit_is_doubled_and_numbered() -> None:
    assert RepeatedUnit.of(b"ab").document(3) == b"ababab"
    parts = RepeatedUnit.of(b"a" + SEPARATOR + b"k\0=\0;" + SEPARATOR + b"z" + SEPARATOR)
    assert parts.document(2) == b"ak0=0;k1=1;z" + SEPARATOR
    sizes = [len(each) - 2 for each in BoundedTarget(len, BUDGET).documents(REPEATED)]
    assert sizes[1:] == [2 * sizes[0], 4 * sizes[0]]
    assert BoundedTarget(len, BUDGET).documents(b"R") == [b"", b"", b""]


def test_mutation_is_the_same_in_every_run_and_bounded() -> None:
    first, second = (list(mutated([b"1abc", b"R\0xyz"], [b"word"], 7, 200)) for _ in range(2))
    assert first == second
    assert len(set(first)) > 100
    assert all(len(each) <= 4096 for each in first)
    assert dictionary('# comment\n"a\\x1e"\n"\\""\n') == [b"a\x1e", b'"']

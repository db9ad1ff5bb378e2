"""Rate limits: the moving window, its memory, its keys, and the settings."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from limits import parse

from server_stub.api.limits.rates import AddressRate, RateLimit, of_address
from server_stub.api.limits.settings import ServerLimits, read_rate
from server_stub.settings import Settings


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def limit(rate: str, clock: Callable[[], float], memory: int = 1000) -> RateLimit:
    return RateLimit(parse(rate), clock, memory)


@given(st.lists(st.tuples(st.floats(0, 3), st.sampled_from("ab")), max_size=80))
def test_no_window_accepts_more_requests_than_the_rate(asked: list[tuple[float, str]]) -> None:
    """A fixed window would accept twice the rate around its edge."""
    clock = Clock()
    rate = limit("5/4 second", clock)
    admitted: dict[str, list[float]] = {"a": [], "b": []}
    for wait, key in asked:
        clock.now += wait
        recent = [moment for moment in admitted[key] if moment > clock.now - 4]
        refused = rate.refuses(key)
        assert (refused is None) == (len(recent) < 5)
        if refused is None:
            admitted[key].append(clock.now)


def test_a_request_after_the_returned_wait_is_accepted_and_an_earlier_one_is_not() -> None:
    clock = Clock()
    rate = limit("2/10 second", clock)
    assert rate.refuses("a") is None
    clock.now += 3.5
    assert rate.refuses("a") is None
    clock.now += 1
    wait = rate.refuses("a")
    assert wait == 6
    clock.now += wait - 1
    assert rate.refuses("a") == 1
    clock.now += 1
    assert rate.refuses("a") is None


def test_a_rejected_request_does_not_count() -> None:
    """A client that retries too early is still accepted when its window ends."""
    clock = Clock()
    rate = limit("1/10 second", clock)
    rate.refuses("a")
    for _ in range(9):
        clock.now += 1
        assert rate.refuses("a") is not None
    clock.now += 1
    assert rate.refuses("a") is None


def test_memory_is_bounded_and_the_least_recently_used_keys_are_evicted() -> None:
    """Many addresses can neither fill the memory nor evict the key that is used most."""
    clock = Clock()
    rate = limit("3/minute", clock, memory=50)
    admitted = 0
    for number in range(5000):
        admitted += rate.refuses("noisy") is None
        rate.refuses(f"address {number}")
    assert rate._stored <= 50
    assert sum(len(times) for times in rate._requests.values()) == rate._stored
    assert len(rate._requests) <= 50
    assert admitted == 3


@pytest.mark.parametrize(
    ("host", "key"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::", "2001:db8:1:2::"),
        ("fe80::1%eth0", "fe80:0:0:0::"),
        ("testclient", "unknown"),
        ("", "unknown"),
        ("1" * 5000, "unknown"),
    ],
)
def test_a_subscriber_is_one_address_and_invalid_hosts_share_one(host: str, key: str) -> None:
    assert of_address(host) == key


def test_settings_limit_rates_unless_they_are_off() -> None:
    """`Settings` has default rates, `ServerLimits` has none."""
    default = Settings().limits
    assert (default.rate_per_address, default.rate_unattested) == (
        read_rate("3000/minute"),
        read_rate("300/minute"),
    )
    assert (ServerLimits().rate_per_address, ServerLimits().rate_per_device) == (None, None)
    written = {"rate_per_address": "off", "rate_per_device": "7 per 2 hour"}
    limits = Settings.model_validate(written | {"trusted_proxies": ["192.0.2.1", "2001:db8::/32"]}).limits
    assert (limits.rate_per_address, limits.rate_per_device) == (None, read_rate("7 per 2 hour"))
    assert limits.trusted_proxies == ("192.0.2.1/32", "2001:db8::/32")


def test_all_addresses_of_an_ipv6_site_have_ten_times_the_rate_together() -> None:
    rate = AddressRate(parse("2/hour"), lambda: 0.0, 10_000)
    accepted = [rate.refuses(f"2001:db8:1:{number:x}::1") is None for number in range(100)]
    assert accepted == [True] * 20 + [False] * 80
    assert rate.refuses("2001:db8:2::1") is None
    assert [rate.refuses("2001:db8:3:1::1") is None for _ in range(3)] == [True, True, False]


def test_ipv4_addresses_are_limited_one_by_one() -> None:
    rate = AddressRate(parse("1/hour"), lambda: 0.0, 10_000)
    assert all(rate.refuses(f"192.0.2.{number}") is None for number in range(200))
    assert rate.refuses("::ffff:192.0.2.1") == 3600

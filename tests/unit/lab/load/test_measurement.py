"""The statistics of a load, the counters of a server, and the report."""

from typing import Any

import pytest

from lab.load.connections import LoadResponse
from lab.load.measurement import LoadTally, ServerUsage, UsageUnknownError, signature_timer
from lab.load.report import LoadEnd, LoadReport
from wire import media

PAGE = """
# TYPE activation_verdicts_total counter
activation_verdicts_total{by="policy",decision="allow",reason="territory-eligible"} 40.0
activation_verdicts_total{by="operator",decision="deny",reason="operator-decision"} 2.0
# TYPE activation_processor_seconds_total counter
activation_processor_seconds_total 1.5
"""


def response(status: int = 200, media_type: str = media.VERDICT, body: bytes = b"", at: float = 0) -> Any:
    return LoadResponse(status, media_type, body, 0.25, at)


@pytest.mark.parametrize(
    ("latencies", "median", "highest"),
    [
        ([], None, None),
        ([3], 3, 3),
        ([4, 1, 3, 2], 2, 4),
        (range(1, 100), 50, 99),
        (range(1, 101), 50, 99),
        (range(1, 102), 51, 100),
        (range(1, 1001), 500, 990),
    ],
)
def test_percentile_is_the_nearest_rank(latencies: Any, median: float, highest: float) -> None:
    tally = LoadTally(latencies=list(latencies))
    assert (tally.percentile(0.5), tally.percentile(0.99)) == (median, highest)


@pytest.mark.parametrize(
    ("received", "error"),
    [
        (response(), None),
        (response(media_type=media.JSON, body=b'{"code": "unavailable"}'), (200, "unavailable")),
        (response(429, media.PROBLEM, b'{"code": "too-many-requests"}'), (429, "too-many-requests")),
        (response(503, media.PROBLEM, b'{"code": "of-a-stranger\\u001b"}'), (503, "")),
        (response(502, "text/html", b"<html>"), (502, "")),
        (response(500, media.PROBLEM, b"[]"), (500, "")),
        (response(500, media.PROBLEM, b"\xff"), (500, "")),
        (response(500, media.PROBLEM, b"[" * 100_000), (500, "")),
        (response(500, media.VERDICT), (500, "")),
    ],
)
def test_response_is_a_verdict_or_an_error_with_status_and_known_code(
    received: LoadResponse, error: tuple[int, str] | None
) -> None:
    tally = LoadTally()
    assert tally.add(received) is (error is None)
    assert (tally.latencies, dict(tally.errors)) == (([], {error: 1}) if error else ([0.25], {}))


def test_seconds_of_a_tally_end_with_the_last_response() -> None:
    tally = LoadTally(begin=7)
    assert tally.seconds == 0
    tally.add(response(at=8))
    tally.add(response(503, at=10))
    assert tally.seconds == 3


def test_counters_are_summed_over_their_labels() -> None:
    assert ServerUsage.of(response(body=PAGE.encode())) == ServerUsage(1.5, 42)
    idle = b"activation_processor_seconds_total 0.5"
    assert ServerUsage.of(response(body=idle)) == ServerUsage(0.5, 0)


@pytest.mark.parametrize(
    ("received", "reason"),
    [
        (None, "/metrics was not answered"),
        (response(404), "/metrics was answered with status 404"),
        (response(body=b"<html>"), "/metrics is not Prometheus text"),
        (response(body=b"\xff"), "/metrics is not Prometheus text"),
        (response(body=b"up 1"), "/metrics has no activation_processor_seconds_total"),
    ],
)
def test_page_without_the_counter_says_what_is_wrong(received: LoadResponse | None, reason: str) -> None:
    with pytest.raises(UsageUnknownError, match=reason):
        ServerUsage.of(received)


@pytest.mark.parametrize(
    ("after", "received", "expected"),
    [
        (ServerUsage(3.0, 20), 10, 0.2),
        (ServerUsage(3.0, 30), 10, 0.1),  # another client received the others
        (ServerUsage(3.0, 19), 10, "restarted, or it is one of several"),
        (ServerUsage(0.5, 500), 10, "restarted, or it is one of several"),
        (ServerUsage(1.5, 10), 0, "no verdict was received"),
    ],
)
def test_processor_time_of_a_verdict_is_that_between_two_readings(
    after: ServerUsage, received: int, expected: float | str
) -> None:
    before = ServerUsage(1.0, 10)
    if isinstance(expected, str):
        with pytest.raises(UsageUnknownError, match=expected):
            before.seconds_a_verdict(after, received)
    else:
        assert before.seconds_a_verdict(after, received) == pytest.approx(expected)


def test_signatures_take_processor_time() -> None:
    assert signature_timer(1)() > 0


def report(**changes: Any) -> LoadReport:
    values: dict[str, Any] = {
        "devices": 4,
        "connections": 2,
        "asked_seconds": 1.0,
        "ended": LoadEnd.TIME,
        "seconds": 2.0,
        "verdicts": 100,
        "p50": 0.01,
        "p99": 0.02,
        "errors": {},
        "lost_connections": 0,
        "server_seconds": 0.002,
        "unknown": "",
        "signature_seconds": 0.0002,
        "client_seconds": 0.0001,
    }
    return LoadReport(**values | changes)


def test_report_has_the_ratios_of_what_was_measured() -> None:
    shown = report(errors={(503, "unavailable"): 2, (502, ""): 1}).as_json()
    assert (shown["verdicts_per_second"], shown["multiple_of_signatures"]) == (50.0, 10.0)
    assert (shown["p50_ms"], shown["server_processor_ms_per_verdict"]) == (10, 2)
    assert shown["errors"] == [
        {"status": 502, "code": None, "count": 1},
        {"status": 503, "code": "unavailable", "count": 2},
    ]


@pytest.mark.parametrize(
    ("changes", "passed", "note"),
    [
        ({}, True, None),
        ({"ended": LoadEnd.EVIDENCE}, True, "The prepared evidence was used up after 2.00 s"),
        ({"ended": LoadEnd.INTERRUPTED}, True, "interrupted after 2.00 s"),
        ({"server_seconds": None, "unknown": "reason"}, True, "processor time is unknown: reason."),
        ({"errors": {(429, "too-many-requests"): 1}}, False, "--rate-per-address off --rate-per-device off"),
        ({"errors": {(503, "unavailable"): 1}}, False, "--connections-per-address 10000"),
        ({"lost_connections": 1}, False, None),
        ({"verdicts": 0, "p50": None, "p99": None, "client_seconds": None}, False, None),
    ],
)
def test_report_passes_with_verdicts_and_nothing_else(
    changes: dict[str, Any], passed: object, note: str | None
) -> None:
    made = report(**changes)
    assert made.passed is passed
    assert len(made.notes) == (note is not None)
    assert (note or "") in "".join(made.notes)
    assert made.as_json()["notes"] == made.notes
    assert (made.multiple_of_signatures is None) == (made.server_seconds is None)

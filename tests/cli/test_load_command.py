"""`activation load`: what it measures on a server over HTTP, what it reports of others, and what it rejects."""

import json
import signal
from collections.abc import Generator, Iterator
from contextlib import closing
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from lab.cli.main import app
from lab.fault_proxy.proxy import FaultProxy
from lab.fault_proxy.schedule import FaultSchedule, FaultScheduler, NetworkFault
from lab.load.connections import LoadResponse
from lab.load.evidence import EvidenceSource
from lab.load.load import LoadOptions, LoadTest
from lab.load.measurement import LoadTally
from lab.world.clock import World
from lab.world.seed import Seed
from server_stub.api.limits.settings import ServerLimits, read_rate
from server_stub.faults.catalogue import FaultKind, Route
from server_stub.server import ServerThread
from server_stub.store.records import DeviceQuery
from server_stub.store.sql import SqlStore
from tests.support.fault_proxy_network import numbering
from tests.support.server_phone import service

SMALL = ("--devices", "3", "--connections", "2", "--duration", "0.05")


def load(origin: str, *words: str, code: int = 0, seed: str = "tests") -> Result:
    arguments = ["load", "--server", origin, "--seed", seed, *SMALL, *words]
    result = CliRunner().invoke(app, arguments, prog_name="activation", catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result


def numbers(origin: str, code: int = 0) -> Any:
    return json.loads(load(origin, "--json", code=code).stdout)


@pytest.fixture(autouse=True)
def short_warm_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.load.load._STEADY", 1e9)


@pytest.fixture(scope="module")
def server() -> Iterator[ServerThread]:
    with ServerThread(service()) as running:
        yield running


def test_load_measures_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.load.load._MORE", 5.0)
    with closing(SqlStore()) as store:
        with ServerThread(service(store)) as running:
            shown = numbers(running.origin)
        with store.reading() as reading:
            devices = reading.devices(DeviceQuery()).items
    assert shown["verdicts"] > 0
    assert (shown["errors"], shown["lost_connections"], shown["notes"]) == ([], 0, [])
    assert shown["ended"] == "time"
    assert shown["verdicts_per_second"] == pytest.approx(shown["verdicts"] / shown["seconds"], rel=0.02)
    assert 0 < shown["p50_ms"] <= shown["p99_ms"]
    ratio = shown["server_processor_ms_per_verdict"] / shown["signatures_ms"]
    assert shown["multiple_of_signatures"] == pytest.approx(ratio, rel=0.05)
    assert len(devices) == 3


@pytest.mark.slow
def test_text_has_the_numbers_in_80_columns(server: ServerThread) -> None:
    done = load(server.origin)
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines == [line.rstrip() for line in lines]
    assert done.stderr.splitlines() == [
        "activation: preparing evidence of 3 devices …",
        "activation: measuring for 0.05 s …",
    ]
    for name in ("verdicts a second", "latency p50", "lost connections", "multiple of its signatures"):
        assert [line for line in lines if name in line]


def test_evidence_is_that_of_the_devices_in_turn_and_the_same_for_a_seed() -> None:
    first, second = EvidenceSource("7", 3), EvidenceSource("7", 3)
    made = [first.next(nonce) for nonce in ("nonce-01",) * 4]
    assert made == [second.next("nonce-01") for _ in range(4)]
    assert made[0] == made[3]
    assert len(set(made)) == 3
    assert EvidenceSource("8", 3).next("nonce-01") != made[0]


@pytest.mark.slow
def test_used_up_evidence_ends_the_measurement(server: ServerThread, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.load.load._MORE", 0.0)
    shown = numbers(server.origin)
    assert (shown["ended"], shown["verdicts"]) == ("evidence-used-up", 4)
    assert "used up after" in shown["notes"][0]


@pytest.mark.slow
def test_rates_of_the_server_are_errors_with_advice() -> None:
    limits = ServerLimits(rate_per_device=read_rate("1/minute"), rate_operations=read_rate("1/minute"))
    with ServerThread(service(), limits=limits) as running:
        shown = numbers(running.origin, code=1)
    [error] = shown["errors"]
    assert (error["status"], error["code"]) == (429, "too-many-requests")
    assert shown["multiple_of_signatures"] is None
    assert "/metrics was answered with status 429" in "".join(shown["notes"])
    advice = shown["notes"][-1].splitlines()
    assert max(map(len, advice)) <= 80
    assert "SIGHUP" in advice[0]
    assert advice[1] == "  activation serve --rate-per-address off --rate-per-device off"


@pytest.mark.slow
def test_lost_connections_are_counted_and_opened_again(server: ServerThread) -> None:
    scheduler = FaultScheduler([], Seed.of(1).random)
    options = LoadOptions(devices=3, connections=2, seconds=0.4, seed="tests")
    with (
        FaultProxy(server.origin, scheduler, World(), Seed.of(1), tls=False) as proxy,
        closing(LoadTest(proxy.origin, options)) as test,
    ):
        test.warm_up()
        list(test.prepare())
        scheduler.add(NetworkFault(FaultKind.RESET, FaultSchedule(Route.VERDICTS, times=3)))
        list(test.measure())
        report = test.report()
    assert (report.lost_connections, report.passed) == (3, False)
    assert report.verdicts > 0


@pytest.mark.slow
def test_evidence_of_expired_challenges_is_neither_prepared_nor_sent(
    server: ServerThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = LoadOptions(devices=3, connections=2, seconds=0.05, seed="tests")
    with closing(LoadTest(server.origin, options)) as test:
        test.warm_up()
        monkeypatch.setattr("lab.load.load._LIFE_USED", 0.0)
        test.wanted = 600
        assert len(list(test.prepare())) == 256
        list(test.measure())
        report = test.report()
    assert (report.verdicts, report.errors, report.ended) == (0, {}, "evidence-used-up")


@pytest.mark.slow
def test_certificate_must_be_trusted(server: ServerThread, monkeypatch: pytest.MonkeyPatch) -> None:
    with FaultProxy(
        server.origin, FaultScheduler([], Seed.of(1).random), World(), Seed.of(1), tls=True
    ) as proxy:
        assert "ACTIVATION_AUTHORITIES" in load(proxy.origin, code=3).stderr
        monkeypatch.setenv("ACTIVATION_AUTHORITIES", str(proxy.authorities))
        assert numbers(proxy.origin)["verdicts"] > 0


def test_server_that_cannot_be_loaded_is_an_environment_error(server: ServerThread) -> None:
    with numbering() as (other, _):
        assert "its response to /v1/challenges is no challenge" in load(other, code=3).stderr
    assert "start both with the same --seed" in load(server.origin, code=3, seed="other").stderr
    assert "cannot reach http://127.0.0.1:9" in load("http://127.0.0.1:9", code=3).stderr
    for limits, said in (
        (
            ServerLimits(rate_per_address=read_rate("1/day")),
            "(429 too-many-requests); turn the rates off, by SIGHUP",
        ),
        (ServerLimits(connections_per_address=1), "activation serve --connections-per-address 10000"),
    ):
        with ServerThread(service(), limits=limits) as running:
            assert said in load(running.origin, code=3).stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--devices", "0"], "'--devices': Input should be greater than or equal to 1"),
        (["--devices", "500001"], "--devices is at most 500000"),
        (["--connections", "0"], "'--connections': Input should be greater than or equal to 1"),
        (["--duration", "0"], "--duration is a number of seconds above 0"),
        (["--duration", "-1"], "--duration is a number of seconds above 0"),
        (["--duration", "nan"], "--duration is a number of seconds above 0"),
        (["--duration", "inf"], "--duration is a number of seconds above 0"),
        (["--server", "127.0.0.1:8021"], "not an origin"),
    ],
)
def test_wrong_argument_is_a_usage_error(words: list[str], said: str) -> None:
    assert said in load("http://127.0.0.1:9", *words, code=2).stderr


@pytest.mark.slow
def test_interrupt_prints_what_was_measured_so_far(
    server: ServerThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    add, measure = LoadTally.add, LoadTest.measure
    measuring: list[LoadTest] = []

    def interrupting(tally: LoadTally, received: LoadResponse) -> bool:
        if measuring and len(tally.latencies) == 3:
            signal.raise_signal(signal.SIGINT)
        return add(tally, received)

    def measured(test: LoadTest) -> Generator[None]:
        measuring.append(test)
        return measure(test)

    monkeypatch.setattr(LoadTest, "measure", measured)
    monkeypatch.setattr(LoadTally, "add", interrupting)
    shown = numbers(server.origin, code=130)
    assert (shown["ended"], shown["verdicts"]) == ("interrupted", 3)
    assert "interrupted after" in shown["notes"][0]

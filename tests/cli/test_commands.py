"""The `activation` command: most tests call it in this process, a few start real processes."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from lab.cli.main import app
from lab.handset.modem.modem import EmulatedModem
from lab.handset.modem.state import ModemConfig, ModemFaults
from lab.handset.outcome import Outcome
from lab.world.sim import make_sim
from tests.support.fault_proxy_network import numbering
from tests.support.pty_line import pty_line
from wire.codes import Registration
from wire.evidence import Plmn, Serving

ACTIVATION = str(Path(sys.executable).with_name("activation"))


def activation(*arguments: str, code: int = 0) -> Result:
    """Call the command in this process. Its standard output and standard error are kept apart."""
    result = CliRunner().invoke(app, arguments, prog_name="activation", catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result


def as_json(*arguments: str) -> Any:
    """The standard output, which must be JSON and nothing else."""
    return json.loads(activation(*arguments, "--json").stdout)


def process(*arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([ACTIVATION, *arguments], capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == code, done.stderr
    return done


@contextmanager
def serving(folder: Path, *arguments: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The origin of a verdict server, and its process."""
    command = [ACTIVATION, "serve", "--port", "0", "--db", str(folder / "records.sqlite"), *arguments]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=folder
    ) as server:
        assert server.stdout is not None
        line = server.stdout.readline()
        found = re.search(r"http://\S+", line)
        try:
            assert found is not None, line
            yield found[0], server
        finally:
            server.kill()


MATRIX_FIELDS = {"profile", "place", "outcome", "usable", "contacted", "verdict"}


def test_matrix_json_has_the_documented_members() -> None:
    rows = as_json("matrix", "--profiles", "official-global,custom-aosp", "--places", "havana,paris")
    assert [(row["profile"], row["place"], row["outcome"]) for row in rows] == [
        ("official-global", "havana", "locked"),
        ("official-global", "paris", "activated"),
        ("custom-aosp", "havana", "home"),
        ("custom-aosp", "paris", "home"),
    ]
    assert all(row.keys() == MATRIX_FIELDS for row in rows)
    assert rows[0]["verdict"] == {"decision": "deny", "reason": "territory-prohibited", "territory": "CU"}
    assert rows[2]["verdict"] is None


def test_device_json_has_telephony_timeline_and_screen() -> None:
    report = as_json("device", "--profile", "official-global", "--place", "havana", "--locale", "ar")
    assert report.keys() == MATRIX_FIELDS | {"telephony", "timeline", "screen"}
    assert (report["screen"]["id"], report["screen"]["direction"]) == ("locked", "rtl")
    assert re.fullmatch(r"([A-Z2-7]{5}-){5}[A-Z2-7]{4}", report["screen"]["challenge"])
    assert report["telephony"]["sims"][0]["mcc"] == "368"
    assert report["telephony"]["serving"]["plmn"] == {"mcc": "368", "mnc": "01"}
    assert [entry["what"] for entry in report["timeline"] if entry["who"] == "user"] == [
        "language-chosen",
        "terms-accepted",
    ]


def test_device_json_is_empty_for_a_device_that_does_not_boot() -> None:
    report = as_json("device", "--profile", "official-tampered", "--place", "paris")
    assert (report["outcome"], report["screen"], report["telephony"], report["verdict"]) == (
        "no-boot",
        None,
        None,
        None,
    )


def test_device_reads_the_sim_of_a_real_icc_profile() -> None:
    vectors = os.environ.get("ACTIVATION_VECTORS")
    if not vectors:
        pytest.skip("ACTIVATION_VECTORS is not set: no real ICC profile here")
    file = str(Path(vectors) / "sim" / "iccprofile_for_sim0.xml")
    report = as_json("device", "--profile", "official-global", "--place", "paris", "--sim", file)
    sim = report["telephony"]["sims"][0]
    assert (sim["mcc"], sim["mnc"], sim["mnc_length"]) == ("311", "740", 3)
    assert sim["iccid"] == "89860318640220133897"
    assert (sim["spn"], sim["gid1"]) == (None, None)
    assert report["telephony"]["serving"]["registration"] == "roaming"


def test_device_reads_a_modem_on_a_terminal() -> None:
    card = make_sim("208011234567890", "8933011234567890126", 2, spn="Orange F", gid1="33AB")
    serving_there = Serving(registration=Registration.ROAMING, plmn=Plmn(mcc="368", mnc="01"))
    config = ModemConfig(imeis=("490154203237518",), slots=(card, None), serving=serving_there)
    with pty_line(EmulatedModem(config)) as path:
        report = as_json("device", "--profile", "official-global", "--place", "paris", "--modem", path)
    assert report["outcome"] == Outcome.LOCKED
    assert report["verdict"]["territory"] == "CU"
    sim = report["telephony"]["sims"][0]
    assert (sim["mcc"], sim["mnc"], sim["spn"], sim["gid1"]) == ("208", "01", "Orange F", "33AB")


@pytest.mark.slow
def test_device_with_a_modem_on_a_terminal_says_what_it_waits_for() -> None:
    with pty_line(EmulatedModem(ModemConfig(imeis=("490154203237518",), slots=(None,)))) as path:
        done = activation("device", "--profile", "official-global", "--place", "paris", "--modem", path)
    assert done.stderr == f"Reading the modem on {path}; one that does not answer takes minutes.\n"


def test_device_whose_modem_dies_says_what_was_left_out() -> None:
    config = ModemConfig(imeis=("490154203237518",), slots=(None,))
    with pty_line(EmulatedModem(config, faults=ModemFaults(dies_after=40))) as path:
        arguments = ("device", "--profile", "official-global", "--place", "paris", "--modem", path)
        report = as_json(*arguments)
    assert report["outcome"] == Outcome.ACTIVATED
    [fault] = report["telephony"]["faults"]
    assert (report["telephony"]["sims"], report["telephony"]["serving"]) == (None, None)
    [collected] = [entry for entry in report["timeline"] if entry["what"] == "collected"]
    assert collected["detail"]["left_out"] == [f"{fault['source']}: {fault['code']}"]
    assert collected["detail"]["modem"] == "complete → no-answer"
    [sent] = [
        entry["detail"]["sent"]["claims"] for entry in report["timeline"] if "sent" in entry.get("detail", {})
    ]
    assert sent["telephony"]["faults"] == [fault]
    assert "ueid" not in sent
    assert any("modem does not answer" in paragraph for paragraph in report["screen"]["body"])


@pytest.mark.slow
def test_device_uses_a_running_server_with_the_same_seed(tmp_path: Path) -> None:
    with serving(tmp_path, "--seed", "two-terminals") as (url, _):
        arguments = ["device", "--profile", "official-global", "--place", "tehran", "--server", url]
        report = as_json(*arguments, "--seed", "two-terminals")
        stranger = as_json(*arguments, "--seed", "another-vendor")
        shown = activation(*arguments, "--seed", "another-vendor").stdout
    assert (report["outcome"], report["verdict"]["territory"]) == ("locked", "IR")
    assert (stranger["outcome"], stranger["verdict"]) == ("pending", None)
    shown = " ".join(shown.split())
    assert "start both with the same --seed, or publish again the root that this device knows." in shown


@pytest.mark.slow
def test_serials_increase_after_the_server_was_killed(tmp_path: Path) -> None:
    arguments = [
        "device",
        "--profile",
        "official-global",
        "--place",
        "havana",
        "--seed",
        "killed",
        "--server",
    ]
    serials = []
    for _ in range(3):
        with serving(tmp_path, "--seed", "killed") as (url, server):
            report = as_json(*arguments, url)
            server.send_signal(signal.SIGKILL)
        [received] = [
            entry["detail"]["received"]["claims"]
            for entry in report["timeline"]
            if entry["what"] == "POST /v1/verdicts"
        ]
        serials.append(received["serial"])
    assert serials == sorted(set(serials))


def test_server_serves_health_docs_and_openapi(tmp_path: Path) -> None:
    with serving(tmp_path) as (url, _):
        for path in ("/healthz", "/docs", "/openapi.json"):
            with urllib.request.urlopen(url + path, timeout=10) as answer:
                assert answer.status == 200


def test_device_without_a_server_stays_pending() -> None:
    report = as_json(
        "device", "--profile", "official-global", "--place", "paris", "--server", "http://127.0.0.1:9"
    )
    assert (report["outcome"], report["contacted"], report["verdict"]) == ("pending", True, None)
    assert report["screen"]["id"] == "waiting"


MISTAKES = {
    "an unknown profile": (
        ["device", "--profile", "oficial-eea", "--place", "paris"],
        2,
        "did you mean 'official-eea'",
    ),
    "an unknown place": (
        ["device", "--profile", "custom-aosp", "--place", "parris"],
        2,
        "did you mean 'paris'",
    ),
    "an unknown name in a list": (["matrix", "--places", "havana,pariss"], 2, "did you mean 'paris'"),
    "an empty list": (["matrix", "--places", ","], 2, "havana"),
    "a language that is not offered": (
        ["device", "--profile", "official-eea", "--place", "paris", "--locale", "ko"],
        2,
        "its languages are en, fr, es, ar, ru, uk",
    ),
    "a server that is not an origin": (
        ["device", "--profile", "official-eea", "--place", "paris", "--server", "example"],
        2,
        "http://host:port",
    ),
    "a language for firmware without an agent": (
        ["device", "--profile", "custom-aosp", "--place", "paris", "--locale", "klingon"],
        2,
        "its languages are",
    ),
    "a SIM together with a modem": (
        ["device", "--profile", "custom-aosp", "--place", "paris", "--sim", "x.xml", "--modem", "/dev/null"],
        2,
        "omit --sim or --modem",
    ),
    "a misspelt algorithm of the attested key": (
        ["device", "--profile", "official-eea", "--place", "paris", "--attested-key", "ML-DSA-56"],
        2,
        "did you mean 'ML-DSA-65'?",
    ),
    "a misspelt modem dialect": (
        ["device", "--profile", "custom-aosp", "--place", "paris", "--modem-dialect", "quectl"],
        2,
        "no modem dialect is called 'quectl'; did you mean 'quectel'?",
    ),
    "a misspelt modem dialect of a matrix": (
        ["matrix", "--modem-dialect", "nordik"],
        2,
        "did you mean 'nordic'?",
    ),
    "a modem dialect together with a modem": (
        [
            "device",
            "--profile",
            "custom-aosp",
            "--place",
            "paris",
            "--modem",
            "x",
            "--modem-dialect",
            "telit",
        ],
        2,
        "omit --modem-dialect or --modem",
    ),
    "a port that cannot be": (
        ["device", "--profile", "official-eea", "--place", "paris", "--server", "http://127.0.0.1:99999"],
        2,
        "not an origin",
    ),
    "a profile file that is not there": (["profiles", "validate", "/nowhere.toml"], 2, "/nowhere.toml"),
    "a SIM file that is not there": (
        ["device", "--profile", "official-eea", "--place", "paris", "--sim", "no.xml"],
        2,
        "no.xml cannot be read",
    ),
    "a modem that is not there": (
        ["device", "--profile", "official-eea", "--place", "paris", "--modem", "/dev/null"],
        3,
        "/dev/null",
    ),
    "a profile to show that is not there": (
        ["profiles", "show", "custom-aops"],
        2,
        "did you mean 'custom-aosp'",
    ),
    "a page that cannot be written": (["demo", "--html", "/nowhere/page.html"], 3, "/nowhere/page.html"),
    "scenarios on a server that is not there": (
        ["run", "scenarios/incident", "--server", "http://127.0.0.1:9"],
        3,
        "cannot reach http://127.0.0.1:9; is `activation serve` running there?",
    ),
    "a database that cannot be made": (["serve", "--db", "/nowhere/x.sqlite", "--port", "0"], 3, "--db"),
}


@pytest.mark.parametrize(("arguments", "code", "hint"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_exits_with_its_code_and_a_hint_on_standard_error(
    arguments: list[str], code: int, hint: str
) -> None:
    result = activation(*arguments, code=code)
    assert hint in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("answers", [0, 1])
def test_run_on_a_server_that_stops_exits_with_3_though_every_scenario_was_skipped(answers: int) -> None:
    with numbering(answers) as (origin, received):
        result = activation("run", "scenarios/incident", "--server", origin, code=3)
    assert [target for target, _ in received] == ["/healthz"] * answers
    assert f"cannot reach {origin}" in result.stderr
    assert (" skipped\n" in result.stdout) == bool(answers)


def test_run_in_several_processes_needs_a_server_of_a_lab_and_its_token() -> None:
    with numbering(1) as (origin, _):
        result = activation("run", "scenarios/incident", "--server", origin, "-n", "2", code=2)
    assert "this server serves one scenario at a time" in result.stderr


def test_a_process_keeps_output_errors_and_exit_codes_apart() -> None:
    listed = process("profiles", "--json")
    assert len(json.loads(listed.stdout)) == 14
    assert listed.stderr == ""
    refused = process("device", "--profile", "custom-aosp", "--place", "parris", code=2)
    assert refused.stdout == ""
    assert "did you mean 'paris'?" in refused.stderr


def test_profiles_validate_reports_file_line_and_key(tmp_path: Path) -> None:
    shipped = as_json("profiles", "show", "custom-aosp")
    assert shipped["verified_boot"] == "orange"
    mine = tmp_path / "mine.toml"
    text = activation("profiles", "show", "custom-aosp").stdout.replace(
        'name = "custom-aosp"', 'name = "mine"'
    )
    mine.write_text(text, encoding="utf-8")
    activation("profiles", "validate", str(mine))
    mine.write_text(text.replace("keystore", "keystor"), encoding="utf-8")
    [fault] = json.loads(activation("profiles", "validate", str(mine), "--json", code=1).stdout)
    assert (fault["ok"], fault["code"]) == (False, "unknown-key")
    assert text.splitlines()[fault["line"] - 1].startswith("keystore")


@pytest.mark.slow
def test_demo_prints_matrix_and_stories_and_writes_the_page(tmp_path: Path) -> None:
    page = tmp_path / "demo.html"
    printed = activation("demo", "--html", str(page)).stdout
    assert "official-global in havana: locked" in printed
    assert "custom-aosp in havana: home" in printed
    assert re.search(r"carried-in +activated +locked: never", printed)
    assert "incident-2021" in (tmp_path / "incident-2021.html").read_text(encoding="utf-8")
    html = page.read_text(encoding="utf-8")
    assert html.count('<td style="background:') == 14 * 15
    assert "This phone is locked" in html
    assert re.findall(r"""(?:src|href)=["']?(?!data:)[a-z]+:""", html) == []

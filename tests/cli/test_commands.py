"""The `activation` command as a shell user meets it: real processes, real ports, a real pseudo-terminal."""

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

from lab.handset.modem.modem import EmulatedModem
from lab.handset.modem.pty import pty_line
from lab.handset.modem.state import ModemConfig
from lab.handset.outcome import Outcome
from lab.world.sim import make_sim
from wire.codes import Registration
from wire.evidence import Plmn, Serving

ACTIVATION = str(Path(sys.executable).with_name("activation"))


def activation(*arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([ACTIVATION, *arguments], capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == code, done.stderr
    return done


def told(*arguments: str) -> Any:
    return json.loads(activation(*arguments, "--json").stdout)


@contextmanager
def serving(folder: Path, *arguments: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A verdict server in a process of its own; gives its origin."""
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


def test_the_matrix_for_machines_has_the_fields_that_are_promised() -> None:
    """CI jobs read them."""
    rows = told("matrix", "--profiles", "official-global,custom-aosp", "--places", "havana,paris")
    assert [(row["profile"], row["place"], row["outcome"]) for row in rows] == [
        ("official-global", "havana", "locked"),
        ("official-global", "paris", "activated"),
        ("custom-aosp", "havana", "home"),
        ("custom-aosp", "paris", "home"),
    ]
    assert all(row.keys() == MATRIX_FIELDS for row in rows)
    assert rows[0]["verdict"] == {"decision": "deny", "reason": "territory-prohibited", "territory": "CU"}
    assert rows[2]["verdict"] is None


def test_a_device_tells_everything_that_a_person_could_see() -> None:
    """Outcome, what the modem said, the timeline and the last screen."""
    seen = told("device", "--profile", "official-global", "--place", "havana", "--locale", "ar")
    assert seen.keys() == MATRIX_FIELDS | {"telephony", "timeline", "screen"}
    assert (seen["screen"]["id"], seen["screen"]["direction"]) == ("locked", "rtl")
    assert re.fullmatch(r"([A-Z2-7]{5}-){5}[A-Z2-7]{4}", seen["screen"]["challenge"])
    assert seen["telephony"]["sims"][0]["mcc"] == "368"
    assert seen["telephony"]["serving"]["plmn"] == {"mcc": "368", "mnc": "01"}
    assert [entry["what"] for entry in seen["timeline"] if entry["who"] == "user"] == [
        "language-chosen",
        "terms-accepted",
    ]


def test_a_phone_that_does_not_boot_shows_nothing() -> None:
    """And nothing is invented for it."""
    seen = told("device", "--profile", "official-tampered", "--place", "paris")
    assert (seen["outcome"], seen["screen"], seen["telephony"], seen["verdict"]) == (
        "no-boot",
        None,
        None,
        None,
    )


def test_a_real_icc_profile_is_reported_as_the_sim_that_it_describes() -> None:
    """The SIM of an Android virtual device, as its own modem simulator serves it."""
    vectors = os.environ.get("ACTIVATION_VECTORS")
    if not vectors:
        pytest.skip("ACTIVATION_VECTORS is not set: no real ICC profile here")
    file = str(Path(vectors) / "sim" / "iccprofile_for_sim0.xml")
    seen = told("device", "--profile", "official-global", "--place", "paris", "--sim", file)
    sim = seen["telephony"]["sims"][0]
    assert (sim["mcc"], sim["mnc"], sim["mnc_length"]) == ("311", "740", 3)
    assert sim["iccid"] == "89860318640220133897"
    assert (sim["spn"], sim["gid1"]) == (None, None)
    assert seen["telephony"]["serving"]["registration"] == "roaming"


def test_a_modem_on_a_terminal_takes_the_place_of_the_emulated_one() -> None:
    """The agent reads it through the serial adapter, and the server judges where that modem is registered."""
    card = make_sim("208011234567890", "8933011234567890126", 2, spn="Orange F", gid1="33AB")
    serving_there = Serving(registration=Registration.ROAMING, plmn=Plmn(mcc="368", mnc="01"))
    config = ModemConfig(imeis=("490154203237518",), slots=(card, None), serving=serving_there)
    with pty_line(EmulatedModem(config)) as path:
        seen = told("device", "--profile", "official-global", "--place", "paris", "--modem", path)
    assert seen["outcome"] == Outcome.LOCKED
    assert seen["verdict"]["territory"] == "CU"
    sim = seen["telephony"]["sims"][0]
    assert (sim["mcc"], sim["mnc"], sim["spn"], sim["gid1"]) == ("208", "01", "Orange F", "33AB")


def test_a_phone_asks_a_server_that_runs_elsewhere(tmp_path: Path) -> None:
    """`serve` in one terminal, `device --server` in another; equal seeds make them the same vendor."""
    with serving(tmp_path, "--seed", "two-terminals") as (url, _):
        arguments = ["device", "--profile", "official-global", "--place", "tehran", "--server", url]
        seen = told(*arguments, "--seed", "two-terminals")
        stranger = told(*arguments, "--seed", "another-vendor")
        shown = activation(*arguments, "--seed", "another-vendor").stdout
    assert (seen["outcome"], seen["verdict"]["territory"]) == ("locked", "IR")
    assert (stranger["outcome"], stranger["verdict"]) == ("pending", None)
    assert "start both with the same --seed" in " ".join(shown.split())


def test_a_server_that_was_killed_remembers_and_goes_on(tmp_path: Path) -> None:
    """SIGKILL between two phones: the second verdict for the same phone has the next serial."""
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
            seen = told(*arguments, url)
            server.send_signal(signal.SIGKILL)
        [received] = [
            entry["detail"]["received"]["claims"]
            for entry in seen["timeline"]
            if entry["what"] == "POST /v1/verdicts"
        ]
        serials.append(received["serial"])
    assert serials == sorted(set(serials))


def test_the_server_answers_health_and_describes_itself(tmp_path: Path) -> None:
    """What `serve` tells the developer to open is there."""
    with serving(tmp_path) as (url, _):
        for path in ("/healthz", "/docs", "/openapi.json"):
            with urllib.request.urlopen(url + path, timeout=10) as answer:
                assert answer.status == 200


def test_a_phone_without_a_server_waits_and_says_so() -> None:
    """Nobody listens there: the phone is pending, which is an outcome and not an error."""
    seen = told(
        "device", "--profile", "official-global", "--place", "paris", "--server", "http://127.0.0.1:9"
    )
    assert (seen["outcome"], seen["contacted"], seen["verdict"]) == ("pending", True, None)
    assert seen["screen"]["id"] == "waiting"


MISTAKES = {
    "an unknown profile": (
        ["device", "--profile", "oficial-eea", "--place", "paris"],
        2,
        "did you mean official-eea?",
    ),
    "an unknown place": (
        ["device", "--profile", "custom-aosp", "--place", "parris"],
        2,
        "did you mean paris?",
    ),
    "an unknown name in a list": (["matrix", "--places", "havana,pariss"], 2, "did you mean paris?"),
    "an empty list": (["matrix", "--places", ","], 2, "havana"),
    "a language that is not offered": (
        ["device", "--profile", "official-eea", "--place", "paris", "--locale", "ko"],
        2,
        "its languages are en, fr, es, ar, ru, uk",
    ),
    "a server that is no origin": (
        ["device", "--profile", "official-eea", "--place", "paris", "--server", "example"],
        2,
        "http://host:port",
    ),
    "a language for firmware without an agent": (
        ["device", "--profile", "custom-aosp", "--place", "paris", "--locale", "klingon"],
        2,
        "its languages are",
    ),
    "a SIM beside a modem": (
        ["device", "--profile", "custom-aosp", "--place", "paris", "--sim", "x.xml", "--modem", "/dev/null"],
        2,
        "leave out --sim or --modem",
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
        "did you mean custom-aosp?",
    ),
    "a page that cannot be written": (["demo", "--html", "/nowhere/page.html"], 3, "/nowhere/page.html"),
    "a database that cannot be made": (["serve", "--db", "/nowhere/x.sqlite", "--port", "0"], 3, "--db"),
}


@pytest.mark.parametrize(("arguments", "code", "hint"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_answered_by_what_where_and_what_to_do(
    arguments: list[str], code: int, hint: str
) -> None:
    """On standard error, in a line, with an exit code that tells the user's mistakes from the world's."""
    done = activation(*arguments, code=code)
    assert hint in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", [[], ["demo"], ["serve"], ["device"], ["matrix"], ["profiles"]])
def test_every_command_has_help_with_an_example(command: list[str]) -> None:
    """Nobody should need the documentation to begin."""
    page = activation(*command, "--help").stdout
    assert "xample" in page
    assert "Usage: activation" in page


def test_the_help_page_loads_nothing_heavy() -> None:
    """What keeps `--help` quick: no cryptography, no models, no web framework until a command runs."""
    heavy = {"cryptography", "pydantic", "fastapi", "sqlalchemy", "requests", "rich", "babel", "stdnum"}
    script = "import sys, lab.cli.main; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout.split()
    assert heavy.isdisjoint(loaded)


def test_profiles_are_checked_with_file_line_and_key(tmp_path: Path) -> None:
    """Who writes a profile of their own is told where it is wrong."""
    shipped = told("profiles", "show", "custom-aosp")
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


def test_the_demo_tells_matrix_and_stories_and_writes_the_page(tmp_path: Path) -> None:
    """The main job, as `make demo` runs it."""
    page = tmp_path / "demo.html"
    said = activation("demo", "--html", str(page)).stdout
    assert "official-global in havana: locked" in said
    assert "custom-aosp in havana: home" in said
    assert re.search(r"carried-in +activated +locked: never", said)
    assert "incident-2021" in (tmp_path / "incident-2021.html").read_text(encoding="utf-8")
    html = page.read_text(encoding="utf-8")
    assert html.count('<td style="background:') == 13 * 15
    assert "This phone is locked" in html
    assert re.findall(r"""(?:src|href)=["']?(?!data:)[a-z]+:""", html) == []

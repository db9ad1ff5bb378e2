"""The table of outcomes in docs/qa/running.md: each row is run, and is what it says."""

import json
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest
from typer.testing import CliRunner

from lab.cli.main import app
from lab.scenario.engine import actions
from lab.scenario.model import device_steps
from tests.support.scenarios import text

PAGE = Path(__file__).parents[2] / "docs" / "qa" / "running.md"
ROWS = {
    cells[0]: [cell.strip("`") for cell in cells[1:]]
    for line in PAGE.read_text("utf-8").splitlines()
    if line.startswith("| ") and len(cells := [cell.strip() for cell in line.strip("|").split("|")]) == 7
}
del ROWS["outcome"]

HOLDS = text("- expect: phone\n  outcome: 'off'")
PLACED = text("- expect: phone\n  outcome: 'off'", world="{place: '${place}'}")
FAILS = text("- expect: phone\n  outcome: home")
CANNOT = text("- retry\n- expect: phone\n  outcome: 'off'")
KNOWN = "expected-to-fail: {because: it is known}\n"
FILES = {
    "every expectation holds": HOLDS,
    "an expectation does not hold": FAILS,
    "a `wait-for` times out": text(
        "- power-on\n- wait-for: phone\n  see: {screen: locked}\n  at-most: 1 min"
    ),
    "a step cannot be executed": CANNOT,
    "the program has a defect": text("- power-off\n- expect: phone\n  outcome: 'off'"),
    "`skip`": "skip: {because: it is new}\n" + FAILS,
    "`expected-to-fail`, and it fails": KNOWN + FAILS,
    "`expected-to-fail`, and it passes": KNOWN + HOLDS,
    "`expected-to-fail`, and a step cannot be executed": KNOWN + CANNOT,
    "more virtual time than `time-budget`": "time-budget: 1 min\n"
    + text("- wait: 61 s\n- expect: phone\n  outcome: 'off'"),
    "more processor time than `time-budget`": "time-budget: {processor: 0 s}\n" + HOLDS,
    "the same with `--enforce-time`": "time-budget: {virtual: 1 min, processor: 0 s}\n" + HOLDS,
    "the file cannot be used": "name: x\n",
}


def test_every_row_has_a_file() -> None:
    assert set(ROWS) == set(FILES)


@pytest.fixture
def power_off_with_a_defect(monkeypatch: pytest.MonkeyPatch) -> None:
    def power_off(*_: object) -> None:
        raise TypeError("a defect in a step")

    monkeypatch.setitem(actions.ALL_DEVICE_ACTIONS, device_steps.PowerOff, power_off)


@pytest.mark.usefixtures("power_off_with_a_defect")
@pytest.mark.parametrize("name", ROWS)
def test_outcome_in_terminal_junit_exit_code_and_selection_is_that_of_the_table(
    name: str, tmp_path: Path
) -> None:
    word, element, code, stops, again, _ = ROWS[name]
    (tmp_path / "a.scenario.yaml").write_text(FILES[name])
    (tmp_path / "b.scenario.yaml").write_text(HOLDS)
    options = ["--enforce-time"] if "--enforce-time" in name else []
    junit = tmp_path / "junit.xml"
    done = CliRunner().invoke(app, ["run", str(tmp_path), "-x", "--junit", str(junit), *options])
    assert done.exit_code == int(code), done.output
    lines = (re.match(r"([\w-]+) +([ab])\b", line) for line in done.stdout.splitlines())
    words = {line[2]: line[1] for line in lines if line}
    assert words.pop("a", "") == word
    assert words == ({} if stops == "yes" else {"b": "passed"})
    suite = Xml.parse(junit).getroot()[0]
    found = [each for each in suite.findall("testcase") if each.get("name") != "b"]
    assert [child.tag for each in found for child in each] == ([element] if element else [])
    assert (suite.find("properties") is not None) == (stops == "yes")
    failed = CliRunner().invoke(app, ["run", str(tmp_path), "--last-failed", "--list", "--json"])
    ids = [each["id"] for each in json.loads(failed.stdout)]
    assert (ids == ["a"]) == (again == "yes"), failed.output


@pytest.mark.parametrize(
    ("name", "words"),
    {
        "a step cannot be executed": ["ERROR   a\n", "1 error\n"],
        "a `wait-for` times out": [
            "\n  00:01:00 after the start",
            "phone: see within 1 min",
            '"screen": "locked"',
            '"screen": "language"',
        ],
        "`skip`": ["skipped a: it is new"],
        "`expected-to-fail`, and it fails": ["expected-failure a: it is known", "1 expected-failure\n"],
        "`expected-to-fail`, and it passes": [
            "unexpected pass: it was expected to fail because 'it is known'"
        ],
        "more virtual time than `time-budget`": ["took 1 min 1 s of virtual time; the budget is 1 min"],
        "more processor time than `time-budget`": ["1 over the budget of processor time"],
    }.items(),
)
def test_outcome_has_its_reason(name: str, words: list[str], tmp_path: Path) -> None:
    (tmp_path / "a.scenario.yaml").write_text(FILES[name])
    shown = CliRunner().invoke(app, ["run", str(tmp_path)]).stdout
    assert [each for each in words if each not in shown] == [], shown
    assert shown.count("it is known") == ("it is known" in FILES[name])


@pytest.mark.slow
def test_outcome_in_pytest_is_that_of_the_table(tmp_path: Path) -> None:
    rows = [name for name in ROWS if "defect" not in name and "--enforce-time" not in name]
    for number, name in enumerate(rows):
        (tmp_path / f"a{number}.scenario.yaml").write_text(FILES[name])
    options = ["-p", "lab.scenario.pytest_plugin", "-p", "no:cacheprovider", "-c", "/dev/null", "-rA"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "--continue-on-collection-errors", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    for number, name in enumerate(rows):
        word = ROWS[name][5].upper()[:5]
        place = "it is new" if word == "SKIPP" else rf"a{number}\.scenario\.yaml"
        assert re.search(rf"{word}\w* .*{place}", done.stdout), (name, done.stdout[-3000:])


def test_exemption_holds_for_the_combinations_of_its_when(tmp_path: Path) -> None:
    exemptions = (
        "parameters: {place: [havana, paris, tehran]}\n"
        "skip: {because: first, when: {place: pa*}}\n"
        "expected-to-fail:\n- {because: second, when: {place: havana}}\n- {because: third, when: {place: [paris]}}\n"
    )
    (tmp_path / "a.scenario.yaml").write_text(
        exemptions + FAILS.replace("world: {}", "world: {place: '${place}'}")
    )
    found = json.loads(CliRunner().invoke(app, ["run", str(tmp_path), "--json"]).stdout)
    assert [(each["parameters"]["place"], each["status"], each["because"]) for each in found] == [
        ("havana", "expected-failure", "second"),
        ("paris", "skipped", "first"),
        ("tehran", "failed", None),
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    {
        "skip: {because: ' '}": ":1:",
        "skip: {when: {place: paris}}": "because",
        "skip: {because: x, when: {plce: paris}}": "no parameter is called 'plce'",
        "skip: {because: x, when: {place: pariss}}": "did you mean 'paris'",
        "expected-to-fail: [{because: x}, {because: x, when: {place: pariss}}]": "expected-to-fail[2].when.place",
        "time-budget: 5": "is not a duration",
        "time-budget: {}": "is without a duration",
    }.items(),
)
def test_exemption_that_cannot_hold_is_an_error_of_the_file(line: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "a.scenario.yaml").write_text(f"{line}\nparameters: {{place: [paris, havana]}}\n{PLACED}")
    done = CliRunner().invoke(app, ["run", str(tmp_path)])
    assert done.exit_code == 2
    assert message in done.stdout, done.output

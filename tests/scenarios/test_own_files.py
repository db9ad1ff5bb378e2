"""Scenarios in several files: includes, captured values, tables of examples, and paths of profiles and places."""

from pathlib import Path

import pytest

from lab.scenario.engine.context import OutputOptions
from lab.scenario.engine.engine import run
from lab.scenario.engine.result import ScenarioResult, Status
from lab.scenario.files import includes
from lab.scenario.files.errors import ScenarioError
from lab.scenario.files.reader import Case, read
from tests.support.scenarios import SEED, cases, played, text, wrong

HEAD = "name: a\nabout: b\nhandsets:\n  phone: {profile: official-global}\n"
EUICCS = "handsets:\n  fleet: {count: 2, profile: official-global, sims: [{esim: {home: 208-01}}]}\n"
CHECK = "  - expect: phone\n    usable: false\n"
FILES = {
    "ready.yaml": "parameters: {who: , language: en}\nsteps:\n  - power-on: ${who}\n  - set-up: ${who}\n"
    "    language: ${language}\n",
    "list.yaml": "- power-on\n- wait: 5 dys\n",
    "tab.yaml": "- power-on\n- wait:\t5 days\n- &a set-up\n",
    "loop/a.yaml": "- include: b.yaml\n",
    "loop/b.yaml": "- include: ../loop/a.yaml\n",
    "unused.yaml": "parameters: {day: 1, who: phone}\nsteps: [{power-on: '${who}'}]\n",
    "phone.yaml": "- retry\n",
    "phones.yaml": "handsets:\n  phone: {profile: official-global}\n",
    "wide.yaml": "- retry\n" * 5 + "- include: phone.yaml\n" * 5,
    "three.csv": "place,days\nparis,1\nhavana,2,3\n",
    "columns.csv": "place;days\nparis;1\n",
    "twice.csv": "days,days\n1,2\n",
    "quote.csv": 'place,days\n"paris,1\n',
    "empty.csv": "place,days\n",
    "bad.toml": "[lab]\nsentence = 'x'\nposition = [1.0, 2.0]\naddress = 'FR'\nsims = []\nsimms = []\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The root of a run with `FILES`, and next to it a file that is outside."""
    root = tmp_path / "run"
    for name, content in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content, "utf-8")
    (tmp_path / "outside.yaml").write_text("- power-on\n", "utf-8")
    (root / "link.yaml").symlink_to(tmp_path / "outside.yaml")
    return root


def loaded(folder: Path, body: str, root: Path | None = None) -> tuple[Case, ...]:
    file = folder / "x.scenario.yaml"
    file.write_text(body, "utf-8")
    return read(file, root)


STEP = "steps:\n  - include: "
MISTAKES = {
    "an error in an included file": (
        f"{STEP}list.yaml\n{CHECK}",
        "list.yaml:2:3: [2].wait: is not a duration",
    ),
    "bad YAML in an included file": (f"{STEP}tab.yaml\n{CHECK}", "tab.yaml:2:8: "),
    "a cycle": (
        f"{STEP}loop/a.yaml\n{CHECK}",
        "loop/b.yaml:1:3: [1].include: includes itself: x.scenario.yaml → loop/a.yaml → loop/b.yaml → loop/a.yaml",
    ),
    "a file that is missing": (
        f"{STEP}lits.yaml\n{CHECK}",
        "x.scenario.yaml:6:5: steps[1].include: no file is called",
    ),
    "the nearest name": (f"{STEP}lits.yaml\n{CHECK}", "did you mean 'list.yaml'"),
    "a file outside": (f"{STEP}../outside.yaml\n{CHECK}", "'../outside.yaml' is outside"),
    "a link outside": (f"{STEP}link.yaml\n{CHECK}", "'link.yaml' leads through a link outside"),
    "an absolute path": (f"{STEP}/etc/passwd\n{CHECK}", "is an absolute path"),
    "a folder": (f"{STEP}loop\n{CHECK}", "'loop' is no file"),
    "a path with a parameter": (f'{STEP}"${{x}}.yaml"\n{CHECK}', "cannot depend on a parameter"),
    "no path": (f"{STEP}5\n{CHECK}", "names no file"),
    "a value that is needed": (f"{STEP}ready.yaml\n{CHECK}", "ready.yaml needs a value for 'who'"),
    "a value that is not used": (
        f"{STEP}ready.yaml\n    with: {{who: phone, langage: fr}}\n{CHECK}",
        "x.scenario.yaml:7:24: steps[1].with.langage: is not used in ready.yaml; did you mean 'language'",
    ),
    "a parameter that the file does not use": (
        f"{STEP}unused.yaml\n{CHECK}",
        "unused.yaml:1:14: parameters.day: is not used",
    ),
    "a member of an include": (
        f"{STEP}list.yaml\n    wiht: {{}}\n{CHECK}",
        "wiht: unknown member; did you mean 'with'",
    ),
    "a file of handsets as steps": (f"{STEP}phones.yaml\n{CHECK}", "phones.yaml:1:1: steps: is missing"),
    "an unknown handset of an include": (
        f"{STEP}ready.yaml\n    with: {{who: fone}}\n{CHECK}",
        "ready.yaml:3:5: steps[1].power-on: no handset is called 'fone'",
    ),
    "an unknown parameter of a when": (
        f"{STEP}unused.yaml\n    when: {{place: paris}}\n{CHECK}",
        "steps[1].when.place: no parameter is called 'place'",
    ),
    "a handset twice": (
        "handsets:\n  include: phones.yaml\n  phone: {profile: custom-aosp}\nsteps:\n" + CHECK,
        "handsets.phone: a handset is called 'phone' already",
    ),
    "a row with another number of cells": (
        f"examples: three.csv\nsteps:\n  - move:\n    to: ${{place}}\n  - wait: ${{days}} days\n{CHECK}",
        "three.csv:3:1: has 3 columns, the header has 2: place, days",
    ),
    "other separators": (
        f"examples: columns.csv\nsteps:\n  - wait: ${{days}} days\n{CHECK}",
        "columns.csv:1:1: 'place;days' is no name",
    ),
    "a column twice": (
        f"examples: twice.csv\nsteps:\n{CHECK}",
        "twice.csv:1:6: 'days' is a column already",
    ),
    "a quote that is open": (
        f"examples: quote.csv\nsteps:\n{CHECK}",
        "quote.csv:2:1: has a quote that is not closed",
    ),
    "a table without rows": (f"examples: empty.csv\nsteps:\n{CHECK}", "empty.csv:1:1: has no row"),
    "a table that is no CSV file": (f"examples: cases.tsv\nsteps:\n{CHECK}", "or name a .csv file"),
    "a place by path": (
        f"world: {{place: ./bad.toml}}\nsteps:\n{CHECK}",
        "x.scenario.yaml:5:9: world.place: bad.toml:6: lab.simms: unknown key",
    ),
    "a golden file outside": (
        f"steps:\n  - golden: ../x.json\n{CHECK}",
        "steps[1].golden: '../x.json' is outside",
    ),
    "a card in the slot of an eUICC": (
        f"{EUICCS}steps:\n  - insert-sim: fleet-2\n    operator: 208-01\n  - expect:\n    usable: false\n",
        "steps[1].insert-sim: fleet-2 has an eUICC in slot 1",
    ),
    "a profile of another member of a group": (
        f"{EUICCS}steps:\n  - download-esim: fleet-1\n    esim: work\n    operator: 208-01\n"
        "  - enable-esim: fleet-2\n    esim: work\n  - expect:\n    usable: false\n",
        "steps[2].esim: fleet-2 has no profile called 'work'",
    ),
    "a slot without an eUICC": (
        f"{EUICCS}steps:\n  - download-esim: fleet-1\n    esim: work\n    operator: 208-01\n    slot: 2\n"
        "  - expect:\n    usable: false\n",
        "steps[1].slot: fleet-1 has no eUICC in slot 2",
    ),
    "a policy by path": (
        f"world: {{policy: nowhere.toml}}\nsteps:\n{CHECK}",
        "world.policy: no file is called",
    ),
    "a captured value before its step": (
        f"steps:\n  - unlock: phone\n    case: ${{case}}\n  - capture: {{case: verdict.case}}\n{CHECK}",
        "x.scenario.yaml:7:5: steps[1].case: 'case' is captured later, see line 8",
    ),
    "a captured value of other combinations": (
        "parameters: {a: [1, 2]}\nsteps:\n  - capture: {case: verdict.case}\n    when: {a: 1}\n  - unlock: phone\n"
        f"    case: ${{case}}\n{CHECK}",
        "'case' is not captured in this combination",
    ),
    "a captured value outside of steps": (
        f"world: {{policy: '${{case}}'}}\nsteps:\n  - capture: {{case: verdict.case}}\n{CHECK}",
        "'case' is captured during the run; only steps",
    ),
    "a captured value that is not allowed": (
        "steps:\n  - capture: {case: verdict.case}\n  - insert-sim: phone\n    operator: 208-01\n    slot: x${case}\n"
        + CHECK,
        "x.scenario.yaml:9:5: ",
    ),
    "an unknown source": (
        f"steps:\n  - capture: {{case: verdict.cse}}\n{CHECK}",
        "did you mean 'verdict.case'",
    ),
    "a source of several handsets": (
        "handsets: {a: {profile: custom-aosp}, b: {profile: custom-aosp}}\nsteps:\n  - capture: {case: imei}\n"
        "  - expect:\n    usable: false\n",
        "can be of 2 handsets; name one, as in `of: a`",
    ),
    "a captured name that is a parameter": (
        f"parameters: {{case: [1]}}\nsteps:\n  - capture: {{case: imei}}\n  - wait: ${{case}} s\n{CHECK}",
        "is a parameter as well",
    ),
    "a parameter that is not used": (
        f"parameters: {{place: [paris]}}\nsteps:\n{CHECK}",
        "x.scenario.yaml:5:14: parameters.place: is not used",
    ),
    "a when that matches nothing": (
        "parameters: {a: [1, 2], b: [1, 2]}\nexclude: [{a: 1, b: 2}]\nsteps:\n  - power-on:\n    when: {a: 1, b: 2}\n"
        + CHECK,
        "x.scenario.yaml:9:5: steps[1].when: matches no combination",
    ),
    "a when without a parameter": (
        f"steps:\n  - power-on:\n    when: {{}}\n{CHECK}",
        "steps[1].when: says nothing",
    ),
    "an unknown policy": (
        f"steps:\n  - put-in-force: export-2021-90\n{CHECK}",
        "x.scenario.yaml:6:5: steps[1].put-in-force: no policy is called 'export-2021-90'; did you mean",
    ),
    "an unknown campaign": (
        f"steps:\n  - start-campaign: investigaton\n{CHECK}",
        "did you mean 'investigation-2021'",
    ),
    "a language of the handset": (
        f"handsets:\n  phone: {{profile: official-china, locale: es}}\nsteps:\n{CHECK}",
        "handsets.phone.locale: official-china does not offer 'es'; it offers",
    ),
    "a language after another image": (
        f"steps:\n  - flash: phone\n    profile: official-china\n  - set-up: phone\n    language: es\n{CHECK}",
        "steps[2].language: official-china does not offer 'es'",
    ),
    "a time that has passed": (
        f"steps:\n  - wait: 2 days\n  - wait-until: 2021-09-09\n{CHECK}",
        "steps[2].wait-until: 2021-09-09 has passed: it is 2021-09-10T12:00Z or later at this step",
    ),
    "a fault that has ended": (
        f"steps:\n  - fault: reset\n    until: 2021-09-01\n{CHECK}",
        "steps[1].until: 2021-09-01 has passed",
    ),
}


FOLLOW_UPS = (
    "a row with another number of cells",
    "other separators",
    "a place by path",
    "an unknown source",
)
"""Mistakes after which other parts of the file cannot be understood; these parts have no errors."""


@pytest.mark.parametrize("name", FOLLOW_UPS)
def test_one_mistake_is_one_error(folder: Path, name: str) -> None:
    with pytest.raises(ScenarioError) as raised:
        loaded(folder, f"{HEAD}{MISTAKES[name][0]}")
    assert len(raised.value.errors) == 1, raised.value.lines()


@pytest.mark.parametrize("name", MISTAKES)
def test_mistake_is_reported_before_the_run_with_its_file_and_line(folder: Path, name: str) -> None:
    body, words = MISTAKES[name]
    head = HEAD if "handsets:" not in body else "name: a\nabout: b\n"
    with pytest.raises(ScenarioError) as raised:
        loaded(folder, head + body)
    shown = "\n".join(raised.value.lines()).replace(f"{folder}/", "")
    assert words in shown


@pytest.mark.parametrize(
    ("name", "bound", "words"),
    [
        ("PARTS_MAX", 50, "is more than the 50th step or handset"),
        ("INCLUDES_MAX", 20, "is more than the 20th include"),
        ("CHARACTERS_MAX", 400, "includes more than 400 characters together"),
        ("DEPTH_MAX", 1, "is included through more than 1 files: x.scenario.yaml → wide.yaml → phone.yaml"),
    ],
)
def test_includes_are_bounded(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, bound: int, words: str
) -> None:
    monkeypatch.setattr(includes, name, bound)
    with pytest.raises(ScenarioError) as raised:
        loaded(folder, f"{HEAD}steps:\n" + "  - include: wide.yaml\n" * 10 + CHECK)
    assert words in str(raised.value)


def test_value_of_a_parameter_is_bounded(folder: Path) -> None:
    """Lists in lists, from file to file, would have 100 ** 8 values."""
    for number in range(8):
        value = ", ".join(["'${x}'"] * 100)
        (folder / f"{number}.yaml").write_text(
            f"- include: {number + 1}.yaml\n  with: {{x: [{value}]}}\n", "utf-8"
        )
    (folder / "8.yaml").write_text("- lock: '${x}'\n", "utf-8")
    with pytest.raises(ScenarioError, match="has more than 1000 values"):
        loaded(folder, f"{HEAD}{STEP}0.yaml\n    with: {{x: phone}}\n{CHECK}")


def test_mistakes_of_all_kinds_are_reported_together(folder: Path) -> None:
    body = (
        f"world: {{policy: export-2021-90, place: pariss}}\n{STEP}list.yaml\n  - wiat: 5 s\n  - expect: fone\n"
        "    usable: false\n  - unlock: phone\n    case: ${case}\n"
    )
    with pytest.raises(ScenarioError) as raised:
        loaded(folder, HEAD + body)
    codes = [(error.file, error.line, error.code.value) for error in raised.value.errors]
    assert codes == [
        ("", 5, "bad-value"),
        ("", 8, "unknown-step"),
        ("", 9, "unknown-name"),
        ("", 12, "unknown-parameter"),
        ("list.yaml", 2, "bad-value"),
    ]


def test_examples_of_csv_are_those_of_yaml(folder: Path) -> None:
    steps = "steps:\n  - set-clock: phone\n    to: ${time}\n  - expect: phone\n    usable: ${usable}\n"
    steps += "    screen: {text: '${text}'}\n"
    rows = '- {time: 2021-09-09, usable: true, text: "3"}\n- {time: 2021-09-10, usable: false, text: "a, \\"b\\""}\n'
    wanted = [(case.id, case.steps) for case in loaded(folder, f"{HEAD}examples:\n{rows}{steps}")]
    table = 'time, usable,text\n2021-09-09,true,"3"\n\n2021-09-10,false,"a, ""b"""\n'
    for content in (table, table.rstrip(), table.replace("\n", "\r\n"), "\ufeff" + table):
        (folder / "cases.csv").write_bytes(content.encode())
        found = [(case.id, case.steps) for case in loaded(folder, f"{HEAD}examples: cases.csv\n{steps}")]
        assert [name for name, _ in found] == [name for name, _ in wanted]
        assert [[step for _, step in each] for _, each in found] == [
            [step for _, step in each] for _, each in wanted
        ]


def test_included_steps_are_those_of_one_file(folder: Path) -> None:
    body = "  - power-on: phone\n  - set-up: phone\n    language: fr\n" + CHECK
    [whole] = loaded(folder, f"{HEAD}steps:\n{body}")
    [parts] = loaded(folder, f"{HEAD}{STEP}ready.yaml\n    with: {{who: phone, language: fr}}\n{CHECK}")
    assert parts.scenario == whole.scenario
    assert dict(parts.included) == {0: "ready.yaml", 1: "ready.yaml"}
    assert [line for line, _ in parts.steps] == [3, 4, 8]
    ran: list[ScenarioResult] = [run(case, SEED) for case in (whole, parts)]
    assert ran[0].handsets == ran[1].handsets
    assert [step.file for step in ran[1].steps] == ["ready.yaml", "ready.yaml", ""]


def test_golden_file_is_relative_to_the_file_that_names_it(folder: Path) -> None:
    (folder / "loop" / "golden.yaml").write_text("- golden: screens/home.json\n", "utf-8")
    [case] = loaded(folder, f"{HEAD}{STEP}loop/golden.yaml\n{CHECK}")
    assert case.steps[0][1].model_dump()["golden"] == "loop/screens/home.json"
    (folder / "loop" / "up.yaml").write_text("- power-on\n- golden: ../home.json\n", "utf-8")
    (folder / "below").mkdir()
    [case] = loaded(folder / "below", f"{HEAD}{STEP}../loop/up.yaml\n{CHECK}", folder)
    assert run(case, SEED, output=OutputOptions(update_golden=True)).status is Status.PASSED
    assert (folder / "home.json").is_file()


def test_combinations_are_counted_with_the_rows_of_a_table(folder: Path) -> None:
    (folder / "cases.csv").write_text("a\n" + "".join(f"{number}\n" for number in range(15_000)), "utf-8")
    with pytest.raises(ScenarioError, match="give 30000 combinations"):
        loaded(folder, f"{HEAD}examples: cases.csv\nparameters: {{b: [1, 2]}}\nsteps:\n{CHECK}")


CAPTURED = {
    "challenge": "screen: {shows-challenge: true}",
    "imei": "usable: false",
    "nonce": 'evidence: {claims: {eat_nonce: "${value}"}}',
    "time": "usable: false",
    "screen.title": 'screen: {title: "${value}"}',
    "screen.id": 'screen: {id: "${value}"}',
    "state.lock": 'state: {lock: "${value}"}',
    "state.serial": 'state: {serial: "${value}"}',
    "state.policy-version": 'state: {policy-version: "${value}"}',
    "verdict.decision": 'verdict: {decision: "${value}"}',
    "verdict.policy.rule": 'verdict: {rule: "${value}"}',
    "verdict.case": 'screen: {text: "${value}"}',
    "evidence.telephony.sims.0.mcc": 'evidence: {claims: {telephony.sims.0.mcc: "${value}"}}',
    "record.activation-territory": "usable: false",
    "record.locked": 'record: {locked: "${value}"}',
}


@pytest.mark.parametrize("source", CAPTURED)
def test_captured_value_holds_when_it_is_expected(source: str) -> None:
    steps = f"- power-on\n- set-up\n- capture: {{value: {source}}}\n- expect: phone\n  {CAPTURED[source]}\n"
    result = played(steps, world="{place: havana}")
    if source == "record.activation-territory":
        assert "has no value to capture" in str(result.steps[2].error)
        return
    assert (wrong(result), result.status) == ([], Status.PASSED)
    if "${value}" in CAPTURED[source]:
        is_number = source in ("record.locked", "state.serial", "state.policy-version")
        changed = None if is_number else steps.replace("${value}", "${value}0")
        assert changed is None or wrong(played(changed, world="{place: havana}"))


def test_captured_value_that_a_member_cannot_have_is_an_error_of_the_step() -> None:
    result = played(
        "- power-on\n- set-up\n- capture: {value: state.lock}\n- set-clock: phone\n  to: ${value}\n- retry"
    )
    assert result.status is Status.ERROR
    assert result.steps[3].text == "set-clock: phone, to: ${value}"
    assert (
        result.steps[3].error
        == "to: is not a moment; write a day or a time in UTC, as in 2021-09-06 or 2021-09-06T10:30Z"
    )


def test_code_of_an_operator_can_be_captured_and_typed() -> None:
    steps = (
        "- power-on\n- set-up\n- network-down\n- issue-code: phone\n- capture: {typed: code}\n- enter-code: phone\n"
        "  text: ${typed}\n- expect: phone\n  outcome: activated\n"
    )
    assert "200 characters" in str(played(steps, world="{place: havana}").steps[-1].error)


def test_step_within_cut_power_has_no_when() -> None:
    steps = text("- cut-power: phone\n  at-effect: 1\n  during: {retry: phone, when: {a: 1}}")
    with pytest.raises(ScenarioError, match="write it next to `cut-power`"):
        cases(steps)

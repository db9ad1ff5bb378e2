"""Reading scenario files: every error with its position and a correction."""

import json
from pathlib import Path

import jsonschema_rs
import pytest
from jsonschema import Draft202012Validator

from lab.scenario.files import schema
from lab.scenario.files.discovery import cases as collected
from lab.scenario.files.errors import FileErrorCode, ScenarioError
from lab.scenario.files.reader import read, read_text
from lab.scenario.files.yaml_positions import parse
from lab.scenario.model.step_union import BARE
from tests.support.scenarios import cases, text

ROOT = Path(__file__).parents[5]
HEAD = "name: a\nabout: b\nhandsets:\n  phone: {profile: official-global}\n"


def errors(body: str) -> list[tuple[int, str, str]]:
    """Line, code and message of every error."""
    with pytest.raises(ScenarioError) as raised:
        read_text(body, "test.scenario.yaml")
    return [(error.line, error.code.value, error.message) for error in raised.value.errors]


INVALID = {
    "steps:\n  - power-onn\n": (6, FileErrorCode.UNKNOWN_STEP, "did you mean 'power-on'"),
    "steps:\n  - {}\n": (6, FileErrorCode.UNKNOWN_STEP, "begin it with a verb"),
    "steps:\n  - wait: 5\n": (6, FileErrorCode.BAD_VALUE, "a number and its unit"),
    "steps:\n  - wait-until: yesterday\n": (6, FileErrorCode.BAD_VALUE, "2021-09-06"),
    "steps:\n  - wait-until: 2021-02-30\n": (6, FileErrorCode.BAD_VALUE, "not a moment"),
    "steps:\n  - set-up: phone\n    langage: fr\n": (
        7,
        FileErrorCode.UNKNOWN_MEMBER,
        "did you mean 'language'",
    ),
    "steps:\n  - move: phone\n    to: paris\n    wait: 3 days\n": (
        8,
        FileErrorCode.UNKNOWN_MEMBER,
        "another step",
    ),
    "steps:\n  - insert-sim: phone\n    operator: Orange\n": (7, FileErrorCode.BAD_VALUE, "as in 208-01"),
    "steps:\n  - insert-sim: phone\n    operator: 368-77\n": (
        7,
        FileErrorCode.BAD_VALUE,
        "no operator 368-77",
    ),
    "steps:\n  - restart-server: phone\n": (6, FileErrorCode.BAD_VALUE, "without a value"),
    "steps:\n  - mark: My Mark\n": (6, FileErrorCode.BAD_VALUE, "lower-case letters"),
    "steps:\n  - move: phone\n": (6, FileErrorCode.MISSING_MEMBER, "add it"),
    "steps:\n  - move: phone\n    to: pariss\n": (7, FileErrorCode.BAD_VALUE, "did you mean 'paris"),
    "steps:\n  - flash: phone\n    profile: custom-asop\n": (
        7,
        FileErrorCode.BAD_VALUE,
        "did you mean 'custom-aosp'",
    ),
    "steps:\n  - expect: phone\n    outcome: loked\n": (7, FileErrorCode.BAD_VALUE, "did you mean 'locked'"),
    "steps:\n  - expect: phone\n    screen: {offers: retri}\n": (
        7,
        FileErrorCode.BAD_VALUE,
        "did you mean 'retry'",
    ),
    "steps:\n  - expect: phone\n    usable: 'yes'\n": (7, FileErrorCode.BAD_VALUE, "write true or false"),
    "steps:\n  - expect: phone\n    never: {}\n": (7, FileErrorCode.BAD_VALUE, "add what to look for"),
    "steps:\n  - expect: fone\n    usable: true\n": (6, FileErrorCode.UNKNOWN_NAME, "did you mean 'phone'"),
    "steps:\n  - expect: phone\n    since: then\n    requests: 0\n": (
        7,
        FileErrorCode.UNKNOWN_NAME,
        "a step `mark` must come before",
    ),
    "steps:\n  - expect: phone\n": (6, FileErrorCode.BAD_VALUE, "expects nothing"),
    "steps:\n  - expect: phone\n    outcome:\n": (6, FileErrorCode.BAD_VALUE, "`outcome` says nothing"),
    "steps:\n  - expect: phone\n    state: {trouble: null}\n": (
        7,
        FileErrorCode.BAD_VALUE,
        "`trouble` says nothing",
    ),
    "steps:\n  - expect: phone\n    never: {screen: locked, request: '*'}\n": (
        7,
        FileErrorCode.BAD_VALUE,
        "no observation has request and screen together",
    ),
    "steps:\n  - expect: phone\n    requests: {all: {at-least: 5, at-most: 2}}\n": (
        7,
        FileErrorCode.BAD_VALUE,
        "holds for nothing",
    ),
    "steps:\n  - expect: phone\n    evidence: {without: locaton}\n": (
        7,
        FileErrorCode.BAD_VALUE,
        "did you mean 'location",
    ),
    "steps:\n  - expect: phone\n    audit: {action: x, of: phone, subject: y}\n": (
        7,
        FileErrorCode.BAD_VALUE,
        "names its subject twice",
    ),
    "steps:\n  - cut-power: phone\n    at-effect: 1\n    during: {expect: phone, usable: true}\n": (
        6,
        FileErrorCode.BAD_VALUE,
        "no effects",
    ),
    "steps:\n  - fault: clock-skew\n": (6, FileErrorCode.BAD_VALUE, "`clock-skew` with `seconds`"),
    "steps:\n  - fault: reset\n    retry-after: 5 s\n": (
        6,
        FileErrorCode.BAD_VALUE,
        "too-many-requests and unavailable",
    ),
    "steps:\n  - fault: reset\n    from: 2021-09-09\n    until: 2021-09-08\n": (
        6,
        FileErrorCode.BAD_VALUE,
        "never injected",
    ),
    "steps:\n  - fault: clock-skew\n    seconds: 999999999999\n": (
        7,
        FileErrorCode.BAD_VALUE,
        "write at most 316224000",
    ),
    "steps:\n  - wait: 365000 days\n": (6, FileErrorCode.BAD_VALUE, "longer than ten years"),
    "steps:\n  - wait-until: 0001-01-01\n": (6, FileErrorCode.BAD_VALUE, "the years are"),
    "steps:\n  - swap-sims: phone\n    with: phone\n": (7, FileErrorCode.UNKNOWN_NAME, "is the same handset"),
    "steps: &all [power-on]\n": (5, FileErrorCode.SYNTAX, "has an anchor"),
    "steps: !!seq [power-on]\n": (5, FileErrorCode.SYNTAX, "has a tag"),
    "exclude: 5\nsteps: [power-on]\n": (5, FileErrorCode.BAD_VALUE, "not a list of tables"),
    "examples: 5\nsteps: [power-on]\n": (5, FileErrorCode.BAD_VALUE, "not a list of tables"),
    "examples: [{a: x y}, {a: x-y}]\nsteps: [power-on]\n": (5, FileErrorCode.BAD_VALUE, "the same id"),
    "parameters: {a: [1, 2]}\nexamples: [{a: 5}]\nsteps: [power-on]\n": (
        6,
        FileErrorCode.BAD_VALUE,
        "keep one of them",
    ),
    "parameters: {place: [havana]}\nexclude: [{place: havanna}]\nsteps: [power-on]\n": (
        6,
        FileErrorCode.BAD_VALUE,
        "did you mean 'havana'",
    ),
    "parameters: {place: [havana]}\nsteps:\n  - power-on:\n    when: {place: havanna}\n": (
        8,
        FileErrorCode.BAD_VALUE,
        "did you mean 'havana'",
    ),
    "steps: [{wait: " + "9" * 5000 + "}]\n": (5, FileErrorCode.BAD_VALUE, "a number and its unit"),
    "steps:\n  - restore-state: phone\n    from: mine\n": (
        7,
        FileErrorCode.UNKNOWN_NAME,
        "`copy-state` must come before",
    ),
    "steps:\n  - enable-esim: phone\n    esim: home\n": (6, FileErrorCode.UNKNOWN_NAME, "has no eUICC"),
    "steps:\n  - expect: phone\n    usable: true\n    at-least: 0.8\n": (
        8,
        FileErrorCode.BAD_VALUE,
        "is 0.8; write a number of handsets, or a share of them up to 100 %",
    ),
    "steps:\n  - expect: phone\n    state: {trouble: bussy}\n": (
        7,
        FileErrorCode.BAD_VALUE,
        "did you mean 'busy'",
    ),
    "steps:\n  - expect: phone\n    never: {screen: {id: home, text: x}}\n": (
        7,
        FileErrorCode.BAD_VALUE,
        "write `text` next to it",
    ),
    "steps:\n  - capture: {case: verdict.cse}\n  - unlock: phone\n    case: ${case}\n": (
        6,
        FileErrorCode.BAD_VALUE,
        "did you mean 'verdict.case'",
    ),
    "steps:\n  - capture: verdict.case\n  - unlock: phone\n    case: ${case}\n": (
        6,
        FileErrorCode.BAD_VALUE,
        "write a table",
    ),
    "parameters: [city]\nsteps:\n  - move: phone\n    to: ${city}\n": (
        5,
        FileErrorCode.BAD_VALUE,
        "is not a table",
    ),
    "world: {network: off}\nsteps:\n  - power-on\n": (5, FileErrorCode.BAD_VALUE, "use one of 'up', 'down'"),
    "steps:\n  - cut-power: phone\n    at-effect: 1\n    during: {retry: fone}\n": (
        8,
        FileErrorCode.UNKNOWN_NAME,
        "'phone'",
    ),
    "steps:\n  - power-on:\n    when: {city: havana}\n": (
        7,
        FileErrorCode.UNKNOWN_NAME,
        "no parameter is called",
    ),
    "steps:\n  - move: phone\n    to: ${city}\n": (7, FileErrorCode.UNKNOWN_PARAMETER, "no parameters"),
    "steps:\n  - power-on\nstepps: []\n": (7, FileErrorCode.UNKNOWN_MEMBER, "did you mean 'steps'"),
    "steps:\n  - power-on\nsteps:\n  - retry\n": (7, FileErrorCode.DUPLICATE_KEY, "first on line 5"),
    "steps:\n\t- power-on\n": (6, FileErrorCode.SYNTAX, "a tab; indent with spaces"),
    "steps: &a\n  - power-on\nworld: *a\n": (5, FileErrorCode.SYNTAX, "use parameters"),
    "steps: []\n": (5, FileErrorCode.BAD_VALUE, "at least one is required"),
    "steps:\n  - power-on\nparameters:\n  city: []\n": (8, FileErrorCode.BAD_VALUE, "not a list of values"),
    "steps:\n  - power-on\nparameters:\n  city: [a, a]\n": (8, FileErrorCode.BAD_VALUE, "'a' twice"),
    "steps:\n  - power-on\nparameters:\n  city: [a]\nexclude: [{cty: a}]\n": (
        9,
        FileErrorCode.UNKNOWN_PARAMETER,
        "'city'",
    ),
    "steps:\n  - power-on\nparameters:\n  city: [a]\nexclude: [{city: a}]\n": (
        9,
        FileErrorCode.NO_CASE,
        "nothing would be run",
    ),
    "steps:\n  - fault: unavailabel\n": (6, FileErrorCode.BAD_VALUE, "did you mean 'unavailable'"),
}
"""The text after the four lines of HEAD, and line, code and words of its error."""


@pytest.mark.parametrize("tail", INVALID)
def test_error_has_line_code_and_correction(tail: str) -> None:
    line, code, words = INVALID[tail]
    found = errors(HEAD + tail)
    assert [(at, what) for at, what, _ in found] == [(line, code.value)], found
    assert words in found[0][2]


def test_misspelt_modem_dialect_has_line_and_correction() -> None:
    handset = "phone: {profile: official-global, modem-dialect: quectl}"
    body = f"name: a\nabout: b\nhandsets:\n  {handset}\nsteps:\n  - expect: phone\n    usable: true\n"
    (error,) = errors(body)
    assert error[:2] == (4, FileErrorCode.BAD_VALUE)
    assert "did you mean 'quectel'" in error[2]


def test_band_without_megahertz_is_reported_with_its_line() -> None:
    handset = "phone: {profile: official-global, bands: [LTE 1800, LTE]}"
    body = f"name: a\nabout: b\nhandsets:\n  {handset}\nsteps:\n  - expect: phone\n    usable: true\n"
    (error,) = errors(body)
    assert error[:2] == (4, FileErrorCode.BAD_VALUE)
    assert "is 'LTE'" in error[2]


def test_every_error_code_has_a_case() -> None:
    assert {code for _, code, _ in INVALID.values()} == set(FileErrorCode) - {FileErrorCode.UNREADABLE}


def test_several_errors_are_reported_in_line_order() -> None:
    found = errors(HEAD + "steps:\n  - power-onn\n  - wait: soon\n  - expect: phone\n    outcom: locked\n")
    assert [line for line, *_ in found] == [6, 7, 9]


def test_implicit_types_of_yaml_1_1_are_text() -> None:
    assert parse("[no, on, yes, 12:30, 0x10, 1_000, 2021-09-06]", "x").value == [
        "no",
        "on",
        "yes",
        "12:30",
        "0x10",
        "1_000",
        "2021-09-06",
    ]
    assert parse("[true, false, null, 3, -1.5, '3']", "x").value == [True, False, None, 3, -1.5, "3"]


def test_file_that_is_missing_or_not_text_is_unreadable(tmp_path: Path) -> None:
    for content in (None, b"\xff\xfe\x00"):
        file = tmp_path / "a.scenario.yaml"
        if content:
            file.write_bytes(content)
        with pytest.raises(ScenarioError) as raised:
            read(file)
        assert raised.value.errors[0].code is FileErrorCode.UNREADABLE


MATRIX = """
parameters:
  place: [havana, paris]
  profile: {global: official-global, aosp: custom-aosp}
exclude: [{place: paris, profile: aosp}]
name: a matrix
about: b
handsets: {phone: {profile: "${profile}", place: "${place}"}}
steps:
  - power-on
  - expect: phone
    when: {place: havana}
    usable: true
"""


def test_ids_do_not_depend_on_any_order() -> None:
    ids = {case.id for case in cases(MATRIX)}
    assert ids == {
        "test[place=havana,profile=aosp]",
        "test[place=havana,profile=global]",
        "test[place=paris,profile=global]",
    }
    turned = MATRIX.replace("[havana, paris]", "[paris, havana]").replace(
        "  place: [paris, havana]\n  profile: {global: official-global, aosp: custom-aosp}\n",
        "  profile: {aosp: custom-aosp, global: official-global}\n  place: [paris, havana]\n",
    )
    assert turned != MATRIX
    assert {case.id for case in cases(turned)} == ids
    assert next(list(case.labels) for case in cases(MATRIX + "examples: [{a: 1}]")) == [
        "a",
        "place",
        "profile",
    ]


def test_when_restricts_a_step_to_combinations() -> None:
    assert {case.combination: len(case.steps) for case in cases(MATRIX)} == {
        "place=havana,profile=aosp": 2,
        "place=havana,profile=global": 2,
        "place=paris,profile=global": 1,
    }


def test_each_row_of_examples_is_a_scenario() -> None:
    body = text("- wait: '${days} days'\n- expect: phone\n  usable: ${usable}").replace("world: {}\n", "")
    found = cases("examples: [{days: 1, usable: true}, {days: 2, usable: false}]\n" + body)
    assert [case.id for case in found] == ["test[days=1,usable=true]", "test[days=2,usable=false]"]
    assert [case.steps[1][1].usable for case in found] == [True, False]  # type: ignore[attr-defined]


def test_published_schema_is_up_to_date() -> None:
    assert schema.FILE.read_text(encoding="utf-8") == schema.text()
    assert schema.INCLUDED_FILE.read_text(encoding="utf-8") == schema.text(schema.generate_included())


def test_schema_accepts_the_library_and_rejects_invalid_files() -> None:
    Draft202012Validator.check_schema(schema.generate())
    validator = jsonschema_rs.validator_for(json.loads(schema.text()))
    shipped = sorted((ROOT / "scenarios").rglob("*.scenario.yaml"))
    assert shipped
    for file in shipped:
        found = validator.iter_errors(parse(file.read_text(), str(file)).value)
        assert [error.message for error in found] == [], file
    whole = schema.generate()
    both = json.dumps(schema.generate_included())
    for name in ("steps", "handsets"):
        reference = json.dumps({"$ref": f"{schema.FILE.name}#/properties/{name}"})
        both = both.replace(reference, json.dumps(whole["properties"][name]))
    included = jsonschema_rs.validator_for(json.loads(both) | {"$defs": whole["$defs"]})
    parts = sorted((ROOT / "scenarios/own-files").glob("*/*.yaml"))
    assert [included.is_valid(parse(file.read_text(), str(file)).value) for file in parts] == [True] * 3
    for tail in ("steps:\n  - power-onn\n", "steps:\n  - wait: 5\n", "stepps: []\nsteps: [power-on]\n"):
        assert not validator.is_valid(parse(HEAD + tail, "x").value), tail


def test_bare_verbs_need_no_value() -> None:
    before = "steps:\n  - copy-state\n  - back-up\n"
    euicc = HEAD.replace("official-global}", "official-global, sims: [{esim: {home: 208-01}}]}")
    for verb in BARE:
        head = euicc if verb == "disable-esim" else HEAD
        assert read_text(f"{head}{before}  - {verb}\n", "x.scenario.yaml")


def test_library_is_readable_and_ids_are_unique() -> None:
    found, failed = collected([ROOT / "scenarios"])
    assert failed == []
    assert len({case.id for case in found}) == len(found)


def test_deeply_nested_file_is_rejected() -> None:
    with pytest.raises(ScenarioError, match="nested too deep"):
        read_text("[" * 5000, "test.scenario.yaml")


def test_file_with_a_combination_that_cannot_fail_is_rejected(tmp_path: Path) -> None:
    file = tmp_path / "idle.scenario.yaml"
    matrix = "parameters: {place: [havana, paris]}\n"
    expectation = "  - expect: phone\n    when: {place: paris}\n    usable: true\n"
    file.write_text(HEAD + matrix + "steps:\n  - power-on\n" + expectation, "utf-8")
    with pytest.raises(ScenarioError, match=r"expect nothing in 1 of 2 combinations, as in place=havana"):
        read(file)


def test_file_with_a_combination_without_steps_is_rejected(tmp_path: Path) -> None:
    file = tmp_path / "idle.scenario.yaml"
    matrix = "parameters: {place: [havana, paris]}\n"
    file.write_text(
        HEAD + matrix + "steps:\n  - expect: phone\n    when: {place: paris}\n    usable: false\n", "utf-8"
    )
    with pytest.raises(ScenarioError, match=r":1:1: steps: expect nothing in 1 of 2 combinations"):
        read(file)


def test_when_can_refer_to_a_parameter() -> None:
    matrix = "parameters: {here: [havana, paris], there: [paris]}\n"
    steps = 'steps:\n  - {power-on: null, when: {here: "${there}"}}\n  - {expect: phone, usable: false}\n'
    found = read_text(HEAD + matrix + steps, "test.scenario.yaml")
    assert {case.labels["here"]: len(case.steps) for case in found} == {"havana": 1, "paris": 2}

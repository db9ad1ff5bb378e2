"""No page, no XML, no table and no log contains text from outside unescaped."""

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import pytest

from lab.cli import output
from lab.cli.admin import tables
from lab.reports import investigation
from lab.scenario.engine.result import ScenarioResult, Status
from lab.scenario.files.errors import FileError, FileErrorCode
from lab.scenario.output import page
from lab.scenario.output.page_data import compact
from lab.scenario.output.report_file import UnusableFile
from server_stub.admin import audit_export
from server_stub.api.json_log import json_log
from server_stub.investigation.analysis import Origin, investigate
from server_stub.store.records import AuditQuery
from server_stub.store.sql import SqlStore
from tests.support.records import entry
from tests.support.scenarios import junit_document, played
from text_input.printable import UNSAFE, printable

MARKUP = "]]></script><script>planted('\"&')</script><b>planted"
HOSTILE = MARKUP + "".join(filter(UNSAFE.match, map(chr, [*range(0x3000), 0xDFFF, 0xD800]))) + "\ufffe\uffff"
"""Markup, and each unsafe character."""
SHOWN = printable(HOSTILE)


class Elements(HTMLParser):
    """The elements of a page, and its text."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.texts: list[str] = []
        self.feed(content)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@pytest.fixture(scope="module")
def result() -> ScenarioResult:
    return played("- {set-up: phone}\n- {expect: phone, outcome: locked}")


def hostile(result: ScenarioResult, text: str) -> ScenarioResult:
    """`result` with `text` in place of the texts that come from files, devices and servers."""
    device = result.handsets[0]
    screens = tuple(replace(each, title=text, body=(text,)) for each in device.screens)
    device = replace(
        device,
        name=text,
        screens=screens,
        timeline=({"at": 0.0, "who": text, "what": text, "detail": {text: text}},),
    )
    steps = tuple(replace(each, text=text, note=text, error=text) for each in result.steps)
    return replace(
        result,
        name=text,
        about=text,
        id=text,
        file=text,
        tags=(text,),
        because=text,
        error=text,
        status=Status.ERROR,
        steps=steps,
        handsets=(device, *result.handsets[1:]),
    )


def unusable(text: str) -> UnusableFile:
    return UnusableFile(text, (FileError(1, 1, FileErrorCode.BAD_VALUE, text, text),))


def scenario_page(result: ScenarioResult, text: str) -> str:
    return page.render([hostile(result, text)], [unusable(text)])


def investigation_page(_: ScenarioResult, text: str) -> str:
    origins = [Origin(86_400 * each, text, text, text, text, text) for each in range(20)]
    return investigation.page(investigate(origins, smallest=1))


@pytest.mark.parametrize("render", [scenario_page, investigation_page])
def test_pages_show_hostile_text_and_have_the_elements_of_a_harmless_one(
    render: Callable[[ScenarioResult, str], str], result: ScenarioResult
) -> None:
    content, harmless = render(result, HOSTILE), Elements(render(result, "harmless"))
    found = Elements(content)
    assert not UNSAFE.search(content.replace("\n", ""))
    assert found.elements == harmless.elements
    assert any(SHOWN.split("\t")[0] in each for each in found.texts), "it is shown, not removed"


def test_details_of_a_scenario_have_no_unsafe_character_after_the_browser_has_read_them() -> None:
    value: Any = {"a": [HOSTILE, (HOSTILE,), 1, None], "b": "\\u0041 \\\\x", "c": "a\tb\n"}
    assert json.loads(compact(value)) == {"a": [SHOWN, [SHOWN], 1, None], "b": "\\u0041 \\\\x", "c": "a\tb\n"}
    assert compact({"a": "é\\u"}) == '{"a":"é\\\\u"}'


def test_all_pages_are_made_by_the_template_that_escapes() -> None:
    makers = [path.name for path in Path("lab").rglob("*.py") if "Environment(" in path.read_text("utf-8")]
    assert makers == ["templates.py"]


def test_junit_shows_hostile_text_in_well_formed_xml(result: ScenarioResult) -> None:
    document = junit_document([hostile(result, HOSTILE)], [unusable(HOSTILE)])
    assert not UNSAFE.search(document)
    assert "]]>" not in document
    root = Xml.fromstring(document)
    assert [each.tag for each in root.iter()] == [
        "testsuites",
        "testsuite",
        "testcase",
        "error",
        "testcase",
        "error",
    ]
    shown = SHOWN.replace("\ufffe\uffff", "??")
    assert root[0][0].get("name") == shown
    assert shown in (root[0][1][0].text or "")


def test_an_export_of_the_audit_log_has_no_unsafe_character_and_no_formula() -> None:
    """In NDJSON the value is kept, in CSV the escape is."""
    texts = [
        HOSTILE.replace("\ud800", "").replace("\udfff", ""),
        *(f"{each}1+1" for each in "=+-@\t\r\n＝＋－＠"),
    ]
    store = SqlStore()
    with store.transaction() as transaction:
        for number, text in enumerate(texts):
            transaction.append_audit(entry(number, reason=text, details={"a": text}))
    lines = b"".join(audit_export.export(store, AuditQuery(), audit_export.ExportFormat.NDJSON)).decode()
    assert not UNSAFE.search(lines)
    assert [json.loads(line)["reason"] for line in reversed(lines.splitlines())] == texts
    table = b"".join(audit_export.export(store, AuditQuery(), audit_export.ExportFormat.CSV)).decode()
    assert not UNSAFE.search(table.replace("\r\n", ""))
    rows = list(csv.DictReader(io.StringIO(table, newline="")))
    assert [row["reason"] for row in reversed(rows)] == [
        printable(texts[0]),
        *(printable(f"'{text}") for text in texts[1:]),
    ]


def test_the_log_of_a_server_is_ascii() -> None:
    stream = io.StringIO()
    json_log(stream).info("request", text=HOSTILE)
    assert stream.getvalue().isascii()
    assert not UNSAFE.search(stream.getvalue())
    assert json.loads(stream.getvalue())["text"] == HOSTILE


def test_tables_of_the_admin_api_show_hostile_text(capsys: pytest.CaptureFixture[str]) -> None:
    item = dict.fromkeys(("id", "actor", "action", "subject", "reason"), HOSTILE) | {"at": 1}
    output.show(*tables.audit([item]))
    assert not UNSAFE.search(capsys.readouterr().out)


@pytest.mark.parametrize("at", [253_402_300_800, 1 << 53, -(1 << 62), 1 << 70])
def test_a_time_beyond_the_calendar_is_shown_as_a_number_of_seconds(at: int) -> None:
    assert tables._time(at) == str(at)
    assert tables._time(253_402_300_799) == "9999-12-31 23:59:59Z"

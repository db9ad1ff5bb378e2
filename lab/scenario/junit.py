"""Results as JUnit XML, in the form that pytest and most CI servers agree on. No times of this machine are in it."""

import re
from collections.abc import Sequence
from typing import Final
from xml.etree import ElementTree as Xml

from lab.scenario.errors import ScenarioError
from lab.scenario.result import ScenarioResult, Status
from lab.scenario.telling import explain

_NOT_XML: Final = re.compile(r"[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ELEMENT: Final = {Status.FAILED: "failure", Status.ERROR: "error", Status.SKIPPED: "skipped"}


def junit(results: Sequence[ScenarioResult], faults: Sequence[ScenarioError] = ()) -> str:
    """The document."""
    suite = Xml.Element("testsuite", name="scenarios", tests=str(len(results) + len(faults)))
    for status, count in ((Status.FAILED, "failures"), (Status.ERROR, "errors"), (Status.SKIPPED, "skipped")):
        extra = len(faults) if status is Status.ERROR else 0
        suite.set(count, str(sum(result.status is status for result in results) + extra))
    for result in results:
        case = Xml.SubElement(suite, "testcase", classname=result.file, name=result.id, file=result.file)
        if (name := _ELEMENT.get(result.status)) is not None:
            text = _NOT_XML.sub("?", explain(result))
            Xml.SubElement(case, name, message=_first(result)).text = text
    for fault in faults:
        case = Xml.SubElement(suite, "testcase", classname=fault.file, name=fault.file, file=fault.file)
        Xml.SubElement(case, "error", message="the file cannot be used").text = _NOT_XML.sub("?", str(fault))
    document = Xml.Element("testsuites")
    document.append(suite)
    Xml.indent(document)
    return Xml.tostring(document, encoding="unicode", xml_declaration=True) + "\n"


def _first(result: ScenarioResult) -> str:
    """The first thing that went wrong, in a line."""
    if result.error:
        return result.error
    step = next(step for step in result.steps if step.status is not Status.PASSED)
    if step.error:
        return f"line {step.line}: {step.error}"
    judged = next(judged for judged in step.judged if not judged.holds)
    mismatch = judged.mismatches[0]
    return f"line {step.line}: {judged.handset or 'server'}: {mismatch.member}"

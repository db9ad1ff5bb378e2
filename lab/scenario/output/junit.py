"""Results as JUnit XML in the format of pytest. Without times, equal results give an equal document."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import BinaryIO, Final
from xml.etree import ElementTree as Xml

from lab.scenario.engine.result import ScenarioResult, Status
from lab.scenario.output.explain import explain, first_failure, reason
from lab.scenario.output.report_file import ReportFooter
from text_input.printable import printable, without_isolates

_NOT_XML: Final = re.compile("[\ufffe\uffff]")
"""What is printable and not allowed in XML."""
_ELEMENT: Final = {
    Status.FAILED: "failure",
    Status.ERROR: "error",
    Status.INTERNAL_ERROR: "error",
    Status.SKIPPED: "skipped",
    Status.EXPECTED_FAILURE: "skipped",  # as pytest reports its xfail
}


class Suite:
    """Collects results for one document. Its test cases are in `spool`; they have times only with `times`."""

    def __init__(self, spool: BinaryIO, *, times: bool = False) -> None:
        self._spool = spool
        self._times = times
        self._counts: Counter[Status] = Counter()
        self._seconds = 0.0

    def add(self, result: ScenarioResult) -> None:
        """Add a result."""
        self._counts[result.status] += 1
        case = _case(result.file, result.id)
        if self._times and result.timing:
            self._seconds += result.timing.seconds
            case.set("time", f"{result.timing.seconds:.3f}")
        if (name := _ELEMENT.get(result.status)) is not None:
            message = reason(result) if name == "skipped" else str(first_failure(result))
            element = Xml.SubElement(case, name, message=_text(message))
            element.text = _text(without_isolates(explain(result)))
            if result.status is Status.EXPECTED_FAILURE:
                element.set("type", result.status)
        self._spool.write(_indented(case))

    def document(self, footer: ReportFooter) -> Iterator[bytes]:
        """The parts of the document, with an error for each file that cannot be used."""
        errors = self._counts[Status.ERROR] + self._counts[Status.INTERNAL_ERROR] + len(footer.unusable)
        suite = Xml.Element("testsuite", name="scenarios")
        suite.set("tests", str(self._counts.total() + len(footer.unusable)))
        suite.set("failures", str(self._counts[Status.FAILED]))
        suite.set("errors", str(errors))
        suite.set("skipped", str(self._counts[Status.SKIPPED] + self._counts[Status.EXPECTED_FAILURE]))
        if self._times:
            suite.set("time", f"{self._seconds:.3f}")
        if not footer.complete:
            properties = Xml.SubElement(suite, "properties")
            why = "the run ended before every scenario was run"
            Xml.SubElement(properties, "property", name="incomplete", value=why)
        end = b"</testsuite>\n"
        yield b"<?xml version='1.0' encoding='utf-8'?>\n<testsuites>\n"
        yield _indented(suite, level=1).removesuffix(end).rstrip() + b"\n"
        self._spool.seek(0)
        yield from self._spool
        for unusable in footer.unusable:
            case = _case(unusable.file, unusable.file)
            error = Xml.SubElement(case, "error", message="the file cannot be used")
            error.text = _text("\n".join(unusable.lines))
            yield _indented(case)
        yield b"  " + end + b"</testsuites>\n"


def _case(file: str, name: str) -> Xml.Element:
    file, name = _text(file), _text(name)
    return Xml.Element("testcase", classname=file, name=name, file=file)


def _indented(element: Xml.Element, level: int = 2) -> bytes:
    Xml.indent(element, level=level)
    text = Xml.tostring(element, encoding="unicode", short_empty_elements=element.tag != "testsuite")
    return f"{'  ' * level}{text}\n".encode()


def _text(text: str) -> str:
    return _NOT_XML.sub("?", printable(text))

"""Results as JUnit XML in the format of pytest. It contains no times, so equal results give an equal document."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final
from xml.etree import ElementTree as Xml

from lab.scenario.engine.result import ScenarioResult, Status
from lab.scenario.files.errors import ScenarioError
from lab.scenario.output.explain import explain, first_failure, reason
from text_input.printable import printable

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
    """Collects results for one document."""

    def __init__(self) -> None:
        self._suite = Xml.Element("testsuite", name="scenarios")
        self._counts: Counter[Status] = Counter()

    def add(self, result: ScenarioResult) -> None:
        """Add a result."""
        self._counts[result.status] += 1
        case = self._case(result.file, result.id)
        if (name := _ELEMENT.get(result.status)) is not None:
            message = reason(result) if name == "skipped" else str(first_failure(result))
            element = Xml.SubElement(case, name, message=_text(message))
            element.text = _text(explain(result))
            if result.status is Status.EXPECTED_FAILURE:
                element.set("type", result.status)

    def document(self, unusable: Sequence[ScenarioError] = ()) -> str:
        """The document, with an error for each file that cannot be used."""
        for error in unusable:
            case = self._case(error.file, error.file)
            Xml.SubElement(case, "error", message="the file cannot be used").text = _text(str(error))
        self._suite.set("tests", str(self._counts.total() + len(unusable)))
        self._suite.set("failures", str(self._counts[Status.FAILED]))
        errors = self._counts[Status.ERROR] + self._counts[Status.INTERNAL_ERROR] + len(unusable)
        self._suite.set("errors", str(errors))
        self._suite.set("skipped", str(self._counts[Status.SKIPPED] + self._counts[Status.EXPECTED_FAILURE]))
        document = Xml.Element("testsuites")
        document.append(self._suite)
        Xml.indent(document)
        return Xml.tostring(document, encoding="unicode", xml_declaration=True) + "\n"

    def _case(self, file: str, name: str) -> Xml.Element:
        file, name = _text(file), _text(name)
        return Xml.SubElement(self._suite, "testcase", classname=file, name=name, file=file)


def _text(text: str) -> str:
    return _NOT_XML.sub("?", printable(text))

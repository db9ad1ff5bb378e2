"""Results in the format of Allure 2 and 3: a file for each scenario in one folder.

The history of a scenario is by its file and its id, so Allure follows it over commits, seeds and machines.
A scenario that is run again replaces its older result in the folder.
"""

import hashlib
import json
import uuid
from html import escape
from pathlib import Path, PurePosixPath
from typing import Any, Final

from lab.reports.replaced_file import replacing
from lab.scenario.engine.result import BAD, ScenarioResult, Status, StepResult
from lab.scenario.output.explain import explain, first_failure, reason
from lab.scenario.output.report_file import ReportFooter, ReportHeader
from text_input.printable import printable, without_isolates

_NAMESPACE: Final = uuid.UUID("5f0b3a52-7a4e-4c53-9c1e-1d0f3d1b6b7a")

_STATUSES: Final = {
    Status.PASSED: "passed",
    Status.FAILED: "failed",
    Status.ERROR: "broken",
    Status.INTERNAL_ERROR: "broken",
    Status.SKIPPED: "skipped",
    Status.EXPECTED_FAILURE: "skipped",
}


class AllureFolder:
    """Writes results into `folder`. Methods raise OSError."""

    def __init__(self, folder: Path, header: ReportHeader) -> None:
        self._folder = folder
        self._header = header

    def add(self, result: ScenarioResult) -> None:
        """Write a result."""
        found = _identity(result.file, result.id, self._header.seed) | {
            "testCaseId": _digest(result.file, result.id.partition("[")[0]),
            "descriptionHtml": f"<p>{escape(printable(result.about))}</p>",
            "status": _STATUSES[result.status],
            "labels": _labels(result.file) + [_label("tag", tag) for tag in result.tags],
            "parameters": [
                *(
                    {"name": printable(name), "value": printable(value)}
                    for name, value in result.parameters.items()
                ),
                {"name": "seed", "value": printable(result.seed), "excluded": True},
            ],
            "steps": [_step(each) for each in result.steps],
            "attachments": [],
        }
        if result.timing:
            began = int(result.timing.began * 1000)
            found |= {"start": began, "stop": began + int(result.timing.seconds * 1000)}
        if result.status is not Status.PASSED:
            message = str(first_failure(result)) if result.status in BAD else reason(result)
            found["statusDetails"] = {"message": printable(message)}
            source = f"{found['uuid']}-attachment.txt"
            self._write(source, without_isolates(explain(result)) + "\n")
            found["attachments"] = [{"name": "explanation", "source": source, "type": "text/plain"}]
        self._write(f"{found['uuid']}-result.json", json.dumps(found, indent=1))

    def close(self, footer: ReportFooter) -> None:
        """Write a broken result for each file that cannot be used, and the environment."""
        for unusable in footer.unusable:
            found = _identity(unusable.file, unusable.file, self._header.seed) | {
                "status": "broken",
                "statusDetails": {
                    "message": "the file cannot be used",
                    "trace": printable("\n".join(unusable.lines)),
                },
                "labels": _labels(unusable.file),
            }
            self._write(f"{found['uuid']}-result.json", json.dumps(found, indent=1))
        facts = {"commit": self._header.commit, "seed": self._header.seed, "version": self._header.version}
        facts |= {} if footer.complete else {"incomplete": "the run ended before every scenario was run"}
        lines = (f"{name}={json.dumps(printable(value))[1:-1]}\n" for name, value in facts.items())
        self._write("environment.properties", "".join(lines))

    def _write(self, name: str, text: str) -> None:
        with replacing(self._folder / name) as stream:
            stream.write(text.encode())


def _identity(file: str, name: str, seed: str) -> dict[str, Any]:
    return {
        "uuid": str(uuid.uuid5(_NAMESPACE, json.dumps([file, name, seed]))),
        "historyId": _digest(file, name),
        "fullName": printable(f"{file}: {name}"),
        "name": printable(name),
        "stage": "finished",
    }


def _digest(*parts: str) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def _labels(file: str) -> list[dict[str, str]]:
    path = PurePosixPath(file)
    return [
        _label("framework", "activation"),
        _label("parentSuite", str(path.parent)),
        _label("suite", path.name),
    ]


def _label(name: str, value: str) -> dict[str, str]:
    return {"name": name, "value": printable(value)}


def _step(step: StepResult) -> dict[str, Any]:
    wrong = [
        f"{check.handset or 'server'}: {each.member}: "
        f"expected {json.dumps(each.expected)}, actual {json.dumps(each.actual)}"
        for check in step.judged
        for each in check.mismatches
    ]
    message = "\n".join(([step.error] if step.error else []) + wrong)
    return {
        "name": printable(step.text),
        "status": _STATUSES[step.status],
        "stage": "finished",
        "parameters": [{"name": "line", "value": str(step.line)}],
        **({"statusDetails": {"message": printable(message)}} if message else {}),
    }

"""Results for Allure, read by Allure's own reader for Node.js.

`make node` installs the reader in `tests/node/node_modules`; without it these tests are skipped.
"""

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from lab.scenario.engine.result import ScenarioResult, Status, Timing
from lab.scenario.files.errors import FileError, FileErrorCode
from lab.scenario.output.allure import AllureFolder
from lab.scenario.output.report_file import ReportFooter, ReportHeader, UnusableFile
from tests.support.scenarios import played
from text_input.printable import UNSAFE

FOLDER = Path(__file__).parent
EVIL = "<script>alert(1)</script> \x1b[2J \u202e \ud800 **x** "

pytestmark = pytest.mark.skipif(
    not shutil.which("node") or not (FOLDER / "node_modules" / "@allurereport").is_dir(),
    reason="no reader of Allure here, which needs npm; `make node` installs it",
)


def hostile(result: ScenarioResult) -> ScenarioResult:
    steps = tuple(replace(each, text=EVIL, error=EVIL) for each in result.steps)
    return replace(
        result, name=EVIL, about=EVIL, tags=(EVIL,), parameters={EVIL: EVIL}, error=EVIL, steps=steps
    )


def test_reader_of_allure_reads_every_result_with_its_explanation(tmp_path: Path) -> None:
    failed = replace(
        played("- {expect: phone, outcome: locked}"), timing=Timing(1e9, 2.0, 1.0), tags=("lock",)
    )
    results = [replace(failed, id=f"a[is={status}]", status=status) for status in Status] + [hostile(failed)]
    folder = AllureFolder(tmp_path, ReportHeader(EVIL, "7"))
    for each in results:
        folder.add(each)
    folder.close(ReportFooter({}, (UnusableFile(EVIL, (FileError(1, 1, FileErrorCode.SYNTAX, "", EVIL),)),)))
    command = ["node", FOLDER / "allure.mjs", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=FOLDER)
    assert done.stderr == ""
    found = json.loads(done.stdout)
    assert found["unread"] == []
    assert not UNSAFE.search(done.stdout.replace("\n", ""))
    by_name = {each["name"]: each for each in found["results"]}
    assert len(found["results"]) == len(results) + 1
    assert {by_name[f"a[is={status}]"]["status"] for status in Status} == {
        "passed",
        "failed",
        "broken",
        "skipped",
    }
    read = by_name["a[is=failed]"]
    (step, attachment) = read["steps"]
    assert (step["name"], step["status"]) == ("expect: phone; outcome: locked", "failed")
    assert "expected  locked" in found["attachments"][attachment["originalFileName"]]
    assert {"name": "tag", "value": "lock"} in read["labels"]
    assert (read["start"], read["stop"]) == (1_000_000_000_000, 1_000_000_002_000)
    assert "<script>" not in by_name[failed.id]["descriptionHtml"]

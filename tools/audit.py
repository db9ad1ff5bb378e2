"""`python -m tools.audit`: known vulnerabilities of the locked requirements, by pip-audit.

Run from the project's folder. The exit code is 1 if a vulnerability is known, 0 also if no index answers: then a line
says so.
"""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

_SECONDS: Final = 600


@dataclass(frozen=True, slots=True)
class VulnerabilityReport:
    """`found` has a line for each vulnerability. `unknown` are packages about which the index knows nothing.

    `failure` is why there is no result, for example because no index answered.
    """

    audited: int = 0
    found: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    failure: str | None = None

    def lines(self) -> list[str]:
        """What to print."""
        if self.failure is not None:
            return [f"vulnerabilities: not checked, no index answered: {self.failure}"]
        lines = [f"vulnerabilities: {len(self.found)} in {self.audited} packages", *self.found]
        if self.unknown:
            lines.append(f"not checked, unknown to the index: {', '.join(self.unknown)}")
        return lines


def check(requirements: Path) -> VulnerabilityReport:
    """Ask about each package of a lock file. It is not resolved again and nothing is installed."""
    with TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        command = [sys.executable, "-m", "pip_audit", "--requirement", str(requirements), "--require-hashes"]
        options = ["--disable-pip", "--format", "json", "--progress-spinner", "off", "--output", str(result)]
        try:
            run = subprocess.run(
                [*command, *options], check=False, capture_output=True, text=True, timeout=_SECONDS
            )
        except subprocess.TimeoutExpired:
            return VulnerabilityReport(failure=f"no result within {_SECONDS} s")
        if not result.exists() or not (text := result.read_text("utf-8").strip()):
            said = run.stderr.strip().splitlines() or ["pip-audit printed nothing"]
            return VulnerabilityReport(failure=said[-1])
        return read_result(json.loads(text))


def read_result(result: dict[str, Any]) -> VulnerabilityReport:
    """The report of pip-audit's JSON."""
    packages = result["dependencies"]
    audited = [each for each in packages if "skip_reason" not in each]
    found = [_line(each, vulnerability) for each in audited for vulnerability in each["vulns"]]
    unknown = tuple(each["name"] for each in packages if "skip_reason" in each)
    if packages and not audited:
        return VulnerabilityReport(failure=packages[0]["skip_reason"])
    return VulnerabilityReport(len(audited), tuple(found), unknown)


def _line(package: dict[str, Any], vulnerability: dict[str, Any]) -> str:
    corrected = ", ".join(vulnerability["fix_versions"]) or "no version"
    return f"{package['name']} {package['version']}: {vulnerability['id']}, corrected in {corrected}"


def main() -> int:
    """Print the findings. Returns the exit code."""
    report = check(Path("requirements") / "audit.txt")
    sys.stdout.writelines(f"{line}\n" for line in report.lines())
    return 1 if report.found else 0


if __name__ == "__main__":
    sys.exit(main())

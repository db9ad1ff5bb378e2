"""The options of `activation run`."""

from pathlib import Path
from typing import Annotated

import typer

Paths = Annotated[list[Path], typer.Argument(help="Scenario files, or folders with scenario files.")]
Workers = Annotated[int, typer.Option("--workers", "-n", min=1, max=64, help="Processes.")]
JunitFile = Annotated[Path | None, typer.Option("--junit", help="Write JUnit XML for a CI server.")]
HtmlFile = Annotated[Path | None, typer.Option(help="Write the report as one self-contained HTML page.")]
ReportFolder = Annotated[
    Path | None,
    typer.Option(help="Write report.json, report.html, junit.xml and timings.json into this folder."),
]
AllureResults = Annotated[Path | None, typer.Option(help="Write results for Allure into this folder.")]
Details = Annotated[
    bool, typer.Option("--details", help="Reports have the details of scenarios that passed, too.")
]
JunitTimes = Annotated[
    bool, typer.Option("--junit-times", help="JUnit XML has the real time of each scenario.")
]
Commit = Annotated[
    str | None, typer.Option(help="The commit that reports name, by default that of the checkout.")
]
RunSeed = Annotated[str, typer.Option(help="The same seed gives the same results, byte for byte.")]
Only = Annotated[
    list[str] | None,
    typer.Option(help="Run scenarios with this id, combination or file stem, such as '*place=havana*'."),
]
Tags = Annotated[
    list[str] | None,
    typer.Option(help="Run scenarios with this tag, or another --tag; a+b requires both."),
]
NotTags = Annotated[list[str] | None, typer.Option(help="Leave out scenarios with this tag.")]
ListOnly = Annotated[bool, typer.Option("--list", help="List ids, tags and parameters; run nothing.")]
LastFailedOnly = Annotated[
    bool, typer.Option("--last-failed", help="Run the scenarios that failed when they were last run.")
]
StopAtFirst = Annotated[bool, typer.Option("-x", help="Stop after the first failure.")]
MaxFailures = Annotated[int | None, typer.Option(min=1, help="Stop after this many failures.")]
EnforceTime = Annotated[
    bool,
    typer.Option("--enforce-time", help="Fail scenarios that exceed their budget of processor time."),
]
ShardNumber = Annotated[
    str | None, typer.Option(help="Run one part of the scenarios: 2/7 is the second of seven.")
]
DurationsFile = Annotated[
    Path | None,
    typer.Option(help="Cut the parts by the times of an earlier run, its timings.json; by count without it."),
]
Http = Annotated[bool, typer.Option("--http", help="Use real HTTP on this machine.")]
Screenshots = Annotated[Path, typer.Option(help="The folder of the step `screenshot`.")]
UpdateGolden = Annotated[bool, typer.Option("--update-golden", help="Write the files of the step `golden`.")]
ServerUrl = Annotated[str | None, typer.Option(help="Use the running server at this URL.")]
Token = Annotated[
    str | None, typer.Option(envvar="ACTIVATION_ADMIN_TOKEN", help="The admin token of that server.")
]

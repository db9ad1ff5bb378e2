"""`activation demo`."""

from pathlib import Path
from typing import Annotated

import typer


def demo(
    html: Annotated[Path | None, typer.Option(help="Write the same as one self-contained page.")] = None,
    seed: Annotated[
        str, typer.Option(help="The same seed gives the same phones, keys and verdicts.")
    ] = "2021",
) -> None:
    """Start a verdict server, send every firmware to every place, and tell four stories.

    \b
    Example:
      activation demo --html demo.html
    """
    from rich.columns import Columns
    from rich.rule import Rule

    from agent.screens import render_text
    from lab.cli import output
    from lab.reports import demo_page, tables
    from lab.simulation.demo_stories import run_september_stories, run_stories
    from lab.simulation.matrix import all_profiles, run
    from lab.simulation.simulation import Simulation
    from lab.world.places import load_places

    if html is not None:
        output.check_writable(html)
    with Simulation.open(seed) as simulation:
        profiles, places = all_profiles(), list(load_places())
        phones = run(simulation, profiles, places)
        results = list(output.progress(phones, "phones", len(profiles) * len(places)))
        stories = list(run_stories(simulation))
    stories += run_september_stories(seed)
    output.show(tables.matrix(results))
    for story in stories:
        output.show(Rule(story.plot.title, align="left"), story.plot.sentence, "")
        output.show(tables.timeline(story.entries, decoded=story.brief), "")
        output.show(Columns([f"{render_text(shot.screen)}\n{shot.caption}\n" for shot in story.shots]))
    if html is not None:
        output.write(html, demo_page.render(results, stories))
        typer.echo(f"The page is in {html}.")
    _incident(seed, html)


def _incident(seed: str, html: Path | None) -> None:
    """The incident of 2021: who was locked when. Its report is written beside the page."""
    from rich.rule import Rule

    from lab.cli import output
    from lab.scenario.output import render
    from lab.scenario.output.incident import cohorts, incident

    result = incident(seed)
    output.show(Rule(f"{result.name}: {result.status}", align="left"))
    for name, outcome, locked in cohorts(result):
        typer.echo(f"  {name:<12} {outcome:<10} locked: {locked}")
    if html is not None:
        report = html.with_name("incident-2021.html")
        output.write(report, render([result]))
        typer.echo(f"The report of the incident is in {report}.")

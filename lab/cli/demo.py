"""`activation demo`."""

from pathlib import Path
from typing import Annotated

import typer

from lab.cli import output
from lab.cli.lazy import deferred
from lab.cli.options import ModemDialect, Seed
from lab.world import places as place_table

with deferred():
    from rich import columns, rule

    from agent import screens
    from lab.backend import http_host
    from lab.reports import demo_page, tables
    from lab.scenario.output import incident, page
    from lab.simulation import demo_stories, matrix, simulation


def demo(
    html: Annotated[Path | None, typer.Option(help="Write the same as one self-contained HTML page.")] = None,
    seed: Seed = "2021",
    modem_dialect: ModemDialect = None,
) -> None:
    """Start a verdict server, run every firmware in every place, and run the demo stories.

    \b
    Example:
      activation demo --html demo.html
    """
    if html is not None:
        output.check_writable(html)
    with simulation.Simulation(seed, host=http_host.HttpHost, modem_dialect=modem_dialect) as opened:
        profiles, places = matrix.all_profiles(), list(place_table.load_places())
        results = list(
            output.progress(matrix.run(opened, profiles, places), "devices", len(profiles) * len(places))
        )
        stories = list(demo_stories.run_stories(opened))
    stories += demo_stories.run_september_stories(seed, modem_dialect)
    output.show(tables.matrix(results))
    for story in stories:
        output.show(rule.Rule(story.plot.title, align="left"), story.plot.sentence, "")
        output.show(tables.timeline(story.entries, decoded=story.brief), "")
        output.show_screens(
            columns.Columns([f"{screens.render_text(shot.screen)}\n{shot.caption}\n" for shot in story.shots])
        )
    if html is not None:
        output.write(html, demo_page.render(results, stories))
        output.say(f"The page is in {html}.")
    result = incident.incident(seed)
    output.show(rule.Rule(f"{result.name}: {result.status}", align="left"))
    for name, outcome, locked in incident.lock_summary(result):
        output.say(f"  {name:<12} {outcome:<10} locked: {locked}")
    if html is not None:
        report = html.with_name("incident-2021.html")
        output.write(report, page.render([result]))
        output.say(f"The report of the incident is in {report}.")

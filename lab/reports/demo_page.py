"""The page of `activation demo`: the matrix, and stories with their timelines, messages and screens."""

from collections.abc import Sequence
from typing import Final

from markupsafe import Markup

from lab.handset.outcome import Result
from lab.handset.timeline_summary import TimestampFormat
from lab.reports import qr
from lab.reports.palette import LOOKS
from lab.reports.templates import template
from lab.simulation.demo_stories import Story
from text_input.printable import json_text

TITLE: Final = "What an activation agent does to a phone"
LEAD: Final = (
    "Every firmware in every place, each on its own emulated device with a real server over HTTP, and the complete "
    "timelines of four devices. The manufacturer is fictional, and the keys were generated for this page."
)


def render(results: Sequence[Result], stories: Sequence[Story]) -> str:
    """The HTML page. It loads nothing; text from devices and servers is escaped."""
    return template("lab.reports", "demo_page.html", {"pretty": _pretty}).render(
        title=TITLE,
        lead=LEAD,
        profiles=list(dict.fromkeys(result.profile for result in results)),
        places=list(dict.fromkeys(result.place for result in results)),
        cells={(result.profile, result.place): result for result in results},
        looks=LOOKS,
        outcomes={result.outcome for result in results},
        stories=stories,
        moments=TimestampFormat.of,
        challenge=lambda text: Markup(qr.svg(text)),  # noqa: S704 - generated here, from a challenge in base32
    )


def _pretty(value: object) -> str:
    return value if isinstance(value, str) else json_text(value, indent=2)

"""One self-contained HTML page: the matrix, and stories with their timelines, messages and last screens."""

import json
from collections.abc import Sequence
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from lab.handset.outcome import Result
from lab.handset.timeline_summary import TimestampFormat
from lab.reports import qr
from lab.reports.palette import LOOKS
from lab.simulation.demo_stories import Story

TITLE: Final = "What an activation agent does to a phone"
LEAD: Final = (
    "Every firmware in every place, each on a phone of its own that asked a real server over HTTP, and four phones "
    "in full. Emulated phones, a fictional vendor, and keys that were made for this page."
)


def render(results: Sequence[Result], stories: Sequence[Story]) -> str:
    """The page. It needs nothing from outside; what came from phones and servers is escaped."""
    environment = Environment(
        loader=PackageLoader("lab.reports", "."), autoescape=True, undefined=StrictUndefined
    )
    environment.filters["pretty"] = _pretty
    return environment.get_template("demo_page.html").render(
        title=TITLE,
        lead=LEAD,
        profiles=list(dict.fromkeys(result.profile for result in results)),
        places=list(dict.fromkeys(result.place for result in results)),
        cells={(result.profile, result.place): result for result in results},
        looks=LOOKS,
        outcomes={result.outcome for result in results},
        stories=stories,
        moments=TimestampFormat.of,
        challenge=lambda text: Markup(qr.svg(text)),  # noqa: S704 - drawn here, from a challenge in base32
    )


def _pretty(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)

"""Reading a policy document, checked until nothing in it can fail at a verdict.

Each error names the document, the line, the key and what to do, and all that are found are told at once.
"""

import re
import tomllib
from collections.abc import Iterator
from functools import lru_cache
from itertools import chain

from pydantic import ValidationError

from server_stub.policy.document import PolicyDocument, Rule
from server_stub.policy.errors import PolicyError, PolicyProblem, diagnose, located
from text_input.suggestions import suggestion
from text_input.toml_positions import Path

_Found = Iterator[tuple[Path, str]]


@lru_cache(maxsize=32)
def parse(text: str, source: str) -> PolicyDocument:
    """Read and check the document `text`; `source` names it in errors. Raises PolicyError.

    Remembered, because the same document is read at each start, and by each server that it is in force on.
    """
    try:
        document = PolicyDocument.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise PolicyError([PolicyProblem(source, _syntax_line(text, str(error)), "", str(error))]) from error
    except ValidationError as error:
        raise PolicyError(located(text, source, diagnose(error, PolicyDocument))) from error
    if conflicts := list(chain(_campaigns(document), _rules(document))):
        raise PolicyError(located(text, source, conflicts))
    return document


def _syntax_line(text: str, message: str) -> int:
    """`tomllib` tells the place in words alone before Python 3.14: `(at line 2, column 3)` or the end."""
    place = re.search(r"at line (\d+)", message)
    return int(place[1]) if place else max(1, len(text.splitlines()))


def _campaigns(document: PolicyDocument) -> _Found:
    names = [campaign.id for campaign in document.campaigns]
    for index, name in enumerate(names):
        if name in names[:index]:
            yield ("campaigns", index, "id"), f"two campaigns are called {name}; rename one"


def _rules(document: PolicyDocument) -> _Found:
    """What is wrong between rules that are each well-formed."""
    names = [rule.id for rule in document.rules]
    campaigns = [campaign.id for campaign in document.campaigns]
    for index, rule in enumerate(document.rules):
        at: Path = ("rules", index)
        if rule.id in names[:index]:
            yield (*at, "id"), f"two rules are called {rule.id}; rename one"
        if rule.when.campaign and rule.when.campaign.id not in campaigns:
            name = rule.when.campaign.id
            hint = suggestion(name, campaigns, "add it to `campaigns`")
            yield (*at, "when", "campaign", "id"), f"no campaign {name}; {hint}"
        yield from _order(at, rule, last=index == len(names) - 1)


def _order(at: Path, rule: Rule, *, last: bool) -> _Found:
    if last and not rule.when.empty:
        yield (*at, "when"), "the last rule must match every phone; leave out its `when`"
    if rule.when.empty and not last:
        yield at, "this rule matches every phone, so that no later one counts; move it to the end"

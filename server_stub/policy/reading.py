"""Reading a policy document. A document that passes these checks cannot cause an error in a verdict.

All errors are reported together; each has the document, the line, the key and what to do.
"""

import re
import tomllib
from collections.abc import Iterator
from functools import lru_cache

from pydantic import ValidationError

from server_stub.policy.document import PolicyDocument
from server_stub.policy.errors import PolicyError, PolicyProblem, diagnose, located
from text_input.suggestions import suggestion
from text_input.toml_positions import Path


@lru_cache(maxsize=32)
def parse(text: str, source: str) -> PolicyDocument:
    """Read and check the document `text`; `source` is its name in errors. Raises PolicyError.

    Cached, because the same document is read at each start, and by each server on which it is in force.
    """
    try:
        document = PolicyDocument.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        # Before Python 3.14 the position is only in the message: `(at line 2, column 3)`, or the end of the document.
        position = re.search(r"at line (\d+)", str(error))
        line = int(position[1]) if position else max(1, len(text.splitlines()))
        raise PolicyError([PolicyProblem(source, line, "", str(error))]) from error
    except ValidationError as error:
        raise PolicyError(located(text, source, diagnose(error, PolicyDocument))) from error
    if conflicts := list(_conflicts(document)):
        raise PolicyError(located(text, source, conflicts))
    return document


def _conflicts(document: PolicyDocument) -> Iterator[tuple[Path, str]]:
    """What is wrong between campaigns and rules that are each valid."""
    campaigns = [campaign.id for campaign in document.campaigns]
    for index, name in enumerate(campaigns):
        if name in campaigns[:index]:
            yield ("campaigns", index, "id"), f"two campaigns have the id {name}; rename one"
    names = [rule.id for rule in document.rules]
    for index, rule in enumerate(document.rules):
        at: Path = ("rules", index)
        if rule.id in names[:index]:
            yield (*at, "id"), f"two rules have the id {rule.id}; rename one"
        if rule.when.campaign and rule.when.campaign.id not in campaigns:
            name = rule.when.campaign.id
            advice = suggestion(name, campaigns, otherwise="add it to `campaigns`")
            yield (*at, "when", "campaign", "id"), f"no campaign {name}; {advice}"
        last = index == len(names) - 1
        if last and not rule.when.empty:
            yield (*at, "when"), "the last rule must match every device; remove its `when`"
        if rule.when.empty and not last:
            yield at, "this rule matches every device, so later rules have no effect; move it to the end"

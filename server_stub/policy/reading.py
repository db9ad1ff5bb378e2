"""Reading a policy document. A document that passes these checks cannot cause an error in a verdict.

All errors are reported together; each has the document, the line, the key and what to do.
"""

from collections.abc import Iterator

from server_stub.policy.document import PolicyDocument
from server_stub.policy.errors import PolicyError
from text_input.documents import located, parse_document
from text_input.suggestions import suggestion
from text_input.toml import Path


def parse(text: str, source: str) -> PolicyDocument:
    """Read and check the document `text`; `source` is its name in errors. Raises PolicyError."""
    document = parse_document(text, source, PolicyDocument, PolicyError)
    if conflicts := list(_conflicts(document)):
        raise PolicyError(located(text, source, conflicts))
    return document


def _conflicts(document: PolicyDocument) -> Iterator[tuple[Path, str]]:
    """What is wrong between campaigns and rules that are each valid."""
    campaigns = [campaign.id for campaign in document.campaigns]
    for kind, ids in (("campaigns", campaigns), ("rules", [rule.id for rule in document.rules])):
        first: dict[str, int] = {}
        for index, name in enumerate(ids):
            if first.setdefault(name, index) != index:
                yield (kind, index, "id"), f"two {kind} have the id {name}; rename one"
    for index, rule in enumerate(document.rules):
        at: Path = ("rules", index)
        if rule.when.campaign and rule.when.campaign.id not in campaigns:
            name = rule.when.campaign.id
            advice = suggestion(name, campaigns, otherwise="add it to `campaigns`")
            yield (*at, "when", "campaign", "id"), f"no campaign {name}; {advice}"
        last = index == len(document.rules) - 1
        if last and not rule.when.empty:
            yield (*at, "when"), "the last rule must match every device; remove its `when`"
        if rule.when.empty and not last:
            yield at, "this rule matches every device, so later rules have no effect; move it to the end"

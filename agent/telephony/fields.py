"""Parameters of an information response (ITU-T V.250 clause 5.4): separated by commas, strings in quotes."""

from agent.telephony.errors import MalformedAnswerError


def split_fields(content: str) -> tuple[str, ...]:
    """The parameters in order, quotes removed. Raises MalformedAnswerError where a quote is not closed or misplaced.

    >>> split_fields('0,2,"368,01",7')
    ('0', '2', '368,01', '7')
    """
    fields: list[str] = []
    rest: str | None = content.strip()
    while rest is not None:
        field, rest = _first(rest.lstrip())
        fields.append(field)
    return tuple(fields)


def _first(text: str) -> tuple[str, str | None]:
    """The first parameter, and what follows its comma if there is one."""
    if not text.startswith('"'):
        field, comma, rest = text.partition(",")
        if '"' in field:
            raise MalformedAnswerError("quote inside a parameter")
        return field.strip(), (rest if comma else None)
    field, quote, rest = text[1:].partition('"')
    rest = rest.lstrip()
    if not quote or (rest and not rest.startswith(",")):
        raise MalformedAnswerError("quote not closed")
    return field, (rest[1:] if rest else None)

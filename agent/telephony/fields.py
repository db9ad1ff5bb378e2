"""Parameters of an information response (ITU-T V.250 clause 5.4): separated by commas, strings in quotes."""

import re
from typing import Final

from agent.telephony.errors import MalformedAnswerError

# Possessive throughout: a modem that babbles spaces must not make this try every way of sharing them out.
_PARAMETER: Final = re.compile(r'\s*+(?:"([^"]*+)"\s*+|([^",]*+))(,|\Z)')


def split_fields(content: str) -> tuple[str, ...]:
    """The parameters in order, quotes removed. Raises MalformedAnswerError where a quote is not closed or misplaced.

    >>> split_fields('0,2,"368,01",7')
    ('0', '2', '368,01', '7')
    """
    fields: list[str] = []
    separator, position = ",", 0
    while separator:
        match = _PARAMETER.match(content, position)
        if match is None:
            raise MalformedAnswerError("a quote is not closed, or inside a parameter")
        text, plain, separator = match.groups()
        fields.append(plain.strip() if text is None else text)
        position = match.end()
    return tuple(fields)

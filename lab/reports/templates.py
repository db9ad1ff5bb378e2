"""The templates of HTML pages: values are escaped, and have no character that reorders or hides text."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from text_input.printable import printable


def template(package: str, name: str, filters: Mapping[str, Any] | None = None) -> Template:
    """The template `name` of `package`. A value that it uses must exist."""
    environment = Environment(
        loader=PackageLoader(package, "."), autoescape=True, undefined=StrictUndefined, finalize=_shown
    )
    environment.filters |= {"query": _query, **(filters or {})}
    return environment.get_template(name)


def _query(members: Mapping[str, str]) -> str:
    """`members` as the query of a link, with the values that the page shows."""
    return urlencode({name: printable(value) for name, value in members.items()}, quote_via=quote)


def _shown(value: object) -> object:
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value

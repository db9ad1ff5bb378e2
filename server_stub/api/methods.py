"""Which methods a resource takes (`Allow`, RFC 9110 section 10.2.1), as the OpenAPI document has it.

The framework knows the methods of one route; a resource may have several, and a path that has no parameter in it is
another resource than the one whose parameter it could be.
"""

from collections.abc import Mapping
from functools import cache
from re import Pattern

from starlette.routing import compile_path


def allowed_methods(paths: Mapping[str, Mapping[str, object]], path: str) -> str | None:
    """The value of `Allow` for `path`, None where the document does not know it."""
    known = [template for template in paths if _pattern(template).fullmatch(path)]
    if not known:
        return None
    nearest = min(known, key=lambda template: template.count("{"))
    return ", ".join(sorted(name.upper() for name in paths[nearest]))


@cache
def _pattern(template: str) -> Pattern[str]:
    return compile_path(template)[0]

"""Tokens made readable for people who watch. Nothing here verifies anything, and nothing that runs relies on it."""

import base64
import json
from typing import Any

CERTIFICATE_SHOWN = 24
"""Characters of a certificate that are worth showing."""


def token(compact: bytes) -> dict[str, Any]:
    """Header and claims of a compact JWS, unverified, with certificates cut short.

    Anything that is no such token comes back as its length alone.
    """
    segments = compact.split(b".")
    try:
        header, claims = (json.loads(_octets(segment)) for segment in segments[:2])
    except (ValueError, TypeError, RecursionError):
        return {"unreadable": len(compact)}
    if not isinstance(header, dict):
        return {"unreadable": len(compact)}
    if isinstance(header.get("x5c"), list):
        header["x5c"] = [f"{str(c)[:CERTIFICATE_SHOWN]}… ({len(str(c))} characters)" for c in header["x5c"]]
    return {"header": header, "claims": claims}


def _octets(segment: bytes) -> bytes:
    return base64.urlsafe_b64decode(segment + b"=" * (-len(segment) % 4))

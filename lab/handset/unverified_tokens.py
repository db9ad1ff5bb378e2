"""Decodes tokens for display. Nothing is verified, and nothing depends on the result."""

import json
from typing import Any

from lab.world.jose import unb64

CERTIFICATE_SHOWN = 24
"""Characters of a certificate that are shown."""


def token(compact: bytes) -> dict[str, Any]:
    """Header and claims of a compact JWS, unverified, with certificates shortened.

    Only the length if it is not a compact JWS.
    """
    segments = compact.split(b".")
    try:
        header, claims = (json.loads(unb64(segment)) for segment in segments[:2])
    except (ValueError, TypeError, RecursionError):
        return {"unreadable": len(compact)}
    if not isinstance(header, dict):
        return {"unreadable": len(compact)}
    if isinstance(header.get("x5c"), list):
        header["x5c"] = [f"{str(c)[:CERTIFICATE_SHOWN]}… ({len(str(c))} characters)" for c in header["x5c"]]
    return {"header": header, "claims": claims}

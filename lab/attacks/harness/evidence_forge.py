"""Taking evidence apart and putting it together again, as an attacker on the network or with a key of its own does."""

import base64
import json
from typing import Any

from cryptography import x509

from lab.attacks.harness.token_forge import b64, text, unb64
from server_stub.evidence.evidence_token import thumbprint


def claims_of(evidence: bytes) -> dict[str, Any]:
    """The claims."""
    claims: dict[str, Any] = json.loads(unb64(evidence.split(b".")[1]))
    return claims


def header_of(evidence: bytes) -> dict[str, Any]:
    """The header, with the chain in `x5c`."""
    header: dict[str, Any] = json.loads(unb64(evidence.split(b".")[0]))
    return header


def thumbprint_of(evidence: bytes) -> str:
    """RFC 7638 thumbprint of the key that the leaf certifies."""
    leaf = base64.b64decode(header_of(evidence)["x5c"][0])
    return thumbprint(x509.load_der_x509_certificate(leaf).public_key())


def with_claims(evidence: bytes, **changes: object) -> bytes:
    """The evidence with claims changed after it was signed; a change to None takes the claim out."""
    header, _, signature = evidence.split(b".")
    claims = {name: value for name, value in (claims_of(evidence) | changes).items() if value is not None}
    return b".".join((header, b64(text(claims)), signature))


def with_header(evidence: bytes, **changes: object) -> bytes:
    """The evidence with members of its header changed after it was signed."""
    _, payload, signature = evidence.split(b".")
    return b".".join((b64(text(header_of(evidence) | changes)), payload, signature))

"""The bounds of the wire contract. Sizes are in bytes, times in seconds."""

from typing import Final

TOKEN_MAX: Final = 32 * 1024
"""Longest compact JWS: evidence with its certificate chain.

The longest header, the 4412 characters of an ML-DSA-65 signature, and more than 4 KiB of claims fit into it.
"""

HEADER_MAX: Final = 16 * 1024
"""Longest decoded JOSE header: that of evidence, with the certificate chain, of up to 12,000 bytes of DER.

A leaf with an ML-DSA-65 key (3000) and five certificates of RSA-4096 (1500 each) fit into it.
"""

VERDICT_MAX: Final = 16 * 1024
"""Longest compact JWS that is a verdict."""

VERDICT_HEADER_MAX: Final = 256
"""Longest decoded JOSE header of a verdict: three short members."""

CLAIMS_PARTS_MAX: Final = 512
"""Most objects, arrays and commas together in the claims of evidence.

The claims with all members, two SIMs and the most faults of the modem have fewer than 300.
"""

JSON_DEPTH_MAX: Final = 8
"""Deepest nesting of objects and arrays in a header or payload."""

BODY_MAX: Final = 64 * 1024
"""Longest HTTP body that either side reads, independent of its length header."""

LIFETIME_MAX: Final = 24 * 3600
"""Longest `exp - iat` of a verdict."""

SKEW: Final = 300
"""The largest accepted difference between two correct clocks."""

TIMESTAMP_LIFETIME: Final = 86_400
"""Seconds for which a TUF timestamp is valid, at most: its expiry less this number is not after its signature."""

NONCE_LIFETIME: Final = 300
"""How long after its issue a challenge can be used."""

NONCE_MIN: Final = 8
NONCE_MAX: Final = 88
"""Length of `eat_nonce` in characters (RFC 9711 section 4.1 asks for 8 to 88)."""

TEXT_MAX: Final = 128
"""Longest free text in a claim: an operator name, a software name."""

CODE_MAX: Final = 64
"""Longest identifier in a claim: a key id, a rule, a case number."""

PARTY_MAX: Final = 256
"""Longest `iss` and `aud`."""

THUMBPRINT_LENGTH: Final = 43
"""Characters of a SHA-256 JWK thumbprint (RFC 7638) in base64url."""

ARGUMENTS_MAX: Final = 8
"""Most arguments of a catalogue message."""

CHAIN_MAX: Final = 6
"""Most certificates in `x5c`."""

SIM_SLOTS: Final = 2
"""SIM slots that evidence can describe."""

TELEPHONY_FAULTS_MAX: Final = 32
"""Most faults of the modem and the SIMs that evidence can describe."""

INTEGER_MAX: Final = 2**53 - 1
"""Largest integer that every JSON implementation keeps exact (RFC 8259 section 6)."""

DURATION_MAX: Final = 10 * 366 * 24 * 3600
"""Longest duration in a claim."""

FLOOR_STEP_MAX: Final = 2**32
"""The most by which one verdict raises the remembered `serial` and `policy.version`."""

RETRY_AFTER_MAX: Final = 24 * 3600
"""Longest wait that a server can request of a device."""

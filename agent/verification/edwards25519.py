"""Validation of Ed25519 public keys.

OpenSSL accepts any 32 bytes as a key and reduces them silently. Under a point of small order a signature over any
message can be forged, and a non-canonical encoding gives one key two names. Both are rejected when a key is read
(RFC 8032 sections 5.1.3 and 5.1.7).
"""

from typing import Final

P: Final = 2**255 - 19
"""The prime of the field."""

D: Final = -121665 * pow(121666, -1, P) % P
"""The constant of the curve: -x² + y² = 1 + d x² y²."""

_SIGN: Final = 1 << 255

Y_OF_ORDER_8: Final = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7

SMALL_ORDER_Y: Final = frozenset({0, 1, P - 1, Y_OF_ORDER_8, P - Y_OF_ORDER_8})
"""The y coordinates of the eight points whose order divides 8."""


def is_trustworthy(data: bytes) -> bool:
    """Whether `data` (32 bytes, little endian) is the canonical encoding of a curve point of large order."""
    y = int.from_bytes(data, "little") & ~_SIGN
    return y < P and y not in SMALL_ORDER_Y and is_y_of_a_point(y)


def is_y_of_a_point(y: int) -> bool:
    """Whether an x exists that satisfies the equation of the curve: x² = (y² - 1) / (d y² + 1).

    The quotient is a square if the product is one (Euler's criterion). The divisor is never 0: -1/d is not a square.
    """
    product = (y * y - 1) * (D * y * y + 1)
    return pow(product, (P - 1) // 2, P) != P - 1

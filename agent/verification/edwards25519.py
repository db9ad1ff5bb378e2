"""Which 32 octets are a public key of Ed25519 that may be trusted to identify its owner.

OpenSSL takes any 32 octets as a key and reduces them silently. A point of small order verifies a signature
over any message, and a non-canonical spelling gives one key two names, so both are refused here, when a key
is read (RFC 8032 sections 5.1.3 and 5.1.7).
"""

from typing import Final

P: Final = 2**255 - 19
"""The field's prime."""

D: Final = -121665 * pow(121666, -1, P) % P
"""The curve's constant: -x² + y² = 1 + d x² y²."""

_SIGN: Final = 1 << 255

Y_OF_ORDER_8: Final = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7

SMALL_ORDER_Y: Final = frozenset({0, 1, P - 1, Y_OF_ORDER_8, P - Y_OF_ORDER_8})
"""The y coordinates of the eight points whose order divides 8."""


def is_trustworthy(octets: bytes) -> bool:
    """Whether `octets` (32, little endian) are the canonical spelling of a curve point of large order."""
    y = int.from_bytes(octets, "little") & ~_SIGN
    return y < P and y not in SMALL_ORDER_Y and is_y_of_a_point(y)


def is_y_of_a_point(y: int) -> bool:
    """Whether some x satisfies the curve's equation with `y`: x² = (y² - 1) / (d y² + 1).

    A quotient is a square where the product is (Euler's criterion); the divisor is never 0, -1/d being no square.
    """
    product = (y * y - 1) * (D * y * y + 1)
    return pow(product, (P - 1) // 2, P) != P - 1
